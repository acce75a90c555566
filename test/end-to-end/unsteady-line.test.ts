import { expect, it } from 'vitest'
import { burstOverUnsteadyLine } from '../support/unsteady-line.ts'

it('lines that are reset ten times a second while devices burst: everything arrives, nothing is lost or stored twice', async () => {
  const report = await burstOverUnsteadyLine({ resetEveryMs: 100, durationMs: 4_000, documents: 3 })
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report).toMatchObject({ editsLost: 0, editsStoredTwice: 0 })
  expect(report.burstsCut).toBeGreaterThan(5)
}, 60_000)
