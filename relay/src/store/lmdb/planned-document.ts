// One document in a commit plan: its row as it will be, and how its push ids are found. The newest push ids stand in
// the row itself, which is written anyway; only what no longer fits there costs a row of its own. Writes nothing itself.
import { chainSeed } from '@tidemark/protocol'
import { INCARNATION_BYTES, INDEX_BYTES } from '../bookmark.ts'
import { sha256 } from '../sha256.ts'
import { DocumentRow, type DocumentState } from './document-row.ts'
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
  /** Entry rows that this commit adds, in log order; and the newest index of each push id, as far as was asked. */
  readonly #added: Buffer[] = []
  #indexOfAdded: Map<string, number> | undefined
  #addedIndexed = 0
  #bytes: number
  #feedIndex: number
  #changedAtMs: number
  /** Undefined: as in the row. */
  #state: DocumentState | undefined
  #base: number
  #isMoved = false
  #isRemoved = false
  #finished: DocumentRow | undefined

  private constructor(documentId: string, id: Buffer, row: DocumentRow, feedIndex: number) {
    this.documentId = documentId
    this.id = id
    this.#row = row
    this.#headBefore = row.head
    this.#bytes = row.bytes
    this.#feedIndex = feedIndex
    this.#changedAtMs = row.changedAtMs
    this.#base = row.base
  }

  static stored(documentId: string, id: Buffer, row: DocumentRow): PlannedDocument {
    return new PlannedDocument(documentId, id, row, row.feedIndex)
  }

  /** @param feedIndex of the tombstone in whose place it is begun; 0: there is none. */
  static fresh(
    documentId: string,
    serial: number,
    feedIndex: number,
    random: (bytes: number) => Uint8Array,
    nowMs: number,
  ): PlannedDocument {
    const incarnation = random(INCARNATION_BYTES)
    const seed = chainSeed(sha256, incarnation, documentId)
    const row = DocumentRow.begin(serial, incarnation, seed, nowMs)
    return new PlannedDocument(documentId, Buffer.from(documentId), row, feedIndex)
  }

  /** @param feedIndex of the log or tombstone that it replaces; 0: there is none. */
  static tombstone(
    documentId: string,
    serial: number,
    incarnation: Uint8Array,
    feedIndex: number,
    nowMs: number,
  ): PlannedDocument {
    const row = DocumentRow.tombstone(serial, incarnation, nowMs)
    return new PlannedDocument(documentId, Buffer.from(documentId), row, feedIndex)
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

  /** Its tombstone is no longer needed: there will be no row. */
  get isRemoved(): boolean {
    return this.#isRemoved
  }

  get head(): number {
    return this.#headBefore + this.#added.length
  }

  /** Index of the last entry that its snapshot stands for; 0: there is no snapshot. */
  get base(): number {
    return this.#base
  }

  /** Payload bytes of all entries that there ever were. */
  get bytes(): number {
    return this.#bytes
  }

  /** Payload bytes of its snapshot, and of the entries above the base. */
  get usedBytes(): number {
    const { snapshot } = this.state
    return snapshot === null ? this.#bytes : snapshot.bytes + this.#bytes - snapshot.baseBytes
  }

  get state(): DocumentState {
    return this.#state ?? this.#row.state
  }

  /** 0: in no feed yet. */
  get feedIndex(): number {
    return this.#feedIndex
  }

  /** Whether this commit has given it a new place in the feed. */
  get isMoved(): boolean {
    return this.#isMoved
  }

  moveTo(feedIndex: number): void {
    this.#feedIndex = feedIndex
    this.#isMoved = true
  }

  update(change: Partial<DocumentState>): void {
    this.#state = { ...this.state, ...change }
    this.#base = this.#state.snapshot?.base ?? 0
  }

  remove(): void {
    this.#isRemoved = true
  }

  /** Completes the push's entry row for its place at the end of the log, and returns that index. */
  append(push: CopiedPush, payloadBytes: number, nowMs: number): number {
    this.#bytes += payloadBytes
    placeEntry(push.entry, this.#headChain(), this.#bytes, nowMs)
    this.#added.push(push.entry)
    this.#changedAtMs = nowMs
    return this.head
  }

  /** Among what this commit adds and what the row held before it; what lies at or below the base may be left out. */
  indexOf(pushId: Buffer): number | undefined {
    const added = this.#added.length === 0 ? undefined : this.#addedIndexes().get(pushId.toString('latin1'))
    if (added !== undefined) return added
    const before = this.#headBefore - this.#row.recentCount
    const position = this.#row.recentPosition(pushId, Math.max(0, this.#base - before))
    return position < 0 ? undefined : before + position + 1
  }

  /** Among the push ids that have rows of their own; what lies at or below the base may be left out. */
  storedIndexOf(pushId: Buffer, table: Table): number | undefined {
    if (this.#base >= this.#headBefore - this.#row.recentCount) return undefined
    return getRow(table, pushKey(this.#row.serial, pushId))?.readUIntBE(0, INDEX_BYTES)
  }

  /** The row of an entry that this commit adds. */
  addedEntry(index: number): Buffer | undefined {
    return this.#added[index - this.#headBefore - 1]
  }

  /** Undefined for entries that were stored before, but for the last of these. */
  chainAt(index: number): Buffer | undefined {
    if (index === this.#headBefore) return this.#row.headChain
    const entry = this.addedEntry(index)
    return entry === undefined ? undefined : chainOfEntry(entry)
  }

  /** Adds what is to be written for the document, once it is complete. */
  finish(writes: Write[]): void {
    if (this.#isRemoved) {
      writes.push({ table: 'document', key: this.id, value: undefined })
      return
    }
    const count = this.#row.recentCount + this.#added.length
    const dropped = count > RECENT_MAX ? count - RECENT_KEPT : 0
    const before = this.#headBefore - this.#row.recentCount
    for (let position = Math.max(0, this.#base - before); position < dropped; position += 1) {
      writes.push(this.#pushWrite(position))
    }
    const change = {
      head: this.head,
      bytes: this.#bytes,
      feedIndex: this.#feedIndex,
      changedAtMs: this.#changedAtMs,
    }
    this.#finished = this.#row.changed(change, this.#added, dropped, this.#state)
    writes.push({ table: 'document', key: this.id, value: this.#finished.row })
  }

  /** The document in the commit after this one; undefined: it is removed. */
  next(): PlannedDocument | undefined {
    if (this.#isRemoved) return undefined
    if (this.#finished === undefined) throw new Error(`The commit of ${this.documentId} is not finished`)
    return PlannedDocument.stored(this.documentId, this.id, this.#finished)
  }

  #headChain(): Buffer {
    const last = this.#added.at(-1)
    return last === undefined ? this.#row.headChain : chainOfEntry(last)
  }

  #addedIndexes(): ReadonlyMap<string, number> {
    this.#indexOfAdded ??= new Map()
    for (; this.#addedIndexed < this.#added.length; this.#addedIndexed += 1) {
      const entry = this.#added[this.#addedIndexed]
      if (entry === undefined) break
      this.#indexOfAdded.set(pushIdOfEntry(entry).toString('latin1'), this.#headBefore + this.#addedIndexed + 1)
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
