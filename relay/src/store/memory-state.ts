// What a memory store holds: plain data, so that a snapshot is a clone of it. How one log is read: memory-log.ts.
import type { Bytes } from './contract.ts'
import { type FeedTerm, TERMS_MAX } from './feed-terms.ts'
import type { LastRepair } from './repair-wait.ts'

/** All but the maps' contents and `feedHead` is replaced, never changed. */
export interface MemoryState {
  readonly epoch: Bytes
  readonly terms: readonly FeedTerm[]
  /** By document id; none that is deleted. */
  readonly documents: Map<string, MemoryDocument>
  /** By document id, newest last; also of documents that were begun anew since. */
  readonly tombstones: Map<string, readonly MemoryTombstone[]>
  /** By key. */
  readonly uploads: Map<string, MemoryUpload>
  feedHead: number
}

/** Only `entries` and `indexOfPush` are changed in place; all else is replaced. */
export interface MemoryDocument {
  readonly documentId: string
  readonly incarnation: Bytes
  /** The chain at index 0. */
  readonly seed: Bytes
  readonly createdAtMs: number
  generation: Bytes
  /** Index of the first entry that is retained; one above the head: none is. */
  oldest: number
  /** Dense: the entry of index `oldest` stands first. Hidden ones included. */
  entries: MemoryEntry[]
  /** Index by push id, in hex; above the base only. */
  readonly indexOfPush: Map<string, number>
  /** Payload bytes of all entries that there ever were. */
  bytes: number
  feedIndex: number
  /** The current one. */
  snapshot: MemoryLogSnapshot | null
  /** What the sweep will drop, oldest first. */
  retained: readonly MemoryCompaction[]
  /** Newest last. */
  claims: readonly MemoryClaim[]
  /** The highest index at which claims of two devices agreed; 0: none yet. */
  agreedIndex: number
  /** Base chain and fingerprint of what was repaired, in hex, newest last. */
  repaired: readonly string[]
  lastRepair: LastRepair | null
}

export interface MemoryEntry {
  readonly pushId: Bytes
  readonly format: number
  readonly payload: Bytes
  readonly chain: Bytes
  /** Payload bytes of the log up to and with this entry. */
  readonly bytesThrough: number
  readonly receivedAtMs: number
}

export interface MemoryLogSnapshot {
  readonly id: Bytes
  readonly payload: Bytes
  /** Index of the last entry that it stands for, the chain there, and the payload bytes of the log up to there. */
  readonly base: number
  readonly baseChain: Bytes
  readonly baseBytesThrough: number
}

/** One swap: it hid the entries up to its base. */
interface MemoryCompaction {
  readonly atMs: number
  readonly base: number
  readonly replaced: MemoryLogSnapshot | null
  /** Claims of two devices have agreed since, at or above the base. */
  readonly agreed: boolean
}

export interface MemoryClaim {
  readonly index: number
  readonly device: Bytes
  readonly profile: string
  readonly digest: Bytes
  readonly atMs: number
}

export interface MemoryTombstone {
  readonly incarnation: Bytes
  readonly deletedAtMs: number
  readonly feedIndex: number
  /** The log that was deleted; null: dropped, or not deleted here but handed back. */
  readonly log: MemoryDocument | null
}

export interface MemoryUpload {
  readonly total: number
  /** In order, from the beginning, none of them empty. */
  readonly pieces: readonly Bytes[]
  readonly staged: number
  readonly lastPieceAtMs: number
}

export function emptyState(epoch: Bytes): MemoryState {
  return { epoch, terms: [], documents: new Map(), tombstones: new Map(), uploads: new Map(), feedHead: 0 }
}

export function cloneState(state: MemoryState): MemoryState {
  const documents = new Map<string, MemoryDocument>()
  for (const [documentId, document] of state.documents) {
    const { entries, indexOfPush } = document
    documents.set(documentId, { ...document, entries: [...entries], indexOfPush: new Map(indexOfPush) })
  }
  return { ...state, documents, tombstones: new Map(state.tombstones), uploads: new Map(state.uploads) }
}

/** The state as a new start finds it: with one more term. */
export function withTerm(state: MemoryState, term: Bytes): MemoryState {
  const terms = [...state.terms, { term, firstIndex: state.feedHead + 1 }].slice(-TERMS_MAX)
  return { ...state, terms }
}
