// Uploads of a memory store: pieces in order, bounded in bytes all together, until something takes the whole.
import { createHash } from 'node:crypto'
import type { Bytes, Staged, StagedPiece, StoreLimits } from './contract.ts'
import type { MemoryState, MemoryUpload } from './memory-state.ts'

/** What a piece takes up beside its own bytes. */
const PIECE_OVERHEAD_BYTES = 512

export function stagePiece(
  state: MemoryState,
  { key, total, offset, bytes }: StagedPiece,
  limits: StoreLimits,
  nowMs: number,
): Staged | 'full' {
  const before = state.uploads.get(key)
  const held = before?.total === total ? before : undefined
  const staged = held?.staged ?? 0
  if (bytes.length === 0 || offset !== staged) {
    if (held === undefined) state.uploads.delete(key)
    return { staged }
  }
  const upload: MemoryUpload = {
    total,
    pieces: [...(held?.pieces ?? []), bytes],
    staged: staged + bytes.length,
    lastPieceAtMs: nowMs,
  }
  const others = bytesOfAll(state) - (before === undefined ? 0 : bytesOf(before))
  if (others + bytesOf(upload) > limits.uploadBytesMax) return 'full'
  state.uploads.set(key, upload)
  return { staged: upload.staged }
}

/** The whole upload, which is gone afterwards; undefined: it is not whole, and is gone as well. */
export function takeUpload(state: MemoryState, key: string): Bytes | undefined {
  const upload = wholeUpload(state, key)
  state.uploads.delete(key)
  return upload === undefined ? undefined : new Uint8Array(Buffer.concat(upload.pieces))
}

export function wholeUpload({ uploads }: MemoryState, key: string): MemoryUpload | undefined {
  const upload = uploads.get(key)
  return upload?.staged === upload?.total ? upload : undefined
}

/** SHA-256 of a prefix and the whole upload behind it. */
export function hashOfUpload(state: MemoryState, key: string, prefix: Bytes): Bytes | 'gone' {
  const upload = wholeUpload(state, key)
  if (upload === undefined) return 'gone'
  const hash = createHash('sha256').update(prefix)
  for (const piece of upload.pieces) hash.update(piece)
  return hash.digest()
}

function bytesOfAll({ uploads }: MemoryState): number {
  let bytes = 0
  for (const upload of uploads.values()) bytes += bytesOf(upload)
  return bytes
}

function bytesOf({ staged, pieces }: MemoryUpload): number {
  return staged + pieces.length * PIECE_OVERHEAD_BYTES
}
