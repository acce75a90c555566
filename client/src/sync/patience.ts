// Ends a burst that never falls silent and never comes to an end: a relay may talk for ever, and until then nothing else would
// sync. Whatever came is kept, and the next burst goes on from there.
import type { Platform, Timer } from '../platform.ts'

const LOOK_EVERY_MS: number = 5 * 60_000
/** Between two looks: half a KiB a second is less than any line that is of use. */
const MOVED_BYTES_MIN: number = 128 * 1024
/** An hour: what it says may be large, and of no use. */
const LOOKS_MAX = 12

export class Patience {
  readonly #platform: Platform
  readonly #movedBytes: () => number
  readonly #lost: (why: string) => void
  #timer: Timer | null = null
  #looks = 0
  #movedBefore = 0

  /** @param movedBytes so far, either way */
  constructor(platform: Platform, movedBytes: () => number, lost: (why: string) => void) {
    this.#platform = platform
    this.#movedBytes = movedBytes
    this.#lost = lost
  }

  start(): void {
    this.stop()
    this.#timer = this.#platform.setTimeout(() => this.#look(), LOOK_EVERY_MS)
  }

  stop(): void {
    if (this.#timer !== null) this.#platform.clearTimeout(this.#timer)
    this.#timer = null
  }

  #look(): void {
    const moved = this.#movedBytes()
    const isSlow = moved - this.#movedBefore < MOVED_BYTES_MIN
    this.#movedBefore = moved
    this.#looks++
    if (isSlow) this.#lost('brings next to nothing')
    else if (this.#looks >= LOOKS_MAX) this.#lost('takes more than an hour; the next one goes on')
    else this.start()
  }
}
