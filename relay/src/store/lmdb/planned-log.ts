// A log as it will be once a plan is durable: what stands at an index of it, and where a mark points. Writes nothing.
import { validIndex } from '../judgement.ts'
import { type LogPlace, placeAt } from './log-place.ts'
import type { CommitPlan } from './plan.ts'
import type { PlannedDocument } from './planned-document.ts'

/** Undefined where it went with its entry. */
export function placeAsPlanned(plan: CommitPlan, document: PlannedDocument, index: number): LogPlace | undefined {
  const { documentId, serial, incarnation, head, state } = document
  const entryAt = (at: number): Buffer => plan.entryAt(document, at)
  return placeAt({ documentId, serial, incarnation, head, state, rowAt: plan.rows.get, entryAt }, index)
}

/** The index of a mark that is of this log; undefined also where it is too old to be checked. */
export function indexOfMark(plan: CommitPlan, document: PlannedDocument, mark: Uint8Array): number | undefined {
  const { incarnation, head } = document
  const chainAt = (index: number): Uint8Array | undefined => placeAsPlanned(plan, document, index)?.chain
  return validIndex({ incarnation, head, chainAt }, mark)
}
