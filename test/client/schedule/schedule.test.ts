import { describe, expect, it } from 'vitest'
import { platformOf } from '../../../client/src/platform.ts'
import { Scheduler } from '../../../client/src/schedule/schedule.ts'
import type { BurstOutcome } from '../../../client/src/schedule/turn.ts'
import { VirtualTime } from '../../support/virtual-time.ts'

const OK: BurstOutcome = { result: 'synced', retryAfterMs: 0 }
const FAILED: BurstOutcome = { result: 'failed', retryAfterMs: 0 }

/** A schedule of one relay, or of two of which the second never fails. */
class Started {
  readonly time = new VirtualTime()
  readonly scheduler: Scheduler
  /** Milliseconds since the start at which the first relay was met, and the second. */
  readonly runsAt: number[] = []
  readonly secondAt: number[] = []
  /** Ends the first relay's burst under way, where `isSlow`. */
  endBurst: () => void = () => undefined
  #wake: (() => void) | null = null
  readonly #startMs = this.time.nowMs

  constructor(outcomes: BurstOutcome[] = [], options: { random?: number; relays?: string[]; isSlow?: boolean } = {}) {
    const { random = 0.5, relays = ['first'], isSlow = false } = options
    this.scheduler = new Scheduler({
      schedule: { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 },
      platform: platformOf({
        ...this.time.platform,
        // Jitter and backoff at their middle, so that times are round.
        random: () => random,
        onWake: (wake) => {
          this.#wake = wake
          return () => {
            this.#wake = null
          }
        },
      }),
      relays,
      run: (due) => {
        const ended = this.scheduler.begin(due)
        if (due.includes('second')) {
          this.secondAt.push(this.#sinceStart())
          ended('second', OK)
        }
        if (!due.includes('first')) return
        this.runsAt.push(this.#sinceStart())
        this.endBurst = () => ended('first', outcomes.shift() ?? OK)
        if (!isSlow) this.endBurst()
      },
    })
  }

  /** The network comes back, or the page is looked at. */
  wake(): void {
    this.#wake?.()
  }

  get listensForWakes(): boolean {
    return this.#wake !== null
  }

  #sinceStart(): number {
    return this.time.nowMs - this.#startMs
  }
}

function started(...options: ConstructorParameters<typeof Started>): Started {
  return new Started(...options)
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
      const { time, runsAt } = started([], { random })
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
    const { time, runsAt, scheduler } = started([{ result: 'failed', retryAfterMs: 50_000 }])
    await time.pass(10)
    scheduler.edited()
    await time.pass(60_000)
    expect(runsAt[1]).toBeGreaterThanOrEqual(50_000)
  })

  it('comes back when the relay asked to, though nothing failed', async () => {
    const started = new Started([{ result: 'synced', retryAfterMs: 7_000 }])
    await started.time.pass(40_000)
    expect(started.runsAt).toEqual([0, 7_000, 37_000])
  })

  it('spreads those that a relay asked to come back later', async () => {
    const at = [0, 0.9].map(async (random) => {
      const started = new Started([{ result: 'failed', retryAfterMs: 50_000 }], { random })
      await started.time.pass(60_000)
      return started.runsAt[1]
    })
    expect(await Promise.all(at)).toEqual([50_000, 53_600])
  })

  it('runs nothing after stop, and listens no longer', async () => {
    const started = new Started()
    await started.time.pass(10)
    started.scheduler.edited()
    expect(started.listensForWakes).toBe(true)
    started.scheduler.stop()
    expect(started.listensForWakes).toBe(false)
    await started.time.pass(100_000)
    expect(started.runsAt).toEqual([0])
  })
})

describe('the network or the app wakes', () => {
  it('a burst comes at once, however often it had failed, and backs off anew', async () => {
    const started = new Started(Array.from({ length: 20 }, () => FAILED))
    await started.time.pass(200_000)
    const before = started.runsAt.length
    started.wake()
    await started.time.pass(7_000)
    expect(started.runsAt.slice(before)).toEqual([200_000, 202_000, 206_000])
  })

  it('during a burst: another follows, since the first may have begun without a network', async () => {
    const started = new Started([FAILED, OK], { isSlow: true })
    await started.time.pass(1_000)
    started.wake()
    await started.time.pass(1_000)
    expect(started.runsAt).toEqual([0])
    started.endBurst()
    await started.time.pass(0)
    expect(started.runsAt).toEqual([0, 2_000])
  })

  it('but never sooner than the relay asked', async () => {
    const started = new Started([{ result: 'failed', retryAfterMs: 50_000 }])
    await started.time.pass(10_000)
    started.wake()
    await started.time.pass(60_000)
    expect(started.runsAt[1]).toBe(50_000)
  })
})

describe('a burst that the app asks for', () => {
  const begin = ({ scheduler }: Started) => {
    const ended = scheduler.begin(['first'])
    return (result: BurstOutcome['result'], retryAfterMs = 0) => ended('first', { result, retryAfterMs })
  }

  it('takes the backoff away when it succeeds, and with it the edits that waited', async () => {
    const started = new Started([FAILED, FAILED, FAILED, FAILED, FAILED, FAILED])
    await started.time.pass(40_000)
    const before = started.runsAt.length
    started.scheduler.edited()
    begin(started)('synced')
    await started.time.pass(29_999)
    expect(started.runsAt).toHaveLength(before)
    await started.time.pass(1)
    expect(started.runsAt.slice(before)).toEqual([70_000])
    await started.time.pass(3_000)
    // It fails again, and backs off as if for the first time.
    expect(started.runsAt.slice(before)).toEqual([70_000, 72_000])
  })

  it('leaves the edits to the schedule that it did not carry', async () => {
    for (const result of ['partial', 'unfinished'] as const) {
      const started = new Started()
      await started.time.pass(1_000)
      started.scheduler.edited()
      const ended = begin(started)
      await started.time.pass(5_000)
      ended(result)
      await started.time.pass(0)
      expect(started.runsAt, result).toEqual([0, 6_000])
    }
  })

  it('keeps the schedule waiting while it is under way, and as long as the relay then asks', async () => {
    const started = new Started()
    await started.time.pass(1_000)
    const ended = begin(started)
    started.scheduler.edited()
    await started.time.pass(60_000)
    expect(started.runsAt).toEqual([0])
    ended('failed', 20_000)
    await started.time.pass(60_000)
    expect(started.runsAt[1]).toBe(83_000)
  })
})

describe('of two relays', () => {
  const both = { relays: ['first', 'second'] }

  it('both are met together', async () => {
    const started = new Started([], both)
    await started.time.pass(15_000)
    started.scheduler.edited()
    await started.time.pass(50_000)
    expect(started.runsAt).toEqual([0, 17_000, 47_000])
    expect(started.secondAt).toEqual(started.runsAt)
  })

  it('one that fails, or wants to be left alone, does not keep the edits from the other', async () => {
    for (const outcome of [FAILED, { result: 'failed', retryAfterMs: 60_000 }] as const) {
      const started = new Started(
        Array.from({ length: 9 }, () => outcome),
        both,
      )
      await started.time.pass(100_000)
      const calls = started.runsAt.length
      started.scheduler.edited()
      await started.time.pass(2_000)
      expect(started.secondAt.at(-1)).toBe(102_000)
      expect(started.runsAt).toHaveLength(calls)
    }
  })

  it('one that is slow does not keep the edits from the other, nor from itself when it is done', async () => {
    const started = new Started([], { ...both, isSlow: true })
    const { time, scheduler } = started
    await time.pass(5_000)
    scheduler.edited()
    await time.pass(10_000)
    scheduler.edited()
    await time.pass(5_000)
    started.endBurst()
    await time.pass(1_000)
    expect(started.secondAt).toEqual([0, 7_000, 17_000])
    expect(started.runsAt).toEqual([0, 20_000])
  })

  it('that began together come together, though one took longer', async () => {
    const started = new Started([], { ...both, isSlow: true })
    await started.time.pass(5_000)
    started.endBurst()
    await started.time.pass(26_000)
    expect(started.runsAt).toEqual([0, 30_000])
    expect(started.secondAt).toEqual(started.runsAt)
  })
})
