// The few things that a device store does with files, each complete or failed. Knows nothing of what is in them.
import { dirname } from 'node:path'
import { DeviceStoreError } from '../store/contract.ts'

/** What one read call may ask for: Node's limit is 2 GiB. */
const READ_BYTES_MAX = 1 << 30

/** Codes with which systems say that a disk or a quota is full. */
const FULL_CODES = ['ENOSPC', 'EDQUOT']

/** What is asked of a file system: node:fs/promises, or what a test puts in its place. */
export interface FileSystem {
  open(path: string, flags: string): Promise<OpenFile>
  /** Returns the first that it had to create. */
  mkdir(path: string, options: { readonly recursive: true }): Promise<string | undefined>
  readdir(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
}

export interface OpenFile {
  write(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesWritten: number }>
  read(bytes: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>
  truncate(length: number): Promise<void>
  sync(): Promise<void>
  datasync(): Promise<void>
  stat(): Promise<{ readonly size: number }>
  close(): Promise<void>
}

/** Why something failed, in the words of the contract. `what` names the file. */
export function storeError(error: unknown, what: string): DeviceStoreError {
  if (error instanceof DeviceStoreError) return error
  const message = error instanceof Error ? error.message : String(error)
  const code = FULL_CODES.includes(errorCode(error) ?? '') ? 'FULL' : 'FAILED'
  return new DeviceStoreError(code, `${what}: ${message}`, { cause: error })
}

export function corruption(path: string, offset: number, what: string): DeviceStoreError {
  return new DeviceStoreError('FAILED', `The file ${path} is damaged at offset ${offset}: ${what}`)
}

function errorCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

export class FileDisk {
  readonly #files: FileSystem

  constructor(files: FileSystem) {
    this.#files = files
  }

  open(path: string, flags: string): Promise<OpenFile> {
    return this.#files.open(path, flags)
  }

  /** Null: there is none. */
  async openIfThere(path: string, flags: string): Promise<OpenFile | null> {
    try {
      return await this.open(path, flags)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return null
      throw error
    }
  }

  /** Opens, lets `use` work, and closes, whatever happens. */
  async withFile<Result>(path: string, flags: string, use: (file: OpenFile) => Promise<Result>): Promise<Result> {
    const file = await this.open(path, flags)
    try {
      return await use(file)
    } finally {
      await file.close()
    }
  }

  /** Makes created, renamed and deleted names durable. Windows has no such call for directories, and needs none. */
  async syncDirectory(directory: string): Promise<void> {
    if (process.platform === 'win32') return
    await this.withFile(directory, 'r', (file) => file.sync())
  }

  /** Creates a directory and what is above it, durably. */
  async makeDirectory(directory: string): Promise<void> {
    const first = await this.#files.mkdir(directory, { recursive: true })
    if (first === undefined) return
    for (let created = directory; created.length >= first.length; created = dirname(created)) {
      await this.syncDirectory(dirname(created))
    }
  }

  async namesIn(directory: string): Promise<readonly string[]> {
    return (await this.#files.readdir(directory)).sort()
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#files.rename(from, to)
  }

  async remove(path: string): Promise<void> {
    try {
      await this.#files.unlink(path)
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }
}

export async function writeAt(handle: OpenFile, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0
  while (written < bytes.byteLength) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.byteLength - written, position + written)
    written += bytesWritten
  }
}

/** The first `length` bytes of a file, or fewer where it is shorter. */
export async function readStart(handle: OpenFile, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length)
  let read = 0
  while (read < length) {
    const { bytesRead } = await handle.read(bytes, read, Math.min(length - read, READ_BYTES_MAX), read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  return bytes.subarray(0, read)
}

/** Runs `act` for every item, at most `atOnceMax` at a time, and waits for all before it throws the first failure. */
export async function forEachAtOnce<Item>(
  items: Iterable<Item>,
  atOnceMax: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]()
  const work = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await act(next.value)
  }
  const outcomes = await Promise.allSettled(Array.from({ length: atOnceMax }, work))
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
}
