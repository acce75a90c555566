// A relay of its own for one test: real sockets, and a real LMDB store in a directory that goes with it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, type Limits, type Relay } from '@tidemark/relay'
import type { RelayStore, StoredEntry } from '../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'

export interface RelayServer {
  readonly relay: Relay
  readonly url: string
  readonly store: RelayStore
  /** Where its data lies. */
  readonly directory: string
  /** For everything in the vault `alice`. */
  readonly token: string
  close(): Promise<void>
}

export async function startRelayServer(limits: Partial<Limits> = {}): Promise<RelayServer> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-relay-'))
  const store = await openLmdbStore({ directory, limits })
  const relay = await createRelay({ store, limits })
  return {
    relay,
    url: relay.url,
    store,
    directory,
    token: await relay.mintToken(['alice/*:delete']),
    close: async () => {
      await relay.close()
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Everything in the log of a document. */
export async function logOf(store: RelayStore, documentId: string): Promise<readonly StoredEntry[]> {
  const none = new Uint8Array(0)
  const nothing = { incarnation: none, mark: none, receipt: none, create: false, partial: none }
  const judgement = await store.judge({ documentId, ...nothing })
  if (judgement.incarnation.length === 0) return []
  const entries: StoredEntry[] = []
  for (;;) {
    const { incarnation } = judgement
    const after = entries.length
    const page = await store.read({ documentId, incarnation, after, entriesMax: 4_096, bytesMax: 2 ** 24 })
    if (page === 'moved') throw new Error(`The log of ${documentId} was begun anew while it was read`)
    entries.push(...page.entries)
    if (page.atHead) return entries
  }
}
