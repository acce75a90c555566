// The keys of one device: one key that both devices share, and that may be taken from it. In an app `keyRing([key])` does;
// this one is a ring of its own because of the switch.
import { type DocumentKey, type KeyRing, suite1 } from '@tidemark/client'

/** Not encrypted. */
export const PLAIN_ID = 'demo/page'
/** A document of its own: what was sent in the open stays so, and does not mix with what is sealed. */
export const SEALED_ID = 'demo/sealed-page'

export class SwitchedKeyRing implements KeyRing {
  readonly suite: KeyRing['suite'] = suite1
  readonly #key: DocumentKey
  readonly #listeners = new Set<() => void>()
  #hasKey: boolean

  constructor(key: DocumentKey, hasKey: boolean) {
    this.#key = key
    this.#hasKey = hasKey
  }

  get hasKey(): boolean {
    return this.#hasKey
  }

  setHasKey(hasKey: boolean): void {
    this.#hasKey = hasKey
    for (const listener of this.#listeners) listener()
  }

  current(documentId: string): DocumentKey | 'plain' | null {
    if (documentId === PLAIN_ID) return 'plain'
    return this.#hasKey ? this.#key : null
  }

  find(_documentId: string, keyId: string): Uint8Array | null {
    return this.#hasKey && keyId === this.#key.id ? this.#key.key : null
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
