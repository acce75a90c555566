// One vault in a commit plan: its usage, and the newest part of its feed, in the one row that each commit writes
// anyway. A document that changes again moves within that row; only one pushed out of it costs a row in the feed table,
// and another write to take it back. Writes nothing itself.
import { numbersKey, type Write } from './environment.ts'
import { encodeVault, type RecentChange, type VaultRow } from './records.ts'

/** Documents in the vault row. */
const RECENT_MAX = 8

interface FeedDocument {
  readonly id: Buffer
  /** 0: in no feed yet. */
  readonly feedIndex: number
}

export class PlannedVault {
  readonly #key: Buffer
  readonly #serial: number
  readonly #recent: RecentChange[]
  #bytes: number
  #documents: number
  #isChanged = false

  private constructor(key: Buffer, row: VaultRow) {
    this.#key = key
    this.#serial = row.serial
    this.#recent = [...row.recent]
    this.#bytes = row.bytes
    this.#documents = row.documents
  }

  static stored(key: Buffer, row: VaultRow): PlannedVault {
    return new PlannedVault(key, row)
  }

  static fresh(key: Buffer, serial: number): PlannedVault {
    return new PlannedVault(key, { serial, bytes: 0, documents: 0, recent: [] })
  }

  get bytes(): number {
    return this.#bytes
  }

  addDocuments(documents: number): void {
    this.#documents += documents
    this.#isChanged = true
  }

  addBytes(bytes: number): void {
    this.#bytes += bytes
    this.#isChanged = true
  }

  /** Makes a document the last changed one. */
  move(document: FeedDocument, feedIndex: number, writes: Write[]): void {
    this.remove(document, writes)
    this.#recent.push({ feedIndex, documentId: document.id })
    const oldest = this.#recent.length > RECENT_MAX ? this.#recent.shift() : undefined
    if (oldest === undefined) return
    writes.push({ table: 'feed', key: numbersKey(this.#serial, oldest.feedIndex), value: oldest.documentId })
  }

  /** Takes a document out of the feed. */
  remove(document: FeedDocument, writes: Write[]): void {
    this.#isChanged = true
    const at = this.#recent.findIndex((change) => change.feedIndex === document.feedIndex)
    if (at >= 0) this.#recent.splice(at, 1)
    else if (document.feedIndex > 0) {
      writes.push({ table: 'feed', key: numbersKey(this.#serial, document.feedIndex), value: undefined })
    }
  }

  finish(writes: Write[]): void {
    if (this.#isChanged) writes.push({ table: 'vault', key: this.#key, value: encodeVault(this.#row()) })
  }

  /** The vault in the commit after this one. */
  next(): PlannedVault {
    return new PlannedVault(this.#key, this.#row())
  }

  #row(): VaultRow {
    return { serial: this.#serial, bytes: this.#bytes, documents: this.#documents, recent: this.#recent }
  }
}
