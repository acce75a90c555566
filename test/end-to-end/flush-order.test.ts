import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { describe, expect } from 'vitest'
import { type Call, checkFlushOrder, parseTrace, STRACE_OPTIONS } from '../support/flush-order.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { itRequiring, missingProgram } from '../support/requirement.ts'

const DELAY_MS = 30
const BURSTS = 12

const itWithStrace = itRequiring(missingProgram('strace', ['-o', '/dev/null', 'true']))

describe('an fdatasync that takes 30 ms longer', () => {
  itWithStrace(
    'lets no ACK out before it has returned',
    async () => {
      const directory = mkdtempSync(join(tmpdir(), 'tidemark-strace-'))
      const trace = join(directory, 'trace')
      const delay = ['-e', `inject=fdatasync:delay_enter=${DELAY_MS * 1000}`]
      const relay = new RelayProcess(['strace', ...STRACE_OPTIONS, ...delay, '-o', trace])
      await relay.start()
      const token = await relay.token()
      const devices = [0, 1, 2].map(
        () => new Tidemark({ store: memoryStore(), relays: [relay.url], token, schedule: false }),
      )
      for (let burst = 0; burst < BURSTS; burst++) {
        await Promise.all(
          devices.map(async (device, i) => {
            const { doc } = await device.open(`alice/${i}`)
            doc.getText('t').insert(0, `burst ${burst} of device ${i}. `)
            const startedAt = performance.now()
            expect((await device.sync()).complete).toBe(true)
            // Order, not speed: whoever answers sooner did not wait for the disk.
            expect(performance.now() - startedAt).toBeGreaterThan(DELAY_MS)
          }),
        )
      }
      await Promise.all(devices.map((device) => device.close()))
      await relay.stop()
      const calls = parseTrace(readFileSync(trace, 'latin1'))
      rmSync(directory, { recursive: true })
      expect(checkFlushOrder(calls)).toEqual({ acknowledgements: devices.length * BURSTS, violations: [] })
      // The check can fail: with every flush an instant too long, each ACK comes too early.
      expect(checkFlushOrder(calls.map(endlessFlush)).violations).toHaveLength(devices.length * BURSTS)
    },
    90_000,
  )
})

function endlessFlush(call: Call): Call {
  return call.name === 'fdatasync' || call.name === 'fsync' ? { ...call, endedAt: Number.POSITIVE_INFINITY } : call
}
