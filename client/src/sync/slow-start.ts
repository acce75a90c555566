// How much a burst that has to end in time may risk: what is under way when the time is up is lost, and the next process knows
// nothing of it. Little at first, as if the line were slow; then what it was seen to move in a part of the time that is left.
import type { Risk } from '../burst/risk.ts'
import { type Bounds, BUNDLE, DOWN, RECEIVE_WINDOW, UP } from './pace.ts'

const KIB = 1024

/** Of a line of which nothing is known yet. */
const ASSUMED_BYTES_PER_SECOND: number = 16 * KIB
/** Less is worth its round trip on no line. */
const BYTES_MIN: number = 4 * KIB
/** Fewer say how long a round trip takes, and nothing of how much a line moves. */
const MEASURED_BYTES_MIN: number = 8 * KIB
/** Of the time that is left, for one message. */
const SHARE = 1 / 4

export class SlowStart implements Risk {
  readonly #endsAtMs: number
  readonly #now: () => number
  readonly #up = new Throughput()
  readonly #down = new Throughput()
  /** Of the round that is under way; null: none is. */
  #beganAtMs: number | null = null

  constructor(endsAtMs: number, now: () => number) {
    this.#endsAtMs = endsAtMs
    this.#now = now
  }

  get upBytes(): number {
    return this.#bytesOf(this.#up, UP)
  }

  get downBytes(): number {
    return this.#bytesOf(this.#down, DOWN)
  }

  get bundleBytes(): number {
    return this.#bytesOf(this.#up, BUNDLE)
  }

  get receiveWindowBytes(): number {
    return this.#bytesOf(this.#down, RECEIVE_WINDOW)
  }

  sent(bytes: number): void {
    this.#beganAtMs ??= this.#now()
    this.#up.bytes += bytes
  }

  /** Part of an answer tells of the line as well: over a WebSocket there is hardly more than one in a burst. */
  received(bytes: number): void {
    this.#down.bytes += bytes
    this.#down.measure(this.#seconds)
  }

  /** All that was sent is answered. */
  roundEnded(): void {
    this.#up.measure(this.#seconds)
    this.#up.bytes = 0
    this.#down.bytes = 0
    this.#beganAtMs = null
  }

  get #seconds(): number {
    const now = this.#now()
    return (now - (this.#beganAtMs ?? now)) / 1000
  }

  #bytesOf({ bytesPerSecond }: Throughput, { least, most }: Bounds): number {
    const seconds = (SHARE * Math.max(0, this.#endsAtMs - this.#now())) / 1000
    const bytes = Math.floor((bytesPerSecond ?? ASSUMED_BYTES_PER_SECOND) * seconds)
    return Math.max(BYTES_MIN, Math.min(bytesPerSecond === null ? least : most, bytes))
  }
}

/** Of one direction, in the newest round that moved enough to tell. */
class Throughput {
  bytesPerSecond: number | null = null
  /** In the round that is under way. */
  bytes = 0

  measure(seconds: number): void {
    // A clock that was set back meanwhile tells nothing.
    if (this.bytes >= MEASURED_BYTES_MIN && seconds >= 0) this.bytesPerSecond = this.bytes / Math.max(seconds, 0.001)
  }
}
