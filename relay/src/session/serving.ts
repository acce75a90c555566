// What one channel pulls: a snapshot, then index by index the entry or its ACK, a MARK after each page, SYNCED at the
// head. docs/protocol.md, "A round": an entry is withheld only if it was acknowledged on this channel since its OPEN.
// One page and one piece of a long payload are in memory at a time.
import type { Entry, Open } from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import type { Limits } from '../limits.ts'
import type { Judgement, PayloadRequest, ReadPage, ReadRequest, StoredEntry } from '../store/contract.ts'
import type { ServedTo, SyncedAdvice } from './channel.ts'
import type { Durable } from './durable.ts'
import type { Outlet } from './outlet.ts'
import { Transfer } from './transfer.ts'

/** What an entry costs beside its payload, about. */
const ENTRY_BYTES = 24

/**
 * page, part: wants the next page, or the next bytes of a long payload. credit, writable: cannot go on until the device
 * gives credit, or reads. more: the receive window of this HTTP response is used up. synced: all was given that is to be given now.
 */
export type ServingState = 'page' | 'part' | 'credit' | 'writable' | 'more' | 'synced'

/** What is served: the log that was judged, and what the store has flushed of this device in this round. */
export interface Served {
  readonly incarnation: Uint8Array
  readonly snapshot: Judgement['snapshot']
  readonly after: number
  readonly acknowledged: readonly Durable[]
  /** Between rounds: one page, and nothing is said if it is empty. */
  readonly isLive: boolean
  /** `index`: the end of what was served. */
  readonly synced: (index: number) => SyncedAdvice
}

export class Serving {
  readonly #open: Open
  readonly #served: Served
  readonly #limits: Limits
  readonly #outlet: Outlet
  /** By index, in log order: what is acknowledged instead of being given back. */
  readonly #acknowledged: Map<number, Durable>
  /** The long payload under way: the snapshot, or the next entry of the page. */
  #transfer: Transfer | null
  /** What the device has of the first payload; looked at once. */
  #partial: Open['partial']
  #after: number
  #page: ReadPage | null = null
  #servedTo: ServedTo | null = null
  #next = 0
  /** Where the next entry of the page goes on, if it is no long one. */
  #offset = 0
  /** Of the next page: a long entry has one of its own, so that a mark stands before and behind it. */
  #entriesMax: number
  #batch: Entry[] = []
  #batchBytes = 0

  constructor(open: Open, served: Served, limits: Limits, outlet: Outlet) {
    const { snapshot, after, acknowledged } = served
    this.#open = open
    this.#served = served
    this.#after = after
    this.#acknowledged = new Map(acknowledged.map((durable) => [durable.index, durable]))
    this.#limits = limits
    this.#outlet = outlet
    this.#entriesMax = limits.pageEntriesMax
    this.#partial = open.partial
    this.#transfer =
      snapshot === null
        ? null
        : Transfer.ofSnapshot(open.channel, snapshot, this.#heldOf(snapshot.id, snapshot.totalBytes))
  }

  /** Acknowledges, in log order, what lies at or below the place where serving starts; OPENED was sent before. */
  begin(): void {
    for (const index of this.#acknowledged.keys()) if (index <= this.#after) this.#acknowledge(index)
  }

  get channel(): number {
    return this.#open.channel
  }

  /** Null before the first page was given whole. */
  get servedTo(): ServedTo | null {
    return this.#servedTo
  }

  get pageRequest(): ReadRequest {
    const { pageBytesMax, pieceBytesTarget } = this.#limits
    // Over HTTP a page that passes the window would have to end without a mark of its own, so it is read to fit.
    const bytesMax = this.#outlet.oneRound
      ? Math.max(1, Math.min(pageBytesMax, this.#outlet.windowBytes))
      : pageBytesMax
    return {
      documentId: this.#open.documentId,
      incarnation: this.#served.incarnation,
      after: this.#after,
      entriesMax: this.#entriesMax,
      bytesMax,
      inlineBytesMax: pieceBytesTarget,
    }
  }

  /** Only while it wants a part. */
  get partRequest(): PayloadRequest {
    const { of, offset, rest } = this.#transfer ?? { of: { index: 0 }, offset: 0, rest: 0 }
    const { documentId } = this.#open
    return { documentId, incarnation: this.#served.incarnation, of, offset, bytesMax: this.#roomFor(rest) }
  }

  take(page: ReadPage): ServingState {
    this.#entriesMax = this.#limits.pageEntriesMax
    const long = page.entries.findIndex(({ payload, index }) => payload === null && !this.#acknowledged.has(index))
    if (long >= 0 && page.entries.length > 1) {
      this.#entriesMax = Math.max(1, long)
      return 'page'
    }
    this.#page = page
    this.#next = 0
    const [first] = page.entries
    this.#offset = first === undefined ? 0 : this.#heldOf(first.pushId, first.totalBytes)
    return this.resume()
  }

  /** The bytes that were wanted, one at least. */
  takePart(bytes: Uint8Array): ServingState {
    const transfer = this.#transfer
    if (transfer === null) return this.resume()
    this.#outlet.send(transfer.frame(bytes), bytes.length)
    this.#outlet.spend(bytes.length)
    // Each piece leaves as a message of its own, the last one together with the mark behind it.
    if (transfer.rest > 0) this.#outlet.wish({ type: 'flush' })
    else this.#given()
    return this.resume()
  }

  /** Goes on as far as window and carrier let it. */
  resume(): ServingState {
    if (this.#transfer !== null) return this.#stateBefore(this.#transfer.rest) ?? 'part'
    const page = this.#page
    if (page === null) return this.#outlet.full ? 'writable' : 'page'
    const stopped = this.#give(page)
    this.#flush()
    return stopped ?? this.#endPage(page)
  }

  #endPage(page: ReadPage): ServingState {
    const { channel } = this.#open
    const { through, mark, tag } = page
    this.#page = null
    this.#after = through
    if (this.#outlet.oneRound) this.#outlet.spend(page.entries.length * ENTRY_BYTES)
    this.#servedTo = { mark, index: through, isHead: page.atHead }
    const { isLive, after, synced } = this.#served
    if (!page.atHead) {
      this.#outlet.send({ type: 'MARK', channel, mark })
      if (isLive) return 'synced'
      return this.#outlet.full ? 'writable' : 'page'
    }
    const isNothingNew = isLive && through === after
    if (!isNothingNew) this.#outlet.send({ type: 'SYNCED', channel, mark, tag, ...synced(through) })
    return 'synced'
  }

  #give(page: ReadPage): ServingState | null {
    for (let stored = page.entries[this.#next]; stored !== undefined; stored = page.entries[this.#next]) {
      if (this.#acknowledged.has(stored.index)) {
        this.#flush()
        this.#acknowledge(stored.index)
        this.#next += 1
        this.#offset = 0
        continue
      }
      if (stored.payload === null) {
        this.#transfer = Transfer.ofEntry(this.#open.channel, stored, this.#offset)
        return this.#stateBefore(this.#transfer.rest) ?? 'part'
      }
      const stopped = this.#stateBefore(stored.payload.length - this.#offset)
      if (stopped !== null) return stopped
      this.#add(stored, stored.payload)
    }
    return null
  }

  /** Null: something of these bytes may be sent now. */
  #stateBefore(rest: number): ServingState | null {
    if (this.#outlet.full) return 'writable'
    if (this.#roomFor(rest) > 0) return null
    return this.#outlet.oneRound ? 'more' : 'credit'
  }

  #roomFor(rest: number): number {
    return Math.min(rest, this.#limits.pieceBytesTarget, this.#outlet.windowBytes)
  }

  #add({ pushId, format }: StoredEntry, payload: Uint8Array): void {
    const total = payload.length
    const offset = this.#offset
    const length = this.#roomFor(total - offset)
    const bytes = length + ENTRY_BYTES
    if (this.#batchBytes + bytes > this.#limits.entriesBytesTarget) this.#flush()
    this.#batch.push({ pushId, format, total, offset, bytes: payload.subarray(offset, offset + length) })
    this.#batchBytes += bytes
    this.#outlet.spend(length)
    this.#offset += length
    if (this.#offset < total) {
      // Only the last entry of a frame may be unfinished.
      this.#flush()
    } else {
      this.#offset = 0
      this.#next += 1
    }
  }

  /** The long payload under way is whole. */
  #given(): void {
    this.#transfer = null
    if (this.#page !== null) {
      this.#offset = 0
      this.#next += 1
      return
    }
    const { snapshot } = this.#served
    if (snapshot !== null) this.#outlet.send({ type: 'MARK', channel: this.#open.channel, mark: snapshot.mark })
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

  /** Bytes that the device has of what is served first, if it said so; of all of it: it is served from its beginning. */
  #heldOf(id: Uint8Array, total: number): number {
    const partial = this.#partial
    this.#partial = null
    return partial !== null && partial.offset < total && equalBytes(partial.id, id) ? partial.offset : 0
  }
}
