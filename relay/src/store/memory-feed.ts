// The vaults of a memory store: which of their documents changed, and what they take up.
import { zeroTag } from '@tidemark/protocol'
import type { FeedRequest, StoreFeedPage } from './contract.ts'
import { vaultOf } from './contract-checks.ts'
import type { FeedTerms } from './feed-terms.ts'
import { documentTag, usedBytes } from './memory-log.ts'
import type { MemoryState } from './memory-state.ts'

type FeedRow = StoreFeedPage['documents'][number] & { readonly feedIndex: number }

export function feedPage(state: MemoryState, terms: FeedTerms, request: FeedRequest): StoreFeedPage {
  const { feedHead } = state
  const after = request.mark.length === 0 ? 0 : terms.judge(request.mark, feedHead)
  const changed = rowsOf(state, request.vault)
    .filter(({ feedIndex }) => feedIndex > (after ?? 0))
    .sort((one, other) => one.feedIndex - other.feedIndex)
  const page = changed.slice(0, Math.max(1, request.documentsMax))
  const more = page.length < changed.length
  return {
    reset: after === undefined,
    documents: page.map(({ documentId, tag, deleted }) => ({ documentId, tag, deleted })),
    mark: terms.issue(more ? (page.at(-1)?.feedIndex ?? 0) : feedHead),
    more,
  }
}

export function usageOf(state: MemoryState, vault: string): { readonly bytes: number; readonly documents: number } {
  let bytes = 0
  let documents = 0
  for (const document of state.documents.values()) {
    if (vaultOf(document.documentId) !== vault) continue
    bytes += usedBytes(document)
    documents += 1
  }
  return { bytes, documents }
}

function rowsOf({ documents, tombstones }: MemoryState, vault: string): readonly FeedRow[] {
  const rows: FeedRow[] = []
  for (const [documentId, document] of documents) {
    if (vaultOf(documentId) !== vault) continue
    rows.push({ documentId, tag: documentTag(document), deleted: false, feedIndex: document.feedIndex })
  }
  for (const [documentId, stones] of tombstones) {
    const newest = stones.at(-1)
    if (newest === undefined || vaultOf(documentId) !== vault || documents.has(documentId)) continue
    rows.push({ documentId, tag: zeroTag(), deleted: true, feedIndex: newest.feedIndex })
  }
  return rows
}
