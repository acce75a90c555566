// What no honest relay does in a burst, however legal each of its frames is: what goes round in circles, and what would make a
// device hold more than it has to. Says what is wrong, and ends nothing itself.
import type { RelayFrame } from '@tidemark/protocol'
import { sameBytes } from '../document/bytes.ts'
import type { Exchange } from '../document/exchange.ts'

/** A relay that always has more to say must not keep a burst going for ever. Pieces of large payloads do not count. */
const ROUNDS_MAX = 10_000
/** Rounds in a row that ended early, and brought nothing. */
const IDLE_ROUNDS_MAX = 8
/** A relay is restored, or begun anew, so often in one burst. */
const EPOCHS_MAX = 4

export class Conduct {
  #rounds = 0
  #idleRounds = 0
  /** Something has come in the round that is being answered. */
  #hasCome = false
  /** Of whom payloads have come in this round that no mark covers. */
  #giving: Exchange | null = null
  #epoch: Uint8Array | null = null
  #epochs = 0

  /** False: it is the last one. */
  beginRound(): boolean {
    this.#rounds++
    return this.#rounds <= ROUNDS_MAX
  }

  /** Over HTTP every round has an epoch of its own. False: too many others. */
  met(epoch: Uint8Array): boolean {
    if (this.#epoch === null || !sameBytes(this.#epoch, epoch)) this.#epochs++
    this.#epoch = epoch.slice()
    return this.#epochs <= EPOCHS_MAX
  }

  listed(): void {
    this.#hasCome = true
  }

  /** False: it gives one document while it gives another. What waits for its mark would be held of all of them at once. */
  takes({ type }: RelayFrame, exchange: Exchange): boolean {
    this.#hasCome = true
    if (type === 'ENTRIES' || type === 'SNAPSHOT') {
      if (this.#giving !== null && this.#giving !== exchange && !this.#giving.isSettled) return false
      this.#giving = exchange
    } else if (this.#giving === exchange && (type === 'MARK' || type === 'SYNCED' || type === 'OPENED')) {
      this.#giving = null
    }
    return true
  }

  /** False: it has more to say, again and again, and says nothing. */
  endRound(more: boolean): boolean {
    this.#giving = null
    this.#idleRounds = more && !this.#hasCome ? this.#idleRounds + 1 : 0
    this.#hasCome = false
    return this.#idleRounds < IDLE_ROUNDS_MAX
  }
}
