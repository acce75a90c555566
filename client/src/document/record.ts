// The one small record per document that stands beside its rows: what each relay has given, and what it lacks.
// Written in the same commit as the rows that it speaks of.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { ChangeSet } from './change-set.ts'

export interface DocumentRecord {
  /** Rows may hold changes that a relay lacks: false only when every relay has everything. */
  readonly mayLack: boolean
  /** Rows that were stored with this record or after it may hold edits that no view accounts for yet. */
  readonly hasEdits: boolean
  /** Some row is an entry that could not be taken in. */
  readonly holds: boolean
  /** Milliseconds since 1970 of the oldest edit that the best relay lacks. */
  readonly unsentSince: number | null
  /** The app deleted the document: its relays are to be told, then its rows go. */
  readonly deleting: boolean
  /** Every relay was told, and its rows are gone: only the tombstone is left. */
  readonly gone: boolean
  /** Where another device wrote something else under the same id, as `client:clock`; empty: nowhere that is known. */
  readonly conflict: string
  readonly views: readonly RelayViewRecord[]
}

/** One document as one relay has it, by what this device was told. Byte strings may be empty: none. */
export interface RelayViewRecord {
  readonly relay: string
  readonly incarnation: Uint8Array
  readonly mark: Uint8Array
  readonly receipt: Uint8Array
  readonly tag: Uint8Array
  /** The repair generation that was met last; empty: none yet. */
  readonly generation: Uint8Array
  /** A tombstone stands there. */
  readonly deleted: boolean
  /** The document is to be begun anew where a tombstone stands. */
  readonly creating: boolean
  /** The log is being given from its beginning, or from a snapshot: what the relay lacks is not known yet. */
  readonly resyncing: boolean
  /** Another device has claimed a mark at or after this device's newest acknowledged push. */
  readonly confirmed: boolean
  /** The relay refused a push because the token only reads, and has taken none since. */
  readonly readOnly: boolean
  /** What was made here and never acknowledged, without the edits in local rows above `unsentThroughRow`: they add to it. */
  readonly unsent: ChangeSet
  /** What the relay lacks besides: other devices may have it too. */
  readonly owed: ChangeSet
  readonly unsentThroughRow: number
  readonly unsentBytes: number
  readonly lastSyncedAt: number | null
  /** Fingerprints of the causes for which a repair was asked, in hex: each once, ever. */
  readonly reported: readonly string[]
  /** The fingerprint of what was missing at the end of the last burst, in hex, and for how many bursts. */
  readonly gap: string
  readonly gapBursts: number
}

const RECORD_VERSION = 2
export const DOCUMENT_RECORDS = 'document/'

const FLAG = { DELETED: 1, RESYNCING: 2, CREATING: 4, CONFIRMED: 8, READ_ONLY: 16 } as const

export function documentRecordKey(documentId: string): string {
  return DOCUMENT_RECORDS + documentId
}

export function documentIdOfKey(key: string): string {
  return key.slice(DOCUMENT_RECORDS.length)
}

export function encodeDocumentRecord(record: DocumentRecord): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, RECORD_VERSION)
  const { mayLack, deleting, gone, hasEdits, holds } = record
  const flags = [mayLack, deleting, gone, hasEdits, holds].reduce((sum, isSet, i) => sum + (isSet ? 2 ** i : 0), 0)
  encoding.writeVarUint(encoder, flags)
  encoding.writeVarUint(encoder, record.unsentSince ?? 0)
  encoding.writeVarString(encoder, record.conflict)
  encoding.writeVarUint(encoder, record.views.length)
  for (const view of record.views) writeView(encoder, view)
  return encoding.toUint8Array(encoder)
}

function writeView(encoder: encoding.Encoder, view: RelayViewRecord): void {
  encoding.writeVarString(encoder, view.relay)
  for (const bytes of [view.incarnation, view.mark, view.receipt, view.tag, view.generation]) {
    encoding.writeVarUint8Array(encoder, bytes)
  }
  const flags =
    (view.deleted ? FLAG.DELETED : 0) |
    (view.resyncing ? FLAG.RESYNCING : 0) |
    (view.creating ? FLAG.CREATING : 0) |
    (view.confirmed ? FLAG.CONFIRMED : 0) |
    (view.readOnly ? FLAG.READ_ONLY : 0)
  encoding.writeVarUint(encoder, flags)
  view.unsent.write(encoder)
  view.owed.write(encoder)
  encoding.writeVarUint(encoder, view.unsentThroughRow)
  encoding.writeVarUint(encoder, view.unsentBytes)
  encoding.writeVarUint(encoder, view.lastSyncedAt ?? 0)
  encoding.writeVarUint(encoder, view.reported.length)
  for (const fingerprint of view.reported) encoding.writeVarString(encoder, fingerprint)
  encoding.writeVarString(encoder, view.gap)
  encoding.writeVarUint(encoder, view.gapBursts)
}

/** @throws Error when these bytes are no record of a version that this program knows. */
export function decodeDocumentRecord(bytes: Uint8Array): DocumentRecord {
  const decoder = decoding.createDecoder(bytes)
  const version = decoding.readVarUint(decoder)
  if (version < 1 || version > RECORD_VERSION) {
    throw new Error(`a document record of version ${version}, and this program knows ${RECORD_VERSION}`)
  }
  const flags = decoding.readVarUint(decoder)
  const unsentSince = decoding.readVarUint(decoder) || null
  const conflict = version === 1 ? '' : decoding.readVarString(decoder)
  const views: RelayViewRecord[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) views.push(readView(decoder, version))
  const [mayLack, deleting, gone] = [(flags & 1) !== 0, (flags & 2) !== 0, (flags & 4) !== 0]
  const hasEdits = version === 1 ? mayLack : (flags & 8) !== 0
  const holds = (flags & 16) !== 0
  return { mayLack, hasEdits, holds, deleting, gone, unsentSince, conflict, views }
}

/** Version 1 had neither repairs nor anything owed. */
function readView(decoder: decoding.Decoder, version: number): RelayViewRecord {
  const isFirst = version === 1
  const relay = decoding.readVarString(decoder)
  const incarnation = decoding.readVarUint8Array(decoder)
  const mark = decoding.readVarUint8Array(decoder)
  const receipt = decoding.readVarUint8Array(decoder)
  const tag = decoding.readVarUint8Array(decoder)
  const generation = isFirst ? new Uint8Array(0) : decoding.readVarUint8Array(decoder)
  const flags = decoding.readVarUint(decoder)
  return {
    relay,
    incarnation,
    mark,
    receipt,
    tag,
    generation,
    deleted: (flags & FLAG.DELETED) !== 0,
    resyncing: (flags & FLAG.RESYNCING) !== 0,
    creating: (flags & FLAG.CREATING) !== 0,
    confirmed: (flags & FLAG.CONFIRMED) !== 0,
    readOnly: (flags & FLAG.READ_ONLY) !== 0,
    unsent: ChangeSet.read(decoder),
    owed: isFirst ? new ChangeSet() : ChangeSet.read(decoder),
    unsentThroughRow: decoding.readVarUint(decoder),
    unsentBytes: decoding.readVarUint(decoder),
    lastSyncedAt: decoding.readVarUint(decoder) || null,
    reported: isFirst ? [] : readTexts(decoder),
    gap: isFirst ? '' : decoding.readVarString(decoder),
    gapBursts: isFirst ? 0 : decoding.readVarUint(decoder),
  }
}

function readTexts(decoder: decoding.Decoder): readonly string[] {
  const texts: string[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) texts.push(decoding.readVarString(decoder))
  return texts
}
