// When one relay is to be met next: its interval, the edits that wait for it, and how long it is to be left alone.
// Pure state: is told the time and the chance, and sets no timer.
import type { Schedule } from '../options.ts'
import { retryAfterOf } from '../retry-after.ts'

/**
 * synced: with all there was. partial: of only some documents, and they synced. unfinished: the app stopped it, which says
 * nothing about the relay. cut: the line was, after something had come further. failed: a later burst may succeed.
 */
export type BurstResult = 'synced' | 'partial' | 'unfinished' | 'cut' | 'failed'

export interface BurstOutcome {
  readonly result: BurstResult
  /** Milliseconds to leave the relay alone; 0: no wish. */
  readonly retryAfterMs: number
}

const JITTER = 0.1
const BACKOFF_MS_MAX = 5 * 60_000
/** Clocks may stand before 1970. */
const LONG_AGO = Number.NEGATIVE_INFINITY

export class Turn {
  readonly #schedule: Required<Schedule>
  /** Next run of the interval. */
  #intervalAt: number
  /** Since the newest burst began. */
  #oldestEditAt: number | null = null
  #newestEditAt = 0
  /** The oldest edit of those that the burst under way took on. */
  #oldestTaken: number | null = null
  #retryAfterUntil: number = LONG_AGO
  #backoffUntil: number = LONG_AGO
  #failures = 0
  /** Times in a row that the relay asked for this device to come back. */
  #returns = 0
  #isWoken = false
  /** Also those that wait for the one before. */
  #burstsUnderWay = 0
  /** When the newest burst began. */
  #beganAt = LONG_AGO

  constructor(schedule: Required<Schedule>, nowMs: number) {
    this.#schedule = schedule
    this.#intervalAt = nowMs
  }

  /** Never while a burst is under way. */
  get dueAt(): number {
    if (this.#burstsUnderWay > 0) return Number.POSITIVE_INFINITY
    return Math.max(this.#retryAfterUntil, this.#backoffUntil, Math.min(this.#intervalAt, this.#editsDueAt))
  }

  get #editsDueAt(): number {
    const { afterEditMs, longestWaitMs } = this.#schedule
    if (this.#oldestEditAt === null) return Number.POSITIVE_INFINITY
    return Math.min(this.#newestEditAt + afterEditMs, this.#oldestEditAt + longestWaitMs)
  }

  edited(nowMs: number): void {
    this.#newestEditAt = nowMs
    this.#oldestEditAt ??= nowMs
  }

  /** Whatever failed before may succeed now; only what the relay asked for still holds. */
  wake(nowMs: number): void {
    this.#isWoken = true
    this.#intervalAt = nowMs
    this.#backoffUntil = LONG_AGO
    this.#failures = 0
  }

  /** What was planned by a clock that has been set back. */
  setBack(byMs: number): void {
    this.#intervalAt -= byMs
    this.#newestEditAt -= byMs
    this.#retryAfterUntil -= byMs
    this.#backoffUntil -= byMs
    this.#beganAt -= byMs
    if (this.#oldestEditAt !== null) this.#oldestEditAt -= byMs
    if (this.#oldestTaken !== null) this.#oldestTaken -= byMs
  }

  begin(nowMs: number): void {
    this.#burstsUnderWay++
    this.#beganAt = nowMs
    this.#isWoken = false
    this.#oldestTaken ??= this.#oldestEditAt
    this.#oldestEditAt = null
  }

  /** @param intervalChance 0 to below 1, the same for all that began together, so that they stay together */
  ended({ result, retryAfterMs }: BurstOutcome, nowMs: number, intervalChance: number, backoffChance: number): void {
    const { everyMs, afterEditMs } = this.#schedule
    this.#burstsUnderWay--
    this.#retryAfterUntil = Math.max(this.#retryAfterUntil, nowMs + retryAfterOf(retryAfterMs))
    if (result === 'partial' || result === 'unfinished') this.#oldestEditAt = this.#oldestTaken ?? this.#oldestEditAt
    this.#oldestTaken = null
    if (result === 'unfinished') return
    this.#failures = result === 'failed' ? this.#failures + 1 : 0
    this.#returns = retryAfterMs > 0 ? this.#returns + 1 : 0
    this.#backoffUntil = LONG_AGO
    const intervalMs = everyMs * (1 + JITTER * (2 * intervalChance - 1))
    if (result !== 'partial') this.#intervalAt = Math.max(nowMs + afterEditMs, this.#beganAt + intervalMs)
    const mayReturnAt = Math.max(nowMs, this.#retryAfterUntil)
    if (result === 'failed' || result === 'cut') {
      // Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), from the debounce's length upwards, and
      // beyond what the relay asked: it asks all devices the same. After a cut, up to it.
      this.#backoffUntil = mayReturnAt + backoffChance * Math.min(BACKOFF_MS_MAX, afterEditMs * 2 ** this.#failures)
      const soonest = result === 'failed' ? nowMs + afterEditMs : nowMs
      this.#intervalAt = Math.min(this.#intervalAt, Math.max(this.#backoffUntil, soonest))
    } else if (retryAfterMs > 0) {
      // It is expected then; but not ever again, by a relay that never has enough.
      const soonest = nowMs + Math.min(BACKOFF_MS_MAX, everyMs, afterEditMs * 2 ** (this.#returns - 1))
      this.#intervalAt = Math.min(this.#intervalAt, Math.max(mayReturnAt, soonest))
    }
    if (this.#isWoken) this.wake(nowMs) // What ended may have begun before the network was there again.
  }
}
