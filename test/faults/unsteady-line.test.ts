import { expect, it } from 'vitest'
import { burstOverUnsteadyLine } from '../support/unsteady-line.ts'

it('lines that are reset every two seconds for a minute: everything arrives, nothing is lost or stored twice', async () => {
  const report = await burstOverUnsteadyLine({ resetEveryMs: 2_000, durationMs: 60_000, documents: 30 })
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report).toMatchObject({ editsLost: 0, editsStoredTwice: 0 })
  expect(report.resets).toBeGreaterThan(25)
  expect(report.burstsCut).toBeGreaterThan(10)
})
