// The row of a log's repairs, by its serial: when the last one was, and what was repaired, the newest last. Numbers as in
// records.ts.
//
//   1 version | at | head at that time | wait before the next in ms | each: 16 base chain | 16 fingerprint
import { CHAIN_BYTES, INDEX_BYTES } from '../bookmark.ts'
import type { LastRepair } from '../repair-wait.ts'
import { checkVersion, ID_BYTES, ROW_VERSION } from './records.ts'

export interface RepairRow extends LastRepair {
  /** Base chain and fingerprint. */
  readonly causes: readonly Buffer[]
}

const AT = { atMs: 1, head: 7, waitMs: 13, causes: 19 } as const
const CAUSE_BYTES: number = CHAIN_BYTES + ID_BYTES

export function encodeRepair({ atMs, head, waitMs, causes }: RepairRow): Buffer {
  const row = Buffer.allocUnsafe(AT.causes)
  row[0] = ROW_VERSION
  row.writeUIntBE(atMs, AT.atMs, INDEX_BYTES)
  row.writeUIntBE(head, AT.head, INDEX_BYTES)
  row.writeUIntBE(waitMs, AT.waitMs, INDEX_BYTES)
  return Buffer.concat([row, ...causes])
}

export function decodeRepair(row: Buffer): RepairRow {
  checkVersion(row, 'repair')
  const causes: Buffer[] = []
  for (let at: number = AT.causes; at < row.length; at += CAUSE_BYTES) causes.push(row.subarray(at, at + CAUSE_BYTES))
  return {
    atMs: row.readUIntBE(AT.atMs, INDEX_BYTES),
    head: row.readUIntBE(AT.head, INDEX_BYTES),
    waitMs: row.readUIntBE(AT.waitMs, INDEX_BYTES),
    causes,
  }
}
