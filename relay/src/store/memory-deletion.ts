// Deleting documents of a memory store. What stays is a tombstone, in the feed until the document is begun anew; its
// log is kept beside it until the sweep drops it, and is read by nobody.
import { equalBytes } from '../bytes.ts'
import { decodeBookmark } from './bookmark.ts'
import type { Bytes, DeleteRequest } from './contract.ts'
import { headOf, indexOfMark } from './memory-log.ts'
import type { MemoryState } from './memory-state.ts'

export function deleteDocument(
  state: MemoryState,
  { documentId, mark }: DeleteRequest,
  nowMs: number,
): 'OK' | 'CHANGED' {
  const bookmark = decodeBookmark(mark)
  if (bookmark === undefined) return 'CHANGED'
  if (isTombstone(state, documentId, bookmark.incarnation)) return 'OK'
  const document = state.documents.get(documentId)
  if (document !== undefined && indexOfMark(document, mark) !== headOf(document)) return 'CHANGED'
  state.feedHead += 1
  const tombstone = {
    incarnation: new Uint8Array(bookmark.incarnation),
    deletedAtMs: nowMs,
    feedIndex: state.feedHead,
    log: document ?? null,
  }
  state.tombstones.set(documentId, [...(state.tombstones.get(documentId) ?? []), tombstone])
  state.documents.delete(documentId)
  return 'OK'
}

export function isTombstone(state: MemoryState, documentId: string, incarnation: Bytes): boolean {
  return state.tombstones.get(documentId)?.some((tombstone) => equalBytes(tombstone.incarnation, incarnation)) === true
}
