// A clock that is set by a day while the schedule runs: it goes on as if nothing had happened, or sooner.
import { describe, expect, it } from 'vitest'
import { platformOf } from '../../../client/src/platform.ts'
import { Scheduler } from '../../../client/src/schedule/schedule.ts'
import type { BurstOutcome } from '../../../client/src/schedule/turn.ts'
import { VirtualTime } from '../../support/virtual-time.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const OK: BurstOutcome = { result: 'synced', retryAfterMs: 0 }
const FAILED: BurstOutcome = { result: 'failed', retryAfterMs: 0 }

/** Runs at seconds since the start, by no clock that is set. */
function started(outcomes: BurstOutcome[] = []): { time: VirtualTime; runsAt: number[]; scheduler: Scheduler } {
  const time = new VirtualTime()
  const startMs = time.nowMs
  const runsAt: number[] = []
  const scheduler = new Scheduler({
    schedule: { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 },
    platform: platformOf({
      ...time.platform,
      random: () => 0.5,
    }),
    relays: ['relay'],
    run: (due) => {
      runsAt.push((time.nowMs - startMs) / 1000)
      scheduler.begin(due)('relay', outcomes.shift() ?? OK)
    },
  })
  return { time, runsAt, scheduler }
}

describe.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])('a clock that is set %s by a day', (_way, byMs) => {
  it('changes nothing of the interval', async () => {
    const { time, runsAt } = started()
    await time.pass(10_000)
    time.clockSetByMs += byMs
    await time.pass(85_000)
    expect(runsAt).toEqual([0, 30, 60, 90])
  })

  it('delays no edit, and none that was made before', async () => {
    const { time, runsAt, scheduler } = started()
    await time.pass(5_000)
    scheduler.edited()
    await time.pass(1_000)
    time.clockSetByMs += byMs
    await time.pass(5_000)
    scheduler.edited()
    await time.pass(10_000)
    expect(runsAt).toEqual([0, 7, 13])
  })

  it('keeps nobody waiting who types without a pause', async () => {
    const { time, runsAt, scheduler } = started()
    await time.pass(1_000)
    for (let second = 0; second < 25; second++) {
      if (second === 4) time.clockSetByMs += byMs
      scheduler.edited()
      await time.pass(1_000)
    }
    // Forward: what was waiting comes at once, and then every ten seconds. Back: a little is forgotten of how long it waited.
    expect(runsAt[1]).toBeLessThanOrEqual(12)
    expect((runsAt[2] ?? 0) - (runsAt[1] ?? 0)).toBeLessThanOrEqual(11)
  })

  it('lets nobody who failed wait longer than the backoff', async () => {
    const { time, runsAt, scheduler } = started([FAILED, FAILED, FAILED, OK])
    await time.pass(3_000)
    time.clockSetByMs += byMs
    await time.pass(1_000)
    scheduler.edited()
    await time.pass(60_000)
    expect(runsAt.length).toBeGreaterThanOrEqual(5)
    expect(Math.max(...runsAt.slice(1).map((at, i) => at - (runsAt[i] ?? 0)))).toBeLessThanOrEqual(33)
  })
})
