// Times that a relay asks for, however absurd: the schedule neither spins nor sleeps for ever, and counts with no number that
// a timer cannot.
import { describe, expect, it } from 'vitest'
import { platformOf } from '../../client/src/platform.ts'
import { Scheduler } from '../../client/src/schedule/schedule.ts'
import type { BurstOutcome } from '../../client/src/schedule/turn.ts'
import { inPlaceOf, type Liar, LyingRelay } from '../support/lying-relay.ts'
import { VirtualTime } from '../support/virtual-time.ts'
import { World } from '../support/world.ts'

const MOST = 2 ** 53 - 1
const HOUR_MS = 60 * 60_000
const SCHEDULE = { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 }

/** When bursts began within so long, in milliseconds from the beginning on, and for how long timers were set. */
async function runsOf(
  outcome: BurstOutcome,
  forMs: number,
): Promise<{ readonly runs: readonly number[]; readonly delays: readonly number[] }> {
  const time = new VirtualTime()
  const startMs = time.nowMs
  const runs: number[] = []
  const delays: number[] = []
  const scheduler = new Scheduler({
    schedule: SCHEDULE,
    platform: platformOf({
      ...time.platform,
      random: () => 0.5,
      setTimeout: (ring, delayMs) => {
        delays.push(delayMs)
        return time.setTimeout(ring, delayMs)
      },
    }),
    relays: ['relay'],
    run: (due) => {
      runs.push(time.nowMs - startMs)
      // A schedule that spins would keep this test from ending.
      if (runs.length > 1_000) scheduler.stop()
      scheduler.begin(due)('relay', outcome)
    },
  })
  await time.pass(forMs)
  scheduler.stop()
  return { runs, delays }
}

describe('a relay that asks to be met again', () => {
  it.each([1, 0.1, 1_000])(
    'in %d ms, always: soon once, and then no more often than the interval',
    async (retryAfterMs) => {
      const { runs } = await runsOf({ result: 'synced', retryAfterMs }, 10 * 60_000)
      expect(runs[1]).toBeLessThanOrEqual(2_000)
      expect(runs.length).toBeLessThanOrEqual(10 * 2 + 5)
    },
  )

  it.each([MOST, Number.POSITIVE_INFINITY, 2 ** 31])(
    'in %d ms: after an hour, by timers that can be set',
    async (retryAfterMs) => {
      for (const result of ['synced', 'failed', 'cut'] as const) {
        const { runs, delays } = await runsOf({ result, retryAfterMs }, 3 * HOUR_MS)
        expect(runs.length).toBeGreaterThanOrEqual(3)
        expect(runs.length).toBeLessThanOrEqual(4)
        for (const delay of delays) expect(delay >= 0 && delay < 2 ** 31).toBe(true)
      }
    },
  )
})

describe('a device on a schedule', () => {
  const LIES: readonly (readonly [string, Liar])[] = [
    ['the turn in 1 ms', inPlaceOf('OPENED', (frame) => [{ ...frame, status: 'RESET', turn: 'WAIT', turnWaitMs: 1 }])],
    ['the end of a round in 1 ms', inPlaceOf('DONE', (frame) => [{ ...frame, returnAfterMs: 1 }])],
    [
      'a fresh token',
      inPlaceOf('WELCOME', () => {
        return [{ type: 'ERROR', channel: 0, code: 'TOKEN', retryable: true, retryAfterMs: 0, message: 'no' }]
      }),
    ],
    ['nothing, and hangs up', inPlaceOf('WELCOME', () => [])],
  ]

  it.each(LIES)(
    'that is promised %s for ever does not hammer the relay, nor its app for tokens',
    async (_name, liar) => {
      const time = new VirtualTime()
      const relay = new LyingRelay(new World(), 'websocket')
      let asked = 0
      const token = (): string => {
        asked++
        return 'alice/*:delete'
      }
      const first = relay.device()
      await first.burst(1, 'before ')
      await first.tidemark.close()
      relay.liar = liar
      const device = relay.device({ schedule: SCHEDULE, token, platform: time.platform }, first.disk)
      await device.type('mine ')
      relay.heard.length = 0
      await time.pass(HOUR_MS)
      expect(asked).toBeLessThanOrEqual(200)
      expect(relay.heard.length).toBeLessThanOrEqual(300)
      relay.liar = null
      expect(await device.sync()).toMatchObject({ complete: true })
      await device.tidemark.close()
    },
    20_000,
  )
})
