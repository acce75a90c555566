// What is due in a memory store, dropped step by step: a bounded number of steps a call.
import type { StoreLimits } from './contract.ts'
import { dropOldestCompaction } from './memory-compaction.ts'
import type { MemoryState, MemoryTombstone } from './memory-state.ts'

const STEPS_MAX = 64

export function sweepState(state: MemoryState, limits: StoreLimits, nowMs: number): { readonly more: boolean } {
  const steps = dropWhatIsDue(state, limits, nowMs)
  for (let done = 0; done < STEPS_MAX; done += 1) if (steps.next().done === true) return { more: false }
  return { more: true }
}

/** Yields after each step. */
function* dropWhatIsDue(state: MemoryState, limits: StoreLimits, nowMs: number): Generator<void> {
  for (const document of state.documents.values()) {
    while (dropOldestCompaction(document, limits, nowMs)) yield
  }
  for (const [documentId, tombstones] of state.tombstones) {
    const swept = sweptTombstones(tombstones, limits, nowMs)
    if (swept === tombstones) continue
    if (swept.length > 0) state.tombstones.set(documentId, swept)
    else state.tombstones.delete(documentId)
    yield
  }
  for (const [key, { lastPieceAtMs }] of state.uploads) {
    if (nowMs < lastPieceAtMs + limits.uploadIdleMs) continue
    state.uploads.delete(key)
    yield
  }
}

/** The same array where nothing of it is due. */
function sweptTombstones(
  tombstones: readonly MemoryTombstone[],
  { retentionMs, tombstoneMs }: StoreLimits,
  nowMs: number,
): readonly MemoryTombstone[] {
  const isDue = ({ deletedAtMs, log }: MemoryTombstone): boolean =>
    nowMs >= deletedAtMs + tombstoneMs || (log !== null && nowMs >= deletedAtMs + retentionMs)
  if (!tombstones.some(isDue)) return tombstones
  return tombstones
    .filter(({ deletedAtMs }) => nowMs < deletedAtMs + tombstoneMs)
    .map((tombstone) => (nowMs < tombstone.deletedAtMs + retentionMs ? tombstone : { ...tombstone, log: null }))
}
