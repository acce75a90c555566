// What is retained of compactions: for each, until what it hid is dropped, when it was and which snapshot it replaced;
// and these snapshots. (The current snapshot stands in the document row.) Numbers as in records.ts.
//
//   compaction   1 version | at | base of the next one (0: there is none) | replaced: 16 id | base (0: there was none)
//   snapshot     1 version | bytes | blob id | 16 base chain | bytes of the log through the base
import { CHAIN_BYTES, INDEX_BYTES } from '../bookmark.ts'
import type { Bytes } from '../contract.ts'
import type { DocumentSnapshot } from './document-row.ts'
import { numbersKey, snapshotKey } from './environment.ts'
import type { RowSource } from './planned-rows.ts'
import { checkVersion, ID_BYTES, ROW_VERSION } from './records.ts'

export interface CompactionRow {
  readonly atMs: number
  readonly nextBase: number
  readonly replaced: { readonly id: Bytes; readonly base: number } | null
}

const COMPACTION = { at: 1, nextBase: 7, replacedId: 13, replacedBase: 29, end: 35 } as const
const SNAPSHOT = { bytes: 1, blobId: 7, baseChain: 13, baseBytes: 29, end: 35 } as const

export function encodeCompaction({ atMs, nextBase, replaced }: CompactionRow): Buffer {
  const row = Buffer.alloc(COMPACTION.end)
  row[0] = ROW_VERSION
  row.writeUIntBE(atMs, COMPACTION.at, INDEX_BYTES)
  row.writeUIntBE(nextBase, COMPACTION.nextBase, INDEX_BYTES)
  if (replaced !== null) {
    row.set(replaced.id, COMPACTION.replacedId)
    row.writeUIntBE(replaced.base, COMPACTION.replacedBase, INDEX_BYTES)
  }
  return row
}

/** @throws Error where there is none. */
export function compactionAt(rowAt: RowSource, serial: number, base: number): CompactionRow {
  const row = rowAt('compaction', numbersKey(serial, base))
  if (row === undefined) throw new Error(`Compaction ${base} of the document with serial ${serial} is missing`)
  checkVersion(row, 'compaction')
  const replacedBase = row.readUIntBE(COMPACTION.replacedBase, INDEX_BYTES)
  const id = row.subarray(COMPACTION.replacedId, COMPACTION.replacedId + ID_BYTES)
  return {
    atMs: row.readUIntBE(COMPACTION.at, INDEX_BYTES),
    nextBase: row.readUIntBE(COMPACTION.nextBase, INDEX_BYTES),
    replaced: replacedBase === 0 ? null : { id, base: replacedBase },
  }
}

export function encodeSnapshot({ bytes, blobId, baseChain, baseBytes }: DocumentSnapshot): Buffer {
  const row = Buffer.allocUnsafe(SNAPSHOT.end)
  row[0] = ROW_VERSION
  row.writeUIntBE(bytes, SNAPSHOT.bytes, INDEX_BYTES)
  row.writeUIntBE(blobId, SNAPSHOT.blobId, INDEX_BYTES)
  row.set(baseChain, SNAPSHOT.baseChain)
  row.writeUIntBE(baseBytes, SNAPSHOT.baseBytes, INDEX_BYTES)
  return row
}

/** A snapshot that was replaced. @throws Error where it is not there. */
export function replacedSnapshot(rowAt: RowSource, serial: number, id: Bytes, base: number): DocumentSnapshot {
  const row = rowAt('snapshot', snapshotKey(serial, id, base))
  if (row === undefined) throw new Error(`The snapshot at ${base} of the document with serial ${serial} is missing`)
  return { id, base, ...decodeSnapshot(row) }
}

export function decodeSnapshot(row: Buffer): Omit<DocumentSnapshot, 'id' | 'base'> {
  checkVersion(row, 'snapshot')
  return {
    bytes: row.readUIntBE(SNAPSHOT.bytes, INDEX_BYTES),
    blobId: row.readUIntBE(SNAPSHOT.blobId, INDEX_BYTES),
    baseChain: row.subarray(SNAPSHOT.baseChain, SNAPSHOT.baseChain + CHAIN_BYTES),
    baseBytes: row.readUIntBE(SNAPSHOT.baseBytes, INDEX_BYTES),
  }
}
