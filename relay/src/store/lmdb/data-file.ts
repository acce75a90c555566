// Looks at data.mdb before LMDB does: lmdb-js 3.5.6 ends the process by a signal, without a word, where the head of the
// file is not one, and where it reads a page behind the file's end. Only reads, and refuses nothing that LMDB could open.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { RelayStoreError } from '../contract.ts'

// lmdb.c: MDB_page_header, then MDB_meta, as they lie on 64-bit little-endian machines.
const PAGE_HEADER_BYTES = 24
const FLAGS_AT = 18
const LOWER_AT = 20
const MAGIC_AT = 24
const VERSION_AT = 28
const PAGE_SIZE_AT = 48
const FREE_ROOT_AT = 88
const MAIN_ROOT_AT = 136
const LAST_PAGE_AT = 144
const TRANSACTION_AT = 152
const META_BYTES = 160
const MAGIC = 0xbeefc0de
const VERSION = 2
const PAGE_SIZE_MIN = 256
const PAGE_SIZE_MAX = 65_536
const BRANCH = 1
const LEAF = 2
const META = 8
/** Of MDB_db, the row of a named table. */
const TABLE_ROOT_AT = 40
const NODE_HEADER_BYTES = 8
const OVERFLOWS = 1
const IS_TABLE = 2
const NO_PAGE: bigint = 2n ** 64n - 1n

/**
 * Says nothing of a file that is not there, or that is empty: LMDB begins it. Another process may be writing to it.
 * @throws RelayStoreError STORAGE where LMDB cannot read the file: it is no LMDB file, or its end is missing.
 */
export function checkDataFile(directory: string): void {
  withDataFile(directory, (file) => {
    const meta = readMeta(file)
    if (meta === null || !reachesBehindEnd(file, meta)) return
    // Where there was a commit meanwhile, pages may have been written over while they were looked at.
    if (readMeta(file)?.transaction !== meta.transaction) return
    const missing = `it has ${bytesOf(file)} bytes of ${(meta.lastPage + 1) * meta.pageSize}`
    throw new RelayStoreError('STORAGE', `${file.path} was cut off: ${missing}. Put a backup in its place`)
  })
}

interface DataFile {
  readonly path: string
  readonly descriptor: number
}

interface Meta {
  readonly transaction: bigint
  readonly pageSize: number
  readonly lastPage: number
  readonly roots: readonly bigint[]
}

function withDataFile(directory: string, look: (file: DataFile) => void): void {
  const path = join(directory, 'data.mdb')
  let descriptor: number
  try {
    descriptor = openSync(path, 'r')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw error
  }
  try {
    const stats = fstatSync(descriptor)
    if (!stats.isFile()) throw new RelayStoreError('STORAGE', `${path} is not a file`)
    if (stats.size > 0) look({ path, descriptor })
  } finally {
    closeSync(descriptor)
  }
}

/** The newer of the two. Null: on a machine whose pages look otherwise. */
function readMeta(file: DataFile): Meta | null {
  if (process.arch !== 'x64' && process.arch !== 'arm64') return null
  const first = read(file, 0, META_BYTES)
  const pageSize = first?.readUInt32LE(PAGE_SIZE_AT) ?? 0
  const isHead =
    first !== null &&
    (first.readUInt16LE(FLAGS_AT) & META) !== 0 &&
    first.readUInt32LE(MAGIC_AT) === MAGIC &&
    pageSize >= PAGE_SIZE_MIN &&
    pageSize <= PAGE_SIZE_MAX
  if (!isHead) throw unreadable(file, 'it does not begin as an LMDB file does')
  const version = first.readUInt16LE(VERSION_AT)
  if (version !== VERSION) throw unreadable(file, `it is LMDB data of version ${version}, not ${VERSION}`)
  const second = read(file, pageSize, META_BYTES)
  if (second === null) throw unreadable(file, 'it ends within its head')
  const isSecondNewer = second.readBigUInt64LE(TRANSACTION_AT) > first.readBigUInt64LE(TRANSACTION_AT)
  return toMeta(isSecondNewer ? second : first, pageSize)
}

function toMeta(page: Buffer, pageSize: number): Meta {
  return {
    transaction: page.readBigUInt64LE(TRANSACTION_AT),
    pageSize,
    lastPage: Number(page.readBigUInt64LE(LAST_PAGE_AT)),
    roots: [page.readBigUInt64LE(FREE_ROOT_AT), page.readBigUInt64LE(MAIN_ROOT_AT)],
  }
}

/** Whether any page that the trees refer to lies behind the end of the file. */
function reachesBehindEnd(file: DataFile, { pageSize, lastPage, roots }: Meta): boolean {
  // A transaction may end with pages that nothing refers to, and those are never written.
  if (bytesOf(file) >= (lastPage + 1) * pageSize) return false
  const pages: bigint[] = roots.filter((root) => root !== NO_PAGE)
  let looked = 0
  for (let number = pages.pop(); number !== undefined; number = pages.pop()) {
    const page = read(file, Number(number) * pageSize, pageSize)
    looked += 1
    if (page === null || looked > lastPage) return true
    for (const { first, count } of runsIn(page, pageSize)) {
      if (count === null) pages.push(first)
      else if ((Number(first) + count) * pageSize > bytesOf(file)) return true
    }
  }
  return false
}

interface Run {
  readonly first: bigint
  /** Of a long value. Null: the page is of a tree, and refers to others in its turn. */
  readonly count: number | null
}

/** What a page of a tree refers to. Of one that is no such page nothing: LMDB says so by itself. */
function* runsIn(page: Buffer, pageSize: number): Generator<Run> {
  const flags = page.readUInt16LE(FLAGS_AT)
  if ((flags & (BRANCH | LEAF)) === 0) return
  // Both the end of the list of nodes and what stands in it are counted from the end of the page's header.
  const end = Math.min(PAGE_HEADER_BYTES + page.readUInt16LE(LOWER_AT), pageSize - 1)
  for (let at = PAGE_HEADER_BYTES; at < end; at += 2) {
    const node = PAGE_HEADER_BYTES + page.readUInt16LE(at)
    if (node + NODE_HEADER_BYTES > pageSize) return
    const run = (flags & BRANCH) !== 0 ? childOf(page, node) : longValueOf(page, node)
    if (run !== null) yield run
  }
}

function childOf(page: Buffer, node: number): Run {
  return { first: BigInt(page.readUInt32LE(node)) | (BigInt(page.readUInt16LE(node + 4)) << 32n), count: null }
}

function longValueOf(page: Buffer, node: number): Run | null {
  const flags = page.readUInt16LE(node + 4)
  const data = node + NODE_HEADER_BYTES + page.readUInt16LE(node + 6)
  const at = (flags & IS_TABLE) !== 0 ? data + TABLE_ROOT_AT : data
  if ((flags & (OVERFLOWS | IS_TABLE)) === 0 || at + 8 > page.length) return null
  const first = page.readBigUInt64LE(at)
  if ((flags & IS_TABLE) !== 0) return first === NO_PAGE ? null : { first, count: null }
  return { first, count: Math.ceil((PAGE_HEADER_BYTES + page.readUInt32LE(node)) / page.length) }
}

/** Null: the file ends before. */
function read(file: DataFile, position: number, length: number): Buffer | null {
  if (position + length > bytesOf(file)) return null
  const buffer = Buffer.alloc(length)
  return readSync(file.descriptor, buffer, 0, length, position) === length ? buffer : null
}

/** Now: LMDB writes what a transaction refers to before the transaction's own page, so its pages are within the file of later. */
function bytesOf({ descriptor }: DataFile): number {
  return fstatSync(descriptor).size
}

function unreadable({ path }: DataFile, what: string): RelayStoreError {
  return new RelayStoreError('STORAGE', `${path} cannot be read: ${what}. Put a backup in its place`)
}
