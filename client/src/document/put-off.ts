// Changes whose push waits a while, in the hope that another device's comes first. In memory only: what a restart forgets is
// due at once, so that a device which only ever runs for a moment puts nothing off for ever.
import { ChangeSet } from './change-set.ts'

/** From when until when, by the device's clock. */
export interface Wait {
  readonly fromMs: number
  readonly untilMs: number
}

interface WaitBounds {
  readonly leastMs: number
  readonly mostMs: number
}

/** Of a push of nothing but Yjs's own clean-up. */
export const ECHO_WAIT: WaitBounds = { leastMs: 0, mostMs: 10_000 }
/** Of one of what another relay gave: no shorter than a burst may be silent, in which whoever made it brings it. */
export const LEARNED_WAIT: WaitBounds = { leastMs: 20_000, mostMs: 60_000 }

/** From now on, for how long chance says. */
export function waitOf({ leastMs, mostMs }: WaitBounds, { now, random }: { now(): number; random(): number }): Wait {
  const fromMs = now()
  return { fromMs, untilMs: fromMs + leastMs + random() * (mostMs - leastMs) }
}

export class PutOff {
  #changes = new ChangeSet()
  #wait: Wait = { fromMs: 0, untilMs: 0 }

  get changes(): ChangeSet {
    return this.#changes
  }

  /** What comes while something waits goes with it: else who learns something every second would carry nothing. */
  add(changes: ChangeSet, wait: Wait): void {
    if (this.#changes.isEmpty) this.#wait = wait
    this.#changes.addAll(changes)
  }

  /** They have arrived. */
  removeAll(changes: ChangeSet): void {
    this.#changes.removeAll(changes)
  }

  /** Nothing waits any more. */
  end(): void {
    this.#changes = new ChangeSet()
  }

  /** A clock that was set back makes nobody wait longer. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#wait.untilMs || nowMs < this.#wait.fromMs
  }
}
