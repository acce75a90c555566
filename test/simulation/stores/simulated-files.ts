// A file system in memory in the place of node:fs/promises: what reads sees all that was written, and what changes
// anything, and now and then what reads, waits for the schedule. Directories are there from the beginning; the locks of processes are of no disk.
import { basename, dirname } from 'node:path'
import type { FileSystem, OpenFile } from '../../../client/src/node/file-store-disk.ts'
import type { PowerLossDisk } from '../../client/store/power-loss.ts'
import type { DiskCall } from '../../client/store/recorded-files.ts'
import type { Random } from '../random.ts'
import { type Calls, SLOW_READS } from './medium.ts'

export class SimulatedFiles implements FileSystem {
  readonly #disk: PowerLossDisk
  readonly #calls: Calls
  readonly #random: Random
  readonly #directories: ReadonlySet<string>
  readonly #locks = new Set<string>()

  constructor(disk: PowerLossDisk, calls: Calls, random: Random, directories: readonly string[]) {
    this.#disk = disk
    this.#calls = calls
    this.#random = random
    this.#directories = new Set(directories)
  }

  async open(path: string, flags: string): Promise<OpenFile> {
    if (this.#directories.has(path)) return this.#opened(path, 'syncDirectory')
    if (isLock(path)) this.#locks.add(path)
    else if (flags.startsWith('w')) await this.#change({ kind: 'create', path })
    else this.#assertThere(path)
    return this.#opened(path, 'sync')
  }

  async mkdir(): Promise<undefined> {
    return undefined
  }

  async readdir(directory: string): Promise<string[]> {
    const paths = [...this.#disk.files().keys(), ...this.#locks]
    return paths.filter((path) => dirname(path) === directory).map((path) => basename(path))
  }

  async rename(from: string, to: string): Promise<void> {
    this.#assertThere(from)
    await this.#change({ kind: 'rename', path: from, to })
  }

  async unlink(path: string): Promise<void> {
    if (this.#locks.delete(path)) return
    this.#assertThere(path)
    await this.#change({ kind: 'unlink', path })
  }

  #opened(path: string, syncs: 'sync' | 'syncDirectory'): OpenFile {
    const file = this.#disk.file(path)
    const bytes = (): Buffer => file?.written ?? Buffer.alloc(0)
    const sync = (): Promise<void> => this.#change({ kind: syncs, path })
    return {
      write: async (source, offset, length, position) => {
        const part = Buffer.from(source.subarray(offset, offset + length))
        await this.#change({ kind: 'write', path, position, bytes: part })
        return { bytesWritten: length }
      },
      read: async (target, offset, length, position) => {
        if (this.#random.chance(SLOW_READS)) await this.#calls.wait()
        const part = bytes().subarray(position, position + length)
        target.set(part, offset)
        return { bytesRead: part.byteLength }
      },
      truncate: (length) => this.#change({ kind: 'truncate', path, length }),
      sync,
      datasync: sync,
      stat: async () => ({ size: bytes().byteLength }),
      close: async () => undefined,
    }
  }

  #change(call: DiskCall): Promise<void> {
    return this.#calls.wait({
      act: () => this.#disk.apply(call),
      cut: () => this.#applySome(call),
      ...(this.#takesSpace(call) ? { fill: () => this.#filled(call) } : {}),
    })
  }

  /** A flush does where what was written has no place yet. */
  #takesSpace({ kind, path }: DiskCall): boolean {
    return kind === 'create' || kind === 'write' || (kind === 'sync' && this.#disk.isGrowing(path))
  }

  #filled(call: DiskCall): Error {
    if (call.kind === 'write') this.#applySome(call)
    return Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  }

  /** Of a write its beginning; all else happens or does not. */
  #applySome(call: DiskCall): void {
    if (call.kind !== 'write') {
      if (this.#random.chance(0.5)) this.#disk.apply(call)
      return
    }
    const length = this.#random.pick([0, this.#random.between(0, call.bytes.byteLength), call.bytes.byteLength])
    if (length > 0) this.#disk.apply({ ...call, bytes: call.bytes.subarray(0, length) })
  }

  #assertThere(path: string): void {
    if (this.#locks.has(path) || this.#disk.file(path) !== null) return
    throw Object.assign(new Error(`ENOENT: no such file, '${path}'`), { code: 'ENOENT' })
  }
}

function isLock(path: string): boolean {
  return basename(path).startsWith('lock.')
}
