// Reads test/vectors/*.json: hex to bytes by the names of byte fields, which are the same everywhere.
import { readFileSync } from 'node:fs'
import type { DecodeLimits, Frame } from '@tidemark/protocol'

const BYTE_FIELDS = new Set([
  'bytes',
  'canon',
  'contentKey',
  'deepDigest',
  'deviceId',
  'digest',
  'digestKey',
  'epoch',
  'fingerprint',
  'generation',
  'id',
  'incarnation',
  'key',
  'mark',
  'nonce',
  'payload',
  'prefix',
  'pushId',
  'receipt',
  'snapshotId',
  'tag',
  'update',
])

export interface FrameVectors {
  readonly frames: readonly { readonly name: string; readonly frame: unknown; readonly hex: string }[]
}

interface MessageVector {
  readonly name: string
  readonly frames: readonly unknown[]
  readonly hex: string
}

export interface MessageVectors {
  readonly both: readonly MessageVector[]
  readonly read: readonly MessageVector[]
}

export interface RejectVectors {
  readonly rejects: readonly {
    readonly name: string
    readonly hex: string
    readonly code: string
    readonly at: string
    readonly limits?: DecodeLimits
  }[]
}

export interface VaruintVectors {
  readonly valid: readonly { readonly value: number; readonly hex: string }[]
  readonly invalid: readonly { readonly name: string; readonly hex: string }[]
}

export interface IdentifierVectors {
  readonly pushIds: readonly {
    readonly name: string
    readonly format: number
    readonly payload: string | { readonly length: number }
    readonly pushId: string
  }[]
  readonly chains: readonly {
    readonly incarnation: string
    readonly documentId: string
    readonly pushIds: readonly string[]
    readonly chain: readonly string[]
    readonly generation: string
    readonly tag: string
    readonly repaired: { readonly generation: string; readonly tag: string }
  }[]
  readonly documentIds: {
    readonly valid: readonly { readonly documentId: string; readonly vault: string; readonly name: string }[]
    readonly invalid: readonly { readonly name: string; readonly documentId: string }[]
  }
}

/** Where the type says Uint8Array the file has hex: see `bytesFromHex`. */
export interface EncryptionVectors {
  readonly padding: readonly { readonly length: number; readonly padded: number }[]
  readonly keys: readonly (DocumentOfVector & { readonly contentKey: Uint8Array; readonly digestKey: Uint8Array })[]
  readonly entries: readonly (SealedVector & {
    readonly nonce: Uint8Array
    readonly update: Uint8Array
    readonly hex: string
    readonly pushId: Uint8Array
  })[]
  readonly snapshots: readonly (SealedVector & {
    readonly prefix: Uint8Array
    readonly snapshot: SnapshotOfVector & { readonly update: Uint8Array }
    readonly hex: string
    readonly snapshotId: Uint8Array
  })[]
  readonly longSnapshot: Omit<SealedVector, 'name'> &
    SnapshotOfVector & {
      readonly prefix: Uint8Array
      readonly updateLength: number
      /** Of the whole payload. */
      readonly byteLength: number
      readonly snapshotId: Uint8Array
    }
  readonly claims: readonly (Omit<SealedVector, 'name'> & {
    readonly mark: Uint8Array
    readonly canon: Uint8Array
    readonly digest: Uint8Array
    readonly profile: string
  })[]
  readonly rejects: readonly { readonly name: string; readonly cause: string; readonly payload: Uint8Array }[]
  readonly rejectsAreGivenTo: {
    readonly documentId: string
    readonly keys: readonly { readonly keyId: string; readonly key: Uint8Array }[]
  }
}

interface DocumentOfVector {
  readonly key: Uint8Array
  readonly documentId: string
}

interface SealedVector extends DocumentOfVector {
  readonly name: string
  readonly keyId: string
}

interface SnapshotOfVector {
  readonly mark: Uint8Array
  readonly deepDigest: Uint8Array
}

export interface ClaimVectors {
  /** Besides, with byte fields as hex: documentId, mark, canon, and the key where it is not zeros. */
  readonly claims: readonly { readonly name: string; readonly digest: string }[]
  readonly profiles: readonly { readonly digestKeyId: string; readonly profile: string }[]
  readonly documents: readonly {
    readonly name: string
    readonly updates: readonly string[]
    readonly canon: string
    readonly missing: readonly { readonly client: number; readonly clock: number }[]
    readonly gapFingerprint: string
    readonly deepDigest: string
  }[]
}

export interface SnapshotVectors {
  readonly snapshots: readonly {
    readonly name: string
    readonly snapshot: unknown
    readonly hex: string
    readonly snapshotId: string
  }[]
  readonly rejects: readonly {
    readonly name: string
    readonly hex: string
    readonly at: string
    readonly isNewer: boolean
  }[]
}

export const vectorsDirectory: URL = new URL('../vectors/', import.meta.url)

export function readVectors<Vectors>(file: string): Vectors {
  return JSON.parse(readFileSync(new URL(file, vectorsDirectory), 'utf8')) as Vectors
}

export function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function frameOf(vector: unknown): Frame {
  return bytesFromHex(vector) as Frame
}

/** The same, with byte fields as bytes. */
export function bytesFromHex(value: unknown, field = ''): unknown {
  if (typeof value === 'string') return BYTE_FIELDS.has(field) ? fromHex(value) : value
  if (Array.isArray(value)) return value.map((item) => bytesFromHex(item))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, bytesFromHex(inner, name)]))
}
