// A library that a new device takes up over a bad line, in short. The long form, 500 documents of 50 MB, is in test/faults.
import { expect, it } from 'vitest'
import { takeUpLibrary } from '../support/cold-library.ts'

it('a library of 60 documents and 3 MB comes over a line that is cut again and again, and progress tells the truth', async () => {
  const line = { bytesPerSecond: 1_000_000, roundTripMs: 20, cutEveryMs: 700 }
  const report = await takeUpLibrary({ documents: 60, bytes: 3_000_000, line, killsAtLeft: [50, 30, 10] })
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report.cuts).toBeGreaterThan(2)
}, 120_000)
