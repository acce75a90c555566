// The swap: a whole upload becomes the current snapshot of a log. What that hides or replaces is noted, to be dropped
// later, oldest first: so before the oldest retained entry there is always a snapshot that ends there. Writes nothing.
import type { InstallRequest } from '../contract.ts'
import { checkInstall } from '../contract-checks.ts'
import { compactionAt, encodeCompaction, encodeSnapshot } from './compaction-row.ts'
import { numbersKey, snapshotKey } from './environment.ts'
import type { CommitPlan, Operation } from './plan.ts'
import type { PlannedDocument } from './planned-document.ts'
import { indexOfMark, placeAsPlanned } from './planned-log.ts'
import { queueCompaction } from './retention.ts'
import { discardPushes } from './trash.ts'
import { takeUpload, wholeUpload } from './uploads.ts'

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function installing(request: InstallRequest): Operation<'OK' | 'CHANGED' | 'GONE'> {
  checkInstall(request)
  const copied = { ...request, mark: Buffer.from(request.mark), snapshotId: Buffer.from(request.snapshotId) }
  return (plan) => install(plan, copied)
}

function install(plan: CommitPlan, request: InstallRequest): 'OK' | 'CHANGED' | 'GONE' {
  const { documentId, mark, baseExpected, snapshotId, upload } = request
  const document = plan.document(documentId)
  if (document === undefined || document.deleted || document.base !== baseExpected) return 'CHANGED'
  const base = indexOfMark(plan, document, mark)
  const place = base === undefined || base <= baseExpected ? undefined : placeAsPlanned(plan, document, base)
  if (base === undefined || place === undefined) return 'CHANGED'
  const blob = wholeUpload(plan, upload)
  if (blob === undefined) return 'GONE'
  takeUpload(plan, upload)
  const { bytes, blobId } = blob
  const usedBefore = document.usedBytes
  retain(plan, document, base, plan.nowMs())
  const snapshot = { id: snapshotId, bytes, blobId, base, baseChain: place.chain, baseBytes: place.bytes }
  document.update({ snapshot })
  plan.change(document)
  plan.vault(documentId).addBytes(document.usedBytes - usedBefore)
  return 'OK'
}

/** Notes what the snapshot at a new base is about to hide and to replace. */
function retain(plan: CommitPlan, document: PlannedDocument, base: number, atMs: number): void {
  const { rows } = plan
  const { serial } = document
  const { snapshot, due } = document.state
  const replaced = snapshot === null ? null : { id: snapshot.id, base: snapshot.base }
  rows.put('compaction', numbersKey(serial, base), encodeCompaction({ atMs, nextBase: 0, replaced }))
  if (snapshot !== null) rows.put('snapshot', snapshotKey(serial, snapshot.id, snapshot.base), encodeSnapshot(snapshot))
  // Only above the base is a push known by its id.
  discardPushes(plan, serial, document.base, base)
  if (due === null) queueCompaction(plan, document, { base, sinceMs: atMs })
  else if (snapshot !== null) {
    // What is retained ends with the compaction that made the current snapshot.
    const before = compactionAt(rows.get, serial, snapshot.base)
    rows.put('compaction', numbersKey(serial, snapshot.base), encodeCompaction({ ...before, nextBase: base }))
  }
}
