// What one channel pulls: OPENED, then index by index the entry or its ACK, a MARK after each page, SYNCED at the head.
// docs/protocol.md, "Frames": an entry is withheld only if it was acknowledged on this channel since its last OPEN.
import type { Entry, Open } from '@tidemark/protocol'
import type { Limits } from '../limits.ts'
import type { ReadPage, ReadRequest, StoredEntry } from '../store/contract.ts'
import type { Durable } from './durable.ts'
import type { Outlet } from './outlet.ts'

/** What an entry costs beside its payload, about. */
const ENTRY_BYTES = 24

/**
 * read: wants the next page. credit, writable: stopped in the middle of a page. more: the receive window of this HTTP
 * response is used up. synced: all was given.
 */
export type ServingState = 'read' | 'credit' | 'writable' | 'more' | 'synced'

export class Serving {
  readonly #incarnation: Uint8Array
  readonly #open: Open
  readonly #limits: Limits
  readonly #outlet: Outlet
  /** By index, in log order: what is acknowledged instead of being given back. */
  readonly #acknowledged: Map<number, Durable>
  #after: number
  #page: ReadPage | null = null
  #next = 0
  #offset = 0
  #batch: Entry[] = []
  #batchBytes = 0

  #begun = false

  constructor(
    open: Open,
    after: number,
    incarnation: Uint8Array,
    stored: readonly Durable[],
    limits: Limits,
    outlet: Outlet,
  ) {
    this.#open = open
    this.#after = after
    this.#incarnation = incarnation
    this.#acknowledged = new Map(stored.map((durable) => [durable.index, durable]))
    this.#limits = limits
    this.#outlet = outlet
  }

  get begun(): boolean {
    return this.#begun
  }

  /** Acknowledges, in log order, what lies at or below the place where serving starts. */
  begin(): void {
    this.#begun = true
    for (const index of this.#acknowledged.keys()) if (index <= this.#after) this.#acknowledge(index)
  }

  get request(): ReadRequest {
    const { pageBytesMax, pageEntriesMax } = this.#limits
    // Over HTTP a page that passes the window would have to end without a mark of its own, so it is read to fit.
    const bytesMax = this.#outlet.oneRound
      ? Math.max(1, Math.min(pageBytesMax, this.#outlet.windowBytes))
      : pageBytesMax
    const { documentId } = this.#open
    return { documentId, incarnation: this.#incarnation, after: this.#after, entriesMax: pageEntriesMax, bytesMax }
  }

  take(page: ReadPage): ServingState {
    this.#page = page
    this.#next = 0
    this.#offset = 0
    return this.resume()
  }

  /** Goes on with the page as far as window and carrier let it. */
  resume(): ServingState {
    const page = this.#page
    if (page === null) return 'read'
    const stopped = this.#give(page)
    this.#flush()
    if (stopped !== null) return stopped
    this.#page = null
    this.#after = page.through
    if (this.#outlet.oneRound) this.#outlet.spend(page.entries.length * ENTRY_BYTES, false)
    if (!page.atHead) {
      this.#outlet.send({ type: 'MARK', channel: this.#open.channel, mark: page.mark })
      return this.#outlet.full ? 'writable' : 'read'
    }
    const { channel } = this.#open
    this.#outlet.send({ type: 'SYNCED', channel, mark: page.mark, tag: page.tag, confirmed: false, otherDevices: 0 })
    return 'synced'
  }

  #give(page: ReadPage): 'credit' | 'writable' | 'more' | null {
    for (let stored = page.entries[this.#next]; stored !== undefined; stored = page.entries[this.#next]) {
      if (this.#acknowledged.has(stored.index)) {
        this.#flush()
        this.#acknowledge(stored.index)
        this.#next += 1
        continue
      }
      if (this.#outlet.full) return 'writable'
      const room = this.#roomFor(stored)
      if (room === 0) return this.#outlet.oneRound ? 'more' : 'credit'
      this.#addPiece(stored, room)
    }
    return null
  }

  /** Payload bytes of this entry that may be sent now. */
  #roomFor(stored: StoredEntry): number {
    const rest = stored.payload.length - this.#offset
    const { oneRound, windowBytes, entriesGiven } = this.#outlet
    if (!oneRound) return Math.min(rest, windowBytes)
    // A response that holds no whole entry would bring the device no further: the first is served, however long.
    return this.#offset > 0 || rest <= windowBytes || entriesGiven === 0 ? rest : 0
  }

  #addPiece(stored: StoredEntry, room: number): void {
    const { pushId, format, payload } = stored
    const total = payload.length
    const length = Math.min(room, this.#limits.entriesBytesTarget)
    const bytes = length + ENTRY_BYTES
    if (this.#batchBytes + bytes > this.#limits.entriesBytesTarget) this.#flush()
    const end = this.#offset + length
    this.#batch.push({ pushId, format, total, offset: this.#offset, bytes: payload.subarray(this.#offset, end) })
    this.#batchBytes += bytes
    this.#outlet.spend(length, end === total)
    this.#offset = end
    if (end === total) {
      this.#offset = 0
      this.#next += 1
    } else {
      // Only the last entry of a frame may be unfinished.
      this.#flush()
    }
  }

  #flush(): void {
    if (this.#batch.length === 0) return
    this.#outlet.send({ type: 'ENTRIES', channel: this.#open.channel, entries: this.#batch }, this.#batchBytes)
    this.#batch = []
    this.#batchBytes = 0
  }

  #acknowledge(index: number): void {
    const durable = this.#acknowledged.get(index)
    if (durable === undefined) return
    this.#acknowledged.delete(index)
    this.#outlet.acknowledge(this.#open.channel, durable)
  }
}
