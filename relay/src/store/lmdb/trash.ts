// What is to be dropped, in queues by what it waits for: a row for each, under the time from which it is counted, so that
// the sweep finds what is due first. How long each waits is looked at then. What waits for nothing is garbage: rows that
// nobody can reach any more, removed in steps. Writes nothing itself. Numbers as in records.ts.
//
//   key       1 queue | since (garbage: a number that tells it apart) | serial
//   garbage   1 what (blob: the serial is its id; entries: those up to since; document: all rows of its serial)
//   compacted, agreed: document id | deleted: blob id of the snapshot (0: none) | tombstone: 16 incarnation | document id
//   upload: key | hidden (since: a base): index after which its push ids are still there
import { INCARNATION_BYTES, INDEX_BYTES } from '../bookmark.ts'
import type { Bytes } from '../contract.ts'
import type { CommitPlan } from './plan.ts'
import { ROW_VERSION } from './records.ts'

/**
 * Compacted, and agreed on since: the oldest that is retained of each document. Hidden: push ids of entries that a
 * compaction hid; nobody asks for these, so they wait for nothing either.
 */
export const QUEUES = { garbage: 0, compacted: 1, agreed: 2, deleted: 3, tombstone: 4, upload: 5, hidden: 6 } as const

export type Queue = (typeof QUEUES)[keyof typeof QUEUES]

export type Garbage = 'blob' | 'entries' | 'document'

const GARBAGE: readonly Garbage[] = ['blob', 'entries', 'document']
const SERIAL_AT: number = 1 + INDEX_BYTES
const KEY_BYTES: number = SERIAL_AT + INDEX_BYTES

export function trashKey(queue: Queue, since: number, serial: number): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES)
  key[0] = queue
  key.writeUIntBE(since, 1, INDEX_BYTES)
  key.writeUIntBE(serial, SERIAL_AT, INDEX_BYTES)
  return key
}

export function sinceOf(key: Buffer): number {
  return key.readUIntBE(1, INDEX_BYTES)
}

export function serialOf(key: Buffer): number {
  return key.readUIntBE(SERIAL_AT, INDEX_BYTES)
}

/** Puts a blob to be removed, which nothing refers to any more. */
export function discardBlob(plan: CommitPlan, blobId: number): void {
  plan.rows.put('trash', trashKey(QUEUES.garbage, 0, blobId), garbageRow('blob'))
}

/** Puts entries up to an index to be removed, their payloads and push ids with them. */
export function discardEntries(plan: CommitPlan, serial: number, through: number): void {
  plan.rows.put('trash', trashKey(QUEUES.garbage, through, serial), garbageRow('entries'))
}

/** Puts the push ids of entries after an index up to another to be removed; the entries stay. */
export function discardPushes(plan: CommitPlan, serial: number, after: number, through: number): void {
  plan.rows.put('trash', trashKey(QUEUES.hidden, through, serial), numberRow(after))
}

/** They go with the entries, which are being removed. */
export function leavePushes(plan: CommitPlan, serial: number, through: number): void {
  plan.rows.put('trash', trashKey(QUEUES.hidden, through, serial), undefined)
}

/** Puts to be removed whatever a log left behind. */
export function discardDocument(plan: CommitPlan, serial: number): void {
  plan.rows.put('trash', trashKey(QUEUES.garbage, 0, serial), garbageRow('document'))
}

export function garbageOf(row: Buffer): Garbage {
  const garbage = GARBAGE[row[1] ?? GARBAGE.length]
  if (garbage === undefined) throw new Error(`A row of the table trash is of an unknown kind: ${row[1]}`)
  return garbage
}

function garbageRow(garbage: Garbage): Buffer {
  return Buffer.from([ROW_VERSION, GARBAGE.indexOf(garbage)])
}

export function textRow(text: string): Buffer {
  return Buffer.concat([Buffer.from([ROW_VERSION]), Buffer.from(text)])
}

export function textOf(row: Buffer): string {
  return row.toString('utf8', 1)
}

/** Of a queue that says no more than a number. */
export function numberRow(number: number): Buffer {
  const row = Buffer.allocUnsafe(1 + INDEX_BYTES)
  row[0] = ROW_VERSION
  row.writeUIntBE(number, 1, INDEX_BYTES)
  return row
}

export function numberOf(row: Buffer): number {
  return row.readUIntBE(1, INDEX_BYTES)
}

export function tombstoneRow(incarnation: Bytes, documentId: string): Buffer {
  return Buffer.concat([Buffer.from([ROW_VERSION]), incarnation, Buffer.from(documentId)])
}

export function tombstoneOf(row: Buffer): { readonly incarnation: Buffer; readonly documentId: string } {
  const end = 1 + INCARNATION_BYTES
  return { incarnation: row.subarray(1, end), documentId: row.toString('utf8', end) }
}
