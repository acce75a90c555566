// Removing rows that nobody can reach any more, some in each commit. Goes by what is durable: all that garbage consists of
// was so before it became garbage, and to remove a row twice does no harm. Writes nothing itself.
import { INDEX_BYTES } from '../bookmark.ts'
import { firstChunks } from './blobs.ts'
import { decodeSnapshot } from './compaction-row.ts'
import { getRow, getRowStart, keysBetween, numbersKey, pushKey, serialKey, type TableName } from './environment.ts'
import type { CommitPlan } from './plan.ts'
import { blobOfEntry, ENTRY_START_BYTES, pushIdOfEntry } from './records.ts'
import {
  discardBlob,
  discardPushes,
  garbageOf,
  numberOf,
  QUEUES,
  type Queue,
  serialOf,
  sinceOf,
  trashKey,
} from './trash.ts'

/** What one call of the sweep may still do. */
export interface SweepBudget {
  rows: number
  blobBytes: number
}

export function removeGarbage(plan: CommitPlan, budget: SweepBudget): void {
  removeQueued(plan, QUEUES.garbage, budget, removeSome)
}

/** The push ids of what compactions hid. */
export function removeHidden(plan: CommitPlan, budget: SweepBudget): void {
  removeQueued(plan, QUEUES.hidden, budget, removeHiddenPushes)
}

/** @param remove tells whether nothing of it is left */
function removeQueued(
  plan: CommitPlan,
  queue: Queue,
  budget: SweepBudget,
  remove: (plan: CommitPlan, key: Buffer, row: Buffer, budget: SweepBudget) => boolean,
): void {
  const [start, end] = [trashKey(queue, 0, 0), Buffer.from([queue + 1])]
  for (const key of keysBetween(plan.tables.trash, start, end, budget.rows)) {
    if (budget.rows <= 0 || budget.blobBytes <= 0) return
    const row = plan.rows.get('trash', key)
    if (row === undefined) continue
    budget.rows -= 1
    if (remove(plan, key, row, budget)) plan.rows.put('trash', key, undefined)
  }
}

/** True: nothing of it is left. */
function removeSome(plan: CommitPlan, key: Buffer, row: Buffer, budget: SweepBudget): boolean {
  const serial = serialOf(key)
  switch (garbageOf(row)) {
    case 'blob':
      return removeChunks(plan, serial, budget)
    case 'entries':
      return removeEntries(plan, serial, sinceOf(key), budget)
    case 'document':
      return removeDocument(plan, serial, budget)
  }
}

function removeChunks(plan: CommitPlan, blobId: number, budget: SweepBudget): boolean {
  const { keys, bytes, isAll } = firstChunks(plan.tables.blob, blobId, budget.rows, budget.blobBytes)
  for (const key of keys) plan.removeRow('blob', key)
  budget.rows -= keys.length
  budget.blobBytes -= bytes
  return isAll
}

function removeEntries(plan: CommitPlan, serial: number, through: number, budget: SweepBudget): boolean {
  const limit = budget.rows
  const keys = keysBetween(plan.tables.entry, numbersKey(serial, 0), numbersKey(serial, through + 1), limit)
  for (const key of keys) {
    if (budget.rows <= 0) return false
    const entry = removeEntry(plan, key, budget)
    if (entry !== undefined && removePush(plan, serial, pushIdOfEntry(entry), through)) budget.rows -= 1
  }
  return keys.length < limit
}

/** Its payload becomes garbage of its own. */
function removeEntry(plan: CommitPlan, key: Buffer, budget: SweepBudget): Buffer | undefined {
  const entry = getRowStart(plan.tables.entry, key, ENTRY_START_BYTES)
  const blob = entry === undefined ? undefined : blobOfEntry(entry)
  if (blob !== undefined) discardBlob(plan, blob.blobId)
  plan.removeRow('entry', key)
  budget.rows -= 1
  return entry
}

/** Unless the push has come again since, and its row means the later entry. False: there is nothing to remove. */
function removePush(plan: CommitPlan, serial: number, pushId: Buffer, through: number): boolean {
  const key = pushKey(serial, pushId)
  const row = plan.pushInFlight(serial, pushId) ?? getRow(plan.tables.push, key)
  if (row === undefined || row.readUIntBE(0, INDEX_BYTES) > through) return false
  plan.removeRow('push', key)
  return true
}

function removeHiddenPushes(plan: CommitPlan, key: Buffer, row: Buffer, budget: SweepBudget): boolean {
  const [serial, through, limit] = [serialOf(key), sinceOf(key), budget.rows]
  const [start, end] = [numbersKey(serial, numberOf(row) + 1), numbersKey(serial, through + 1)]
  const entryKeys = keysBetween(plan.tables.entry, start, end, limit)
  // In the order of their rows: LMDB copies a page to change it, and the copy of one that has been emptied serves the next.
  const entries = entryKeys.flatMap((entryKey) => getRowStart(plan.tables.entry, entryKey, ENTRY_START_BYTES) ?? [])
  const pushIds = entries.map(pushIdOfEntry).sort(Buffer.compare)
  for (const pushId of pushIds) removePush(plan, serial, pushId, through)
  budget.rows -= entryKeys.length
  if (entryKeys.length < limit) return true
  const last = entryKeys.at(-1)
  if (last !== undefined) discardPushes(plan, serial, last.readUIntBE(INDEX_BYTES, INDEX_BYTES), through)
  return false
}

/** All rows of a log but the document's own. */
function removeDocument(plan: CommitPlan, serial: number, budget: SweepBudget): boolean {
  const removeEach = (table: TableName, remove: (key: Buffer) => void): boolean => {
    const limit = budget.rows
    const keys = keysBetween(plan.tables[table], serialKey(serial), serialKey(serial + 1), limit)
    for (const key of keys) remove(key)
    return keys.length < limit
  }
  const removeRow =
    (table: TableName) =>
    (key: Buffer): void => {
      plan.removeRow(table, key)
      budget.rows -= 1
    }
  const removeSnapshot = (key: Buffer): void => {
    const snapshot = getRow(plan.tables.snapshot, key)
    if (snapshot !== undefined) discardBlob(plan, decodeSnapshot(snapshot).blobId)
    removeRow('snapshot')(key)
  }
  return (
    removeEach('entry', (key) => removeEntry(plan, key, budget)) &&
    removeEach('push', removeRow('push')) &&
    removeEach('compaction', removeRow('compaction')) &&
    removeEach('snapshot', removeSnapshot)
  )
}
