// How much of one relay's traffic may be lost to a cut: what is under way when a connection breaks is sent again, and over
// HTTP a request or response that is cut off is lost whole. After a cut little is risked, and more only once a lot arrived.

import type { Risk } from '../burst/risk.ts'

const KIB = 1024
const MIB = 1024 * KIB

export interface Bounds {
  readonly least: number
  readonly most: number
}

/** Payload bytes of pieces in one request; the most fit a first message with what else it holds. */
export const UP: Bounds = { least: 32 * KIB, most: 192 * KIB }
/** Payload bytes in one response. */
export const DOWN: Bounds = { least: 32 * KIB, most: MIB }
/** Payload bytes of whole pushes in one message; the most is more than any message takes. */
export const BUNDLE: Bounds = { least: 32 * KIB, most: MIB }
/** Payload bytes sent over a WebSocket beyond what the relay said it holds. The least fills a line of 100 ms and 1 MB/s. */
const WINDOW: Bounds = { least: 96 * KIB, most: 512 * KIB }
/** Payload bytes that a relay may send over a WebSocket before this device says that it took some of them. */
export const RECEIVE_WINDOW: Bounds = { least: 112 * KIB, most: 4 * MIB }
/** So many bytes have to move uncut before twice as much is risked. */
const UNCUT_BYTES: number = 16 * MIB

export class Pace implements Risk {
  upBytes: number = UP.most
  downBytes: number = DOWN.most
  bundleBytes: number = BUNDLE.most
  windowBytes: number = WINDOW.most
  receiveWindowBytes: number = RECEIVE_WINDOW.most
  #uncutBytes = 0

  /** A connection was cut, fell silent, or was given up while something was under way. */
  cut(): void {
    this.upBytes = UP.least
    this.downBytes = DOWN.least
    this.bundleBytes = BUNDLE.least
    this.windowBytes = WINDOW.least
    this.receiveWindowBytes = RECEIVE_WINDOW.least
    this.#uncutBytes = 0
  }

  /** So many bytes went up or came down. */
  moved(bytes: number): void {
    this.#uncutBytes += bytes
    if (this.#uncutBytes < UNCUT_BYTES) return
    this.#uncutBytes = 0
    this.upBytes = Math.min(UP.most, 2 * this.upBytes)
    this.downBytes = Math.min(DOWN.most, 2 * this.downBytes)
    this.bundleBytes = Math.min(BUNDLE.most, 2 * this.bundleBytes)
    this.windowBytes = Math.min(WINDOW.most, 2 * this.windowBytes)
    this.receiveWindowBytes = Math.min(RECEIVE_WINDOW.most, 2 * this.receiveWindowBytes)
  }
}
