// What a key-value store knows in memory: all records, and of each document which rows it has and where they are. How a
// commit changes it, and how that is written down.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { countInRanges, type IdRanges, isInRanges, unionOf } from '../id-ranges.ts'

/** Rows that are stored together. The segments of a document are in the order of their ids and do not overlap. */
export interface Segment {
  /** Of its blob. */
  readonly name: string
  readonly pieces: number
  readonly byteLength: number
  readonly first: number
  readonly last: number
  /** How many rows it holds; some may be removed meanwhile. */
  readonly count: number
}

/** All ids up to `lastId` were given: what is not removed is there. */
export interface DocumentState {
  readonly lastId: number
  readonly removed: IdRanges
  readonly segments: readonly Segment[]
  /** The rows that are in the journal only. */
  readonly recent: ReadonlyMap<number, Uint8Array>
}

export interface StoreState {
  readonly documents: Map<string, DocumentState>
  readonly records: Map<string, Uint8Array>
}

/** What one commit says of a document: all but `lastId` adds to what is known. */
export interface DocumentChange {
  readonly lastId: number
  readonly removed: IdRanges
  readonly segments: readonly Segment[]
  readonly rows: readonly Row[]
}

export type Row = readonly [id: number, bytes: Uint8Array]

export interface StateChange {
  readonly documents: ReadonlyMap<string, DocumentChange>
  readonly records: ReadonlyMap<string, Uint8Array | null>
}

export const NO_DOCUMENT: DocumentState = { lastId: 0, removed: [], segments: [], recent: new Map() }

export function emptyState(): StoreState {
  return { documents: new Map(), records: new Map() }
}

/** Returns the segments of which no row is left. */
export function applyChange({ documents, records }: StoreState, change: StateChange): readonly Segment[] {
  const emptied: Segment[] = []
  for (const [id, { lastId, removed: removedNow, segments: added, rows }] of change.documents) {
    const known = documents.get(id) ?? NO_DOCUMENT
    const removed = removedNow.length === 0 ? known.removed : unionOf(known.removed, removedNow)
    let { segments } = known
    if (removedNow.length > 0 || added.length > 0) {
      const all = [...segments, ...added]
      segments = all.filter((segment) => livingRows(segment, removed) > 0)
      emptied.push(...all.filter((segment) => livingRows(segment, removed) === 0))
    }
    const recent = new Map([...known.recent, ...rows].filter(([rowId]) => !isInRanges(removed, rowId)))
    documents.set(id, { lastId, removed, segments, recent })
  }
  for (const [key, bytes] of change.records) {
    if (bytes === null) records.delete(key)
    else records.set(key, bytes)
  }
  return emptied
}

/** The whole state as a change to nothing; rows that are nowhere else are part of it. */
export function wholeState({ documents, records }: StoreState): StateChange {
  return {
    documents: new Map([...documents].map(([id, { recent, ...state }]) => [id, { ...state, rows: [...recent] }])),
    records,
  }
}

export function livingRows({ first, last }: Segment, removed: IdRanges): number {
  return last - first + 1 - countInRanges(removed, first, last)
}

export function encodeChange({ documents, records }: StateChange): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, documents.size)
    for (const [id, change] of documents) {
      writeName(encoder, id)
      writeDocument(encoder, change)
    }
    encoding.writeVarUint(encoder, records.size)
    for (const [key, bytes] of records) {
      writeName(encoder, key)
      encoding.writeUint8(encoder, bytes === null ? 0 : 1)
      if (bytes !== null) encoding.writeVarUint8Array(encoder, bytes)
    }
  })
}

/** The bytes of rows and records are copied: views would keep the whole journal in memory. @throws Error */
export function decodeChange(bytes: Uint8Array): StateChange {
  const decoder = decoding.createDecoder(bytes)
  const documents = new Map<string, DocumentChange>()
  const records = new Map<string, Uint8Array | null>()
  for (let left = decoding.readVarUint(decoder); left > 0; left--)
    documents.set(readName(decoder), readDocument(decoder))
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    const key = readName(decoder)
    records.set(key, decoding.readUint8(decoder) === 1 ? decoding.readVarUint8Array(decoder).slice() : null)
  }
  return { documents, records }
}

export function encodeRows(rows: readonly Row[]): Uint8Array {
  return encoding.encode((encoder) => writeRows(encoder, rows))
}

/** Views of what was given. Null: these are no rows. */
export function decodeRows(bytes: Uint8Array): readonly Row[] | null {
  try {
    return readRows(decoding.createDecoder(bytes))
  } catch {
    return null
  }
}

function writeDocument(encoder: encoding.Encoder, { lastId, removed, segments, rows }: DocumentChange): void {
  encoding.writeVarUint(encoder, lastId)
  encoding.writeVarUint(encoder, removed.length)
  for (const range of removed) for (const id of range) encoding.writeVarUint(encoder, id)
  encoding.writeVarUint(encoder, segments.length)
  for (const { name, pieces, byteLength, first, last, count } of segments) {
    writeName(encoder, name)
    for (const number of [pieces, byteLength, first, last, count]) encoding.writeVarUint(encoder, number)
  }
  writeRows(encoder, rows)
}

function readDocument(decoder: decoding.Decoder): DocumentChange {
  const read = (): number => decoding.readVarUint(decoder)
  const lastId = read()
  const removed = Array.from({ length: read() }, (): readonly [number, number] => [read(), read()])
  const segments = Array.from({ length: read() }, (): Segment => {
    const name = readName(decoder)
    return { name, pieces: read(), byteLength: read(), first: read(), last: read(), count: read() }
  })
  const rows = readRows(decoder).map(([id, bytes]): Row => [id, bytes.slice()])
  return { lastId, removed, segments, rows }
}

function writeRows(encoder: encoding.Encoder, rows: readonly Row[]): void {
  encoding.writeVarUint(encoder, rows.length)
  for (const [id, bytes] of rows) {
    encoding.writeVarUint(encoder, id)
    encoding.writeVarUint8Array(encoder, bytes)
  }
}

function readRows(decoder: decoding.Decoder): readonly Row[] {
  const rows: Row[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    rows.push([decoding.readVarUint(decoder), decoding.readVarUint8Array(decoder)])
  }
  return rows
}

/** Code unit by code unit, because names are any strings: UTF-8 has no place for a lone surrogate. */
function writeName(encoder: encoding.Encoder, name: string): void {
  encoding.writeVarUint(encoder, name.length)
  for (let i = 0; i < name.length; i++) encoding.writeVarUint(encoder, name.charCodeAt(i))
}

function readName(decoder: decoding.Decoder): string {
  let name = ''
  for (let left = decoding.readVarUint(decoder); left > 0; left--) {
    name += String.fromCharCode(decoding.readVarUint(decoder))
  }
  return name
}
