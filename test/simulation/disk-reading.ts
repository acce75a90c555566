// What stands on a device's disk, read apart from the device that wrote it.
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { entriesOfHeld } from '../../client/src/document/given.ts'
import type { Payloads } from '../../client/src/document/payloads.ts'
import {
  DOCUMENT_RECORDS,
  type DocumentRecord,
  decodeDocumentRecord,
  documentIdOfKey,
  documentRecordKey,
  type RelayViewRecord,
} from '../../client/src/document/record.ts'
import { decodeRow, type HeldEntry, isUpdatesRow, type Row } from '../../client/src/document/rows.ts'
import { DEVICE_KEY } from '../../client/src/library/records.ts'
import type { DiskImage } from '../../client/src/store/memory-disk.ts'
import { changesOf } from './extent.ts'
import { Replica } from './replica.ts'

export interface StoredDocument {
  readonly id: string
  /** Rebuilt from the rows; grows with the disk. */
  readonly replica: Replica
  /** What the document has integrated. */
  readonly extent: ChangeSet
  /** All that the rows name, integrated or not. */
  readonly named: ChangeSet
  readonly rows: readonly StoredRow[]
  readonly record: DocumentRecord | null
}

interface StoredRow {
  readonly id: number
  readonly bytes: Uint8Array
  readonly row: Row
}

export function documentsOn(image: DiskImage): readonly string[] {
  const recorded = [...image.records.keys()].filter((key) => key.startsWith(DOCUMENT_RECORDS)).map(documentIdOfKey)
  return [...new Set([...image.documents.keys(), ...recorded])].sort()
}

/** In hex; empty: the device has none yet. */
export function deviceIdOn(image: DiskImage): string {
  return Buffer.from(image.records.get(DEVICE_KEY) ?? []).toString('hex')
}

/** `known`: as it was read before; what has not changed is not read again. */
export function readStored(image: DiskImage, id: string, known?: StoredDocument): StoredDocument {
  const recordBytes = image.records.get(documentRecordKey(id))
  const record = recordBytes ? decodeDocumentRecord(recordBytes) : null
  const bytesOfRows = [...(image.documents.get(id)?.rows ?? [])]
  if (
    known?.rows.length === bytesOfRows.length &&
    bytesOfRows.every(([, bytes], i) => bytes === known.rows[i]?.bytes)
  ) {
    return { ...known, record }
  }
  const before = new Map(known?.rows.map((one) => [one.bytes, one.row]))
  const rows = bytesOfRows.map(([rowId, bytes]) => ({ id: rowId, bytes, row: before.get(bytes) ?? decodeRow(bytes) }))
  const replica = replicaOf(rows, known)
  const named = replica.extent.copy()
  named.addAll(replica.named)
  return { id, replica, extent: replica.extent, named, rows, record }
}

/** That of `known` goes on where rows of updates were only added. */
function replicaOf(rows: readonly StoredRow[], known: StoredDocument | undefined): Replica {
  const updates = rows.filter(({ row }) => isUpdatesRow(row))
  const read = known?.rows.filter(({ row }) => isUpdatesRow(row)) ?? []
  const isLonger = known !== undefined && read.every(({ bytes }, i) => bytes === updates[i]?.bytes)
  const replica = isLonger ? known.replica : new Replica()
  for (const { id, row } of isLonger ? updates.slice(read.length) : updates) {
    for (const update of updatesOf(row))
      if (!replica.add(update)) throw new Error(`Row ${id} holds what cannot be applied`)
  }
  return replica
}

export function viewOf({ record }: StoredDocument, relay: string): RelayViewRecord | undefined {
  return record?.views.find((candidate) => candidate.relay === relay)
}

/** What the stored document says that a relay lacks, unsent or owed. */
export function outboxOf(stored: StoredDocument, relay: string): ChangeSet {
  const outbox = unsentOf(stored, relay) ?? stored.named.copy()
  outbox.addAll(viewOf(stored, relay)?.owed ?? new ChangeSet())
  return outbox
}

/** What was made here and never acknowledged, rows that came after the record included; null: nothing is known of the relay. */
export function unsentOf(stored: StoredDocument, relay: string): ChangeSet | null {
  const view = viewOf(stored, relay)
  if (view === undefined) return null
  const unsent = view.unsent.copy()
  for (const { id, row } of stored.rows) {
    if (id <= view.unsentThroughRow || row.kind !== 'local') continue
    for (const update of row.updates) unsent.addAll(changesOf(update))
  }
  return unsent
}

/** All updates on a disk, held ones apart. */
export function updatesOn(stored: StoredDocument): readonly Uint8Array[] {
  return stored.rows.flatMap(({ row }) => updatesOf(row))
}

/** Push ids, in hex, of entries that the device keeps although it cannot take them in. */
export function heldOn(payloads: Payloads, stored: StoredDocument): ReadonlySet<string> {
  const held = stored.rows.flatMap(({ row }) => {
    if (row.kind !== 'held') return []
    // A snapshot that is held holds others.
    const entries = entriesOfHeld(payloads, row.entry)
    return 'cause' in entries ? [row.entry] : entries
  })
  return new Set(held.map(({ pushId }) => Buffer.from(pushId).toString('hex')))
}

/** What a device that had every key would have integrated. */
export function extentWithHeld(payloads: Payloads, stored: StoredDocument): ChangeSet {
  const held = stored.rows.flatMap(({ row }) => (row.kind === 'held' ? contentsOf(payloads, row.entry) : []))
  return held.length === 0 ? stored.extent : new Replica().addAll([...updatesOn(stored), ...held]).extent
}

function contentsOf(payloads: Payloads, held: HeldEntry): readonly Uint8Array[] {
  const entries = entriesOfHeld(payloads, held)
  if ('cause' in entries) return []
  return entries.flatMap(({ opened, ...entry }) => {
    const opening = opened ?? payloads.open(entry)
    return 'cause' in opening ? [] : [opening.content]
  })
}

function updatesOf(row: Row): readonly Uint8Array[] {
  return isUpdatesRow(row) ? row.updates : []
}
