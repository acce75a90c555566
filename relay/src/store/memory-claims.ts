// Claims and repairs of a memory store: what devices assert of a document's state, and the generations that follow
// where they differ.
import { equalBytes } from '../bytes.ts'
import { GENERATION_BYTES } from './bookmark.ts'
import type { Bytes, ClaimRequest, RepairRequest, StoreLimits } from './contract.ts'
import { CLAIMS_KEPT_MAX, FINGERPRINTS_KEPT_MAX } from './contract.ts'
import type { RandomBytes } from './memory-append.ts'
import { noteAgreement } from './memory-compaction.ts'
import { baseOf, chainAt, headOf, indexOfMark } from './memory-log.ts'
import type { MemoryDocument, MemoryState } from './memory-state.ts'
import { repairNow } from './repair-wait.ts'

export function keepClaim(
  state: MemoryState,
  { documentId, mark, generation, device, profile, digest }: ClaimRequest,
  nowMs: number,
): 'kept' | 'agrees' | 'differs' | 'stale' {
  const document = state.documents.get(documentId)
  const index = document === undefined ? undefined : indexOfMark(document, mark)
  if (document === undefined || index === undefined || !equalBytes(generation, document.generation)) return 'stale'
  const comparable = document.claims.filter((claim) => claim.index === index && claim.profile === profile)
  if (comparable.some((claim) => !equalBytes(claim.digest, digest))) return 'differs'
  const agrees = comparable.some((claim) => !equalBytes(claim.device, device))
  const others = document.claims.filter((claim) => claim.profile !== profile || !equalBytes(claim.device, device))
  document.claims = [...others, { index, device, profile, digest, atMs: nowMs }].slice(-CLAIMS_KEPT_MAX)
  if (!agrees) return 'kept'
  noteAgreement(document, index)
  return 'agrees'
}

/** Draws before it changes anything. */
export function repairDocument(
  state: MemoryState,
  { documentId, incarnation, fingerprint }: RepairRequest,
  limits: StoreLimits,
  random: RandomBytes,
  nowMs: number,
): 'drawn' | 'known' | 'later' | 'moved' {
  const document = state.documents.get(documentId)
  if (document === undefined || !equalBytes(document.incarnation, incarnation)) return 'moved'
  const cause = causeOf(document, fingerprint)
  if (document.repaired.includes(cause)) return 'known'
  const now = repairNow(document.lastRepair, headOf(document), nowMs, limits.repairWaitMs)
  if (now === null) return 'later'
  document.generation = new Uint8Array(random(GENERATION_BYTES))
  document.claims = []
  document.repaired = [...document.repaired, cause].slice(-FINGERPRINTS_KEPT_MAX)
  document.lastRepair = now
  state.feedHead += 1
  document.feedIndex = state.feedHead
  return 'drawn'
}

function causeOf(document: MemoryDocument, fingerprint: Bytes): string {
  const baseChain = chainAt(document, baseOf(document)) ?? document.seed
  return Buffer.concat([baseChain, fingerprint]).toString('hex')
}
