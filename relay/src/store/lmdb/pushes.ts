// Pushes as the writer keeps them: copied once, straight into the row that will be stored.
import type { StorePush } from '../contract.ts'
import { blobKey, type Write } from './environment.ts'
import { beginEntry, pushIdOfEntry } from './records.ts'

export interface CopiedPush {
  readonly documentId: string
  /** A view of `entry`. */
  readonly pushId: Buffer
  /** The row, but for its place in the log. */
  readonly entry: Buffer
  readonly payloadLength: number
  /** The payload where it goes to blobs. */
  readonly large: Buffer | undefined
}

/** A payload of this many bytes and more lies in blobs, beside the entries, which are read in pages. */
const LARGE_PAYLOAD_BYTES: number = 64 * 1024
/** 16 pages of 4 KiB less LMDB's header, so that a chunk leaves nothing of its last page unused. */
const CHUNK_BYTES = 65_520

export function copyPush(push: StorePush): CopiedPush {
  const large = push.payload.length >= LARGE_PAYLOAD_BYTES
  const entry = beginEntry(push.format, push.pushId, large ? undefined : push.payload)
  return {
    documentId: push.documentId,
    pushId: pushIdOfEntry(entry),
    entry,
    payloadLength: push.payload.length,
    large: large ? Buffer.from(push.payload) : undefined,
  }
}

export function chunksOf(blobId: number, payload: Buffer): Write[] {
  const writes: Write[] = []
  for (let at = 0; at < payload.length; at += CHUNK_BYTES) {
    const value = payload.subarray(at, at + CHUNK_BYTES)
    writes.push({ table: 'blob', key: blobKey(blobId, writes.length), value })
  }
  return writes
}
