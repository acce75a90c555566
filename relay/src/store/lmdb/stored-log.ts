// One log as it is stored: its entries, their payloads, its snapshots, and what is known at its indexes. Reads a row only
// when it is asked for something that only this row knows.

import { equalBytes } from '../../bytes.ts'
import { INDEX_BYTES } from '../bookmark.ts'
import type { Bytes } from '../contract.ts'
import { readBlob } from './blobs.ts'
import { decodeSnapshot } from './compaction-row.ts'
import type { DocumentRow, DocumentSnapshot, DocumentState } from './document-row.ts'
import { getRow, getRowStart, getRowUpTo, lastKeyBetween, numbersKey, snapshotKey, type Tables } from './environment.ts'
import { type PlacedLog, placeAt } from './log-place.ts'
import type { RowSource } from './planned-rows.ts'
import { decodeEntry, ENTRY_HEADER_BYTES, ENTRY_START_BYTES, type EntryRow, ID_BYTES } from './records.ts'

export class StoredLog implements PlacedLog {
  readonly documentId: string
  readonly row: DocumentRow
  readonly serial: number
  readonly incarnation: Buffer
  readonly head: number
  readonly #tables: Tables
  #state: DocumentState | undefined

  constructor(tables: Tables, documentId: string, row: DocumentRow) {
    this.#tables = tables
    this.documentId = documentId
    this.row = row
    this.serial = row.serial
    this.incarnation = row.incarnation
    this.head = row.head
  }

  get state(): DocumentState {
    this.#state ??= this.row.state
    return this.#state
  }

  get rowAt(): RowSource {
    return (table, key) => getRow(this.#tables[table], key)
  }

  entryAt(index: number): Buffer {
    const row = getRowStart(this.#tables.entry, numbersKey(this.serial, index), ENTRY_START_BYTES)
    return row ?? this.#missing(index)
  }

  /** An entry that is retained; its payload only where it lies in the row and is no longer than so many bytes. */
  entry(index: number, inlineBytesMax: number = Number.POSITIVE_INFINITY): EntryRow {
    const bytesMax = ENTRY_HEADER_BYTES + inlineBytesMax
    const found = getRowUpTo(this.#tables.entry, numbersKey(this.serial, index), bytesMax, ENTRY_START_BYTES)
    return found === undefined ? this.#missing(index) : decodeEntry(found.row, found.length)
  }

  payload({ payload }: EntryRow, offset: number, bytesMax: number): Bytes {
    if ('inline' in payload) return payload.inline.subarray(offset, offset + bytesMax)
    return readBlob(this.#tables.blob, payload.blob, offset, bytesMax)
  }

  /** Undefined where it went with its entry. */
  chainAt(index: number): Bytes | undefined {
    return index === this.head ? this.row.headChain : placeAt(this, index)?.chain
  }

  /** Payload bytes of the log up to an index of which the chain is known. */
  bytesThrough(index: number): number {
    return index === 0 ? 0 : (placeAt(this, index) ?? this.#missing(index)).bytes
  }

  /** The current snapshot, or the newest of this id that was replaced and is retained. */
  retainedSnapshot(id: Bytes): DocumentSnapshot | undefined {
    const { snapshot } = this.state
    if (snapshot === null || id.length !== ID_BYTES) return undefined
    if (equalBytes(snapshot.id, id)) return snapshot
    const [first, last] = [snapshotKey(this.serial, id, 0), snapshotKey(this.serial, id, snapshot.base)]
    const key = lastKeyBetween(this.#tables.snapshot, first, last)
    const row = key === undefined ? undefined : getRow(this.#tables.snapshot, key)
    if (key === undefined || row === undefined) return undefined
    const baseAt = INDEX_BYTES + ID_BYTES
    return { id: key.subarray(INDEX_BYTES, baseAt), base: key.readUIntBE(baseAt, INDEX_BYTES), ...decodeSnapshot(row) }
  }

  #missing(index: number): never {
    throw new Error(`Entry ${index} of ${this.documentId} is missing`)
  }
}
