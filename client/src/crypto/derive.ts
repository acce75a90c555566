// Keys out of keys: HKDF-SHA-256, told apart by texts. docs/protocol.md, "Encryption".
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import * as encoding from 'lib0/encoding'

/** Without salt; `info` is the texts, each with its length before it. */
export function deriveKey(key: Uint8Array, byteLength: number, ...texts: readonly string[]): Uint8Array {
  const info = encoding.encode((encoder) => {
    for (const text of texts) encoding.writeVarString(encoder, text)
  })
  return hkdf(sha256, key, undefined, info, byteLength)
}
