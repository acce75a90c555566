// A document as the device store holds it: its rows and its record, read and sorted by what they are for. Writes nothing.
import * as Y from 'yjs'
import type { OpenDeviceStore } from '../store/contract.ts'
import type { ChangeSet } from './change-set.ts'
import { Incoming } from './incoming.ts'
import { newOutgoing, type Outgoing } from './outgoing.ts'
import { type DocumentRecord, decodeDocumentRecord, documentRecordKey } from './record.ts'
import { RelayView } from './relay-view.ts'
import { decodeRow, type HeldRow, isUpdatesRow, type OutgoingRow, type PartialRow, type Row } from './rows.ts'
import { inspectUpdate } from './update.ts'

export interface StoredRow<Kind extends Row = Row> {
  readonly id: number
  readonly byteLength: number
  readonly row: Kind
}

export interface StoredDocument {
  readonly rows: readonly StoredRow[]
  readonly record: DocumentRecord | null
}

/** @throws DeviceStoreError, and Error when a row or the record is of a newer version */
export async function readStoredDocument(store: OpenDeviceStore, documentId: string): Promise<StoredDocument> {
  const key = documentRecordKey(documentId)
  const rows = await readRows(store, documentId)
  const bytes = (await store.records(key)).find((record) => record.key === key)?.bytes
  return { rows, record: bytes === undefined ? null : decodeDocumentRecord(bytes) }
}

export async function readRows(store: OpenDeviceStore, documentId: string): Promise<readonly StoredRow[]> {
  const rows = await store.rows(documentId)
  return rows.map(({ id, bytes }) => ({ id, byteLength: bytes.length, row: decodeRow(bytes) }))
}

/** In one transaction: one by one it takes three times as long. */
export function fill(doc: Y.Doc, rows: readonly StoredRow[]): void {
  doc.transact(() => {
    for (const { row } of rows) if (isUpdatesRow(row)) for (const update of row.updates) Y.applyUpdate(doc, update)
  })
}

/** By their row ids. */
export function heldRows(rows: readonly StoredRow[]): ReadonlyMap<number, HeldRow> {
  return new Map(rows.flatMap(({ id, row }) => (row.kind === 'held' ? [[id, row] as const] : [])))
}

/**
 * One document as one relay has it, with what is under way. Without a record the relay lacks `everything`.
 * @param useless takes the ids of rows that are of no use any more
 */
export function loadView(
  relay: string,
  { rows, record }: StoredDocument,
  everything: () => ChangeSet,
  useless: number[],
): RelayView {
  const stored = record?.views.find((view) => view.relay === relay)
  const view = new RelayView(relay, everything, stored)
  if (stored !== undefined) addLaterRows(view, rows, stored.unsentThroughRow)
  view.outgoing = outgoingOf(rows, relay)
  const { incoming, useless: dropped } = incomingOf(rows, relay)
  view.incoming = incoming
  useless.push(...dropped)
  return view
}

/** What was on its way from a relay; rows that do not fit together are of no use, and are named. */
export function incomingOf(
  rows: readonly StoredRow[],
  relay: string,
): { readonly incoming: Incoming | null; readonly useless: readonly number[] } {
  const partial = rows.filter((one): one is StoredRow<PartialRow> => isOf(one.row, 'partial', relay))
  const incoming = Incoming.ofRows(partial)
  return { incoming, useless: incoming === null ? partial.map(({ id }) => id) : [] }
}

export function outgoingOf(rows: readonly StoredRow[], relay: string): Outgoing[] {
  return rows
    .filter((one): one is StoredRow<OutgoingRow> => isOf(one.row, 'outgoing', relay))
    .map(({ id, row }) => newOutgoing(row, row.changes, { mark: row.mark, rowId: id }))
}

function isOf(row: Row, kind: 'partial' | 'outgoing', relay: string): boolean {
  return row.kind === kind && row.relay === relay
}

/** Edits whose rows came after the record. A row that a relay gave is in the record that was written with it. */
function addLaterRows(view: RelayView, rows: readonly StoredRow[], throughRow: number): void {
  for (const { id, byteLength, row } of rows) {
    if (id <= throughRow || row.kind !== 'local') continue
    for (const update of row.updates) {
      const changes = inspectUpdate(update)
      if (!('reason' in changes)) view.lacks(changes, 0)
    }
    view.unsentBytes += byteLength
  }
}
