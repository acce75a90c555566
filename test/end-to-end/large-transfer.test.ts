// Case 18 in short: a payload of many pieces over a line that is cut all the time, both ways and over both carriers. The long
// form, 200 MB, is in test/faults.
import { describe, expect, it } from 'vitest'
import { transferLarge } from '../support/large-transfer.ts'

const MIB = 1024 * 1024

describe('case 18: a large payload over a line that is cut again and again', () => {
  it.each(['websocket', 'http'] as const)(
    'goes up and comes down over %s, and is not sent twice',
    async (carrier) => {
      const line = { bytesPerSecond: 2 * MIB, roundTripMs: 20, cutEveryMs: 1_000 }
      const report = await transferLarge({ carrier, bytes: 8 * MIB, line, hasMetCut: true, timeLimitMs: 60_000 })
      process.stdout.write(`${JSON.stringify(report)}\n`)
      for (const way of [report.push, report.pull]) {
        expect(way.cuts).toBeGreaterThan(2)
        expect(way.sentTwice).toBeLessThanOrEqual(0.05)
        expect(way.overhead).toBeLessThan(0.08)
      }
      expect(report.relayPeakMiB).toBeLessThan(128)
    },
    120_000,
  )
})
