// Reading the logs of a memory store: pages of entries, and parts of payloads. Everything returned is a copy.
import { equalBytes } from '../bytes.ts'
import type { Bytes, PayloadRequest, ReadPage, ReadRequest, StoredEntry } from './contract.ts'
import { bookmarkAt, documentTag, entryAt, headOf, snapshotById } from './memory-log.ts'
import type { MemoryDocument, MemoryState } from './memory-state.ts'

export function pageAfter(state: MemoryState, request: ReadRequest): ReadPage | 'moved' {
  const { after, entriesMax, bytesMax, inlineBytesMax = Number.POSITIVE_INFINITY } = request
  const document = documentOf(state, request)
  if (document === undefined || after + 1 < document.oldest || after > headOf(document)) return 'moved'
  const entries: StoredEntry[] = []
  let bytes = 0
  for (
    let entry = entryAt(document, after + 1);
    entry !== undefined;
    entry = entryAt(document, after + entries.length + 1)
  ) {
    const { pushId, format, payload } = entry
    const isInline = payload.length <= inlineBytesMax
    bytes += isInline ? payload.length : 0
    if (entries.length > 0 && (entries.length >= entriesMax || bytes > bytesMax)) break
    entries.push({
      index: after + entries.length + 1,
      pushId: new Uint8Array(pushId),
      format,
      totalBytes: payload.length,
      payload: isInline ? new Uint8Array(payload) : null,
    })
  }
  const through = after + entries.length
  return {
    entries,
    through,
    mark: bookmarkAt(document, through),
    atHead: through === headOf(document),
    tag: documentTag(document),
  }
}

export function partOfPayload(state: MemoryState, request: PayloadRequest): Bytes | 'gone' {
  const { of, offset, bytesMax } = request
  const document = documentOf(state, request)
  if (document === undefined) return 'gone'
  const holder = 'index' in of ? entryAt(document, of.index) : snapshotById(document, of.snapshotId)
  return holder === undefined ? 'gone' : holder.payload.slice(offset, offset + bytesMax)
}

function documentOf(
  state: MemoryState,
  { documentId, incarnation }: { readonly documentId: string; readonly incarnation: Bytes },
): MemoryDocument | undefined {
  const document = state.documents.get(documentId)
  return document !== undefined && equalBytes(document.incarnation, incarnation) ? document : undefined
}
