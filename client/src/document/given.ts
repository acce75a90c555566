// What a relay gave, looked at before it is taken in: opened, decoded and bounded, without a side effect.
import type { ChangeSet } from './change-set.ts'
import { FORMAT_SNAPSHOT, FORMAT_YJS_1 } from './format.ts'
import type { Obstacle } from './obstacle.ts'
import type { Payloads } from './payloads.ts'
import type { HeldEntry } from './rows.ts'
import { decodeSnapshotPayload, type SnapshotPayload } from './snapshot-payload.ts'
import { inspectUpdate } from './update.ts'

export interface GivenEntry extends HeldEntry {
  /** What it carries, where that is known already. */
  readonly update?: Uint8Array
}

/** An entry that can be taken in, as far as can be told beforehand. */
export interface Inspected {
  readonly entry: HeldEntry
  readonly update: Uint8Array
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

export function inspectGiven(payloads: Payloads, { update, ...entry }: GivenEntry): Inspected | Obstacle {
  const opened = update === undefined ? payloads.open(entry) : { content: update }
  if ('cause' in opened) return opened
  const changes = inspectUpdate(opened.content)
  return 'reason' in changes ? CANNOT_APPLY : { entry, update: opened.content, changes }
}

/** A snapshot as entries: its own state first. `id` is the snapshot's. */
export function entriesOfSnapshot(
  id: Uint8Array,
  { update, held }: SnapshotPayload,
): readonly [GivenEntry, ...GivenEntry[]] {
  return [{ pushId: id, format: FORMAT_YJS_1, payload: update, update }, ...held]
}

/** What is held, as it would be given now: a snapshot is as many entries as it holds. */
export function entriesOfHeld(payloads: Payloads, entry: HeldEntry): readonly [GivenEntry, ...GivenEntry[]] | Obstacle {
  if (entry.format !== FORMAT_SNAPSHOT) return [entry]
  const decoded = decodeSnapshotPayload(entry.payload, (header, content) => payloads.openSnapshot(header, content))
  return 'reason' in decoded ? (decoded.obstacle ?? CANNOT_APPLY) : entriesOfSnapshot(entry.pushId, decoded)
}
