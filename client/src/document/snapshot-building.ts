// Makes a snapshot from the state that a device captured and what the log gave on top of it, on documents of its own, and
// checks that it reads back as what it was made from. Never touches the live document, and adds nothing that no log holds.
import * as Y from 'yjs'
import { sameBytes } from './bytes.ts'
import { canonOf, hasCompletePending } from './canon.ts'
import { ChangeSet } from './change-set.ts'
import { deepDigestOf } from './deep-digest.ts'
import type { HeldEntry } from './rows.ts'
import { encodeSnapshotPayload, type SnapshotSeal, snapshotIdOf } from './snapshot-payload.ts'
import { changesOfPending, inspectUpdate, structsBeyond } from './update.ts'

export interface SnapshotParts {
  /** The document as an update of format 1, pending structs included. */
  readonly state: Uint8Array
  /** What the relay gave after it, in order; updates of format 1 that the live document could apply. */
  readonly entries: readonly Uint8Array[]
  /** What it could not. */
  readonly held: readonly HeldEntry[]
  readonly mark: Uint8Array
  /** Default null: it goes out plain. */
  readonly seal?: SnapshotSeal | null
}

export interface BuiltSnapshot {
  readonly payload: Uint8Array
  readonly snapshotId: Uint8Array
}

/** @throws RangeError when the mark or a push id is of no length that they have */
export function buildSnapshot(parts: SnapshotParts): BuiltSnapshot | { readonly reason: string } {
  for (const entry of parts.entries) {
    const inspected = inspectUpdate(entry)
    if ('reason' in inspected) return inspected
  }
  const checked = checkedState([parts.state, ...parts.entries])
  if ('reason' in checked) return checked
  const payload = encodeSnapshotPayload({ mark: parts.mark, held: parts.held, ...checked }, parts.seal)
  return { payload, snapshotId: snapshotIdOf(payload) }
}

type CheckedState = { readonly update: Uint8Array; readonly deepDigest: Uint8Array }

function checkedState(updates: readonly Uint8Array[]): CheckedState | { readonly reason: string } {
  const scratch = new Y.Doc()
  const reader = new Y.Doc()
  try {
    takeIn(scratch, updates)
    const update = Y.encodeStateAsUpdate(scratch)
    takeIn(reader, [update])
    const deepDigest = deepDigestOf(scratch)
    if (!sameBytes(canonOf(reader), canonOf(scratch))) return { reason: 'it reads back with other ids' }
    if (!sameBytes(deepDigestOf(reader), deepDigest)) return { reason: 'it reads back with other content' }
    if (!isSamePending(reader, scratch)) return { reason: 'it reads back with other pending structs' }
    return { update, deepDigest }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  } finally {
    scratch.destroy()
    reader.destroy()
  }
}

function takeIn(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  applyAsGiven(doc, updates)
  if (hasCompletePending(doc)) applyAsGiven(doc, [Y.encodeStateAsUpdate(doc)])
}

function applyAsGiven(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact((transaction) => {
    for (const update of updates) Y.applyUpdate(doc, update)
    // After a remote transaction Yjs cleans up the formats of nested texts: deletions that no entry of the log holds.
    transaction.local = true
  })
}

function isSamePending(one: Y.Doc, other: Y.Doc): boolean {
  const a = pendingOf(one)
  const b = pendingOf(other)
  return a.without(b).isEmpty && b.without(a).isEmpty
}

function pendingOf(doc: Y.Doc): ChangeSet {
  const pending = changesOfPending(doc)
  // Yjs may keep what it has integrated meanwhile.
  return new ChangeSet(structsBeyond(doc, pending).structs, pending.deletes)
}
