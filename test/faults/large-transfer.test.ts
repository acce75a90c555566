// Case 18: 200 MB pushed and pulled over a line of 100 ms and 1 MB/s that is cut every two seconds, over both carriers.
import { expect, it } from 'vitest'
import { transferLarge } from '../support/large-transfer.ts'

const MEGABYTE = 1_000_000

it.each(['websocket', 'http'] as const)(
  'case 18: 200 MB over %s',
  async (carrier) => {
    const line = { bytesPerSecond: MEGABYTE, roundTripMs: 100, cutEveryMs: 2_000 }
    const bytes = 200 * MEGABYTE
    const report = await transferLarge({ carrier, bytes, line, hasMetCut: false, timeLimitMs: 3_000_000 })
    process.stdout.write(`${JSON.stringify(report)}\n`)
    for (const way of [report.push, report.pull]) {
      expect(way.sentTwice).toBeLessThanOrEqual(0.05)
      expect(way.overhead).toBeLessThan(0.08)
    }
    // The payload passes a relay in pieces. A device has Yjs encode it whole, and here there are two, and what they are to have.
    expect(report.relayPeakMiB).toBeLessThan(128)
    expect(report.devicePeakMiB).toBeLessThan(2_304)
  },
  6_000_000,
)
