// Blobs: bytes too long for the row that means them, in chunks of any size that follow each other, each keyed by its
// offset; they are cut so that they fill the pages that they take. Those of format 1 have chunks of one size, keyed by
// their number. Writes nothing itself.
import { INDEX_BYTES } from '../bookmark.ts'
import {
  copyFromRow,
  keysBetween,
  lastKeyBetween,
  numbersKey,
  serialKey,
  type Table,
  type Write,
} from './environment.ts'
import type { Blob } from './records.ts'

/** LMDB's own in the first of the pages that a long value has to itself: 24 as lmdb-js builds it, not the 16 of LMDB 0.9. */
const PAGES_HEADER_BYTES = 24
const PAGE_BYTES = 4_096
/** Of a chunk. */
const PAGES_MAX = 16
/** A value of up to so many bytes lies in a page beside others: about what LMDB has no pages of its own for. */
const SHARED_BYTES_MAX = 2_000
/** Chunks of format 1. */
const NUMBERED_CHUNK_BYTES = 65_520

/** The bytes of a blob from an offset on, as chunks. */
export function chunksOf(blobId: number, bytes: Buffer, offset = 0): Write[] {
  const writes: Write[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + nextChunkBytes(bytes.length - at)
    writes.push({ table: 'blob', key: numbersKey(blobId, offset + at), value: bytes.subarray(at, end) })
    at = end
  }
  return writes
}

/** How many of so many bytes fill pages, and leave nothing of the last one unused. */
export function bytesOnFullPages(bytes: number): number {
  const chunks = Math.floor(bytes / pagesBytes(PAGES_MAX))
  const rest = bytes - chunks * pagesBytes(PAGES_MAX)
  const pages = Math.floor((rest + PAGES_HEADER_BYTES) / PAGE_BYTES)
  return chunks * pagesBytes(PAGES_MAX) + (pages === 0 ? 0 : pagesBytes(pages))
}

/** What a value has room for that takes so many pages. */
function pagesBytes(pages: number): number {
  return pages * PAGE_BYTES - PAGES_HEADER_BYTES
}

/** Whatever is left of full pages goes with them, unless it is so little that it needs no page of its own. */
function nextChunkBytes(bytes: number): number {
  if (bytes >= pagesBytes(PAGES_MAX)) return pagesBytes(PAGES_MAX)
  const full = bytesOnFullPages(bytes)
  return full > 0 && bytes - full <= SHARED_BYTES_MAX ? full : bytes
}

/**
 * Bytes `offset` to `offset + bytesMax`, fewer at its end; no chunk beside these is read.
 * @throws Error where a chunk is missing.
 */
export function readBlob(table: Table, blob: Blob, offset: number, bytesMax: number): Buffer {
  const end = Math.min(blob.bytes, offset + bytesMax)
  if (end <= offset) return Buffer.alloc(0)
  const bytes = Buffer.allocUnsafe(end - offset)
  let start = chunkStart(table, blob, offset)
  while (start < end) {
    const from = Math.max(0, offset - start)
    const length = copyFromRow(table, chunkKey(blob, start), from, bytes, Math.max(0, start - offset))
    if (length === undefined || length <= from) throw missing(blob, start)
    start += length
  }
  return bytes
}

export interface FirstChunks {
  readonly keys: readonly Buffer[]
  /** What they hold, about. */
  readonly bytes: number
  /** There are no others. */
  readonly isAll: boolean
}

/** Keys of the first chunks of a blob, at most so many and, but for the first, so many bytes. */
export function firstChunks(table: Table, blobId: number, keysMax: number, bytesMax: number): FirstChunks {
  const found = keysBetween(table, serialKey(blobId), serialKey(blobId + 1), keysMax)
  const keys: Buffer[] = []
  let bytes = 0
  for (const [position, key] of found.entries()) {
    if (keys.length > 0 && bytes >= bytesMax) break
    keys.push(key)
    bytes += lengthBetween(key, found[position + 1])
  }
  return { keys, bytes, isAll: keys.length === found.length && found.length < keysMax }
}

/** Where the chunk begins in which an offset lies. */
function chunkStart(table: Table, blob: Blob, offset: number): number {
  if (blob.isNumbered) return offset - (offset % NUMBERED_CHUNK_BYTES)
  if (offset === 0) return 0
  const key = lastKeyBetween(table, numbersKey(blob.blobId, 0), numbersKey(blob.blobId, offset))
  if (key === undefined) throw missing(blob, offset)
  return key.readUIntBE(INDEX_BYTES, INDEX_BYTES)
}

function chunkKey({ blobId, isNumbered }: Blob, start: number): Buffer {
  return isNumbered ? numberedKey(blobId, start / NUMBERED_CHUNK_BYTES) : numbersKey(blobId, start)
}

function numberedKey(blobId: number, chunk: number): Buffer {
  const key = Buffer.allocUnsafe(INDEX_BYTES + 4)
  key.writeUIntBE(blobId, 0, INDEX_BYTES)
  key.writeUInt32BE(chunk, INDEX_BYTES)
  return key
}

/** Without reading them: as far as the next one, or a whole chunk where that is not known. */
function lengthBetween(key: Buffer, next: Buffer | undefined): number {
  const isKeyedByOffset = key.length === 2 * INDEX_BYTES
  if (next === undefined || !isKeyedByOffset) return NUMBERED_CHUNK_BYTES
  return next.readUIntBE(INDEX_BYTES, INDEX_BYTES) - key.readUIntBE(INDEX_BYTES, INDEX_BYTES)
}

function missing({ blobId }: Blob, offset: number): Error {
  return new Error(`Blob ${blobId} has no chunk at ${offset}`)
}
