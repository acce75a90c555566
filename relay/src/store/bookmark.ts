// Bookmarks and feed marks as bytes. Only a store makes and reads them; to everybody else they are opaque.
//
//   bookmark   incarnation (16) | index (6, big endian) | chain at the index (16)
//   feed mark  term (8) | feed index (6, big endian)
import type { Bytes } from './contract.ts'

export const INCARNATION_BYTES = 16
export const PUSH_ID_BYTES = 16
export const CHAIN_BYTES = 16
export const GENERATION_BYTES = 8
export const TERM_BYTES = 8
/** Indexes, serials, byte counts and times are whole numbers below 2^48. */
export const INDEX_BYTES = 6

const CHAIN_AT: number = INCARNATION_BYTES + INDEX_BYTES
const BOOKMARK_BYTES: number = CHAIN_AT + CHAIN_BYTES
const FEED_MARK_BYTES: number = TERM_BYTES + INDEX_BYTES

export interface Bookmark {
  readonly incarnation: Bytes
  readonly index: number
  readonly chain: Bytes
}

export interface FeedMark {
  readonly term: Bytes
  readonly index: number
}

export function encodeBookmark(incarnation: Bytes, index: number, chain: Bytes): Bytes {
  const bytes = Buffer.allocUnsafe(BOOKMARK_BYTES)
  bytes.set(incarnation, 0)
  bytes.writeUIntBE(index, INCARNATION_BYTES, INDEX_BYTES)
  bytes.set(chain, CHAIN_AT)
  return bytes
}

/** Undefined for what no store of this version made. */
export function decodeBookmark(bytes: Bytes): Bookmark | undefined {
  if (bytes.length !== BOOKMARK_BYTES) return undefined
  return {
    incarnation: bytes.subarray(0, INCARNATION_BYTES),
    index: readIndex(bytes, INCARNATION_BYTES),
    chain: bytes.subarray(CHAIN_AT),
  }
}

export function encodeFeedMark(term: Bytes, index: number): Bytes {
  const bytes = Buffer.allocUnsafe(FEED_MARK_BYTES)
  bytes.set(term, 0)
  bytes.writeUIntBE(index, TERM_BYTES, INDEX_BYTES)
  return bytes
}

/** Undefined for what no store of this version made. */
export function decodeFeedMark(bytes: Bytes): FeedMark | undefined {
  if (bytes.length !== FEED_MARK_BYTES) return undefined
  return { term: bytes.subarray(0, TERM_BYTES), index: readIndex(bytes, TERM_BYTES) }
}

function readIndex(bytes: Bytes, at: number): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUIntBE(at, INDEX_BYTES)
}
