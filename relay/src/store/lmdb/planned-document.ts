// One document in a commit plan: its row as it will be, and how its push ids are found. The newest push ids stand in
// the row itself, which is written anyway; only what no longer fits there costs a row of its own. Writes nothing itself.
import { chainSeed } from '@tidemark/protocol'
import { GENERATION_BYTES, INCARNATION_BYTES, INDEX_BYTES, PUSH_ID_BYTES } from '../bookmark.ts'
import { sha256 } from '../sha256.ts'
import { getRow, pushKey, type Table, type Write } from './environment.ts'
import { type DocumentRow, encodeDocument } from './records.ts'

/** Push ids in the document row: once there would be more, all but the newest few move to rows of their own. */
const RECENT_MAX = 32
const RECENT_KEPT = 16

interface AddedEntry {
  readonly pushId: Buffer
  readonly chain: Uint8Array
}

export class PlannedDocument {
  readonly documentId: string
  readonly #id: Buffer
  /** As it was before this commit. */
  readonly #row: DocumentRow
  /** What this commit adds, in log order; and the index of each by its push id. */
  readonly #added: AddedEntry[] = []
  readonly #indexOfAdded = new Map<string, number>()
  #bytes: number
  #feedIndex: number
  #changedAtMs: number
  #finished: DocumentRow | undefined

  private constructor(documentId: string, id: Buffer, row: DocumentRow) {
    this.documentId = documentId
    this.#id = id
    this.#row = row
    this.#bytes = row.bytes
    this.#feedIndex = row.feedIndex
    this.#changedAtMs = row.changedAtMs
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
    const incarnation = Buffer.from(random(INCARNATION_BYTES))
    return new PlannedDocument(documentId, Buffer.from(documentId), {
      serial,
      incarnation,
      generation: Buffer.alloc(GENERATION_BYTES),
      deleted: false,
      head: 0,
      headChain: chainSeed(sha256, incarnation, documentId),
      bytes: 0,
      feedIndex: 0,
      createdAtMs: nowMs,
      changedAtMs: nowMs,
      recentPushIds: Buffer.alloc(0),
    })
  }

  get id(): Buffer {
    return this.#id
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

  get headChain(): Uint8Array {
    return this.#added.at(-1)?.chain ?? this.#row.headChain
  }

  /** Payload bytes of the whole log. */
  get bytes(): number {
    return this.#bytes
  }

  /** 0: in no feed yet. */
  get feedIndex(): number {
    return this.#feedIndex
  }

  /** Whether this commit has given it a new place in the feed. */
  get moved(): boolean {
    return this.#feedIndex !== this.#row.feedIndex
  }

  moveTo(feedIndex: number): void {
    this.#feedIndex = feedIndex
  }

  /** The index that the entry gets. */
  append(pushId: Buffer, chain: Uint8Array, payloadLength: number, nowMs: number): number {
    this.#added.push({ pushId, chain })
    const index = this.#row.head + this.#added.length
    this.#indexOfAdded.set(pushId.toString('latin1'), index)
    this.#bytes += payloadLength
    this.#changedAtMs = nowMs
    return index
  }

  /** Among what this commit adds and what the row held before it. */
  indexOf(pushId: Buffer): number | undefined {
    const added = this.#added.length === 0 ? undefined : this.#indexOfAdded.get(pushId.toString('latin1'))
    if (added !== undefined) return added
    const { recentPushIds, head } = this.#row
    let at = recentPushIds.indexOf(pushId)
    while (at > 0 && at % PUSH_ID_BYTES !== 0) at = recentPushIds.indexOf(pushId, at + 1)
    return at < 0 ? undefined : head - recentCount(this.#row) + at / PUSH_ID_BYTES + 1
  }

  /** Among the push ids that have rows of their own. */
  storedIndexOf(pushId: Buffer, table: Table): number | undefined {
    if (this.#row.head === recentCount(this.#row)) return undefined
    return getRow(table, pushKey(this.#row.serial, pushId))?.readUIntBE(0, INDEX_BYTES)
  }

  /** Undefined for entries that were stored before. */
  chainAt(index: number): Uint8Array | undefined {
    if (index === this.#row.head) return this.#row.headChain
    return this.#added[index - this.#row.head - 1]?.chain
  }

  /** Adds what is to be written for the document, once it is complete. */
  finish(writes: Write[]): void {
    const row = this.#row
    this.#finished = {
      ...row,
      head: row.head + this.#added.length,
      headChain: this.headChain,
      bytes: this.#bytes,
      feedIndex: this.#feedIndex,
      changedAtMs: this.#changedAtMs,
      recentPushIds: this.#keepRecent(writes),
    }
    writes.push({ table: 'document', key: this.#id, value: encodeDocument(this.#finished) })
  }

  /** The document in the commit after this one. */
  next(): PlannedDocument {
    if (this.#finished === undefined) throw new Error(`The commit of ${this.documentId} is not finished`)
    return new PlannedDocument(this.documentId, this.#id, this.#finished)
  }

  #keepRecent(writes: Write[]): Buffer {
    const { recentPushIds, head, serial } = this.#row
    const all = Buffer.concat([recentPushIds, ...this.#added.map(({ pushId }) => pushId)])
    const count = all.length / PUSH_ID_BYTES
    if (count <= RECENT_MAX) return all
    const firstIndex = head - recentCount(this.#row) + 1
    const moved = count - RECENT_KEPT
    for (let position = 0; position < moved; position += 1) {
      const pushId = all.subarray(position * PUSH_ID_BYTES, (position + 1) * PUSH_ID_BYTES)
      const value = Buffer.allocUnsafe(INDEX_BYTES)
      value.writeUIntBE(firstIndex + position, 0, INDEX_BYTES)
      writes.push({ table: 'push', key: pushKey(serial, pushId), value })
    }
    return all.subarray(moved * PUSH_ID_BYTES)
  }
}

function recentCount(row: DocumentRow): number {
  return row.recentPushIds.length / PUSH_ID_BYTES
}
