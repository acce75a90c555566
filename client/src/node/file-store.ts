// The device store in plain files, for Node and Electron's main process. A commit is two flushes: its rows, then the one
// frame in the journal that makes them count. Never changes bytes that count: files grow, or are replaced whole.
import * as nodeFiles from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { CommitQueue } from '../store/commit-queue.ts'
import {
  type CommittedRows,
  type DeviceStore,
  DeviceStoreError,
  type OpenDeviceStore,
  type StoredRecord,
  type StoredRow,
  type StoreWrite,
} from '../store/contract.ts'
import { recordsUnder } from '../store/stored-records.ts'
import { FileDisk, type FileSystem, storeError } from './file-store-disk.ts'
import { JOURNAL_GROWTH_BYTES_MIN, Journal, type JournalPlace } from './file-store-journal.ts'
import { type DirectoryLock, lockDirectory } from './file-store-lock.ts'
import { GARBAGE_BYTES_MIN, planGroup, type RowSizes } from './file-store-plan.ts'
import { RowsDirectory } from './file-store-rows.ts'

/**
 * A store in `directory`, which is created when missing and should hold nothing else. One process at a time, on a local
 * disk; a process that died leaves no lock behind.
 */
export function fileStore(directory: string): DeviceStore {
  return fileStoreOn(nodeFiles, resolve(directory))
}

export interface FileStoreLimits {
  /** What is not worth rewriting: that much growth of the journal, that much that is removed of a document. */
  readonly journalGrowthBytesMin: number
  readonly garbageBytesMin: number
}

const LIMITS: FileStoreLimits = { journalGrowthBytesMin: JOURNAL_GROWTH_BYTES_MIN, garbageBytesMin: GARBAGE_BYTES_MIN }

/** The same on any file system, for tests. */
export function fileStoreOn(files: FileSystem, directory: string, limits: FileStoreLimits = LIMITS): DeviceStore {
  return { open: () => openFiles(new FileDisk(files), directory, limits) }
}

async function openFiles(disk: FileDisk, directory: string, limits: FileStoreLimits): Promise<OpenDeviceStore> {
  const { journalGrowthBytesMin: growthBytesMin, garbageBytesMin } = limits
  const rowsPath = join(directory, 'rows')
  try {
    await disk.makeDirectory(rowsPath)
    const lock = await lockDirectory(disk, directory)
    try {
      const place = { disk, directory, growthBytesMin }
      const journal = (await Journal.open(place)) ?? (await createJournal(place, rowsPath))
      const rows = new RowsDirectory(disk, rowsPath)
      await rows.sweep(journal.state.documents)
      return new FileSession({ journal, rows, lock, garbageBytesMin })
    } catch (error) {
      await lock.release()
      throw error
    }
  } catch (error) {
    throw storeError(error, `The store in ${directory} cannot be opened`)
  }
}

/** Rows without a journal are what a damaged or half-copied store looks like: it must not begin anew. */
async function createJournal(place: JournalPlace, rowsPath: string): Promise<Journal> {
  const { disk, directory } = place
  if ((await disk.namesIn(rowsPath)).length > 0) {
    throw new DeviceStoreError('FAILED', `The store in ${directory} has rows but no journal: a part of it is missing`)
  }
  return Journal.create(place)
}

interface SessionParts {
  readonly journal: Journal
  readonly rows: RowsDirectory
  readonly lock: DirectoryLock
  readonly garbageBytesMin: number
}

class FileSession implements OpenDeviceStore {
  readonly #journal: Journal
  readonly #rows: RowsDirectory
  readonly #lock: DirectoryLock
  readonly #garbageBytesMin: number
  readonly #sizes = new Map<string, RowSizes>()
  readonly #queue = new CommitQueue((writes) => this.#apply(writes))
  #closing: Promise<void> | null = null

  constructor({ journal, rows, lock, garbageBytesMin }: SessionParts) {
    this.#journal = journal
    this.#rows = rows
    this.#lock = lock
    this.#garbageBytesMin = garbageBytesMin
  }

  async records(prefix: string): Promise<readonly StoredRecord[]> {
    this.#queue.assertOpen()
    return recordsUnder(this.#journal.state.records, prefix)
  }

  async rows(documentId: string): Promise<readonly StoredRow[]> {
    this.#queue.assertOpen()
    for (;;) {
      const file = this.#journal.state.documents.get(documentId)
      if (file === undefined) return []
      try {
        return await this.#rows.read(documentId, file)
      } catch (error) {
        // A commit may have put another file in this one's place before it was opened.
        if (this.#journal.state.documents.get(documentId)?.generation !== file.generation) continue
        throw storeError(error, `The rows of ${documentId} cannot be read`)
      }
    }
  }

  commit(write: StoreWrite): Promise<CommittedRows> {
    return this.#queue.commit(write)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#queue.close('The file store has been closed')
    await this.#journal.close()
    await this.#lock.release()
  }

  async #apply(writes: readonly StoreWrite[]): Promise<readonly CommittedRows[]> {
    try {
      return await this.#applyOnce(writes, true)
    } catch (error) {
      // On a full disk, removing rows must work without the space for a rewritten file.
      if (storeError(error, '').code === 'FULL') return await this.#applyOnce(writes, false)
      throw error
    } finally {
      if (this.#journal.isRewriteDue) await this.#rewriteJournal()
    }
  }

  async #applyOnce(writes: readonly StoreWrite[], mayRewrite: boolean): Promise<readonly CommittedRows[]> {
    try {
      this.#journal.assertUsable()
      const plan = await planGroup(writes, {
        state: this.#journal.state,
        sizes: this.#sizes,
        readSizes: (documentId, file) => this.#rows.frameBytes(documentId, file),
        mayRewrite,
        garbageBytesMin: this.#garbageBytesMin,
      })
      if (plan.change === null) return plan.ids
      await this.#rows.write(plan.rows)
      try {
        await this.#journal.append(plan.change)
      } catch (error) {
        if (this.#journal.isUsable) await this.#rows.undo(plan.rows)
        throw error
      }
      plan.noteSizes()
      await this.#rows.removeReplaced(plan.rows)
      return plan.ids
    } catch (error) {
      throw storeError(error, 'The commit cannot be stored')
    }
  }

  /** Only saves space. When it fails, the journal in use still holds everything, or refuses the commits after this. */
  async #rewriteJournal(): Promise<void> {
    await this.#journal.rewrite().catch(() => undefined)
  }
}
