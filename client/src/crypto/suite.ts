// What a suite of ciphers does, as pure functions: the contract between the SDK, which knows documents, and the ciphers,
// which come with a key ring, so that an app without encryption does not carry them. Lays out nothing beyond its own bytes.

export interface Suite {
  /** Stands in every envelope. */
  readonly number: number
  /** What a document's envelopes and claims are made with. `key` is 32 bytes. */
  derive(key: Uint8Array, documentId: string): DerivedKeys
  sealEntry(keys: DerivedKeys, context: EnvelopeContext, content: Uint8Array, randomBytes: RandomBytes): Uint8Array
  /** Null: it is not authentic under this key and context. Never throws, whatever the bytes. */
  openEntry(keys: DerivedKeys, context: EnvelopeContext, sealed: Uint8Array): Uint8Array | null
  sealSnapshot(keys: DerivedKeys, context: SnapshotContext, content: Uint8Array, randomBytes: RandomBytes): Uint8Array
  /** Null: it is not authentic under this key and context, as a whole. Never throws, whatever the bytes. */
  openSnapshot(keys: DerivedKeys, context: SnapshotContext, sealed: Uint8Array): Uint8Array | null
}

export interface DerivedKeys {
  readonly content: Uint8Array
  readonly digest: Uint8Array
}

/** What an envelope is authenticated with beside its content: it opens nowhere else. */
export interface EnvelopeContext {
  readonly documentId: string
  readonly keyId: string
  /** As on the wire. */
  readonly format: number
}

export interface SnapshotContext extends EnvelopeContext {
  /** Under which it was made, verbatim. */
  readonly mark: Uint8Array
}

/** From a cryptographic source. */
export type RandomBytes = (length: number) => Uint8Array
