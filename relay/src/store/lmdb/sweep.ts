// The sweep: what is due, found in the queues of the trash, a bounded part of it in each commit. First it becomes
// unreachable, in one transaction for each log; the rows themselves then go as garbage. Writes nothing itself.
import type { StoreLimits } from '../contract.ts'
import { dropTombstone } from './deletion.ts'
import { keysBetween } from './environment.ts'
import { removeGarbage, removeHidden, type SweepBudget } from './garbage.ts'
import type { CommitPlan, Operation } from './plan.ts'
import { dropOldestCompaction } from './retention.ts'
import {
  discardBlob,
  discardDocument,
  numberOf,
  QUEUES,
  type Queue,
  serialOf,
  textOf,
  tombstoneOf,
  trashKey,
} from './trash.ts'
import { dropIfIdle } from './uploads.ts'

/** Rows that one commit of the sweep changes, about, and bytes of blobs that it removes. */
const ROWS_MAX = 500
const BLOB_BYTES_MAX: number = 1024 * 1024
/** Rows that are changed for one thing that is due, at most. */
const ROWS_EACH = 10

export function sweeping(limits: StoreLimits): Operation<{ readonly more: boolean }> {
  return (plan) => {
    const nowMs = plan.nowMs()
    const budget: SweepBudget = { rows: ROWS_MAX, blobBytes: BLOB_BYTES_MAX }
    removeGarbage(plan, budget)
    const { retentionMs, retentionMaxMs, tombstoneMs, uploadIdleMs } = limits
    const drop = (queue: Queue, waitMs: number, dropOne: (key: Buffer, row: Buffer) => void): void => {
      for (const [key, row] of takeDue(plan, queue, nowMs - waitMs, budget)) dropOne(key, row)
    }
    const dropCompaction = (key: Buffer, row: Buffer): void => {
      const document = plan.document(textOf(row))
      if (document?.serial === serialOf(key)) dropOldestCompaction(plan, document)
    }
    drop(QUEUES.compacted, retentionMaxMs, dropCompaction)
    drop(QUEUES.agreed, retentionMs, dropCompaction)
    drop(QUEUES.deleted, retentionMs, (key, row) => discardAll(plan, serialOf(key), numberOf(row)))
    drop(QUEUES.tombstone, tombstoneMs, (_, row) => {
      const { documentId, incarnation } = tombstoneOf(row)
      dropTombstone(plan, documentId, incarnation)
    })
    drop(QUEUES.upload, uploadIdleMs, (_, row) => dropIfIdle(plan, textOf(row), nowMs, uploadIdleMs))
    removeHidden(plan, budget)
    // What was dropped has left garbage behind, or there is more than fits: only a sweep that found nothing is the last.
    return { more: budget.rows < ROWS_MAX }
  }
}

/** Takes out of a queue what was put into it at a time or before, as much as the budget allows. */
function takeDue(
  plan: CommitPlan,
  queue: Queue,
  untilMs: number,
  budget: SweepBudget,
): readonly (readonly [key: Buffer, row: Buffer])[] {
  const limit = Math.floor(budget.rows / ROWS_EACH)
  if (untilMs < 0 || limit <= 0) return []
  const taken: (readonly [Buffer, Buffer])[] = []
  for (const key of keysBetween(plan.tables.trash, trashKey(queue, 0, 0), trashKey(queue, untilMs + 1, 0), limit)) {
    const row = plan.rows.get('trash', key)
    if (row === undefined) continue
    plan.rows.put('trash', key, undefined)
    budget.rows -= ROWS_EACH
    taken.push([key, row])
  }
  return taken
}

/** @param blobId of the last snapshot; 0: there was none. */
function discardAll(plan: CommitPlan, serial: number, blobId: number): void {
  discardDocument(plan, serial)
  if (blobId !== 0) discardBlob(plan, blobId)
}
