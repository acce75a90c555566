// The chain's next link, as `nextChain` of @tidemark/protocol has it, without making an array on the way: the store does
// this for every push.
import { hash } from 'node:crypto'
import { CHAIN_BYTES, PUSH_ID_BYTES } from '../bookmark.ts'

const hashed: Buffer = Buffer.alloc(CHAIN_BYTES + PUSH_ID_BYTES)

/** Writes the first 16 bytes of SHA-256(chain before, push id) where they belong. */
export function writeNextChain(chainBefore: Buffer, pushId: Buffer, target: Buffer, at: number): void {
  hashed.set(chainBefore, 0)
  hashed.set(pushId, CHAIN_BYTES)
  target.write(hash('sha256', hashed, 'binary'), at, CHAIN_BYTES, 'latin1')
}
