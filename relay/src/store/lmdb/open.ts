// Opens the LMDB store: finds or begins the data, takes hold of it, draws the feed's new term, and puts reader and
// writer together. Never opens data of another format, and never the same data twice.
import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import type { RootDatabase } from 'lmdb'
import { makeDirectory, syncDirectoryAndEntry } from '../../directory.ts'
import { DEFAULT_LIMITS } from '../../limits.ts'
import { type Logger, SILENT } from '../../logger.ts'
import { TERM_BYTES } from '../bookmark.ts'
import type { RelayStore, StoreLimits } from '../contract.ts'
import { DEFAULT_STORE_LIMITS, RelayStoreError } from '../contract.ts'
import { type FeedTerm, FeedTerms, TERMS_MAX } from '../feed-terms.ts'
import { checkDataFile } from './data-file.ts'
import {
  type Environment,
  getRow,
  HEAD_KEY,
  openRoot,
  openTable,
  openTables,
  reusableBytes,
  STORE_KEY,
  type Table,
  type Tables,
  termKey,
} from './environment.ts'
import { FreeSpace } from './free-space.ts'
import { IN_USE_ELSEWHERE, inUse, isNumberTaken, letGo, takeHold } from './holder.ts'
import { Reader } from './reader.ts'
import {
  decodeHead,
  decodeStore,
  decodeTerm,
  encodeHead,
  encodeStore,
  encodeTerm,
  formatOfStore,
  type HeadRow,
  type StoreRow,
} from './records.ts'
import { Sidecar } from './sidecar.ts'
import { LmdbStore } from './store.ts'
import { chargedBytesOfAll } from './upload-row.ts'
import { Writer } from './writer.ts'

export interface LmdbStoreOptions {
  /** Made if it is not there. On a local disk: LMDB does not hold over a network. */
  readonly directory: string
  /** Milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number
  /** Default: the platform's. */
  readonly random?: (bytes: number) => Uint8Array
  /** A commit that has not ended by then has failed for good. Default 30,000. */
  readonly commitTimeoutMs?: number
  /** Default: those of contract.ts. */
  readonly limits?: Partial<StoreLimits>
  /** Bytes that must be free on the disk; below it appends reject with STORAGE. 0: not looked at. Default 256 MiB. */
  readonly freeBytesMin?: number
  /** Told what an operator should know: that the disk is nearly full, that a copy was put in place. Default: silence. */
  readonly logger?: Logger
  /** Stands around each commit, to delay it or to let it fail: for tests. Default: nothing. */
  readonly aroundCommit?: (commit: () => Promise<void>) => Promise<void>
}

/**
 * Version 1 had logs only. Its rows are rows of this version as they are, so a store becomes one of version 2 where it is
 * opened; each row is written anew when it changes.
 */
const FORMAT_VERSION = 2
const FORMAT_VERSIONS_READ: readonly number[] = [1, FORMAT_VERSION]
const EPOCH_BYTES = 16
const OWNER_BYTES = 16
/** What opening or closing may write. */
const BYTES_TO_OPEN: number = 256 * 1024

/** Directories whose store is open in this process: LMDB must not meet the same file twice. */
const open = new Set<string>()

/**
 * Opens the store in a directory, or begins one there.
 * @throws RelayStoreError IN_USE (another store of this or another living process holds it; names the process),
 * UNKNOWN_FORMAT (names the format found and the one expected), STORAGE (it cannot be opened or written).
 */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<RelayStore> {
  const directory = directoryAt(options.directory)
  if (open.has(directory)) throw inUse(directory, process.pid)
  open.add(directory)
  const { freeBytesMin = DEFAULT_LIMITS.freeBytesMin, logger } = options
  const freeSpace = new FreeSpace({ directory, freeBytesMin, logger })
  try {
    await freeSpace.room(BYTES_TO_OPEN)
    checkDataFile(directory)
    return await openIn(directory, freeSpace, options)
  } catch (error) {
    freeSpace.close()
    open.delete(directory)
    if (error instanceof RelayStoreError) throw error
    if (isNumberTaken(error)) {
      throw new RelayStoreError('IN_USE', `The store in ${directory} is ${IN_USE_ELSEWHERE}`, { cause: error })
    }
    throw new RelayStoreError('STORAGE', `The store in ${directory} cannot be opened`, { cause: error })
  }
}

async function openIn(directory: string, freeSpace: FreeSpace, options: LmdbStoreOptions): Promise<RelayStore> {
  const root = openRoot(directory)
  try {
    const meta = openMeta(root, directory)
    takeHold(root, meta, directory)
    try {
      const tables = openTables(root)
      root.readerCheck()
      const sidecar = await Sidecar.read({ directory, logger: options.logger })
      const begun = begin(root, tables, sidecar, options)
      // LMDB flushes its file, not the directory entries that lead to it.
      syncDirectoryAndEntry(directory)
      await sidecar.begin(begun.store.epoch, begun.head)
      const environment = { root, tables }
      freeSpace.begin(() => reusableBytes(environment))
      return assemble(directory, environment, begun, { sidecar, freeSpace }, options)
    } catch (error) {
      letGo(root, meta)
      throw error
    }
  } catch (error) {
    await root.close()
    throw error
  }
}

/** @throws RelayStoreError UNKNOWN_FORMAT, having written nothing. */
function openMeta(root: RootDatabase<Uint8Array, Uint8Array>, directory: string): Table {
  // lmdb-js stores the names of tables with their closing zero.
  const tables = [...root.getKeys()].map((name) => Buffer.from(name).toString().replace(/\0$/, ''))
  if (tables.length > 0 && !tables.includes('meta')) {
    const found = `an LMDB environment with the tables ${tables.join(', ')}`
    throw new RelayStoreError('UNKNOWN_FORMAT', `The data in ${directory} is ${found}, not a store of Tidemark`)
  }
  const meta = openTable(root, 'meta')
  const row = getRow(meta, STORE_KEY)
  if (row !== undefined && !FORMAT_VERSIONS_READ.includes(formatOfStore(row))) {
    const versions = `found ${formatOfStore(row)}, expected ${FORMAT_VERSION}`
    throw new RelayStoreError('UNKNOWN_FORMAT', `The store in ${directory} has an unknown format: ${versions}`)
  }
  return meta
}

interface Begun {
  readonly store: StoreRow
  readonly head: HeadRow
  readonly terms: readonly FeedTerm[]
}

/** In one flushed transaction: the data begun, where there is none; this process as its writer; a new term. */
function begin(
  root: RootDatabase<Uint8Array, Uint8Array>,
  tables: Tables,
  sidecar: Sidecar,
  options: LmdbStoreOptions,
): Begun {
  const random = options.random ?? randomBytes
  const now = options.now ?? Date.now
  const newStore: StoreRow = { format: FORMAT_VERSION, epoch: Buffer.from(random(EPOCH_BYTES)), createdAtMs: now() }
  const owner = Buffer.from(randomBytes(OWNER_BYTES))
  const term = Buffer.from(random(TERM_BYTES))
  return root.transactionSync((): Begun => {
    const storeRow = getRow(tables.meta, STORE_KEY)
    const headRow = getRow(tables.meta, HEAD_KEY)
    const found = storeRow === undefined ? newStore : { ...decodeStore(storeRow), format: FORMAT_VERSION }
    const before = headRow === undefined ? { feedHead: 0, nextSerial: 1 } : decodeHead(headRow)
    const isRestored = storeRow !== undefined && !sidecar.recognises(found.epoch, before)
    const store = isRestored ? { ...found, epoch: newStore.epoch } : found
    const logger = options.logger ?? SILENT
    if (isRestored) logger.warn({}, 'the data is a copy that was put in place: it gets a new epoch')
    if (storeRow === undefined && sidecar.hasSeenEntries) {
      logger.warn(
        {},
        'the data that was here is gone: the relay begins with nothing, and devices give back what they have',
      )
    }
    const head: HeadRow = { feedHead: before.feedHead, nextSerial: before.nextSerial, owner }
    const isCurrent = storeRow !== undefined && formatOfStore(storeRow) === FORMAT_VERSION && !isRestored
    if (!isCurrent) tables.meta.putSync(STORE_KEY, encodeStore(store))
    tables.meta.putSync(HEAD_KEY, encodeHead(head))
    return { store, head, terms: addTerm(tables.term, { term, firstIndex: head.feedHead + 1 }) }
  })
}

function addTerm(table: Table, term: FeedTerm): readonly FeedTerm[] {
  const known = [...table.getRange({})].map(({ key, value }) => ({
    number: Buffer.from(key).readUInt32BE(),
    term: decodeTerm(Buffer.from(value)),
  }))
  const number = (known.at(-1)?.number ?? 0) + 1
  table.putSync(termKey(number), encodeTerm(term))
  const forgotten = known.slice(0, Math.max(0, known.length + 1 - TERMS_MAX))
  for (const old of forgotten) table.removeSync(termKey(old.number))
  return [...known.slice(forgotten.length).map((kept) => kept.term), term]
}

/** What stands beside the data. */
interface Beside {
  readonly sidecar: Sidecar
  readonly freeSpace: FreeSpace
}

function assemble(
  directory: string,
  environment: Environment,
  begun: Begun,
  { sidecar, freeSpace }: Beside,
  options: LmdbStoreOptions,
): RelayStore {
  const writer = new Writer({
    environment,
    directory,
    head: { ...begun.head, uploadBytes: chargedBytesOfAll(environment.tables.upload) },
    random: options.random ?? randomBytes,
    now: options.now ?? Date.now,
    commitTimeoutMs: options.commitTimeoutMs ?? DEFAULT_LIMITS.commitTimeoutMs,
    aroundCommit: options.aroundCommit,
    freeSpace,
    sidecar,
  })
  const reader = new Reader(environment.tables, new FeedTerms(begun.terms))
  const limits = { ...DEFAULT_STORE_LIMITS, ...options.limits }
  return new LmdbStore(Uint8Array.from(begun.store.epoch), reader, writer, limits, async () => {
    freeSpace.close()
    await sidecar.close()
    try {
      // Without room the row stands until this process is dead, and no longer.
      if (await freeSpace.fits(BYTES_TO_OPEN)) letGo(environment.root, environment.tables.meta)
    } finally {
      await environment.root.close()
      open.delete(directory)
    }
  })
}

function directoryAt(path: string): string {
  try {
    makeDirectory(path)
    return realpathSync(path)
  } catch (error) {
    throw new RelayStoreError('STORAGE', `The directory ${path} cannot be made`, { cause: error })
  }
}
