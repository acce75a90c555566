// When OPENED asks a device for a claim. docs/protocol.md, "Claims". A pure policy.
import { equalBytes } from '../bytes.ts'
import type { Limits } from '../limits.ts'
import type { Judgement } from '../store/contract.ts'

export type ClaimedLog = Pick<Judgement, 'head' | 'lastClaim' | 'agreedIndex' | 'createdAtMs'> & {
  readonly tail: Pick<Judgement['tail'], 'base'>
}

export type ClaimLimits = Pick<Limits, 'claimEntries' | 'claimEveryMs'>

export function claimWanted(log: ClaimedLog, device: Uint8Array, nowMs: number, limits: ClaimLimits): boolean {
  const { head, lastClaim, createdAtMs } = log
  if (head === 0) return false
  const { index, atMs } = lastClaim ?? { index: 0, atMs: createdAtMs }
  if (head - index >= limits.claimEntries || nowMs - atMs >= limits.claimEveryMs) return true
  const isOwn = lastClaim !== null && equalBytes(lastClaim.device, device)
  return isOwn ? wantsOther(log, index) : wantsAnswer(log, index)
}

/** The newest claim is the asker's: another says something only where nobody has agreed since the newest snapshot. */
function wantsOther({ head, agreedIndex, tail }: ClaimedLog, ownIndex: number): boolean {
  return tail.base > 0 && agreedIndex < tail.base && ownIndex < head
}

/** The newest claim, if there is one, is another's: at the head it can be compared, below the base it is out of date. */
function wantsAnswer({ head, lastClaim, agreedIndex, tail }: ClaimedLog, otherIndex: number): boolean {
  if (lastClaim !== null && otherIndex === head) return agreedIndex < head
  return tail.base > 0 && otherIndex < tail.base
}
