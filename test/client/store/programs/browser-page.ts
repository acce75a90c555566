// What a page in a real browser does with IndexedDB; the test calls these and looks at what comes back.
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { deleteDB, openDB } from 'idb'
import { deviceStoreContract } from '../../../../client/src/store/conformance.ts'
import { DeviceStoreError, type OpenDeviceStore } from '../../../../client/src/store/contract.ts'

export interface BrowserPage {
  /** Runs the whole contract. */
  contract(): Promise<{ passed: number; failures: string[] }>
  /** Commits rows of `rowBytes` until one is refused, at most 100. */
  fill(name: string, rowBytes: number): Promise<{ taken: number; code: string; message: string }>
  /** The ids of all rows that `fill` has left, after one more commit. */
  goOn(name: string): Promise<number[]>
  rowIds(name: string): Promise<number[]>
  /** Opens a store that stays open, and commits a row. */
  stayOpen(name: string): Promise<void>
  /** What one more commit to it came to: the ids of its rows, or the refusal. */
  commitMore(): Promise<{ ids: number[] } | { code: string; message: string }>
  /** Another program opens the database in a later version. */
  upgrade(name: string): Promise<void>
  databaseNames(): Promise<(string | undefined)[]>
}

declare global {
  var browserPage: BrowserPage
}

const DOCUMENT = 'alice/novel'
const ROWS_MAX = 100
const row = { append: [{ documentId: DOCUMENT, bytes: Uint8Array.of(1) }] }
let stayingOpen: OpenDeviceStore | null = null

globalThis.browserPage = {
  contract: async () => {
    const tests: { name: string; run: () => Promise<void> }[] = []
    let databases = 0
    deviceStoreContract(
      (name, run) => tests.push({ name, run }),
      async () => {
        const name = `contract ${databases++}`
        return {
          store: indexedDbStore(name),
          another: () => indexedDbStore(name),
          isShared: true,
          dispose: () => deleteDB(name),
        }
      },
    )
    const failures: string[] = []
    for (const { name, run } of tests) {
      await run().catch((error: unknown) => failures.push(`${name}: ${String(error)}`))
    }
    return { passed: tests.length - failures.length, failures }
  },

  fill: async (name, rowBytes) => {
    const store = await indexedDbStore(name).open()
    for (let taken = 0; taken < ROWS_MAX; taken++) {
      // Not to be compressed away.
      const bytes = new Uint8Array(rowBytes)
      for (let at = 0; at < rowBytes; at += 65_536) crypto.getRandomValues(bytes.subarray(at, at + 65_536))
      try {
        await store.commit({ append: [{ documentId: DOCUMENT, bytes }] })
      } catch (error) {
        await store.close()
        if (error instanceof DeviceStoreError) return { taken, code: error.code, message: error.message }
        throw error
      }
    }
    throw new Error('no quota was in the way')
  },

  goOn: async (name) => {
    const store = await indexedDbStore(name).open()
    await store.commit(row)
    await store.close()
    return globalThis.browserPage.rowIds(name)
  },

  rowIds: async (name) => {
    const store = await indexedDbStore(name).open()
    const rows = await store.rows(DOCUMENT)
    await store.close()
    return rows.map(({ id }) => id)
  },

  stayOpen: async (name) => {
    stayingOpen = await indexedDbStore(name).open()
    await stayingOpen.commit(row)
  },

  commitMore: async () => {
    try {
      await stayingOpen?.commit(row)
      return { ids: ((await stayingOpen?.rows(DOCUMENT)) ?? []).map(({ id }) => id) }
    } catch (error) {
      if (error instanceof DeviceStoreError) return { code: error.code, message: error.message }
      throw error
    }
  },

  upgrade: async (name) => {
    const database = await openDB(name, 2)
    database.close()
  },

  databaseNames: async () => (await indexedDB.databases()).map(({ name }) => name),
}
