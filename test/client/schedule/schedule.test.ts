import { describe, expect, it } from 'vitest'
import { platformOf } from '../../../client/src/platform.ts'
import { type RunOutcome, Scheduler } from '../../../client/src/schedule/schedule.ts'
import { VirtualTime } from '../../support/virtual-time.ts'

const OK: RunOutcome = { failed: false, retryAfterMs: 0 }
const FAILED: RunOutcome = { failed: true, retryAfterMs: 0 }

/** Jitter and backoff at their middle, so that times are round. */
function started(
  outcomes: RunOutcome[] = [],
  random = 0.5,
): { time: VirtualTime; runsAt: number[]; scheduler: Scheduler } {
  const time = new VirtualTime()
  const runsAt: number[] = []
  const startMs = time.nowMs
  const scheduler = new Scheduler({
    schedule: { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 },
    platform: platformOf({
      now: () => time.now(),
      setTimeout: (ring, delayMs) => time.setTimeout(ring, delayMs),
      clearTimeout: (alarm) => time.clearTimeout(alarm),
      random: () => random,
    }),
    run: async () => {
      runsAt.push(time.nowMs - startMs)
      return outcomes.shift() ?? OK
    },
  })
  return { time, runsAt, scheduler }
}

describe('the schedule', () => {
  it('runs at once, then on its interval', async () => {
    const { time, runsAt } = started()
    await time.pass(95_000)
    expect(runsAt).toEqual([0, 30_000, 60_000, 90_000])
  })

  it('jitters the interval by a tenth', async () => {
    for (const [random, at] of [
      [0, 27_000],
      [0.999_999, 32_999],
    ] as const) {
      const { time, runsAt } = started([], random)
      await time.pass(40_000)
      expect(Math.floor(runsAt[1]!)).toBe(at)
    }
  })

  it('runs a while after the newest edit', async () => {
    const { time, runsAt, scheduler } = started()
    await time.pass(5_000)
    scheduler.edited()
    await time.pass(1_500)
    scheduler.edited()
    await time.pass(4_000)
    expect(runsAt).toEqual([0, 8_500])
  })

  it('does not wait for a writer who never pauses', async () => {
    const { time, runsAt, scheduler } = started()
    await time.pass(1_000)
    for (let i = 0; i < 25; i++) {
      scheduler.edited()
      await time.pass(1_000)
    }
    expect(runsAt.slice(0, 3)).toEqual([0, 11_000, 21_000])
  })

  it('backs off after failures, further each time, and recovers', async () => {
    const { time, runsAt } = started([FAILED, FAILED, FAILED, FAILED, OK])
    await time.pass(40_000)
    const waits = runsAt.slice(1).map((at, i) => at - runsAt[i]!)
    expect(waits.slice(0, 4)).toEqual([2_000, 4_000, 8_000, 16_000])
  })

  it('never comes back sooner than it was asked to, whatever is typed', async () => {
    const { time, runsAt, scheduler } = started([{ failed: true, retryAfterMs: 50_000 }])
    await time.pass(10)
    scheduler.edited()
    await time.pass(60_000)
    expect(runsAt[1]).toBeGreaterThanOrEqual(50_000)
  })

  it('runs nothing after stop', async () => {
    const { time, runsAt, scheduler } = started()
    await time.pass(10)
    scheduler.edited()
    scheduler.stop()
    await time.pass(100_000)
    expect(runsAt).toEqual([0])
  })
})
