// When to sync without being asked: on an interval with jitter, and a while after an edit. Clock, timers and chance come
// in from outside; what it starts is one function.
import type { Schedule } from '../options.ts'
import type { Platform, Timer } from '../platform.ts'

export interface RunOutcome {
  readonly failed: boolean
  /** Milliseconds to leave the relays alone; 0: no wish. */
  readonly retryAfterMs: number
}

export interface SchedulerOptions {
  readonly schedule: Required<Schedule>
  readonly platform: Platform
  run(): Promise<RunOutcome>
}

const JITTER = 0.1
const BACKOFF_MS_MAX = 5 * 60_000
/** No relay is obeyed for longer. */
const RETRY_AFTER_MS_MAX = 60 * 60_000
/** A longer timer fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class Scheduler {
  readonly #options: SchedulerOptions
  #timer: Timer | null = null
  /** Next run of the interval. */
  #intervalAt: number
  /** Since the newest run began. */
  #oldestEditAt: number | null = null
  #newestEditAt = 0
  #notBefore = 0
  /** When the clock was last looked at. */
  #lastNow: number
  #failures = 0
  #isRunning = false
  #isStopped = false

  /** The first run comes at once. */
  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#lastNow = options.platform.now()
    this.#intervalAt = this.#lastNow
    this.#arm()
  }

  edited(): void {
    this.#newestEditAt = this.#now()
    this.#oldestEditAt ??= this.#newestEditAt
    this.#arm()
  }

  stop(): void {
    this.#isStopped = true
    this.#disarm()
  }

  #arm(): void {
    this.#disarm()
    if (this.#isRunning || this.#isStopped) return
    const nowMs = this.#now()
    const dueAt = Math.max(this.#notBefore, Math.min(this.#intervalAt, this.#editsDueAt()))
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, dueAt - nowMs))
    this.#timer = this.#options.platform.setTimeout(() => void this.#run(), delayMs)
  }

  /** A clock that was set back takes with it what was planned by it: else the next run may be a day away. */
  #now(): number {
    const nowMs = this.#options.platform.now()
    const setBackMs = Math.max(0, this.#lastNow - nowMs)
    this.#lastNow = nowMs
    this.#intervalAt -= setBackMs
    this.#notBefore -= setBackMs
    this.#newestEditAt -= setBackMs
    if (this.#oldestEditAt !== null) this.#oldestEditAt -= setBackMs
    return nowMs
  }

  #editsDueAt(): number {
    const { afterEditMs, longestWaitMs } = this.#options.schedule
    if (this.#oldestEditAt === null) return Number.POSITIVE_INFINITY
    return Math.min(this.#newestEditAt + afterEditMs, this.#oldestEditAt + longestWaitMs)
  }

  #disarm(): void {
    if (this.#timer !== null) this.#options.platform.clearTimeout(this.#timer)
    this.#timer = null
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    this.#oldestEditAt = null
    const outcome = await this.#options.run()
    this.#isRunning = false
    const { platform, schedule } = this.#options
    const nowMs = this.#now()
    this.#failures = outcome.failed ? this.#failures + 1 : 0
    this.#intervalAt = nowMs + schedule.everyMs * (1 + JITTER * (2 * platform.random() - 1))
    // Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), from the debounce's length upwards.
    const ceilingMs = Math.min(BACKOFF_MS_MAX, schedule.afterEditMs * 2 ** this.#failures)
    const backoffMs = outcome.failed ? platform.random() * ceilingMs : 0
    this.#notBefore = nowMs + Math.max(Math.min(outcome.retryAfterMs, RETRY_AFTER_MS_MAX), backoffMs)
    if (outcome.failed)
      this.#intervalAt = Math.min(this.#intervalAt, Math.max(this.#notBefore, nowMs + schedule.afterEditMs))
    this.#arm()
  }
}
