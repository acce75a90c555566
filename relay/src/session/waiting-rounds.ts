// Rounds that were sent ahead: they wait, read and judged well-formed, while the one before them is answered, or while
// the token is verified. What they take up is counted, for whoever bounds it.
import type { RoundRequest } from './request.ts'

/** What a frame costs in memory beside the bytes of its message, about. */
const FRAME_OBJECT_BYTES = 256

interface WaitingRound {
  readonly request: RoundRequest
  readonly bytes: number
}

export class WaitingRounds {
  #rounds: WaitingRound[] = []
  #bytes = 0

  get count(): number {
    return this.#rounds.length
  }

  /** Of memory, about. */
  get bytes(): number {
    return this.#bytes
  }

  /** `messageBytes`, `frames`: of the message that it came as. */
  add(request: RoundRequest, messageBytes: number, frames: number): void {
    const bytes = messageBytes + frames * FRAME_OBJECT_BYTES
    this.#rounds.push({ request, bytes })
    this.#bytes += bytes
  }

  /** The oldest, which waits no longer. */
  next(): RoundRequest | null {
    const round = this.#rounds.shift()
    if (round === undefined) return null
    this.#bytes -= round.bytes
    return round.request
  }

  clear(): void {
    this.#rounds = []
    this.#bytes = 0
  }
}
