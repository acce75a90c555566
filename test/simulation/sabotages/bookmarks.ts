// Without what tells a relay, and its devices, that a bookmark is not of this log or this feed.
import { decodeBookmark, decodeFeedMark, encodeBookmark, encodeFeedMark } from '../../../relay/src/store/bookmark.ts'
import type { MemoryRelayStore } from '../../../relay/src/store/memory.ts'
import { chainAt, headOf } from '../../../relay/src/store/memory-log.ts'
import type { Sabotage } from '../sabotage.ts'
import { delegating } from '../simulated-relay.ts'

const NOTHING = new Uint8Array(0)

export const receiptIgnored: Sabotage = {
  store: (store) => delegating(store, { judge: (request) => store.judge({ ...request, receipt: NOTHING }) }),
}

export const chainIgnored: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      judge: ({ mark, receipt, ...rest }) => {
        const { documentId } = rest
        const renewed = {
          mark: withChainOf(memory, documentId, mark),
          receipt: withChainOf(memory, documentId, receipt),
        }
        return store.judge({ ...rest, ...renewed })
      },
    }),
}

export const feedTermsIgnored: Sabotage = {
  store: (store, memory) =>
    delegating(store, {
      feed: (request) => {
        const decoded = decodeFeedMark(request.mark)
        const { terms, feedHead } = memory.snapshot().state
        const term = terms.at(-1)?.term
        if (decoded === undefined || term === undefined || decoded.index > feedHead) return store.feed(request)
        return store.feed({ ...request, mark: encodeFeedMark(term, decoded.index) })
      },
    }),
}

/** The bookmark at the same index, with the chain that the log has there. */
export function withChainOf(memory: MemoryRelayStore, documentId: string, bytes: Uint8Array): Uint8Array {
  const bookmark = decodeBookmark(bytes)
  const log = memory.snapshot().state.documents.get(documentId)
  if (bookmark === undefined || log === undefined || bookmark.index > headOf(log)) return bytes
  const chain = chainAt(log, bookmark.index)
  return chain === undefined ? bytes : encodeBookmark(bookmark.incarnation, bookmark.index, chain)
}
