// When OPENED asks for a compaction, and how urgently. docs/protocol.md, "Snapshots". A pure policy.
import type { Opened } from '@tidemark/protocol'
import type { Limits } from '../limits.ts'
import type { LogTail } from '../store/contract.ts'

/** HIGH at so many times what is LOW. */
const HIGH_FACTOR = 4

export type CompactionLimits = Pick<
  Limits,
  'compactEntries' | 'compactBytesRatio' | 'compactBytesMin' | 'compactEntriesMin'
>

export function compactionUrgency(tail: LogTail, leaseHeld: boolean, limits: CompactionLimits): Opened['urgency'] {
  if (leaseHeld) return 'NONE'
  if (isLong(tail, limits, HIGH_FACTOR)) return 'HIGH'
  return isLong(tail, limits, 1) ? 'LOW' : 'NONE'
}

function isLong(tail: LogTail, limits: CompactionLimits, factor: number): boolean {
  const { entriesAfterBase, bytesAfterBase, snapshotBytes } = tail
  if (entriesAfterBase >= factor * limits.compactEntries) return true
  // A few large entries gain nothing by becoming one larger snapshot.
  if (entriesAfterBase < factor * limits.compactEntriesMin) return false
  if (bytesAfterBase < factor * limits.compactBytesMin) return false
  return bytesAfterBase > factor * limits.compactBytesRatio * snapshotBytes
}
