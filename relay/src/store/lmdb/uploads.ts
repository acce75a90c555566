// Uploads: pieces gathered in a blob, until a push or a snapshot takes the whole of it as it lies there. Pieces of any
// size become chunks that fill their pages: what is read later does not depend on how it came. Writes nothing itself.
import type { Staged, StagedPiece, StoreLimits } from '../contract.ts'
import { checkPiece } from '../contract-checks.ts'
import { bytesOnFullPages, chunksOf } from './blobs.ts'
import type { CommitPlan, Operation } from './plan.ts'
import type { Blob } from './records.ts'
import { discardBlob, QUEUES, textRow, trashKey } from './trash.ts'
import { chargedBytes, decodeUpload, encodeUpload, isWhole, stagedBytes, type UploadRow } from './upload-row.ts'

/** Copies the piece. @throws RangeError for one that no store takes. */
export function staging(piece: StagedPiece, { uploadBytesMax }: StoreLimits): Operation<Staged | 'full'> {
  checkPiece(piece)
  const copied = { ...piece, bytes: Buffer.from(piece.bytes) }
  return (plan) => stagePiece(plan, copied, uploadBytesMax)
}

function stagePiece(
  plan: CommitPlan,
  { key, total, offset, bytes }: StagedPiece & { readonly bytes: Buffer },
  uploadBytesMax: number,
): Staged | 'full' {
  const before = uploadAt(plan, key)
  const held = before?.total === total ? before : undefined
  const staged = held === undefined ? 0 : stagedBytes(held)
  if (bytes.length === 0 || offset !== staged) {
    if (held === undefined) dropUpload(plan, key)
    return { staged }
  }
  const nowMs = plan.nowMs()
  const upload = added(held ?? begun(plan, total, nowMs), bytes, nowMs)
  const others = plan.uploadBytes - (before === undefined ? 0 : chargedBytes(before))
  if (others + chargedBytes(upload.row) > uploadBytesMax) return 'full'
  if (held === undefined) {
    dropUpload(plan, key)
    plan.rows.put('trash', trashKey(QUEUES.upload, nowMs, upload.row.blobId), textRow(key))
  }
  plan.addChunks(chunksOf(upload.row.blobId, upload.chunked, upload.chunkedFrom))
  plan.rows.put('upload', Buffer.from(key), encodeUpload(upload.row))
  plan.uploadBytes = others + chargedBytes(upload.row)
  return { staged: stagedBytes(upload.row) }
}

function uploadAt(plan: CommitPlan, key: string): UploadRow | undefined {
  const row = plan.rows.get('upload', Buffer.from(key))
  return row === undefined ? undefined : decodeUpload(row)
}

/** Undefined: it is not there whole. */
export function wholeUpload(plan: CommitPlan, key: string): Blob | undefined {
  const upload = uploadAt(plan, key)
  return upload !== undefined && isWhole(upload) ? blobOfUpload(upload) : undefined
}

function blobOfUpload({ blobId, total }: UploadRow): Blob {
  return { blobId, bytes: total, isNumbered: false }
}

/** Forgets the upload; its blob is the caller's. */
export function takeUpload(plan: CommitPlan, key: string): void {
  const upload = uploadAt(plan, key)
  if (upload === undefined) return
  plan.rows.put('upload', Buffer.from(key), undefined)
  plan.rows.put('trash', trashKey(QUEUES.upload, upload.queuedAtMs, upload.blobId), undefined)
  plan.uploadBytes -= chargedBytes(upload)
}

/** Forgets the upload, if it is there, and its blob with it. */
export function dropUpload(plan: CommitPlan, key: string): void {
  const upload = uploadAt(plan, key)
  takeUpload(plan, key)
  if (upload !== undefined && upload.chunkedBytes > 0) discardBlob(plan, upload.blobId)
}

/** Drops an upload that has had no piece for so long; any other is put back into its queue, under its last piece. */
export function dropIfIdle(plan: CommitPlan, key: string, nowMs: number, uploadIdleMs: number): void {
  const upload = uploadAt(plan, key)
  if (upload === undefined) return
  if (nowMs >= upload.lastPieceAtMs + uploadIdleMs) {
    dropUpload(plan, key)
    return
  }
  const queuedAtMs = upload.lastPieceAtMs
  plan.rows.put('trash', trashKey(QUEUES.upload, queuedAtMs, upload.blobId), textRow(key))
  plan.rows.put('upload', Buffer.from(key), encodeUpload({ ...upload, queuedAtMs }))
}

function begun(plan: CommitPlan, total: number, nowMs: number): UploadRow {
  const empty = { chunkedBytes: 0, pieces: 0, rest: Buffer.alloc(0) }
  return { blobId: plan.takeSerial(), total, ...empty, queuedAtMs: nowMs, lastPieceAtMs: nowMs }
}

interface AddedPiece {
  readonly row: UploadRow
  /** What becomes chunks of its blob, and from which offset on. */
  readonly chunked: Buffer
  readonly chunkedFrom: number
}

function added(upload: UploadRow, bytes: Buffer, lastPieceAtMs: number): AddedPiece {
  const { chunkedBytes, rest, total, pieces } = upload
  const waiting = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
  const isEnd = chunkedBytes + waiting.length === total
  // What would begin a page waits in the row of the upload for the next piece.
  const chunked = isEnd ? waiting : waiting.subarray(0, bytesOnFullPages(waiting.length))
  const row = {
    ...upload,
    chunkedBytes: chunkedBytes + chunked.length,
    pieces: pieces + 1,
    lastPieceAtMs,
    rest: waiting.subarray(chunked.length),
  }
  return { row, chunked, chunkedFrom: chunkedBytes }
}
