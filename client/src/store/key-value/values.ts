// The part of a key-value backend that belongs to one store: names below a prefix, values as bytes, a bounded amount per
// call, and failures in the words of the contract. Knows nothing of what the values say.
import { DeviceStoreError } from '../contract.ts'
import type { KeyValueBackend } from './backend.ts'
import { fromBase64, toBase64 } from './base64.ts'

/** What one call to the backend takes or brings at most: React Native's bridge copies it. */
const KEYS_PER_CALL_MAX = 64
const BYTES_PER_CALL_MAX = 1024 * 1024

/** How storages say that there is no room: SQLite, Android, iOS, browsers, POSIX. */
const FULL_WORDS =
  /SQLITE_FULL|\b(disk|database|storage|device)\b.*\bfull\b|quota|ENOSPC|EDQUOT|no space|out of (disk )?space/i

export type Entry = readonly [name: string, bytes: Uint8Array]

export class Values {
  /** The longest value, as bytes. */
  readonly bytesMax: number
  readonly #backend: KeyValueBackend
  readonly #prefix: string
  readonly #what: string

  constructor(backend: KeyValueBackend, storeName: string) {
    this.#backend = backend
    // Escaped, so that no store's prefix begins with that of another.
    this.#prefix = `${storeName.replace(/[%/]/g, encodeURIComponent)}/`
    this.#what = `The key-value store ${storeName}`
    const { values, valueLengthMax } = backend
    this.bytesMax = values === 'strings' ? Math.floor((valueLengthMax * 3) / 4) : valueLengthMax
  }

  async names(): Promise<readonly string[]> {
    const keys = await this.#call('be read', () => this.#backend.keys())
    return keys.filter((key) => key.startsWith(this.#prefix)).map((key) => key.slice(this.#prefix.length))
  }

  /** Null: there is none, or it is not even base64. */
  async get(names: readonly string[]): Promise<readonly (Uint8Array | null)[]> {
    const backend = this.#backend
    const found: (Uint8Array | null)[] = []
    for (let at = 0; at < names.length; at += KEYS_PER_CALL_MAX) {
      const keys = this.#keysOf(names.slice(at, at + KEYS_PER_CALL_MAX))
      const values = await this.#call<readonly (string | Uint8Array | null | undefined)[]>('be read', () =>
        backend.get(keys),
      )
      found.push(...keys.map((_, i) => bytesOf(values[i])))
    }
    return found
  }

  async set(entries: readonly Entry[]): Promise<void> {
    for (const group of groupsOf(entries)) {
      await this.#call('be written', () => {
        const backend = this.#backend
        if (backend.values === 'bytes') return backend.set(group.map(([name, bytes]) => [this.#prefix + name, bytes]))
        return backend.set(group.map(([name, bytes]) => [this.#prefix + name, toBase64(bytes)]))
      })
    }
  }

  async remove(names: readonly string[]): Promise<void> {
    for (let at = 0; at < names.length; at += KEYS_PER_CALL_MAX) {
      const keys = this.#keysOf(names.slice(at, at + KEYS_PER_CALL_MAX))
      await this.#call('be written', () => this.#backend.remove(keys))
    }
  }

  damage(name: string, what: string): DeviceStoreError {
    return new DeviceStoreError('FAILED', `${this.#what} is damaged at ${this.#prefix}${name}: ${what}`)
  }

  #keysOf(names: readonly string[]): string[] {
    return names.map((name) => this.#prefix + name)
  }

  async #call<Result>(what: string, act: () => Result | Promise<Result>): Promise<Result> {
    try {
      return await act()
    } catch (error) {
      if (error instanceof DeviceStoreError) throw error
      const { name, message } = error instanceof Error ? error : { name: '', message: String(error) }
      const code = FULL_WORDS.test(name) || FULL_WORDS.test(message) ? 'FULL' : 'FAILED'
      throw new DeviceStoreError(code, `${this.#what} cannot ${what}: ${message}`, { cause: error })
    }
  }
}

function bytesOf(value: string | Uint8Array | null | undefined): Uint8Array | null {
  return typeof value === 'string' ? fromBase64(value) : (value ?? null)
}

function* groupsOf(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let group: Entry[] = []
  let bytes = 0
  for (const entry of entries) {
    if (group.length > 0 && (group.length === KEYS_PER_CALL_MAX || bytes + entry[1].length > BYTES_PER_CALL_MAX)) {
      yield group
      group = []
      bytes = 0
    }
    group.push(entry)
    bytes += entry[1].length
  }
  if (group.length > 0) yield group
}
