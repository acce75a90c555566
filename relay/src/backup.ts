// `tidemark backup`: a copy of a store's data while its relay runs, or while none does. LMDB copies one committed state;
// this process reads, takes hold of nothing, and writes only into the directory that it is given.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { open } from 'lmdb'
import { makeDirectory, syncDirectoryAndEntry } from './directory.ts'
import { RelayError } from './errors.ts'
import { checkDataFile } from './store/lmdb/data-file.ts'
import { IN_USE_ELSEWHERE, isNumberTaken } from './store/lmdb/holder.ts'

const DATA_FILE = 'data.mdb'
/** Within the target until it is whole and flushed, so that half a copy is never taken for one. */
const DRAFT_DIRECTORY = 'incomplete'
/** Address space: the data may grow while it is copied, and a reader that mapped too little of it could not go on. */
const MAP_BYTES_MIN: number = 64 * 1024 * 1024

export interface Backup {
  /** The file that was made. */
  readonly path: string
  readonly bytes: number
}

/**
 * Copies the data of one directory into another, made if it is not there. A relay that is started on the copy draws a new
 * epoch, since what stands beside the data is not copied: devices then give it back what it lacks. Nor is the secret.
 * @throws RelayError BAD_OPTION where the target holds a backup already, DATA where it cannot be read or written
 */
export async function backup(data: string, to: string): Promise<Backup> {
  const isEmpty = (statSync(join(data, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0) === 0
  if (isEmpty) throw failure('data', `There is no data of a relay in ${resolve(data)}`)
  const path = join(to, DATA_FILE)
  if (existsSync(path)) {
    throw new RelayError('BAD_OPTION', `There is a backup in ${resolve(to)} already`, { option: 'to' })
  }
  try {
    const draft = join(to, DRAFT_DIRECTORY)
    rmSync(draft, { recursive: true, force: true })
    makeDirectory(draft)
    await copyData(data, draft)
    flush(join(draft, DATA_FILE))
    renameSync(join(draft, DATA_FILE), path)
    rmdirSync(draft)
    syncDirectoryAndEntry(to)
    return { path, bytes: statSync(path).size }
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    const reason = isNumberTaken(cause) ? `it is ${IN_USE_ELSEWHERE}, in which a backup can be made` : words
    throw failure('to', `The data in ${resolve(data)} cannot be copied to ${resolve(to)}: ${reason}`, cause)
  }
}

async function copyData(data: string, draft: string): Promise<void> {
  checkDataFile(data)
  const mapSize = Math.max(MAP_BYTES_MIN, 2 * statSync(join(data, DATA_FILE)).size)
  const root = open({ path: data, noSubdir: false, readOnly: true, mapSize })
  try {
    // Not compacted: there are reports of such copies that cannot be read (lmdb-js issue 198).
    await root.backup(draft, false)
  } finally {
    await root.close()
  }
}

function flush(path: string): void {
  const descriptor = openSync(path, 'r+')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

function failure(option: string, message: string, cause?: unknown): RelayError {
  return new RelayError('DATA', message, { option, cause })
}
