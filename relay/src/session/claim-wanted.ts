// When OPENED asks a device for a claim. docs/protocol.md, "Claims". A pure policy.
import { equalBytes } from '../bytes.ts'
import type { Limits } from '../limits.ts'
import type { Judgement } from '../store/contract.ts'

export type ClaimedLog = Pick<Judgement, 'head' | 'lastClaim' | 'agreedIndex' | 'createdAtMs'> & {
  readonly tail: Pick<Judgement['tail'], 'base'>
}

export type ClaimLimits = Pick<Limits, 'claimEntries' | 'claimEveryMs'>

export function claimWanted(log: ClaimedLog, device: Uint8Array, nowMs: number, limits: ClaimLimits): boolean {
  const { head, lastClaim, createdAtMs, agreedIndex, tail } = log
  if (head === 0) return false
  const { index, atMs } = lastClaim ?? { index: 0, atMs: createdAtMs }
  if (head - index >= limits.claimEntries || nowMs - atMs >= limits.claimEveryMs) return true
  const isSnapshotTrusted = tail.base === 0 || agreedIndex >= tail.base
  // A device that is alone, or the only one that writes, says something new only when it claims upon another snapshot.
  if (lastClaim === null || equalBytes(lastClaim.device, device)) return !isSnapshotTrusted && index < tail.base
  // At the head the asker's can be compared with it. Elsewhere it cannot; but the other will answer the asker's.
  return index === head || !isSnapshotTrusted
}
