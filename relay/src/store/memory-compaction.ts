// The swap of a memory store's snapshots, and the end of what it hid. Retained compactions are dropped oldest first:
// so before the oldest retained entry there is always a snapshot that has its base there.
import type { InstallRequest, StoreLimits } from './contract.ts'
import { baseOf, bytesThrough, chainAt, indexOfMark } from './memory-log.ts'
import type { MemoryDocument, MemoryState } from './memory-state.ts'
import { takeUpload, wholeUpload } from './memory-uploads.ts'

export function installSnapshot(state: MemoryState, request: InstallRequest, nowMs: number): 'OK' | 'CHANGED' | 'GONE' {
  const document = state.documents.get(request.documentId)
  if (document === undefined || baseOf(document) !== request.baseExpected) return 'CHANGED'
  const base = indexOfMark(document, request.mark)
  const baseChain = base === undefined ? undefined : chainAt(document, base)
  if (base === undefined || baseChain === undefined || base <= request.baseExpected) return 'CHANGED'
  if (wholeUpload(state, request.upload) === undefined) return 'GONE'
  const payload = takeUpload(state, request.upload)
  if (payload === undefined) return 'GONE'
  const baseBytesThrough = bytesThrough(document, base)
  document.retained = [...document.retained, { atMs: nowMs, base, replaced: document.snapshot, agreed: false }]
  document.snapshot = { id: request.snapshotId, payload, base, baseChain, baseBytesThrough }
  for (const [pushId, index] of document.indexOfPush) if (index <= base) document.indexOfPush.delete(pushId)
  return 'OK'
}

/** Claims of two devices have agreed at an index. */
export function noteAgreement(document: MemoryDocument, index: number): void {
  document.agreedIndex = Math.max(document.agreedIndex, index)
  document.retained = document.retained.map((compaction) =>
    compaction.base <= index ? { ...compaction, agreed: true } : compaction,
  )
}

/** Drops what the oldest retained compaction hid and replaced, if that is due. */
export function dropOldestCompaction(document: MemoryDocument, limits: StoreLimits, nowMs: number): boolean {
  const [oldest, ...later] = document.retained
  if (oldest === undefined) return false
  if (nowMs < oldest.atMs + (oldest.agreed ? limits.retentionMs : limits.retentionMaxMs)) return false
  document.retained = later
  document.entries = document.entries.slice(Math.max(0, oldest.base + 1 - document.oldest))
  document.oldest = Math.max(document.oldest, oldest.base + 1)
  return true
}
