// IndexedDB as a medium: the schedule lets each commit begin, and a page that dies takes the transactions with it that have
// not come to their end. Requests take turns of their own, which wait for nothing.
import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { openDB } from 'idb'
import type { CommittedRows, DeviceStore, OpenDeviceStore, StoreWrite } from '../../../client/src/store/contract.ts'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import {
  type DeviceSchema,
  OBJECT_STORES,
  SCHEMA_VERSION,
  upgradeSchema,
} from '../../../client/src/store/indexeddb/schema.ts'
import type { DiskImage } from '../../../client/src/store/memory-disk.ts'
import { Calls, type Medium } from './medium.ts'
import { COMMIT } from './memory-medium.ts'

/** What a process does with its database. */
class Page {
  readonly connections = new Set<IDBDatabase>()
  readonly transactions = new Set<IDBTransaction>()
  readonly calls = new Calls()
  commitsUnderWay = 0
  reads = 0
  isDead = false
}

let pages = new Map<string, Page>()
const owners = new WeakMap<IDBDatabase, Page>()
let databases = 0

/** Forgets all databases. */
export function newIndexedDb(): void {
  globalThis.indexedDB = new IDBFactory()
  pages = new Map()
}

const { transaction: begin } = IDBDatabase.prototype
IDBDatabase.prototype.transaction = function transaction(this: IDBDatabase, ...how): IDBTransaction {
  const page = owners.get(this) ?? pages.get(this.name)
  // The store of a dead page must not take it that the browser has closed its connection, and connect anew.
  if (page?.isDead) throw new DOMException('The page is gone', 'AbortError')
  const begun = begin.apply(this, how)
  if (page === undefined) return begun
  owners.set(this, page)
  page.connections.add(this)
  page.transactions.add(begun)
  begun.addEventListener('complete', () => page.transactions.delete(begun))
  begun.addEventListener('abort', () => page.transactions.delete(begun))
  return begun
}

export class IndexedDbMedium implements Medium {
  readonly #name = `device ${++databases}`
  #seed: DiskImage | null
  #page = new Page()

  constructor(seed: DiskImage | null = null) {
    this.#seed = seed
  }

  get callsWaiting(): number {
    return this.#page.calls.length + this.#page.commitsUnderWay
  }

  get isReading(): boolean {
    return this.#page.reads > 0
  }

  mount(): DeviceStore {
    const page = this.#page
    pages.set(this.#name, page)
    return {
      open: () =>
        reading(page, async () => {
          if (this.#seed !== null) await fill(this.#name, this.#seed)
          this.#seed = null
          return sessionOn(page, await indexedDbStore(this.#name).open())
        }),
    }
  }

  endCall(fails: boolean): void {
    this.#page.calls.end(0, fails)
  }

  crash(): number {
    const { calls, transactions, connections } = this.#page
    this.#page.isDead = true
    pages.delete(this.#name)
    this.#page = new Page()
    const cut = calls.crash()
    const aborted = [...transactions].filter(abort)
    for (const connection of connections) connection.close()
    return cut + aborted.length
  }

  copy(image: DiskImage): IndexedDbMedium {
    return new IndexedDbMedium(image)
  }
}

function sessionOn(page: Page, store: OpenDeviceStore): OpenDeviceStore {
  return {
    records: (prefix) => reading(page, () => store.records(prefix)),
    rows: (documentId) => reading(page, () => store.rows(documentId)),
    commit: (write) => commitOn(page, store, write),
    close: () => store.close(),
  }
}

async function commitOn(page: Page, store: OpenDeviceStore, write: StoreWrite): Promise<CommittedRows> {
  await page.calls.wait(COMMIT)
  page.commitsUnderWay++
  try {
    return await store.commit(write)
  } finally {
    page.commitsUnderWay--
  }
}

async function reading<Result>(page: Page, read: () => Promise<Result>): Promise<Result> {
  page.reads++
  try {
    return await read()
  } finally {
    page.reads--
  }
}

/** False: it is about to be complete, or was. */
function abort(transaction: IDBTransaction): boolean {
  try {
    transaction.abort()
    return true
  } catch {
    return false
  }
}

async function fill(name: string, { records, documents }: DiskImage): Promise<void> {
  const database = await openDB<DeviceSchema>(name, SCHEMA_VERSION, { upgrade: upgradeSchema })
  const transaction = database.transaction([...OBJECT_STORES], 'readwrite')
  const puts: Promise<unknown>[] = []
  for (const [key, bytes] of records) puts.push(transaction.objectStore('records').put(bytes, key))
  for (const [id, { lastId, rows }] of documents) {
    puts.push(transaction.objectStore('lastIds').put(lastId, id))
    for (const [rowId, bytes] of rows) puts.push(transaction.objectStore('rows').put(bytes, [id, rowId]))
  }
  await Promise.all([...puts, transaction.done])
  database.close()
}
