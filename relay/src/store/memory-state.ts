// What a memory store holds: plain data, so that a snapshot is a clone of it.
import type { Bytes } from './contract.ts'
import { type FeedTerm, TERMS_MAX } from './feed-terms.ts'

export interface MemoryState {
  readonly epoch: Bytes
  readonly terms: readonly FeedTerm[]
  readonly documents: Map<string, MemoryDocument>
  feedHead: number
}

export interface MemoryDocument {
  readonly documentId: string
  readonly incarnation: Bytes
  /** The chain at index 0. */
  readonly seed: Bytes
  readonly generation: Bytes
  readonly deleted: boolean
  /** Dense: the entry of index 1 stands first. */
  readonly entries: MemoryEntry[]
  /** Index by push id, in hex. */
  readonly indexOfPush: Map<string, number>
  bytes: number
  feedIndex: number
}

interface MemoryEntry {
  readonly pushId: Bytes
  readonly format: number
  readonly payload: Bytes
  readonly chain: Bytes
  /** Payload bytes of the log up to and with this entry. */
  readonly bytesThrough: number
  readonly receivedAtMs: number
}

export function emptyState(epoch: Bytes): MemoryState {
  return { epoch, terms: [], documents: new Map(), feedHead: 0 }
}

/** Entries, once written, are never changed: clones share them. */
export function cloneState(state: MemoryState): MemoryState {
  const documents = new Map<string, MemoryDocument>()
  for (const [documentId, document] of state.documents) {
    const { entries, indexOfPush } = document
    documents.set(documentId, { ...document, entries: [...entries], indexOfPush: new Map(indexOfPush) })
  }
  return { ...state, documents }
}

/** The state as a new start finds it: with one more term. */
export function withTerm(state: MemoryState, term: Bytes): MemoryState {
  const terms = [...state.terms, { term, firstIndex: state.feedHead + 1 }].slice(-TERMS_MAX)
  return { ...state, terms }
}
