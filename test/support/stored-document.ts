// A document as it lies on a device's disk, read row by row past everything that the SDK remembers.
import * as Y from 'yjs'
import { decodeRow, isUpdatesRow } from '../../client/src/document/rows.ts'
import type { MemoryDisk } from '../../client/src/store/memory-disk.ts'

export function documentOnDisk(disk: MemoryDisk, documentId: string): Y.Doc {
  const rows = disk.snapshot().documents.get(documentId)?.rows ?? new Map<number, Uint8Array>()
  return documentOf([...rows.values()].map(decodeRow).flatMap((row) => (isUpdatesRow(row) ? row.updates : [])))
}

export function documentOf(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}
