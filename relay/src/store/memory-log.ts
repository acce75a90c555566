// One log of a memory store, read: its head, its base, what stands at an index, and what is judged of it. Changes
// nothing; what is returned may share memory with the log.
import { tagOf } from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import { encodeBookmark } from './bookmark.ts'
import type { Bytes, SnapshotReference } from './contract.ts'
import { type JudgedLog, validIndex } from './judgement.ts'
import type { MemoryClaim, MemoryDocument, MemoryEntry, MemoryLogSnapshot } from './memory-state.ts'
import { sha256 } from './sha256.ts'

/** Index of the newest entry; 0: there is none. */
export function headOf(document: MemoryDocument): number {
  return document.oldest + document.entries.length - 1
}

/** Index of the last entry that the current snapshot stands for; 0: there is no snapshot. */
export function baseOf(document: MemoryDocument): number {
  return document.snapshot?.base ?? 0
}

/** Undefined where none is retained. */
export function entryAt(document: MemoryDocument, index: number): MemoryEntry | undefined {
  return document.entries[index - document.oldest]
}

/** Undefined where it went with its entry. */
export function chainAt(document: MemoryDocument, index: number): Bytes | undefined {
  if (index === 0) return document.seed
  return entryAt(document, index)?.chain ?? snapshotsOf(document).find(({ base }) => base === index)?.baseChain
}

/** Payload bytes of the log up to an index whose chain is known. */
export function bytesThrough(document: MemoryDocument, index: number): number {
  if (index === 0) return 0
  const held = entryAt(document, index)?.bytesThrough
  const bytes = held ?? snapshotsOf(document).find(({ base }) => base === index)?.baseBytesThrough
  if (bytes === undefined) throw new Error(`Nothing is known at index ${index}`)
  return bytes
}

/** The current snapshot, or one that was replaced and is retained. */
export function snapshotById(document: MemoryDocument, id: Bytes): MemoryLogSnapshot | undefined {
  return snapshotsOf(document).find((snapshot) => equalBytes(snapshot.id, id))
}

/** The index of a mark that is of this log. */
export function indexOfMark(document: MemoryDocument, mark: Bytes): number | undefined {
  const { incarnation } = document
  return validIndex({ incarnation, head: headOf(document), chainAt: (index) => chainAt(document, index) }, mark)
}

export function bookmarkAt(document: MemoryDocument, index: number): Bytes {
  const chain = chainAt(document, index)
  if (chain === undefined) throw new Error(`No chain is known at index ${index}`)
  return encodeBookmark(document.incarnation, index, chain)
}

export function documentTag(document: MemoryDocument): Bytes {
  const head = chainAt(document, headOf(document)) ?? document.seed
  return tagOf(sha256, head, document.generation)
}

/** What the document takes up: its current snapshot, and the entries above the base. */
export function usedBytes({ bytes, snapshot }: MemoryDocument): number {
  return snapshot === null ? bytes : snapshot.payload.length + bytes - snapshot.baseBytesThrough
}

export function judgedLog(document: MemoryDocument): JudgedLog {
  const referenceTo = (snapshot: MemoryLogSnapshot): SnapshotReference => ({
    id: new Uint8Array(snapshot.id),
    totalBytes: snapshot.payload.length,
    base: snapshot.base,
    mark: encodeBookmark(document.incarnation, snapshot.base, snapshot.baseChain),
  })
  return {
    incarnation: new Uint8Array(document.incarnation),
    generation: new Uint8Array(document.generation),
    deleted: false,
    head: headOf(document),
    oldest: document.oldest,
    createdAtMs: document.createdAtMs,
    lastClaim: lastClaimOf(document.claims),
    agreedIndex: document.agreedIndex,
    snapshot: document.snapshot === null ? null : referenceTo(document.snapshot),
    chainAt: (index) => chainAt(document, index),
    bytesAfter: (index) => document.bytes - bytesThrough(document, index),
    retainedSnapshot: (id) => {
      const snapshot = snapshotById(document, id)
      return snapshot === undefined ? undefined : referenceTo(snapshot)
    },
  }
}

/** Of a deleted document only the incarnation is looked at. */
export function judgedTombstone(incarnation: Bytes): JudgedLog {
  return {
    incarnation: new Uint8Array(incarnation),
    generation: new Uint8Array(0),
    deleted: true,
    head: 0,
    oldest: 1,
    createdAtMs: 0,
    lastClaim: null,
    agreedIndex: 0,
    snapshot: null,
    chainAt: () => undefined,
    bytesAfter: () => 0,
    retainedSnapshot: () => undefined,
  }
}

function lastClaimOf(claims: readonly MemoryClaim[]): JudgedLog['lastClaim'] {
  const last = claims.at(-1)
  return last === undefined ? null : { index: last.index, atMs: last.atMs, device: new Uint8Array(last.device) }
}

/** Newest first. Before the oldest retained entry always lies the base of one of them, or the beginning. */
function snapshotsOf({ snapshot, retained }: MemoryDocument): readonly MemoryLogSnapshot[] {
  const replaced = retained.flatMap((compaction) => compaction.replaced ?? []).reverse()
  return snapshot === null ? replaced : [snapshot, ...replaced]
}
