// The keys of an encrypted run: all that there ever were, and the rings of its devices, which may lack some for a time. Reads
// and writes payloads as somebody would who has them all.
import { type Keys, keyRing, type ScopedKey } from '../../client/src/crypto/keys.ts'
import { Payloads } from '../../client/src/document/payloads.ts'
import type { Random } from './random.ts'

export class SimulatedKeys {
  readonly #random: Random
  /** In the order in which they became current. */
  readonly #keys: ScopedKey[] = []
  readonly #all: Keys | null
  readonly #payloads = new Map<string, Payloads>()

  constructor(random: Random, isEncrypted: boolean) {
    this.#random = random
    this.#all = isEncrypted ? keyRing() : null
    if (isEncrypted) this.#draw()
  }

  get isEncrypted(): boolean {
    return this.#all !== null
  }

  /** Some device may lack a key that another one writes with. */
  get hasRotated(): boolean {
    return this.#keys.length > 1
  }

  /** For a new device: mostly with every key. Null: nothing is encrypted. */
  newRing(): Keys | null {
    if (this.#all === null) return null
    const has = this.#random.chance(0.7) ? this.#keys.length : this.#random.between(1, this.#keys.length)
    return keyRing(this.#keys.slice(0, has))
  }

  /** A new key, of which only this ring knows so far. */
  rotate(ring: Keys): string {
    const key = this.#draw()
    ring.rotate(key)
    return key.id
  }

  isLacking(ring: Keys): boolean {
    const current = ring.current('')
    const isNewest = current !== null && current !== 'plain' && current.id === this.#keys.at(-1)?.id
    return !isNewest || this.#keys.some(({ id }) => ring.find('', id) === null)
  }

  /** All that it lacks; or, of these, the next one for reading only. @returns which */
  give(ring: Keys, isWhole = true): string {
    const lacks = this.#keys.filter(({ id }) => ring.find('', id) === null)
    const [next] = lacks
    if (!isWhole && next !== undefined) {
      ring.add(next)
      return `${next.id}, for reading`
    }
    for (const key of lacks) ring.add(key)
    const newest = this.#keys.at(-1) as ScopedKey
    ring.rotate(newest)
    return newest.id
  }

  /** What a document's payloads are to somebody who has every key. */
  payloadsOf(documentId: string): Payloads {
    const known = this.#payloads.get(documentId)
    const payloads = known ?? new Payloads(documentId, this.#all, (length) => this.#random.bytes(length))
    this.#payloads.set(documentId, payloads)
    return payloads
  }

  #draw(): ScopedKey {
    const key = { id: `k${this.#keys.length + 1}`, key: this.#random.bytes(32) }
    this.#keys.push(key)
    this.#all?.rotate(key)
    return key
  }
}
