// The canon of a document: what it has integrated and deleted, and what it waits for, as bytes that are equal wherever the
// same changes were taken in. docs/protocol.md, "Claims". Covers ids and never contents: those are the deep digest's.
import { sha256 } from '@noble/hashes/sha2.js'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { IdSet } from './id-set.ts'

/** The first clock of a client that something pending needs and that the document was never given. */
export interface MissingPair {
  readonly client: number
  readonly clock: number
}

/** Equal for equal documents only after a nudge: before it, complete content may still be pending. */
export function canonOf(doc: Y.Doc): Uint8Array {
  const clients = [...doc.store.clients].sort(([a], [b]) => a - b)
  const states = encoding.createEncoder()
  const deletes = encoding.createEncoder()
  let clientsDeleting = 0
  encoding.writeVarUint(states, clients.length)
  for (const [client, structs] of clients) {
    const last = structs[structs.length - 1] as Y.Item | Y.GC
    encoding.writeVarUint(states, client)
    encoding.writeVarUint(states, last.id.clock + last.length)
    const bounds = deletedBounds(structs)
    if (bounds.length === 0) continue
    clientsDeleting++
    encoding.writeVarUint(deletes, client)
    encoding.writeVarUint(deletes, bounds.length / 2)
    for (let i = 0; i < bounds.length; i += 2) {
      const start = bounds[i] as number
      encoding.writeVarUint(deletes, start)
      encoding.writeVarUint(deletes, (bounds[i + 1] as number) - start)
    }
  }
  encoding.writeVarUint(states, clientsDeleting)
  encoding.writeBinaryEncoder(states, deletes)
  writeGaps(states, missingPairsOf(doc))
  return encoding.toUint8Array(states)
}

/**
 * Clients ascending; empty where nothing is pending, or all that is pending is complete and a nudge away from being
 * integrated. Not what Yjs notes as missing: that depends on the order in which the updates came.
 */
export function missingPairsOf(doc: Y.Doc): readonly MissingPair[] {
  const { pendingStructs, pendingDs } = doc.store
  if (pendingStructs === null && pendingDs === null) return []
  const { held, needed } = pendingIds(doc)
  needed.removeAll(held)
  return [...needed.clients()]
    .filter((client) => needed.ranges(client).some(({ end }) => end > Y.getState(doc.store, client)))
    .sort((a, b) => a - b)
    .map((client) => {
      held.add(client, 0, Y.getState(doc.store, client))
      const first = held.ranges(client)[0]
      return { client, clock: first?.start === 0 ? first.end : 0 }
    })
}

/**
 * Whether something pending waits for nothing. Yjs 13 notes only the first gap of a stack, and may keep complete content
 * pending for ever: applying the document's own state once (a nudge) takes it in.
 */
export function hasCompletePending(doc: Y.Doc): boolean {
  const isIntegrated = (id: unknown): boolean => !(id instanceof Y.ID) || id.clock < Y.getState(doc.store, id.client)
  return pendingStructsOf(doc).some((struct) => {
    const { client, clock } = struct.id
    const state = Y.getState(doc.store, client)
    if (clock > state || clock + struct.length <= state) return false
    return !(struct instanceof Y.Item) || [struct.origin, struct.rightOrigin, struct.parent].every(isIntegrated)
  })
}

/** What REPAIR calls a gap: the first 16 bytes of SHA-256 over the gaps part of the canon. */
export function gapFingerprintOf(missing: readonly MissingPair[]): Uint8Array {
  const encoder = encoding.createEncoder()
  writeGaps(encoder, missing)
  return sha256(encoding.toUint8Array(encoder)).slice(0, 16)
}

function writeGaps(encoder: encoding.Encoder, missing: readonly MissingPair[]): void {
  encoding.writeVarUint(encoder, missing.length)
  for (const { client, clock } of missing) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
  }
}

/** Start, end, start, end: the deleted stretches of one client, as long as they can be. */
function deletedBounds(structs: readonly (Y.Item | Y.GC)[]): number[] {
  const bounds: number[] = []
  let isOpen = false
  for (const struct of structs) {
    if (struct.deleted === isOpen) continue
    bounds.push(struct.id.clock)
    isOpen = !isOpen
  }
  const last = structs[structs.length - 1]
  if (isOpen && last !== undefined) bounds.push(last.id.clock + last.length)
  return bounds
}

function pendingStructsOf({ store: { pendingStructs } }: Y.Doc): readonly (Y.Item | Y.GC)[] {
  if (pendingStructs === null) return []
  return Y.decodeUpdateV2(pendingStructs.update).structs.filter((struct) => !(struct instanceof Y.Skip))
}

/** The structs that are pending, and the ids that must be there before they, and pending deletions, can be taken in. */
function pendingIds(doc: Y.Doc): { readonly held: IdSet; readonly needed: IdSet } {
  const held = new IdSet()
  const needed = new IdSet()
  const need = ({ client, clock }: Y.ID): void => needed.add(client, clock, clock + 1)
  for (const struct of pendingStructsOf(doc)) {
    const { client, clock } = struct.id
    held.add(client, clock, clock + struct.length)
    if (clock > 0) needed.add(client, clock - 1, clock)
    if (!(struct instanceof Y.Item)) continue
    if (struct.origin !== null) need(struct.origin)
    if (struct.rightOrigin !== null) need(struct.rightOrigin)
    if (struct.parent instanceof Y.ID) need(struct.parent)
  }
  const { pendingDs } = doc.store
  const deletes = pendingDs === null ? [] : Y.decodeUpdateV2(pendingDs).ds.clients
  for (const [client, ranges] of deletes) for (const { clock, len } of ranges) needed.add(client, clock, clock + len)
  return { held, needed }
}
