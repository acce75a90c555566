// Claims: what devices assert of a document's state, compared and kept. Writes nothing itself.
import { equalBytes } from '../../bytes.ts'
import { CLAIMS_KEPT_MAX, type ClaimRequest } from '../contract.ts'
import { checkClaim } from '../contract-checks.ts'
import { type Claim, decodeClaims, encodeClaims } from './claim-row.ts'
import { serialKey } from './environment.ts'
import type { CommitPlan, Operation } from './plan.ts'
import { indexOfMark } from './planned-log.ts'
import { noteAgreement } from './retention.ts'

interface CopiedClaim {
  readonly documentId: string
  readonly mark: Buffer
  readonly generation: Buffer
  readonly device: Buffer
  readonly digest: Buffer
  readonly profile: Buffer
}

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function claiming(request: ClaimRequest): Operation<'kept' | 'agrees' | 'differs' | 'stale'> {
  checkClaim(request)
  const copied = {
    documentId: request.documentId,
    mark: Buffer.from(request.mark),
    generation: Buffer.from(request.generation),
    device: Buffer.from(request.device),
    digest: Buffer.from(request.digest),
    profile: Buffer.from(request.profile),
  }
  return (plan) => keepClaim(plan, copied)
}

function keepClaim(plan: CommitPlan, request: CopiedClaim): 'kept' | 'agrees' | 'differs' | 'stale' {
  const { device, digest, profile } = request
  const document = plan.document(request.documentId)
  if (document === undefined || document.deleted) return 'stale'
  if (!equalBytes(request.generation, document.state.generation)) return 'stale'
  const index = indexOfMark(plan, document, request.mark)
  if (index === undefined) return 'stale'
  const atMs = plan.nowMs()
  const key = serialKey(document.serial)
  const row = plan.rows.get('claim', key)
  const claims = row === undefined ? [] : decodeClaims(row)
  const comparable = claims.filter((claim) => claim.index === index && equalBytes(claim.profile, profile))
  if (comparable.some((claim) => !equalBytes(claim.digest, digest))) return 'differs'
  const agrees = comparable.some((claim) => !equalBytes(claim.device, device))
  const isReplaced = (claim: Claim): boolean => equalBytes(claim.device, device) && equalBytes(claim.profile, profile)
  const others = claims.filter((claim) => !isReplaced(claim))
  const kept = [...others, { index, atMs, device, digest, profile }].slice(-CLAIMS_KEPT_MAX)
  plan.rows.put('claim', key, encodeClaims(kept))
  document.update({ lastClaim: { index, atMs, device } })
  if (agrees) noteAgreement(plan, document, index)
  plan.change(document)
  return agrees ? 'agrees' : 'kept'
}
