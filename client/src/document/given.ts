// What a relay gave, looked at before it is taken in: opened, decoded and bounded, without a side effect.
import type * as Y from 'yjs'
import type { ChangeSet } from './change-set.ts'
import { FORMAT_SNAPSHOT, FORMAT_YJS_1 } from './format.ts'
import type { Obstacle } from './obstacle.ts'
import type { Payloads } from './payloads.ts'
import type { HeldEntry } from './rows.ts'
import { decodeSnapshotPayload, type SnapshotPayload } from './snapshot-payload.ts'
import { changesNewTo, inspectUpdate } from './update.ts'

export interface GivenEntry extends HeldEntry {
  /** What it carries, where it was opened already, and by which key. */
  readonly opened?: { readonly content: Uint8Array; readonly keyId: string | null }
}

/** An entry that can be taken in, as far as can be told beforehand. */
export interface Inspected {
  readonly entry: HeldEntry
  readonly update: Uint8Array
  /** Of the key that opened it; null: it was plain. */
  readonly keyId: string | null
  readonly changes: ChangeSet
}

/** One that cannot, and is held. */
export interface Refusal {
  readonly entry: HeldEntry
  readonly obstacle: Obstacle
}

/** What became of what a relay gave. */
export interface Taken {
  /** In order, of those that were taken in. */
  readonly updates: readonly Uint8Array[]
  readonly refused: readonly Refusal[]
}

export const CANNOT_APPLY: Obstacle = { cause: 'CANNOT_APPLY' }

export function inspectGiven(payloads: Payloads, { opened, ...entry }: GivenEntry): Inspected | Obstacle {
  const opening = opened ?? payloads.open(entry)
  if ('cause' in opening) return opening
  const { content: update, keyId } = opening
  const changes = inspectUpdate(update)
  return 'reason' in changes ? CANNOT_APPLY : { entry, update, keyId, changes }
}

/** Notes the keys that opened what is new to the document. Call it before that is taken in. */
export function proveKeys(payloads: Payloads, doc: Y.Doc, entries: readonly Inspected[]): void {
  for (const { keyId, changes } of entries) {
    if (keyId === null || payloads.isProven(keyId) || changesNewTo(doc, changes).isEmpty) continue
    payloads.prove(keyId)
  }
}

/** A snapshot as entries: its own state first. `id` is the snapshot's. */
export function entriesOfSnapshot(id: Uint8Array, snapshot: SnapshotPayload): readonly [GivenEntry, ...GivenEntry[]] {
  const { update: content, keyId = null, held } = snapshot
  const opened: NonNullable<GivenEntry['opened']> = { content, keyId }
  return [{ pushId: id, format: FORMAT_YJS_1, payload: content, opened }, ...held]
}

/** What is held, as it would be given now: a snapshot is as many entries as it holds. */
export function entriesOfHeld(payloads: Payloads, entry: HeldEntry): readonly [GivenEntry, ...GivenEntry[]] | Obstacle {
  if (entry.format !== FORMAT_SNAPSHOT) return [entry]
  const decoded = decodeSnapshotPayload(entry.payload, (header, content) => payloads.openSnapshot(header, content))
  return 'reason' in decoded ? (decoded.obstacle ?? CANNOT_APPLY) : entriesOfSnapshot(entry.pushId, decoded)
}
