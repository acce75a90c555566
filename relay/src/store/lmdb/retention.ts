// What compactions hid and replaced, until it is dropped: each log has its oldest compaction in one of two queues of the
// trash, and the sweep drops them one after another. Writes nothing itself.
import { compactionAt, replacedSnapshot } from './compaction-row.ts'
import type { DocumentState } from './document-row.ts'
import { numbersKey, snapshotKey } from './environment.ts'
import type { CommitPlan } from './plan.ts'
import type { PlannedDocument } from './planned-document.ts'
import { discardBlob, discardEntries, leavePushes, QUEUES, textRow, trashKey } from './trash.ts'

/** Makes this the compaction of a log that is dropped next; null: none is retained. */
export function queueCompaction(plan: CommitPlan, document: PlannedDocument, due: DocumentState['due']): void {
  unqueueCompaction(plan, document)
  document.update({ due })
  if (due === null) return
  plan.rows.put('trash', queueKey(document.serial, due, document.state.agreedBase), textRow(document.documentId))
}

export function unqueueCompaction(plan: CommitPlan, { serial, state }: PlannedDocument): void {
  if (state.due !== null) plan.rows.put('trash', queueKey(serial, state.due, state.agreedBase), undefined)
}

/** Claims of two devices have agreed at an index: so they have on every compaction at or below it. */
export function noteAgreement(plan: CommitPlan, document: PlannedDocument, index: number): void {
  const { due, agreedBase, agreedIndex } = document.state
  unqueueCompaction(plan, document)
  document.update({
    due: null,
    agreedIndex: Math.max(agreedIndex, index),
    // A compaction to come, of a higher base, has to be agreed on anew.
    agreedBase: Math.max(agreedBase, Math.min(index, document.base)),
  })
  queueCompaction(plan, document, due)
}

/** Drops what the oldest compaction of a log hid and replaced: from then on nobody can reach it. */
export function dropOldestCompaction(plan: CommitPlan, document: PlannedDocument): void {
  const { rows } = plan
  const { serial } = document
  const { due } = document.state
  if (due === null) return
  const { nextBase, replaced } = compactionAt(rows.get, serial, due.base)
  rows.put('compaction', numbersKey(serial, due.base), undefined)
  if (replaced !== null) {
    discardBlob(plan, replacedSnapshot(rows.get, serial, replaced.id, replaced.base).blobId)
    rows.put('snapshot', snapshotKey(serial, replaced.id, replaced.base), undefined)
  }
  discardEntries(plan, serial, due.base)
  leavePushes(plan, serial, due.base)
  const next = nextBase === 0 ? null : { base: nextBase, sinceMs: compactionAt(rows.get, serial, nextBase).atMs }
  queueCompaction(plan, document, next)
  document.update({ dropped: due.base })
  plan.change(document)
}

function queueKey(serial: number, due: NonNullable<DocumentState['due']>, agreedBase: number): Buffer {
  const queue = due.base <= agreedBase ? QUEUES.agreed : QUEUES.compacted
  return trashKey(queue, due.sinceMs, serial)
}
