// A key ring in memory: the keys that an app has given it, the newest of each scope current. Stores nothing.
import { TidemarkError } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import { platformOf } from '../platform.ts'
import { checkKey, type DocumentKey, KEY_BYTES, type KeyRing } from './key-ring.ts'
import type { RandomBytes, Suite } from './suite.ts'
import { suite1 } from './suite-1.ts'

/** A key, and what it is for. */
export interface ScopedKey extends DocumentKey {
  /** A vault, or a document id; default: all documents for which there is no key of their own. */
  readonly scope?: string
}

export interface KeyRingOptions {
  /** Documents that are not encrypted; default: none. */
  readonly isPlain?: (documentId: string) => boolean
}

export interface Keys extends KeyRing {
  /**
   * The current key of its scope from now on. What was sealed with the ones before stays readable by them.
   * @throws TidemarkError BAD_OPTION, when it is no key, or another key has its id
   */
  rotate(key: ScopedKey): void
  /** For reading only: the current keys stay. @throws TidemarkError as `rotate` */
  add(key: ScopedKey): void
  /** Takes the place of the key of the same id: a passphrase was wrong, say. @throws TidemarkError as `rotate` */
  replace(key: ScopedKey): void
}

const KEY_ID_BYTES = 8

/**
 * Of each scope the last key given is current. A document is sealed with the current key of its id, else of its vault, else
 * of none; where there is none either, nothing of it is sent.
 * @throws TidemarkError BAD_OPTION, naming the key that is wrong
 */
export function keyRing(keys: readonly ScopedKey[] = [], options: KeyRingOptions = {}): Keys {
  const ring = new MemoryKeyRing(options)
  keys.forEach((key, i) => {
    ring.take(key, `keys[${i}]`, true)
  })
  return ring
}

/** A new key under a new random id. `randomBytes`: where the platform has no global crypto. */
export function newKey(randomBytes: RandomBytes = platformOf().randomBytes): DocumentKey {
  return { id: newKeyId(randomBytes), key: randomBytes(KEY_BYTES) }
}

export function newKeyId(randomBytes: RandomBytes): string {
  return [...randomBytes(KEY_ID_BYTES)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}

class MemoryKeyRing implements Keys {
  readonly suite: Suite = suite1
  readonly #isPlain: (documentId: string) => boolean
  readonly #keys = new Map<string, DocumentKey>()
  /** By scope. */
  readonly #current = new Map<string, DocumentKey>()
  readonly #listeners = new Listeners<void>()

  constructor({ isPlain = () => false }: KeyRingOptions) {
    this.#isPlain = isPlain
  }

  current(documentId: string): DocumentKey | 'plain' | null {
    if (this.#isPlain(documentId)) return 'plain'
    const vault = documentId.slice(0, documentId.indexOf('/'))
    return this.#current.get(documentId) ?? this.#current.get(vault) ?? this.#current.get('') ?? null
  }

  find(_documentId: string, keyId: string): Uint8Array | null {
    return this.#keys.get(keyId)?.key ?? null
  }

  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  rotate(key: ScopedKey): void {
    this.take(key, 'key', true)
    this.#listeners.call()
  }

  add(key: ScopedKey): void {
    this.take(key, 'key', false)
    this.#listeners.call()
  }

  replace(key: ScopedKey): void {
    checkKey(key, 'key')
    const { id, key: bytes } = key
    this.#keys.delete(id)
    for (const [scope, current] of this.#current)
      if (current.id === id) this.#current.set(scope, { id, key: bytes.slice() })
    this.add(key)
  }

  take(scoped: ScopedKey, name: string, isCurrent: boolean): void {
    checkKey(scoped, name)
    const { id, key, scope = '' } = scoped
    const known = this.#keys.get(id)
    if (known !== undefined && known.key.join() !== key.join()) {
      throw new TidemarkError('BAD_OPTION', `${name}.id: another key is called ${id} already`)
    }
    const taken = { id, key: key.slice() }
    this.#keys.set(id, taken)
    if (isCurrent) this.#current.set(scope, taken)
  }
}
