// What a file store knows beside the rows themselves, how a commit changes it, and how the journal writes that down.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { type IdRanges, unionOf } from '../store/id-ranges.ts'
import { corruption } from './file-store-disk.ts'

/** Which rows a document has: those in the first `endBytes` of its file, without the removed ones. */
export interface DocumentFile {
  /** A rewritten file has the next number. */
  readonly generation: number
  /** 0: there is no file. */
  readonly endBytes: number
  readonly lastId: number
  readonly removed: IdRanges
}

export interface StoreState {
  readonly documents: Map<string, DocumentFile>
  readonly records: Map<string, Uint8Array>
}

/** What one frame says. The `removed` of a document adds to what is known, unless its generation is new. */
export interface StateChange {
  readonly documents: ReadonlyMap<string, DocumentFile>
  readonly records: ReadonlyMap<string, Uint8Array | null>
}

/** A part of the state, as the journal is rewritten in, has about this many bytes. */
const PART_BYTES = 1024 * 1024

/** The whole state as changes to nothing. */
export function stateInParts({ documents, records }: StoreState): StateChange[] {
  const parts: StoreState[] = []
  let bytes = Number.POSITIVE_INFINITY
  const partFor = (itemBytes: number): StoreState => {
    if (bytes > PART_BYTES) {
      parts.push({ documents: new Map(), records: new Map() })
      bytes = 0
    }
    bytes += itemBytes
    return parts.at(-1) as StoreState
  }
  for (const [id, document] of documents) {
    partFor(id.length * 2 + 16 + document.removed.length * 8).documents.set(id, document)
  }
  for (const [key, bytes] of records) partFor(key.length * 2 + bytes.byteLength).records.set(key, bytes)
  return parts
}

export function applyChange({ documents, records }: StoreState, change: StateChange): void {
  for (const [id, document] of change.documents) {
    const known = documents.get(id)
    const isSameFile = known !== undefined && known.generation === document.generation
    documents.set(id, isSameFile ? { ...document, removed: unionOf(known.removed, document.removed) } : document)
  }
  for (const [key, bytes] of change.records) {
    if (bytes === null) records.delete(key)
    else records.set(key, bytes)
  }
}

export function encodeChange({ documents, records }: StateChange): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, documents.size)
    for (const [id, { generation, endBytes, lastId, removed }] of documents) {
      encoding.writeVarUint8Array(encoder, encodeName(id))
      for (const number of [generation, endBytes, lastId, removed.length]) encoding.writeVarUint(encoder, number)
      for (const [first, last] of removed) {
        encoding.writeVarUint(encoder, first)
        encoding.writeVarUint(encoder, last)
      }
    }
    encoding.writeVarUint(encoder, records.size)
    for (const [key, bytes] of records) {
      encoding.writeVarUint8Array(encoder, encodeName(key))
      encoding.writeUint8(encoder, bytes === null ? 0 : 1)
      if (bytes !== null) encoding.writeVarUint8Array(encoder, bytes)
    }
  })
}

export function decodeChange(payload: Buffer, path: string, at: number): StateChange {
  const decoder = decoding.createDecoder(payload)
  const documents = new Map<string, DocumentFile>()
  const records = new Map<string, Uint8Array | null>()
  try {
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const id = decodeName(decoding.readVarUint8Array(decoder))
      const [generation, endBytes, lastId] = [0, 0, 0].map(() => decoding.readVarUint(decoder)) as [
        number,
        number,
        number,
      ]
      const removed = Array.from({ length: decoding.readVarUint(decoder) }, (): [number, number] => [
        decoding.readVarUint(decoder),
        decoding.readVarUint(decoder),
      ])
      documents.set(id, { generation, endBytes, lastId, removed })
    }
    for (let left = decoding.readVarUint(decoder); left > 0; left--) {
      const key = decodeName(decoding.readVarUint8Array(decoder))
      const isThere = decoding.readUint8(decoder) === 1
      // Copied: a view would keep the whole journal in memory.
      records.set(key, isThere ? Uint8Array.from(decoding.readVarUint8Array(decoder)) : null)
    }
  } catch (error) {
    throw corruption(path, at, `it cannot be decoded (${(error as Error).message})`)
  }
  return { documents, records }
}

/** UTF-16, because names are any strings: UTF-8 has no place for a lone surrogate. */
export function encodeName(name: string): Uint8Array {
  return Buffer.from(name, 'utf16le')
}

function decodeName(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf16le')
}
