// The rows of the LMDB store as bytes: numbers big endian (6 bytes unless said otherwise), each row opening with its
// version. Decoded fields are views of the row they come from. The document's row is in document-row.ts.
//
//   entry     1 version | 1 flags (2: payload in a blob; 1: in one of format 1) | 1 format | 16 push id | 16 chain
//             | bytes through | received at | payload, or blob id and payload length (4 bytes in format 1)
//   vault     1 version | serial | bytes | documents | recent: (feed index | 2 length | document id) each
//   head      1 version | feed head | next serial | 16 owner
//   store     2 format version | 16 epoch | created at
//   term      8 term | first feed index
import { CHAIN_BYTES, INDEX_BYTES, PUSH_ID_BYTES, TERM_BYTES } from '../bookmark.ts'
import type { FeedTerm } from '../feed-terms.ts'
import { writeNextChain } from './next-chain.ts'

export const ROW_VERSION = 1
/** Snapshot ids, device ids, digests and fingerprints. */
export const ID_BYTES = 16
const IN_NUMBERED_CHUNKS = 1
const IN_BLOB = 2

export interface EntryRow {
  readonly format: number
  readonly pushId: Buffer
  readonly chain: Buffer
  /** Payload bytes of the log up to and with this entry. */
  readonly bytesThrough: number
  readonly payloadLength: number
  readonly payload: { readonly inline: Buffer } | { readonly blob: Blob }
}

/** Bytes that lie beside the row that means them, in the table blob. */
export interface Blob {
  readonly blobId: number
  readonly bytes: number
  /** Of format 1: its chunks are numbered, where all others are keyed by their offset. */
  readonly isNumbered: boolean
}

const ENTRY = { flags: 1, format: 2, pushId: 3, chain: 19, bytesThrough: 35, receivedAt: 41 } as const
/** Bytes of an entry before its payload, or before where the payload lies. */
export const ENTRY_HEADER_BYTES = 47
/** All of an entry but an inline payload. */
export const ENTRY_START_BYTES: number = ENTRY_HEADER_BYTES + 2 * INDEX_BYTES
const BLOB_REFERENCE_BYTES: number = 2 * INDEX_BYTES

/** A row that holds the push and lacks its place in a log; a payload that lies in a blob is not in it. */
export function beginEntry(format: number, pushId: Uint8Array, inline: Uint8Array | undefined): Buffer {
  const bytes = Buffer.allocUnsafe(ENTRY_HEADER_BYTES + (inline?.length ?? BLOB_REFERENCE_BYTES))
  bytes[0] = ROW_VERSION
  bytes[ENTRY.flags] = inline === undefined ? IN_BLOB : 0
  bytes[ENTRY.format] = format
  bytes.set(pushId, ENTRY.pushId)
  if (inline !== undefined) bytes.set(inline, ENTRY_HEADER_BYTES)
  return bytes
}

/** Completes what `beginEntry` began; it may be done over. */
export function placeEntry(bytes: Buffer, chainBefore: Buffer, bytesThrough: number, receivedAtMs: number): void {
  writeNextChain(chainBefore, bytes.subarray(ENTRY.pushId, ENTRY.pushId + PUSH_ID_BYTES), bytes, ENTRY.chain)
  bytes.writeUIntBE(bytesThrough, ENTRY.bytesThrough, INDEX_BYTES)
  bytes.writeUIntBE(receivedAtMs, ENTRY.receivedAt, INDEX_BYTES)
}

export function chainOfEntry(bytes: Buffer): Buffer {
  return bytes.subarray(ENTRY.chain, ENTRY.chain + CHAIN_BYTES)
}

export function placeBlob(bytes: Buffer, blobId: number, payloadLength: number): void {
  bytes.writeUIntBE(blobId, ENTRY_HEADER_BYTES, INDEX_BYTES)
  bytes.writeUIntBE(payloadLength, ENTRY_HEADER_BYTES + INDEX_BYTES, INDEX_BYTES)
}

export function pushIdOfEntry(bytes: Buffer): Buffer {
  return bytes.subarray(ENTRY.pushId, ENTRY.pushId + PUSH_ID_BYTES)
}

/** Undefined where the payload is in the row; its first ENTRY_START_BYTES suffice to tell. */
export function blobOfEntry(bytes: Buffer): Blob | undefined {
  const flags = bytes[ENTRY.flags] ?? 0
  if ((flags & (IN_BLOB | IN_NUMBERED_CHUNKS)) === 0) return undefined
  const isNumbered = (flags & IN_NUMBERED_CHUNKS) !== 0
  const lengthAt = ENTRY_HEADER_BYTES + INDEX_BYTES
  return {
    blobId: bytes.readUIntBE(ENTRY_HEADER_BYTES, INDEX_BYTES),
    bytes: isNumbered ? bytes.readUInt32BE(lengthAt) : bytes.readUIntBE(lengthAt, INDEX_BYTES),
    isNumbered,
  }
}

export function bytesThroughEntry(bytes: Buffer): number {
  return bytes.readUIntBE(ENTRY.bytesThrough, INDEX_BYTES)
}

/** @param rowLength of the whole row, where `bytes` are only its beginning. */
export function decodeEntry(bytes: Buffer, rowLength: number = bytes.length): EntryRow {
  checkVersion(bytes, 'entry')
  const blob = blobOfEntry(bytes)
  return {
    format: bytes[ENTRY.format] ?? 0,
    pushId: pushIdOfEntry(bytes),
    chain: chainOfEntry(bytes),
    bytesThrough: bytesThroughEntry(bytes),
    payloadLength: blob?.bytes ?? rowLength - ENTRY_HEADER_BYTES,
    payload: blob === undefined ? { inline: bytes.subarray(ENTRY_HEADER_BYTES) } : { blob },
  }
}

export interface RecentChange {
  readonly feedIndex: number
  /** UTF-8. */
  readonly documentId: Buffer
}

export interface VaultRow {
  readonly serial: number
  readonly bytes: number
  readonly documents: number
  /** The newest part of the vault's feed, oldest first; the rest has rows of its own. */
  readonly recent: readonly RecentChange[]
}

const VAULT = { serial: 1, bytes: 7, documents: 13, recent: 19 } as const
const RECENT_HEADER_BYTES: number = INDEX_BYTES + 2

export function encodeVault(row: VaultRow): Buffer {
  const recentBytes = row.recent.reduce((sum, { documentId }) => sum + RECENT_HEADER_BYTES + documentId.length, 0)
  const bytes = Buffer.allocUnsafe(VAULT.recent + recentBytes)
  bytes[0] = ROW_VERSION
  bytes.writeUIntBE(row.serial, VAULT.serial, INDEX_BYTES)
  bytes.writeUIntBE(row.bytes, VAULT.bytes, INDEX_BYTES)
  bytes.writeUIntBE(row.documents, VAULT.documents, INDEX_BYTES)
  let at: number = VAULT.recent
  for (const { feedIndex, documentId } of row.recent) {
    bytes.writeUIntBE(feedIndex, at, INDEX_BYTES)
    bytes.writeUInt16BE(documentId.length, at + INDEX_BYTES)
    bytes.set(documentId, at + RECENT_HEADER_BYTES)
    at += RECENT_HEADER_BYTES + documentId.length
  }
  return bytes
}

export function decodeVault(bytes: Buffer): VaultRow {
  checkVersion(bytes, 'vault')
  const recent: RecentChange[] = []
  let at: number = VAULT.recent
  while (at < bytes.length) {
    const end = at + RECENT_HEADER_BYTES + bytes.readUInt16BE(at + INDEX_BYTES)
    recent.push({
      feedIndex: bytes.readUIntBE(at, INDEX_BYTES),
      documentId: bytes.subarray(at + RECENT_HEADER_BYTES, end),
    })
    at = end
  }
  return {
    serial: bytes.readUIntBE(VAULT.serial, INDEX_BYTES),
    bytes: bytes.readUIntBE(VAULT.bytes, INDEX_BYTES),
    documents: bytes.readUIntBE(VAULT.documents, INDEX_BYTES),
    recent,
  }
}

/** What the whole store counts on; written with every commit. */
export interface HeadRow {
  readonly feedHead: number
  /** Documents, vaults and blobs are numbered from one counter. */
  readonly nextSerial: number
  /** 16 random bytes of the process that committed last. */
  readonly owner: Uint8Array
}

const HEAD = { feedHead: 1, nextSerial: 7, owner: 13, end: 29 } as const

export function encodeHead(row: HeadRow): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD.end)
  bytes[0] = ROW_VERSION
  bytes.writeUIntBE(row.feedHead, HEAD.feedHead, INDEX_BYTES)
  bytes.writeUIntBE(row.nextSerial, HEAD.nextSerial, INDEX_BYTES)
  bytes.set(row.owner, HEAD.owner)
  return bytes
}

export function decodeHead(bytes: Buffer): HeadRow {
  checkVersion(bytes, 'head')
  return {
    feedHead: bytes.readUIntBE(HEAD.feedHead, INDEX_BYTES),
    nextSerial: bytes.readUIntBE(HEAD.nextSerial, INDEX_BYTES),
    owner: bytes.subarray(HEAD.owner, HEAD.end),
  }
}

/** What the data is, and since when; written once. */
export interface StoreRow {
  readonly format: number
  readonly epoch: Uint8Array
  readonly createdAtMs: number
}

const STORE = { epoch: 2, createdAt: 18, end: 24 } as const

export function encodeStore(row: StoreRow): Buffer {
  const bytes = Buffer.allocUnsafe(STORE.end)
  bytes.writeUInt16BE(row.format)
  bytes.set(row.epoch, STORE.epoch)
  bytes.writeUIntBE(row.createdAtMs, STORE.createdAt, INDEX_BYTES)
  return bytes
}

/** Only the format stands where it does in every version. */
export function formatOfStore(bytes: Buffer): number {
  return bytes.readUInt16BE()
}

export function decodeStore(bytes: Buffer): StoreRow {
  return {
    format: formatOfStore(bytes),
    epoch: bytes.subarray(STORE.epoch, STORE.createdAt),
    createdAtMs: bytes.readUIntBE(STORE.createdAt, INDEX_BYTES),
  }
}

export function encodeTerm({ term, firstIndex }: FeedTerm): Buffer {
  const bytes = Buffer.allocUnsafe(TERM_BYTES + INDEX_BYTES)
  bytes.set(term, 0)
  bytes.writeUIntBE(firstIndex, TERM_BYTES, INDEX_BYTES)
  return bytes
}

export function decodeTerm(bytes: Buffer): FeedTerm {
  return { term: bytes.subarray(0, TERM_BYTES), firstIndex: bytes.readUIntBE(TERM_BYTES, INDEX_BYTES) }
}

/** @throws Error */
export function checkVersion(bytes: Buffer, table: string): void {
  if (bytes[0] === ROW_VERSION) return
  throw new Error(`A row of the table ${table} has version ${bytes[0]}, expected ${ROW_VERSION}`)
}
