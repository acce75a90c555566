// When to sync without being asked: on an interval with jitter, a while after an edit, and at once when the app or the
// network wakes. Clock, timers and chance come in from outside; what it starts is one function.
import type { Schedule } from '../options.ts'
import type { Platform, Timer } from '../platform.ts'
import { type BurstOutcome, Turn } from './turn.ts'

/** What came of the burst with this relay. */
export type BurstEnded = (relay: string, outcome: BurstOutcome) => void

export interface SchedulerOptions {
  readonly schedule: Required<Schedule>
  readonly platform: Platform
  /** One at least. */
  readonly relays: readonly string[]
  /** Has a burst of all documents with each of these relays `begin` at once. */
  run(relays: readonly string[]): void
}

/** A longer timer fires at once. */
const TIMER_MS_MAX = 2 ** 31 - 1

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #turns: ReadonlyMap<string, Turn>
  readonly #forgetWakes: () => void
  #timer: Timer | null = null
  /** What the timer was set for. */
  #ringsAt = 0
  /** When the clock was last looked at. */
  #lastNow: number
  #isStopped = false

  /** The first run comes at once. */
  constructor(options: SchedulerOptions) {
    const { platform, relays, schedule } = options
    this.#options = options
    this.#lastNow = platform.now()
    this.#turns = new Map(relays.map((relay) => [relay, new Turn(schedule, this.#lastNow)]))
    this.#forgetWakes = platform.onWake?.(() => this.wake()) ?? (() => undefined)
    this.#arm()
  }

  edited(): void {
    const nowMs = this.#now()
    for (const turn of this.#turns.values()) turn.edited(nowMs)
    this.#arm()
  }

  /**
   * A burst with each of these relays begins, which the app asked for or which was due: none other with it is started meanwhile.
   * @returns to be called once for each
   */
  begin(relays: readonly string[]): BurstEnded {
    const { random } = this.#options.platform
    const beganMs = this.#now()
    const intervalChance = random()
    for (const relay of relays) this.#turns.get(relay)?.begin(beganMs)
    this.#arm()
    return (relay, outcome) => {
      this.#turns.get(relay)?.ended(outcome, this.#now(), intervalChance, random())
      this.#arm()
    }
  }

  /** The network came back, or the app became visible. */
  wake(): void {
    const nowMs = this.#now()
    for (const turn of this.#turns.values()) turn.wake(nowMs)
    this.#arm()
  }

  stop(): void {
    this.#isStopped = true
    this.#forgetWakes()
    this.#disarm()
  }

  #arm(): void {
    this.#disarm()
    const nowMs = this.#now()
    const dueAt = Math.min(...[...this.#turns.values()].map((turn) => turn.dueAt))
    if (this.#isStopped || dueAt === Number.POSITIVE_INFINITY) return
    const delayMs = Math.min(TIMER_MS_MAX, Math.max(0, dueAt - nowMs))
    this.#ringsAt = nowMs + delayMs
    this.#timer = this.#options.platform.setTimeout(() => this.#run(), delayMs)
  }

  /** A clock that was set back takes with it what was planned by it: else the next run may be a day away. */
  #now(): number {
    const nowMs = this.#options.platform.now()
    const setBackMs = Math.max(0, this.#lastNow - nowMs)
    this.#lastNow = nowMs
    if (setBackMs > 0) for (const turn of this.#turns.values()) turn.setBack(setBackMs)
    return nowMs
  }

  #disarm(): void {
    if (this.#timer !== null) this.#options.platform.clearTimeout(this.#timer)
    this.#timer = null
  }

  #run(): void {
    // Not by the clock alone: it may have been set back since.
    const untilMs = Math.max(this.#ringsAt, this.#options.platform.now())
    const due = [...this.#turns].filter(([, turn]) => turn.dueAt <= untilMs).map(([relay]) => relay)
    if (due.length === 0) this.#arm()
    else this.#options.run(due)
  }
}
