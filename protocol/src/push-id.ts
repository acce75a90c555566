// What a log's entries are known by: push ids, the chain over them, and the tag of its head. SHA-256 comes from the
// platform as an argument. docs/protocol.md, "Log".
import { encodeUtf8 } from './bytes/utf8.ts'
import { ID_BYTES, TAG_BYTES } from './layout.ts'

/** SHA-256: any bytes to 32 bytes. */
export type Sha256 = (bytes: Uint8Array) => Uint8Array

/** The tag where there is no log: 8 zero bytes, a new array each time. */
export function zeroTag(): Uint8Array {
  return new Uint8Array(TAG_BYTES)
}

/** First 16 bytes of SHA-256(format byte, payload). */
export function pushIdOf(sha256: Sha256, format: number, payload: Uint8Array): Uint8Array {
  const hashed = new Uint8Array(1 + payload.length)
  hashed[0] = format
  hashed.set(payload, 1)
  return cut(sha256(hashed), ID_BYTES)
}

/** The chain before the first entry: first 16 bytes of SHA-256(incarnation, document id as UTF-8). */
export function chainSeed(sha256: Sha256, incarnation: Uint8Array, documentId: string): Uint8Array {
  return cut(hashOfTwo(sha256, incarnation, encodeUtf8(documentId)), ID_BYTES)
}

/** The chain at the next entry: first 16 bytes of SHA-256(chain before it, its push id). */
export function nextChain(sha256: Sha256, chain: Uint8Array, pushId: Uint8Array): Uint8Array {
  return cut(hashOfTwo(sha256, chain, pushId), ID_BYTES)
}

/** First 8 bytes of SHA-256(chain at the head, repair generation of 8 bytes). */
export function tagOf(sha256: Sha256, headChain: Uint8Array, generation: Uint8Array): Uint8Array {
  return cut(hashOfTwo(sha256, headChain, generation), TAG_BYTES)
}

function hashOfTwo(sha256: Sha256, first: Uint8Array, second: Uint8Array): Uint8Array {
  const hashed = new Uint8Array(first.length + second.length)
  hashed.set(first)
  hashed.set(second, first.length)
  return sha256(hashed)
}

/** A copy, and a plain one: slice() of a Node Buffer is a view into shared memory. */
function cut(hash: Uint8Array, length: number): Uint8Array {
  return new Uint8Array(hash.subarray(0, length))
}
