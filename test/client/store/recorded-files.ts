// Stands in for node:fs/promises under a file store: writes down every call that changes a disk, and can make any of
// them fail. The calls themselves go to the real files.
import type * as Files from 'node:fs/promises'
import { basename } from 'node:path'

/** One change to a disk, or a flush. */
export type DiskCall = ContentCall | NameCall

export type ContentCall =
  | { readonly kind: 'write'; readonly path: string; readonly position: number; readonly bytes: Buffer }
  | { readonly kind: 'truncate'; readonly path: string; readonly length: number }

export type NameCall =
  | { readonly kind: 'create' | 'sync' | 'syncDirectory' | 'unlink'; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string }

export class FilesRecorder {
  calls: DiskCall[] = []
  /** Called before each change; what it returns is thrown instead. */
  fail: (call: DiskCall) => Error | null = () => null

  note(call: DiskCall): void {
    const error = this.fail(call)
    if (error !== null) throw error
    // The locks of processes say nothing of the disk after a power cut: no process holds any.
    if (!basename(call.path).startsWith('lock.')) this.calls.push(call)
  }
}

export const recorder: FilesRecorder = new FilesRecorder()

export function errorWith(code: string): Error {
  return Object.assign(new Error(`${code}: as the test wants it`), { code })
}

export function recordedFiles(actual: typeof Files): typeof Files {
  return {
    ...actual,
    open: async (path, flags, mode) => {
      const isCreating = flags === 'w' || flags === 'wx'
      if (isCreating) recorder.note({ kind: 'create', path: String(path) })
      const handle = await actual.open(path, flags, mode)
      const isDirectory = !isCreating && (await handle.stat()).isDirectory()
      return recordedHandle(handle, String(path), isDirectory)
    },
    rename: async (from, to) => {
      recorder.note({ kind: 'rename', path: String(from), to: String(to) })
      await actual.rename(from, to)
    },
    unlink: async (path) => {
      await actual.access(path)
      recorder.note({ kind: 'unlink', path: String(path) })
      await actual.unlink(path)
    },
  }
}

function recordedHandle(handle: Files.FileHandle, path: string, isDirectory: boolean): Files.FileHandle {
  const sync = async (): Promise<void> => {
    recorder.note({ kind: isDirectory ? 'syncDirectory' : 'sync', path })
  }
  const write = async (
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }> => {
    const part = Buffer.from(bytes.subarray(offset, offset + length))
    recorder.note({ kind: 'write', path, position, bytes: part })
    return handle.write(part, 0, length, position)
  }
  const truncate = async (length: number): Promise<void> => {
    recorder.note({ kind: 'truncate', path, length })
    await handle.truncate(length)
  }
  const replaced: Partial<Record<PropertyKey, unknown>> = { sync, datasync: sync, write, truncate }
  return new Proxy(handle, {
    get: (target, name) => {
      const value = replaced[name] ?? Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
