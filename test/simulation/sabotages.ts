// Safeguards taken away one at a time: a simulator that does not notice is no proof of anything.
import type { CommittedRows, OpenDeviceStore, StoreWrite } from '../../client/src/store/contract.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { decodeBookmark, encodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import type { MemoryRelayStore } from '../../relay/src/store/memory.ts'
import type { Sabotage } from './world.ts'

const NOTHING = new Uint8Array(0)

class RecordsFirstDisk extends MemoryDisk {
  override async open(): Promise<OpenDeviceStore> {
    return recordsFirst(await super.open())
  }
}

export const SABOTAGES: Readonly<Record<string, Sabotage>> = {
  'the receipt is ignored': { relayStore: (store) => judgingWith(store, (_, mark) => ({ mark, receipt: NOTHING })) },
  'the chain is ignored': {
    relayStore: (store) =>
      judgingWith(store, (documentId, mark, receipt) => ({
        mark: withChainOf(store, documentId, mark),
        receipt: withChainOf(store, documentId, receipt),
      })),
  },
  'an acknowledgement comes before the flush': { relayForgets: true },
  'the mark is stored before its rows': { Disk: RecordsFirstDisk },
}

interface Bookmarks {
  readonly mark: Uint8Array
  readonly receipt: Uint8Array
}

function judgingWith(
  store: MemoryRelayStore,
  change: (documentId: string, mark: Uint8Array, receipt: Uint8Array) => Bookmarks,
): RelayStore {
  return {
    epoch: store.epoch,
    failed: store.failed,
    judge: (request) => store.judge({ ...request, ...change(request.documentId, request.mark, request.receipt) }),
    append: (pushes) => store.append(pushes),
    read: (request) => store.read(request),
    feed: (request) => store.feed(request),
    usage: (vault) => store.usage(vault),
    close: () => store.close(),
  }
}

function withChainOf(store: MemoryRelayStore, documentId: string, bytes: Uint8Array): Uint8Array {
  const bookmark = decodeBookmark(bytes)
  const log = store.snapshot().state.documents.get(documentId)
  if (bookmark === undefined || log === undefined) return bytes
  const chain = bookmark.index === 0 ? log.seed : log.entries[bookmark.index - 1]?.chain
  return chain === undefined ? bytes : encodeBookmark(bookmark.incarnation, bookmark.index, chain)
}

function recordsFirst(store: OpenDeviceStore): OpenDeviceStore {
  return {
    records: (prefix) => store.records(prefix),
    rows: (documentId) => store.rows(documentId),
    close: () => store.close(),
    commit: async ({ records = [], append = [], remove = [] }: StoreWrite): Promise<CommittedRows> => {
      const [, rows] = await Promise.all([store.commit({ records }), store.commit({ append, remove })])
      return rows
    },
  }
}
