// A claim: what a device asserts of a document's state at a mark, as a keyed digest of its canon. Whether the document is
// exactly the log at that mark is for the caller to know. docs/protocol.md, "Claims".
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import * as encoding from 'lib0/encoding'
import { hexOf } from './bytes.ts'

export interface ClaimedState {
  readonly documentId: string
  /** Under which the relay gave all that the document holds. */
  readonly mark: Uint8Array
  readonly canon: Uint8Array
  /** 32 bytes; without encryption zeros. */
  readonly key?: Uint8Array
}

const CANON_VERSION = 1
/** What the SDK's peer range allows: another minor version may integrate the same log to another state. */
const YJS_MAJOR_MINOR = '13.6'
const KEY_BYTES = 32
/** What a profile shows of the entries that are held. */
const HELD_BYTES = 8

export function claimOf({ documentId, mark, canon, key = new Uint8Array(KEY_BYTES) }: ClaimedState): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, 'claim1')
  encoding.writeVarString(encoder, documentId)
  encoding.writeVarUint8Array(encoder, mark)
  return hmac.create(sha256, key).update(encoding.toUint8Array(encoder)).update(canon).digest().slice(0, 16)
}

/**
 * Only claims of equal profiles are compared, so devices that hold the same entries compare what they made of the others.
 * @param held push ids of the entries that the device cannot apply
 * @param digestKeyId which key the claim was made with; empty: none
 */
export function claimProfile(held: readonly Uint8Array[] = [], digestKeyId = ''): string {
  const profile = `${CANON_VERSION}/${YJS_MAJOR_MINOR}/${digestKeyId}`
  if (held.length === 0) return profile
  const hash = sha256.create()
  const ids = new Map(held.map((id) => [hexOf(id), id]))
  for (const hex of [...ids.keys()].sort()) hash.update(ids.get(hex) as Uint8Array)
  return `${profile}/${hexOf(hash.digest().subarray(0, HELD_BYTES))}`
}
