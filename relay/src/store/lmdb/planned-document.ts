// One document in a commit plan: its row as it will be, and how its push ids are found. The newest push ids stand in
// the row itself, which is written anyway; only what no longer fits there costs a row of its own. Writes nothing itself.
import { chainSeed } from '@tidemark/protocol'
import { INCARNATION_BYTES, INDEX_BYTES } from '../bookmark.ts'
import { sha256 } from '../sha256.ts'
import { DocumentRow } from './document-row.ts'
import { getRow, pushKey, type Table, type Write } from './environment.ts'
import type { CopiedPush } from './pushes.ts'
import { chainOfEntry, placeEntry, pushIdOfEntry } from './records.ts'

/** Push ids in the document row: once there would be more, all but the newest few move to rows of their own. */
const RECENT_MAX = 32
const RECENT_KEPT = 16

export class PlannedDocument {
  readonly documentId: string
  /** UTF-8. */
  readonly id: Buffer
  /** As it was before this commit. */
  readonly #row: DocumentRow
  readonly #headBefore: number
  /** Entry rows that this commit adds, in log order; and the index of each by its push id, as far as was asked. */
  readonly #added: Buffer[] = []
  #indexOfAdded: Map<string, number> | undefined
  #bytes: number
  #feedIndex: number
  #changedAtMs = 0
  #finished: DocumentRow | undefined

  private constructor(documentId: string, id: Buffer, row: DocumentRow) {
    this.documentId = documentId
    this.id = id
    this.#row = row
    this.#headBefore = row.head
    this.#bytes = row.bytes
    this.#feedIndex = row.feedIndex
  }

  static stored(documentId: string, id: Buffer, row: DocumentRow): PlannedDocument {
    return new PlannedDocument(documentId, id, row)
  }

  static fresh(
    documentId: string,
    serial: number,
    random: (bytes: number) => Uint8Array,
    nowMs: number,
  ): PlannedDocument {
    const incarnation = random(INCARNATION_BYTES)
    const seed = chainSeed(sha256, incarnation, documentId)
    return new PlannedDocument(documentId, Buffer.from(documentId), DocumentRow.begin(serial, incarnation, seed, nowMs))
  }

  get serial(): number {
    return this.#row.serial
  }

  get incarnation(): Buffer {
    return this.#row.incarnation
  }

  get deleted(): boolean {
    return this.#row.deleted
  }

  /** 0: in no feed yet. */
  get feedIndex(): number {
    return this.#feedIndex
  }

  /** Whether this commit has given it a new place in the feed. */
  get moved(): boolean {
    return this.#added.length > 0
  }

  moveTo(feedIndex: number): void {
    this.#feedIndex = feedIndex
  }

  /** Completes the push's entry row for its place at the end of the log, and returns that index. */
  append(push: CopiedPush, nowMs: number): number {
    this.#bytes += push.payloadLength
    placeEntry(push.entry, this.#headChain(), this.#bytes, nowMs)
    this.#added.push(push.entry)
    this.#changedAtMs = nowMs
    return this.#headBefore + this.#added.length
  }

  /** Among what this commit adds and what the row held before it. */
  indexOf(pushId: Buffer): number | undefined {
    const added = this.#added.length === 0 ? undefined : this.#addedIndexes().get(pushId.toString('latin1'))
    if (added !== undefined) return added
    const position = this.#row.recentPosition(pushId)
    return position < 0 ? undefined : this.#headBefore - this.#row.recentCount + position + 1
  }

  /** Among the push ids that have rows of their own. */
  storedIndexOf(pushId: Buffer, table: Table): number | undefined {
    if (this.#headBefore === this.#row.recentCount) return undefined
    return getRow(table, pushKey(this.#row.serial, pushId))?.readUIntBE(0, INDEX_BYTES)
  }

  /** Undefined for entries that were stored before. */
  chainAt(index: number): Buffer | undefined {
    if (index === this.#headBefore) return this.#row.headChain
    const entry = this.#added[index - this.#headBefore - 1]
    return entry === undefined ? undefined : chainOfEntry(entry)
  }

  /** Adds what is to be written for the document, once it is complete. */
  finish(writes: Write[]): void {
    const count = this.#row.recentCount + this.#added.length
    const dropped = count > RECENT_MAX ? count - RECENT_KEPT : 0
    for (let position = 0; position < dropped; position += 1) writes.push(this.#pushWrite(position))
    const change = {
      head: this.#headBefore + this.#added.length,
      bytes: this.#bytes,
      feedIndex: this.#feedIndex,
      changedAtMs: this.#changedAtMs,
    }
    this.#finished = this.#row.changed(change, this.#added, dropped)
    writes.push({ table: 'document', key: this.id, value: this.#finished.row })
  }

  /** The document in the commit after this one. */
  next(): PlannedDocument {
    if (this.#finished === undefined) throw new Error(`The commit of ${this.documentId} is not finished`)
    return new PlannedDocument(this.documentId, this.id, this.#finished)
  }

  #headChain(): Buffer {
    const last = this.#added.at(-1)
    return last === undefined ? this.#row.headChain : chainOfEntry(last)
  }

  #addedIndexes(): ReadonlyMap<string, number> {
    this.#indexOfAdded ??= new Map()
    for (let position = this.#indexOfAdded.size; position < this.#added.length; position += 1) {
      const entry = this.#added[position]
      if (entry === undefined) break
      this.#indexOfAdded.set(pushIdOfEntry(entry).toString('latin1'), this.#headBefore + position + 1)
    }
    return this.#indexOfAdded
  }

  /** The row of its own for a push id that leaves the document row, by position among recent and added ones. */
  #pushWrite(position: number): Write {
    const recent = this.#row.recentCount
    const entry = this.#added[position - recent]
    const pushId = entry === undefined ? this.#row.recentPushId(position) : pushIdOfEntry(entry)
    const value = Buffer.allocUnsafe(INDEX_BYTES)
    value.writeUIntBE(this.#headBefore - recent + position + 1, 0, INDEX_BYTES)
    return { table: 'push', key: pushKey(this.#row.serial, pushId), value }
  }
}
