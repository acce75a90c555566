// How much is asked of one relay over HTTP at a time. A response or request that is cut off is lost whole, so after a cut
// little is asked, and more again only while everything arrives. WebSockets need no pace: what came before a cut stays.

const KIB = 1024
/** What a request may hold beside its frames, and what a response holds at first. */
const UP_BYTES_MAX: number = 192 * KIB
const DOWN_BYTES_MAX: number = 1024 * KIB
const BYTES_MIN: number = 32 * KIB
/** So many times the pace has to arrive uncut before it is doubled. */
const UNCUT_MIN = 8

export class Pace {
  /** Payload bytes in one request. */
  upBytes: number = UP_BYTES_MAX
  /** Payload bytes in one response. */
  downBytes: number = DOWN_BYTES_MAX
  #uncutBytes = 0

  /** A connection was cut, or fell silent. */
  cut(): void {
    this.upBytes = BYTES_MIN
    this.downBytes = BYTES_MIN
    this.#uncutBytes = 0
  }

  /** So many bytes of messages went up and down uncut. */
  moved(bytes: number): void {
    this.#uncutBytes += bytes
    if (this.#uncutBytes < UNCUT_MIN * this.downBytes) return
    this.#uncutBytes = 0
    this.upBytes = Math.min(UP_BYTES_MAX, 2 * this.upBytes)
    this.downBytes = Math.min(DOWN_BYTES_MAX, 2 * this.downBytes)
  }
}
