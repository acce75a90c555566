// Suite 1: XChaCha20-Poly1305, whose nonces are long enough to be drawn at random for ever: a device that was cloned, or
// restored from a backup, must not repeat one, as a counter would. docs/protocol.md, "Encryption". Knows no key ring.
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import * as encoding from 'lib0/encoding'
import { PayloadReader, Refused } from '../document/payload-reader.ts'
import { deriveKey } from './derive.ts'
import { pad, unpad } from './padding.ts'
import type { DerivedKeys, EnvelopeContext, RandomBytes, SnapshotContext, Suite } from './suite.ts'

const SUITE_NUMBER = 1
const KIND = { ENTRY: 1, SNAPSHOT: 2 } as const
const KEY_BYTES = 32
const NONCE_BYTES = 24
const TAG_BYTES = 16
/** Of a snapshot's nonce; the rest is the chunk's place, and whether it is the last. */
const PREFIX_BYTES = 19
const CHUNK_BYTES = 65_536

export const suite1: Suite = {
  number: SUITE_NUMBER,

  derive(key: Uint8Array, documentId: string): DerivedKeys {
    const derived = (label: string): Uint8Array => deriveKey(key, KEY_BYTES, label, documentId)
    return { content: derived('content1'), digest: derived('digest1') }
  },

  sealEntry({ content: key }: DerivedKeys, context: EnvelopeContext, content: Uint8Array, randomBytes: RandomBytes) {
    const nonce = randomBytes(NONCE_BYTES)
    const box = xchacha20poly1305(key, nonce, entryData(context)).encrypt(pad(content))
    const sealed = new Uint8Array(NONCE_BYTES + box.length)
    sealed.set(nonce)
    sealed.set(box, NONCE_BYTES)
    return sealed
  },

  openEntry({ content: key }: DerivedKeys, context: EnvelopeContext, sealed: Uint8Array): Uint8Array | null {
    if (sealed.length < NONCE_BYTES + TAG_BYTES) return null
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const padded = opened(key, nonce, entryData(context), sealed.subarray(NONCE_BYTES))
    return padded === null ? null : unpad(padded)
  },

  sealSnapshot({ content: key }: DerivedKeys, context: SnapshotContext, content: Uint8Array, randomBytes: RandomBytes) {
    const padded = pad(content)
    const prefix = randomBytes(PREFIX_BYTES)
    const data = snapshotData(context, padded.length)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, padded.length)
    encoding.writeUint8Array(encoder, prefix)
    for (let at = 0; at < padded.length; at += CHUNK_BYTES) {
      const nonce = chunkNonce(prefix, at, padded.length)
      const chunk = padded.subarray(at, at + CHUNK_BYTES)
      encoding.writeUint8Array(encoder, xchacha20poly1305(key, nonce, data).encrypt(chunk))
    }
    return encoding.toUint8Array(encoder)
  },

  openSnapshot({ content: key }: DerivedKeys, context: SnapshotContext, sealed: Uint8Array): Uint8Array | null {
    const reader = new PayloadReader(sealed)
    try {
      const length = reader.varuint('length')
      const prefix = reader.raw('prefix', PREFIX_BYTES)
      // Before anything of that length is allocated.
      if (reader.remaining !== length + TAG_BYTES * Math.ceil(length / CHUNK_BYTES)) return null
      const data = snapshotData(context, length)
      const padded = new Uint8Array(length)
      for (let at = 0; at < length; at += CHUNK_BYTES) {
        const box = reader.raw('chunk', Math.min(CHUNK_BYTES, length - at) + TAG_BYTES)
        const chunk = opened(key, chunkNonce(prefix, at, length), data, box)
        if (chunk === null) return null
        padded.set(chunk, at)
      }
      return unpad(padded)
    } catch (error) {
      if (error instanceof Refused) return null
      throw error
    }
  },
}

function entryData({ documentId, keyId, format }: EnvelopeContext): Uint8Array {
  return encoding.encode((encoder) => writeData(encoder, KIND.ENTRY, format, documentId, keyId))
}

function snapshotData({ documentId, keyId, format, mark }: SnapshotContext, length: number): Uint8Array {
  return encoding.encode((encoder) => {
    writeData(encoder, KIND.SNAPSHOT, format, documentId, keyId)
    encoding.writeVarUint8Array(encoder, mark)
    encoding.writeVarUint(encoder, length)
  })
}

function writeData(encoder: encoding.Encoder, kind: number, format: number, documentId: string, keyId: string): void {
  encoding.writeVarString(encoder, 'tidemark')
  for (const number of [SUITE_NUMBER, kind, format]) encoding.writeVarUint(encoder, number)
  for (const text of [documentId, keyId]) encoding.writeVarString(encoder, text)
}

/** Bound to its place and to the end, so that chunks cannot be dropped, repeated or moved (the STREAM construction). */
function chunkNonce(prefix: Uint8Array, at: number, length: number): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES)
  nonce.set(prefix)
  new DataView(nonce.buffer).setUint32(PREFIX_BYTES, at / CHUNK_BYTES)
  nonce[NONCE_BYTES - 1] = at + CHUNK_BYTES >= length ? 1 : 0
  return nonce
}

/** Null: not authentic. The cipher throws for nothing else, its arguments being of the right lengths. */
function opened(key: Uint8Array, nonce: Uint8Array, data: Uint8Array, box: Uint8Array): Uint8Array | null {
  try {
    return xchacha20poly1305(key, nonce, data).decrypt(box)
  } catch {
    return null
  }
}
