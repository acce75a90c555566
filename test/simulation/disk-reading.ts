// What stands on a device's disk, read apart from the device that wrote it.
import * as Y from 'yjs'
import type { ChangeSet } from '../../client/src/document/change-set.ts'
import {
  DOCUMENT_RECORDS,
  type DocumentRecord,
  decodeDocumentRecord,
  documentIdOfKey,
  documentRecordKey,
} from '../../client/src/document/record.ts'
import { decodeRow, type Row } from '../../client/src/document/rows.ts'
import type { DiskImage } from '../../client/src/store/memory-disk.ts'
import { applyAll, changesOf, extentOf } from './extent.ts'

export interface StoredDocument {
  readonly id: string
  /** Rebuilt from the rows. */
  readonly doc: Y.Doc
  /** What the document has integrated. */
  readonly extent: ChangeSet
  /** All that the rows name, integrated or not. */
  readonly named: ChangeSet
  readonly rows: readonly { readonly id: number; readonly bytes: Uint8Array; readonly row: Row }[]
  readonly record: DocumentRecord | null
}

export function documentsOn(image: DiskImage): readonly string[] {
  const recorded = [...image.records.keys()].filter((key) => key.startsWith(DOCUMENT_RECORDS)).map(documentIdOfKey)
  return [...new Set([...image.documents.keys(), ...recorded])].sort()
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
  const rows = bytesOfRows.map(([rowId, bytes]) => ({ id: rowId, bytes, row: decodeRow(bytes) }))
  const updates = rows.flatMap(({ row }) => (row.kind === 'held' ? [] : row.updates))
  const doc = new Y.Doc({ guid: id })
  applyAll(doc, updates)
  const extent = extentOf(doc)
  const named = extent.copy()
  for (const update of updates) named.addAll(changesOf(update))
  return { id, doc, extent, named, rows, record }
}

/** What the stored document says that a relay lacks, rows that came after the record included. */
export function unsentOf({ extent, rows, record }: StoredDocument, relay: string): ChangeSet {
  const view = record?.views.find((candidate) => candidate.relay === relay)
  if (view === undefined) return extent.copy()
  const unsent = view.unsent.copy()
  for (const { id, row } of rows) {
    if (id <= view.unsentThroughRow || row.kind !== 'local') continue
    for (const update of row.updates) unsent.addAll(changesOf(update))
  }
  return unsent
}

/** All updates on a disk, held ones apart. */
export function updatesOn(stored: StoredDocument): readonly Uint8Array[] {
  return stored.rows.flatMap(({ row }) => (row.kind === 'held' ? [] : row.updates))
}
