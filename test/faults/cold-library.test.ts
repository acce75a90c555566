// A new device takes up 500 documents of 50 MB over a line of 100 ms and 1 MB/s that is cut every two seconds, and is killed
// twice meanwhile.
import { expect, it } from 'vitest'
import { takeUpLibrary } from '../support/cold-library.ts'

it('a library of 500 documents and 50 MB', async () => {
  const line = { bytesPerSecond: 1_000_000, roundTripMs: 100, cutEveryMs: 2_000 }
  const report = await takeUpLibrary({ documents: 500, bytes: 50_000_000, line, killsAtLeft: [350, 150] })
  process.stdout.write(`${JSON.stringify(report)}\n`)
  expect(report.cuts).toBeGreaterThan(20)
}, 1_200_000)
