// The one small record per document that stands beside its rows: what each relay has given, and what it lacks.
// Written in the same commit as the rows that it speaks of.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { ChangeSet } from './change-set.ts'

export interface DocumentRecord {
  /** Rows may hold changes that a relay lacks: false only when every relay has everything. */
  readonly mayLack: boolean
  /** Milliseconds since 1970 of the oldest edit that the best relay lacks. */
  readonly unsentSince: number | null
  readonly views: readonly RelayViewRecord[]
}

/** One document as one relay has it, by what this device was told. Byte strings may be empty: none. */
export interface RelayViewRecord {
  readonly relay: string
  readonly incarnation: Uint8Array
  readonly mark: Uint8Array
  readonly receipt: Uint8Array
  readonly tag: Uint8Array
  /** A tombstone stands there. */
  readonly deleted: boolean
  /** The relay answered RESET, and has not given all that it has yet. */
  readonly resyncing: boolean
  /** What the relay lacks, without the edits in local rows above `unsentThroughRow`: they add to it. */
  readonly unsent: ChangeSet
  readonly unsentThroughRow: number
  readonly unsentBytes: number
  readonly lastSyncedAt: number | null
}

const RECORD_VERSION = 1
export const DOCUMENT_RECORDS = 'document/'

export function documentRecordKey(documentId: string): string {
  return DOCUMENT_RECORDS + documentId
}

export function documentIdOfKey(key: string): string {
  return key.slice(DOCUMENT_RECORDS.length)
}

export function encodeDocumentRecord(record: DocumentRecord): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, RECORD_VERSION)
  encoding.writeVarUint(encoder, record.mayLack ? 1 : 0)
  encoding.writeVarUint(encoder, record.unsentSince ?? 0)
  encoding.writeVarUint(encoder, record.views.length)
  for (const view of record.views) {
    encoding.writeVarString(encoder, view.relay)
    for (const bytes of [view.incarnation, view.mark, view.receipt, view.tag]) {
      encoding.writeVarUint8Array(encoder, bytes)
    }
    encoding.writeVarUint(encoder, (view.deleted ? 1 : 0) | (view.resyncing ? 2 : 0))
    view.unsent.write(encoder)
    encoding.writeVarUint(encoder, view.unsentThroughRow)
    encoding.writeVarUint(encoder, view.unsentBytes)
    encoding.writeVarUint(encoder, view.lastSyncedAt ?? 0)
  }
  return encoding.toUint8Array(encoder)
}

/** @throws Error when these bytes are no record of a version that this program knows. */
export function decodeDocumentRecord(bytes: Uint8Array): DocumentRecord {
  const decoder = decoding.createDecoder(bytes)
  const version = decoding.readVarUint(decoder)
  if (version !== RECORD_VERSION) {
    throw new Error(`a document record of version ${version}, and this program knows ${RECORD_VERSION}`)
  }
  const mayLack = decoding.readVarUint(decoder) === 1
  const unsentSince = decoding.readVarUint(decoder) || null
  const views: RelayViewRecord[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const relay = decoding.readVarString(decoder)
    const incarnation = decoding.readVarUint8Array(decoder)
    const mark = decoding.readVarUint8Array(decoder)
    const receipt = decoding.readVarUint8Array(decoder)
    const tag = decoding.readVarUint8Array(decoder)
    const flags = decoding.readVarUint(decoder)
    views.push({
      relay,
      incarnation,
      mark,
      receipt,
      tag,
      deleted: (flags & 1) !== 0,
      resyncing: (flags & 2) !== 0,
      unsent: ChangeSet.read(decoder),
      unsentThroughRow: decoding.readVarUint(decoder),
      unsentBytes: decoding.readVarUint(decoder),
      lastSyncedAt: decoding.readVarUint(decoder) || null,
    })
  }
  return { mayLack, unsentSince, views }
}
