// The way out of a session: the effects in the making, what the device's receive window still lets through, and how
// much was sent since the carrier last said that it can take more.
import type { Ack, Frame } from '@tidemark/protocol'
import type { Durable } from './durable.ts'
import type { Effect } from './effects.ts'

/** What a frame costs beside its payload, about: enough to bound a buffer. */
export const FRAME_BYTES = 64

export class Outlet {
  /** Over HTTP there is no CREDIT: a response ends when its window is used up, and the device asks again. */
  readonly oneRound: boolean
  readonly #unconfirmedBytesMax: number
  #effects: Effect[] = []
  #windowBytes = 0
  #unconfirmedBytes = 0

  constructor(oneRound: boolean, unconfirmedBytesMax: number) {
    this.oneRound = oneRound
    this.#unconfirmedBytesMax = unconfirmedBytesMax
  }

  /** Payload bytes that may be sent now. */
  get windowBytes(): number {
    return this.#windowBytes
  }

  /** Nothing bulky may be sent until the carrier is writable. */
  get full(): boolean {
    return this.#unconfirmedBytes >= this.#unconfirmedBytesMax
  }

  take(): readonly Effect[] {
    const effects = this.#effects
    this.#effects = []
    return effects
  }

  wish(effect: Exclude<Effect, { type: 'send' | 'acknowledge' }>): void {
    this.#effects.push(effect)
  }

  send(frame: Exclude<Frame, Ack>, bulkBytes = 0): void {
    const bytes = FRAME_BYTES + bulkBytes
    this.#unconfirmedBytes += bytes
    this.#effects.push({ type: 'send', frame, bytes })
  }

  acknowledge(channel: number, durable: Durable): void {
    this.#unconfirmedBytes += FRAME_BYTES
    this.#effects.push({ type: 'acknowledge', channel, durable })
  }

  /** Payload bytes leave: the window shrinks, never below nothing. */
  spend(bytes: number): void {
    this.#windowBytes = Math.max(0, this.#windowBytes - bytes)
  }

  credit(bytes: number): void {
    this.#windowBytes = Math.min(Number.MAX_SAFE_INTEGER, this.#windowBytes + bytes)
  }

  writable(): void {
    this.#unconfirmedBytes = 0
  }
}
