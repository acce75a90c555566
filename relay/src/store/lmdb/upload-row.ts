// The row of an upload, by its key: how far it is, and the blob that its bytes go to. Numbers as in records.ts.
//
//   1 version | blob id | total | bytes in chunks | pieces | queued at | last piece at | bytes that are no chunk yet
import { INDEX_BYTES } from '../bookmark.ts'
import type { Table } from './environment.ts'
import { checkVersion, ROW_VERSION } from './records.ts'

export interface UploadRow {
  readonly blobId: number
  readonly total: number
  readonly chunkedBytes: number
  readonly pieces: number
  /** Under which time it lies in the trash; there it is looked at again, and perhaps put back, when that is due. */
  readonly queuedAtMs: number
  readonly lastPieceAtMs: number
  /** Of small pieces, kept here until they fill a page; empty once the upload is whole. */
  readonly rest: Buffer
}

/** What a piece takes up beside its own bytes. */
const PIECE_OVERHEAD_BYTES = 512

const AT = { blobId: 1, total: 7, chunkedBytes: 13, pieces: 19, queuedAt: 25, lastPieceAt: 31, rest: 37 } as const

export function encodeUpload(upload: UploadRow): Buffer {
  const row = Buffer.allocUnsafe(AT.rest + upload.rest.length)
  row[0] = ROW_VERSION
  row.writeUIntBE(upload.blobId, AT.blobId, INDEX_BYTES)
  row.writeUIntBE(upload.total, AT.total, INDEX_BYTES)
  row.writeUIntBE(upload.chunkedBytes, AT.chunkedBytes, INDEX_BYTES)
  row.writeUIntBE(upload.pieces, AT.pieces, INDEX_BYTES)
  row.writeUIntBE(upload.queuedAtMs, AT.queuedAt, INDEX_BYTES)
  row.writeUIntBE(upload.lastPieceAtMs, AT.lastPieceAt, INDEX_BYTES)
  row.set(upload.rest, AT.rest)
  return row
}

export function decodeUpload(row: Buffer): UploadRow {
  checkVersion(row, 'upload')
  const number = (at: number): number => row.readUIntBE(at, INDEX_BYTES)
  return {
    blobId: number(AT.blobId),
    total: number(AT.total),
    chunkedBytes: number(AT.chunkedBytes),
    pieces: number(AT.pieces),
    queuedAtMs: number(AT.queuedAt),
    lastPieceAtMs: number(AT.lastPieceAt),
    rest: row.subarray(AT.rest),
  }
}

export function stagedBytes({ chunkedBytes, rest }: UploadRow): number {
  return chunkedBytes + rest.length
}

export function isWhole(upload: UploadRow): boolean {
  return stagedBytes(upload) === upload.total
}

/** As the bound of all uploads counts it. */
export function chargedBytes(upload: UploadRow): number {
  return stagedBytes(upload) + upload.pieces * PIECE_OVERHEAD_BYTES
}

/** Of all uploads together. Reads them all: for when the store is opened. */
export function chargedBytesOfAll(table: Table): number {
  let bytes = 0
  for (const { value } of table.getRange({})) bytes += chargedBytes(decodeUpload(Buffer.from(value)))
  return bytes
}
