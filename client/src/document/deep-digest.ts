// The deep digest of a document: a fingerprint of what every undeleted id holds, which canon leaves out. It tells apart
// documents in which a client id was used twice for different content. docs/protocol.md, "Snapshots". Where content
// stands (parent, key, neighbours) is not covered.
import { sha256 } from '@noble/hashes/sha2.js'
import * as encoding from 'lib0/encoding'
import type * as Y from 'yjs'
import { isUndeleted, writeDeleted, writeUnits } from './content-unit.ts'

/** Bytes that are gathered before they are hashed. */
const CHUNK_BYTES = 65_536

/**
 * SHA-256, cut to 16 bytes, over (client clock unit*)*: clients ascending; the clock below which the document has
 * integrated all of that client's; and for each of those clocks in order its unit, with a run of deleted ones as one.
 * @throws RangeError, TypeError for content that Yjs cannot encode either
 */
export function deepDigestOf(doc: Y.Doc): Uint8Array {
  const hash = sha256.create()
  let encoder = encoding.createEncoder()
  for (const [client, structs] of [...doc.store.clients].sort(([a], [b]) => a - b)) {
    const last = structs[structs.length - 1] as Y.Item | Y.GC
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, last.id.clock + last.length)
    let deleted = 0
    for (const struct of structs) {
      if (!isUndeleted(struct)) {
        deleted += struct.length
        continue
      }
      if (deleted > 0) writeDeleted(encoder, deleted)
      deleted = 0
      writeUnits(encoder, struct, 0, struct.length)
      if (encoding.length(encoder) < CHUNK_BYTES) continue
      hash.update(encoding.toUint8Array(encoder))
      encoder = encoding.createEncoder()
    }
    if (deleted > 0) writeDeleted(encoder, deleted)
  }
  return hash.update(encoding.toUint8Array(encoder)).digest().slice(0, 16)
}
