// Deleting documents. What stays in the document's place is a tombstone, and beside it, by incarnation, a row that
// outlives what is begun anew there. What the log left behind is trash. Writes nothing itself.
import { equalBytes } from '../../bytes.ts'
import { decodeBookmark } from '../bookmark.ts'
import type { DeleteRequest } from '../contract.ts'
import { checkDocumentId } from '../contract-checks.ts'
import { serialKey, tombstoneKey } from './environment.ts'
import type { CommitPlan, Operation } from './plan.ts'
import { PlannedDocument } from './planned-document.ts'
import { indexOfMark } from './planned-log.ts'
import { ROW_VERSION } from './records.ts'
import { unqueueCompaction } from './retention.ts'
import { numberRow, QUEUES, tombstoneRow, trashKey } from './trash.ts'

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function deleting({ documentId, mark }: DeleteRequest): Operation<'OK' | 'CHANGED'> {
  checkDocumentId(documentId)
  const copied = { documentId, mark: Buffer.from(mark) }
  return (plan) => deleteDocument(plan, copied)
}

function deleteDocument(plan: CommitPlan, { documentId, mark }: DeleteRequest): 'OK' | 'CHANGED' {
  const bookmark = decodeBookmark(mark)
  if (bookmark === undefined) return 'CHANGED'
  const { incarnation } = bookmark
  const key = tombstoneKey(Buffer.from(documentId), incarnation)
  if (plan.rows.get('tombstone', key) !== undefined) return 'OK'
  const document = plan.document(documentId)
  const log = document === undefined || document.deleted ? undefined : document
  if (log !== undefined && indexOfMark(plan, log, mark) !== log.head) return 'CHANGED'
  const nowMs = plan.nowMs()
  if (log !== undefined) abandon(plan, log, nowMs)
  const serial = log?.serial ?? plan.takeSerial()
  const tombstone = PlannedDocument.tombstone(documentId, serial, incarnation, document?.feedIndex ?? 0, nowMs)
  plan.change(tombstone)
  plan.moveInFeed(tombstone)
  plan.rows.put('tombstone', key, Buffer.from([ROW_VERSION]))
  plan.rows.put('trash', trashKey(QUEUES.tombstone, nowMs, serial), tombstoneRow(incarnation, documentId))
  return 'OK'
}

/** A tombstone has stood for long enough: also the feed no longer lists it, unless the document was begun anew. */
export function dropTombstone(plan: CommitPlan, documentId: string, incarnation: Buffer): void {
  plan.rows.put('tombstone', tombstoneKey(Buffer.from(documentId), incarnation), undefined)
  const document = plan.document(documentId)
  if (document === undefined || !document.deleted || !equalBytes(document.incarnation, incarnation)) return
  plan.removeFromFeed(document)
  document.remove()
  plan.change(document)
}

/** Leaves the rows of a log to the sweep, but for those that are one each. */
function abandon(plan: CommitPlan, log: PlannedDocument, nowMs: number): void {
  const { rows } = plan
  const { serial, documentId } = log
  const vault = plan.vault(documentId)
  vault.addBytes(-log.usedBytes)
  vault.addDocuments(-1)
  unqueueCompaction(plan, log)
  rows.put('claim', serialKey(serial), undefined)
  rows.put('repair', serialKey(serial), undefined)
  rows.put('trash', trashKey(QUEUES.deleted, nowMs, serial), numberRow(log.state.snapshot?.blobId ?? 0))
}
