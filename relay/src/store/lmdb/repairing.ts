// Repairs: a new generation for each cause, once, and ever longer waits where they change nothing. Writes nothing itself.
import { equalBytes } from '../../bytes.ts'
import { GENERATION_BYTES } from '../bookmark.ts'
import { FINGERPRINTS_KEPT_MAX, type RepairRequest, type StoreLimits } from '../contract.ts'
import { checkRepair } from '../contract-checks.ts'
import { repairNow } from '../repair-wait.ts'
import { serialKey } from './environment.ts'
import type { CommitPlan, Operation } from './plan.ts'
import type { PlannedDocument } from './planned-document.ts'
import { placeAsPlanned } from './planned-log.ts'
import { decodeRepair, encodeRepair } from './repair-row.ts'

type Outcome = 'drawn' | 'known' | 'later' | 'moved'

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function repairing(request: RepairRequest, { repairWaitMs }: StoreLimits): Operation<Outcome> {
  checkRepair(request)
  const { incarnation, fingerprint } = request
  const copied = { ...request, incarnation: Buffer.from(incarnation), fingerprint: Buffer.from(fingerprint) }
  return (plan) => repair(plan, copied, repairWaitMs)
}

function repair(
  plan: CommitPlan,
  { documentId, incarnation, fingerprint }: RepairRequest,
  repairWaitMs: number,
): Outcome {
  const document = plan.document(documentId)
  if (document === undefined || document.deleted || !equalBytes(document.incarnation, incarnation)) return 'moved'
  const cause = causeOf(plan, document, fingerprint)
  const key = serialKey(document.serial)
  const row = plan.rows.get('repair', key)
  const last = row === undefined ? null : decodeRepair(row)
  if (last?.causes.some((known) => equalBytes(known, cause))) return 'known'
  const now = repairNow(last, document.head, plan.nowMs(), repairWaitMs)
  if (now === null) return 'later'
  const causes = [...(last?.causes ?? []), cause].slice(-FINGERPRINTS_KEPT_MAX)
  document.update({ generation: Buffer.from(plan.random(GENERATION_BYTES)), lastClaim: null })
  plan.rows.put('repair', key, encodeRepair({ ...now, causes }))
  plan.rows.put('claim', key, undefined)
  plan.change(document)
  plan.moveInFeed(document)
  return 'drawn'
}

function causeOf(plan: CommitPlan, document: PlannedDocument, fingerprint: Uint8Array): Buffer {
  const place = placeAsPlanned(plan, document, document.base)
  if (place === undefined) throw new Error(`No chain is known at the base of ${document.documentId}`)
  return Buffer.concat([place.chain, fingerprint])
}
