// The contract between an app's keys and the SDK. Implement it over whatever keeps the app's keys; `keyRing` is one that
// keeps them in memory. A key ring never talks to a relay, and no key leaves the device through the SDK.
import { TidemarkError } from '../errors.ts'
import type { Suite } from './suite.ts'

export interface DocumentKey {
  /** A random label, seen by relays in every envelope: 1 to 32 of `A-Z a-z 0-9 . _ ~ -`. One id is one key, for ever. */
  readonly id: string
  /** 32 bytes from a cryptographic source. The SDK does not change them; it keeps copies, in memory alone. */
  readonly key: Uint8Array
}

/**
 * All methods answer at once, from memory: keys that have to be fetched are added when they come, and `subscribe` tells.
 * None may throw. Different documents may have different keys, or share one.
 */
export interface KeyRing {
  /** The ciphers: `suite1` of this package. They come with the keys, so that an app without encryption does not carry them. */
  readonly suite: Suite
  /**
   * What this document is sealed with from now on. 'plain': it is not encrypted. null: it is, and its key is not here (yet):
   * nothing of it is sent until it is.
   */
  current(documentId: string): DocumentKey | 'plain' | null
  /** The key of that id, current or not; null: it is not here (yet). Old keys must stay: what they sealed stays sealed. */
  find(documentId: string, keyId: string): Uint8Array | null
  /** Calls back after keys came, or the current one changed. @returns the function that ends the subscription */
  subscribe(listener: () => void): () => void
}

export const KEY_BYTES = 32
const KEY_ID = /^[A-Za-z0-9._~-]{1,32}$/

export function isKeyId(id: unknown): id is string {
  return typeof id === 'string' && KEY_ID.test(id)
}

/** @throws TidemarkError BAD_OPTION, which begins with `name` and says what is wrong, but never shows the key */
export function checkKey({ id, key }: DocumentKey, name: string): void {
  if (!isKeyId(id)) throw new TidemarkError('BAD_OPTION', `${name}.id must be 1 to 32 of A-Z a-z 0-9 . _ ~ -`)
  if (!(key instanceof Uint8Array)) throw new TidemarkError('BAD_OPTION', `${name}.key must be a Uint8Array`)
  if (key.length !== KEY_BYTES) {
    throw new TidemarkError('BAD_OPTION', `${name}.key must be ${KEY_BYTES} bytes, and ${id} has ${key.length}`)
  }
  if (key.every((byte) => byte === 0))
    throw new TidemarkError('BAD_OPTION', `${name}.key must not be all zeros (${id})`)
}
