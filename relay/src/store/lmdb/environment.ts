// The LMDB environment: its tables, their keys, and the one way to write to it. Knows nothing of documents.
//
// Keys (numbers big endian, 6 bytes): meta name | document id | vault name | entry serial, index | push serial, push id
// | feed vault serial, feed index | term number (4) | blob id, offset | upload key | compaction serial, base
// | snapshot serial, id, base | claim serial | repair serial | tombstone document id, incarnation | trash: trash.ts
import { type Database, open, type RootDatabase } from 'lmdb'
import { INDEX_BYTES, PUSH_ID_BYTES } from '../bookmark.ts'
import { ID_BYTES } from './records.ts'

export type Table = Database<Uint8Array, Uint8Array>

export interface Tables {
  readonly meta: Table
  readonly document: Table
  readonly vault: Table
  readonly entry: Table
  readonly push: Table
  readonly feed: Table
  readonly term: Table
  readonly blob: Table
  readonly upload: Table
  readonly compaction: Table
  readonly snapshot: Table
  readonly claim: Table
  readonly repair: Table
  readonly tombstone: Table
  readonly trash: Table
}

export type TableName = keyof Tables

/** In this order and as one; no value: the row is removed. */
export interface Write {
  readonly table: TableName
  readonly key: Buffer
  readonly value: Buffer | undefined
}

export interface Environment {
  readonly root: RootDatabase<Uint8Array, Uint8Array>
  readonly tables: Tables
}

/** Rows of the table meta. */
export const STORE_KEY: Buffer = Buffer.from('store')
export const HEAD_KEY: Buffer = Buffer.from('head')
export const HOLDER_KEY: Buffer = Buffer.from('holder')

/** Default 126; each thread that reads holds one, and a dead process leaves its own until `readerCheck`. */
const READERS_MAX = 1_024
const TABLES_MAX = 32
/** Address space, not disk: grows by itself, in steps that stop the readers, so it begins beyond the first few. */
const MAP_BYTES_AT_START: number = 64 * 1024 * 1024
const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const

export function openRoot(directory: string): RootDatabase<Uint8Array, Uint8Array> {
  return open<Uint8Array, Uint8Array>({
    ...BINARY,
    path: directory,
    // Else a directory named with a dot is taken for a file.
    noSubdir: false,
    // With it readers see a commit before it is on disk.
    overlappingSync: false,
    // Writes go out in explicit batches: one batch, one promise, nothing of another turn in it.
    eventTurnBatching: false,
    maxReaders: READERS_MAX,
    maxDbs: TABLES_MAX,
    mapSize: MAP_BYTES_AT_START,
  })
}

export function openTable(root: RootDatabase<Uint8Array, Uint8Array>, name: TableName): Table {
  return root.openDB<Uint8Array, Uint8Array>(name, BINARY)
}

export function openTables(root: RootDatabase<Uint8Array, Uint8Array>): Tables {
  return {
    meta: openTable(root, 'meta'),
    document: openTable(root, 'document'),
    vault: openTable(root, 'vault'),
    entry: openTable(root, 'entry'),
    push: openTable(root, 'push'),
    feed: openTable(root, 'feed'),
    term: openTable(root, 'term'),
    blob: openTable(root, 'blob'),
    upload: openTable(root, 'upload'),
    compaction: openTable(root, 'compaction'),
    snapshot: openTable(root, 'snapshot'),
    claim: openTable(root, 'claim'),
    repair: openTable(root, 'repair'),
    tombstone: openTable(root, 'tombstone'),
    trash: openTable(root, 'trash'),
  }
}

/**
 * One transaction for all of the writes. Resolves when it has been flushed; until then no reader sees any of it.
 * Rejects with the cause where there is one (a `code` of the operating system).
 */
export async function commit({ root, tables }: Environment, writes: readonly Write[]): Promise<void> {
  const committed = root.batch(() => {
    for (const { table, key, value } of writes) {
      // Within a batch these promises are the batch's own or resolved already.
      if (value === undefined) void tables[table].remove(key)
      else void tables[table].put(key, value)
    }
  })
  try {
    await committed
  } catch (error) {
    throw await causeOf(error)
  }
}

/** Bytes of the data file that hold nothing any more, and are written again before the file grows. */
export function reusableBytes({ root, tables }: Environment): number {
  const { root: names, free, lastPageNumber, pageSize } = root.getStats() as EnvironmentStats
  const trees = [names, free, ...Object.values(tables).map((table: Table) => table.getStats() as TreeStats)]
  const pagesUsed = trees.reduce((sum, tree) => sum + pagesOf(tree), META_PAGES)
  return Math.max(0, lastPageNumber + 1 - pagesUsed) * pageSize
}

/** What lmdb-js says of one tree, without types. */
interface TreeStats {
  readonly treeBranchPageCount: number
  readonly treeLeafPageCount: number
  readonly overflowPages: number
}

interface EnvironmentStats {
  readonly root: TreeStats
  readonly free: TreeStats
  readonly lastPageNumber: number
  readonly pageSize: number
}

const META_PAGES = 2

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages
}

/** The row, copied: what LMDB lends is overwritten by the next get. */
export function getRow(table: Table, key: Buffer): Buffer | undefined {
  const lent = table.getBinaryFast(key)
  // A lent buffer is longer than the row; only its own `length` knows.
  return lent === undefined ? undefined : Buffer.from(lent.subarray(0, lent.length))
}

/** The same of its first bytes only, where a row is long and only its beginning is wanted. */
export function getRowStart(table: Table, key: Buffer, bytesMax: number): Buffer | undefined {
  const lent = table.getBinaryFast(key)
  return lent === undefined ? undefined : Buffer.from(lent.subarray(0, Math.min(lent.length, bytesMax)))
}

/** The row, copied, and how long it is; only its beginning where it is longer than so many bytes. */
export function getRowUpTo(
  table: Table,
  key: Buffer,
  bytesMax: number,
  startBytes: number,
): { readonly row: Buffer; readonly length: number } | undefined {
  const lent = table.getBinaryFast(key)
  if (lent === undefined) return undefined
  const { length } = lent
  return { row: Buffer.from(lent.subarray(0, length > bytesMax ? Math.min(length, startBytes) : length)), length }
}

/** Copies a part of the row, as far as it and the target go; returns how long the whole row is. */
export function copyFromRow(table: Table, key: Buffer, from: number, target: Buffer, at: number): number | undefined {
  const lent = table.getBinaryFast(key)
  if (lent === undefined) return undefined
  target.set(lent.subarray(from, Math.min(lent.length, from + target.length - at)), at)
  return lent.length
}

/** The first keys from `start` to before `end`, at most so many, in order. */
export function keysBetween(table: Table, start: Buffer, end: Buffer, limit: number): readonly Buffer[] {
  // Exhausted here and now: an iterator left open would hold its read transaction.
  return [...table.getKeys({ start, end, limit })].map((key) => Buffer.from(key))
}

/** The last key from `start` to before or at `end`. */
export function lastKeyBetween(table: Table, start: Buffer, end: Buffer): Buffer | undefined {
  const last = [...table.getKeys({ start: end, reverse: true, limit: 1 })].map((key) => Buffer.from(key)).at(0)
  return last !== undefined && Buffer.compare(last, start) >= 0 ? last : undefined
}

/** (serial, index), (vault serial, feed index), (blob id, offset), (serial, base). */
export function numbersKey(first: number, second: number): Buffer {
  const key = Buffer.allocUnsafe(2 * INDEX_BYTES)
  key.writeUIntBE(first, 0, INDEX_BYTES)
  key.writeUIntBE(second, INDEX_BYTES, INDEX_BYTES)
  return key
}

export function pushKey(serial: number, pushId: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(INDEX_BYTES + PUSH_ID_BYTES)
  key.writeUIntBE(serial, 0, INDEX_BYTES)
  key.set(pushId, INDEX_BYTES)
  return key
}

/** Of a table with one row for each serial; and where the rows of a serial begin in any other. */
export function serialKey(serial: number): Buffer {
  const key = Buffer.allocUnsafe(INDEX_BYTES)
  key.writeUIntBE(serial, 0, INDEX_BYTES)
  return key
}

/** One snapshot may have been installed at several bases. */
export function snapshotKey(serial: number, snapshotId: Uint8Array, base: number): Buffer {
  const key = Buffer.allocUnsafe(2 * INDEX_BYTES + ID_BYTES)
  key.writeUIntBE(serial, 0, INDEX_BYTES)
  key.set(snapshotId, INDEX_BYTES)
  key.writeUIntBE(base, INDEX_BYTES + ID_BYTES, INDEX_BYTES)
  return key
}

/** An incarnation's length is known: no two of these are the same bytes. */
export function tombstoneKey(documentId: Uint8Array, incarnation: Uint8Array): Buffer {
  return Buffer.concat([documentId, incarnation])
}

export function termKey(number: number): Buffer {
  const key = Buffer.allocUnsafe(4)
  key.writeUInt32BE(number)
  return key
}

/** lmdb-js says only "Commit failed" and hands the cause in a promise, which ends the process if nobody handles it. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  try {
    await error.commitError
    return error
  } catch (cause) {
    return cause
  }
}
