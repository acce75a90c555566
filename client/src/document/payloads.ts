// One document's payloads, between the wire, where they may be sealed, and Yjs updates, which are all that the rest of the
// device knows. Asks the app's key ring anew each time, so a key counts from the moment at which it is there.
import { decodeEnvelope, type Envelope, encodeEnvelope } from '../crypto/envelope.ts'
import type { DocumentKey, KeyRing } from '../crypto/key-ring.ts'
import type { DerivedKeys, RandomBytes, SnapshotContext, Suite } from '../crypto/suite.ts'
import { TidemarkError } from '../errors.ts'
import { sameBytes } from './bytes.ts'
import { FORMAT_SEALED_YJS_1, FORMAT_YJS_1 } from './format.ts'
import type { Opening } from './obstacle.ts'
import { payloadId } from './payload-id.ts'
import type { SnapshotHeader, SnapshotSeal } from './snapshot-payload.ts'

export interface Payload {
  readonly format: number
  readonly payload: Uint8Array
}

export interface IdentifiedPayload extends Payload {
  readonly id: Uint8Array
}

/** What makes a claim, and what its profile calls it. */
export interface DigestKey {
  readonly id: string
  readonly key: Uint8Array
}

interface Sealer {
  readonly suite: Suite
  readonly keyId: string
  readonly keys: DerivedKeys
}

export class Payloads {
  readonly #documentId: string
  readonly #keys: KeyRing | null
  readonly #randomBytes: RandomBytes
  readonly #lockedProblem: TidemarkError
  /** Ids of keys that opened what was new to this device: others have the same key under that id. */
  readonly #proven = new Set<string>()
  /** By key id. */
  readonly #derived = new Map<string, { readonly key: Uint8Array; readonly keys: DerivedKeys }>()

  /** @param keys null: nothing is encrypted on this device */
  constructor(documentId: string, keys: KeyRing | null, randomBytes: RandomBytes) {
    this.#documentId = documentId
    this.#keys = keys
    this.#randomBytes = randomBytes
    const message = `There is no current key for ${documentId}: what is new in it is not sent`
    this.#lockedProblem = new TidemarkError('UNKNOWN_KEY', message, { documentId })
  }

  /** The document is encrypted, and the key to seal with is not here: nothing of it may leave. */
  get isLocked(): boolean {
    return this.#current === null
  }

  /** What the key of that id opened was new here, so somebody else sealed it. */
  prove(keyId: string): void {
    this.#proven.add(keyId)
  }

  /** What does not open under this key is nobody's who has it, and no key could open it. */
  isProven(keyId: string): boolean {
    return this.#proven.has(keyId)
  }

  /** What keeps anything from being sent; null: nothing does. Always the same object. */
  get lockedProblem(): TidemarkError | null {
    return this.isLocked ? this.#lockedProblem : null
  }

  /** Null: the document is locked, and makes none. */
  get digestKey(): DigestKey | null {
    const sealer = this.#sealer()
    if (sealer === null) return null
    return sealer === 'plain' ? PLAIN_DIGEST_KEY : { id: sealer.keyId, key: sealer.keys.digest }
  }

  /** As it goes out, under the current key. @throws Error when the document is locked */
  seal(update: Uint8Array): IdentifiedPayload {
    const sealer = this.#unlocked()
    if (sealer === 'plain') return { id: payloadId(update), format: FORMAT_YJS_1, payload: update }
    const { suite, keyId, keys } = sealer
    const format = FORMAT_SEALED_YJS_1
    const context = { documentId: this.#documentId, keyId, format }
    const sealed = suite.sealEntry(keys, context, update, this.#randomBytes)
    const payload = encodeEnvelope({ suite: suite.number, keyId, sealed })
    return { id: payloadId(payload, format), format, payload }
  }

  /** The update that it carries, which may be anything. */
  open({ format, payload }: Payload): Opening {
    if (format === FORMAT_YJS_1)
      return this.#current === 'plain' ? { content: payload, keyId: null } : { cause: 'NOT_ENCRYPTED' }
    const envelope = format === FORMAT_SEALED_YJS_1 ? decodeEnvelope(payload) : null
    if (envelope === null) return { cause: 'CANNOT_APPLY' }
    const { keyId, sealed } = envelope
    return this.#open(envelope, ({ suite, keys }) =>
      suite.openEntry(keys, { documentId: this.#documentId, keyId, format }, sealed),
    )
  }

  /** For a snapshot that is made now; null: plain. @throws Error when the document is locked */
  snapshotSeal(): SnapshotSeal | null {
    const sealer = this.#unlocked()
    if (sealer === 'plain') return null
    const { suite, keyId, keys } = sealer
    return {
      keyId,
      seal: (mark, content) => {
        const context = this.#snapshotContext(keyId, mark)
        return { suite: suite.number, sealed: suite.sealSnapshot(keys, context, content, this.#randomBytes) }
      },
    }
  }

  /** What a snapshot holds, by its header. */
  openSnapshot({ mark, envelope }: SnapshotHeader, content: Uint8Array): Opening {
    if (envelope === null) return this.#current === 'plain' ? { content, keyId: null } : { cause: 'NOT_ENCRYPTED' }
    const context = this.#snapshotContext(envelope.keyId, mark)
    return this.#open(envelope, ({ suite, keys }) => suite.openSnapshot(keys, context, envelope.sealed))
  }

  get #current(): DocumentKey | 'plain' | null {
    return this.#keys === null ? 'plain' : this.#keys.current(this.#documentId)
  }

  #snapshotContext(keyId: string, mark: Uint8Array): SnapshotContext {
    return { documentId: this.#documentId, keyId, format: FORMAT_SEALED_YJS_1, mark }
  }

  #open({ suite, keyId }: Envelope, open: (sealer: Sealer) => Uint8Array | null): Opening {
    const ring = this.#keys
    if (ring !== null && suite !== ring.suite.number) return { cause: 'UNKNOWN_SUITE', keyId, suite }
    const key = ring?.find(this.#documentId, keyId) ?? null
    if (ring === null || key === null) return { cause: 'UNKNOWN_KEY', keyId }
    const content = open({ suite: ring.suite, keyId, keys: this.#derive(ring.suite, keyId, key) })
    return content === null ? { cause: 'NOT_AUTHENTIC', keyId } : { content, keyId }
  }

  #unlocked(): Sealer | 'plain' {
    const sealer = this.#sealer()
    if (sealer === null) throw new Error(`${this.#documentId} is locked`)
    return sealer
  }

  #sealer(): Sealer | 'plain' | null {
    const current = this.#current
    if (this.#keys === null || current === null || current === 'plain') return current === null ? null : 'plain'
    const { suite } = this.#keys
    return { suite, keyId: current.id, keys: this.#derive(suite, current.id, current.key) }
  }

  #derive(suite: Suite, keyId: string, key: Uint8Array): DerivedKeys {
    const known = this.#derived.get(keyId)
    if (known !== undefined && sameBytes(known.key, key)) return known.keys
    this.#proven.delete(keyId) // It is another key now.
    const keys = suite.derive(key, this.#documentId)
    this.#derived.set(keyId, { key: key.slice(), keys })
    return keys
  }
}

const PLAIN_DIGEST_KEY: DigestKey = { id: '', key: new Uint8Array(32) }
