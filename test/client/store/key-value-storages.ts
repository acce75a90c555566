// Storages of the shapes that React Native has, in memory: what the key-value store's tests run on. Each writes down every
// single value that is written, can fail at any of them, and starts again from what was there at any moment.
import type { AsyncStorageLike, KeyValueBackend, MmkvLike, SqliteLike } from '@tidemark/client/key-value'
import { asyncStorageBackend, mmkvBackend, sqliteBackend } from '@tidemark/client/key-value'

export type StoredValue = string | Uint8Array

/** Null: it is removed. */
export type ValueWrite = readonly [key: string, value: StoredValue | null]

export class ValueDisk {
  readonly values: Map<string, StoredValue>
  writes: ValueWrite[] = []
  /** Called before each write; what it returns is thrown instead. */
  fail: (write: ValueWrite) => Error | null = () => null
  readonly #isReversed: boolean

  /** Reversed: what is written in one call is written from behind. */
  constructor(values: Iterable<readonly [string, StoredValue]> = [], { isReversed = false } = {}) {
    this.values = new Map(values)
    this.#isReversed = isReversed
  }

  write(writes: readonly ValueWrite[]): void {
    for (const write of this.#isReversed ? [...writes].reverse() : writes) {
      const error = this.fail(write)
      if (error !== null) throw error
      this.writes.push(write)
      applyWrite(this.values, write)
    }
  }

  /** As the asynchronous storages write. */
  async writeLater(writes: readonly ValueWrite[]): Promise<void> {
    this.write(writes)
  }

  /** What an asynchronous storage takes its time for. */
  pause(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  text(key: string): string | null {
    const value = this.values.get(key)
    return typeof value === 'string' ? value : null
  }

  bytes(key: string): Uint8Array | undefined {
    const value = this.values.get(key)
    return value instanceof Uint8Array ? value.slice() : undefined
  }
}

export function applyWrite(values: Map<string, StoredValue>, [key, value]: ValueWrite): void {
  if (value === null) values.delete(key)
  else values.set(key, value)
}

/** As on Android: what does not fit its window can be written, and never read. */
const WINDOW_BYTES = 2 * 1024 * 1024

function asyncStorageOn(disk: ValueDisk): AsyncStorageLike {
  return {
    getAllKeys: async () => {
      await disk.pause()
      return [...disk.values.keys()]
    },
    getItem: async (key) => {
      await disk.pause()
      const text = disk.text(key)
      if (text !== null && text.length > WINDOW_BYTES) throw new Error('Row too big to fit into CursorWindow')
      return text
    },
    setItem: async (key, value) => {
      await disk.pause()
      await disk.writeLater([[key, value]])
    },
    removeItem: async (key) => {
      await disk.pause()
      await disk.writeLater([[key, null]])
    },
  }
}

function mmkvOn(disk: ValueDisk, version: 3 | 4): MmkvLike {
  const remove = (key: string): void => disk.write([[key, null]])
  return {
    getAllKeys: () => [...disk.values.keys()],
    getBuffer: (key: string) => disk.bytes(key)?.buffer,
    set: (key: string, value: ArrayBuffer) => disk.write([[key, new Uint8Array(value.slice())]]),
    ...(version === 3 ? { delete: remove } : { remove }),
  }
}

/** Understands the statements that the wrapper makes, and no others. */
function sqliteOn(disk: ValueDisk): SqliteLike {
  return {
    runAsync: async (sql, parameters) => {
      if (sql.startsWith('CREATE TABLE IF NOT EXISTS')) return
      const keys = parameters.filter((parameter) => typeof parameter === 'string')
      if (sql.startsWith('DELETE')) return disk.writeLater(keys.map((key) => [key, null]))
      if (!sql.startsWith('INSERT OR REPLACE')) throw new Error(`no such statement: ${sql}`)
      await disk.writeLater(keys.map((key, i) => [key, (parameters[i * 2 + 1] as Uint8Array).slice()]))
    },
    getAllAsync: async (sql, parameters) => {
      if (sql.startsWith('SELECT key FROM')) return [...disk.values.keys()].map((key) => ({ key }))
      return parameters.flatMap((key) => {
        const value = disk.bytes(key as string)
        return value === undefined ? [] : [{ key, value }]
      })
    },
  }
}

/** All shapes, each as a backend over a disk; the last two with the shortest values, so that everything is cut. */
export const SHAPES: Readonly<Record<string, (disk: ValueDisk) => KeyValueBackend>> = {
  AsyncStorage: (disk) => asyncStorageBackend(asyncStorageOn(disk)),
  'MMKV 3': (disk) => mmkvBackend(mmkvOn(disk, 3)),
  'MMKV 4': (disk) => mmkvBackend(mmkvOn(disk, 4)),
  SQLite: (disk) => sqliteBackend(sqliteOn(disk)),
  'short strings': (disk) => ({ ...asyncStorageBackend(asyncStorageOn(disk)), valueLengthMax: 1024 }),
  'short bytes': (disk) => ({ ...mmkvBackend(mmkvOn(disk, 4)), valueLengthMax: 1024 }),
}
