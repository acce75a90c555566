// The driver for IndexedDB. Several tabs may have the same database open: row ids are assigned inside the transaction.
// Never stands in another tab's way: it gives the database up when one upgrades or deletes it, and then refuses commits.
import type { IDBPDatabase, IDBPTransaction, StoreNames } from 'idb'
import { sharedByTabs } from '../../tabs/sharing.ts'
import { CommitQueue } from '../commit-queue.ts'
import {
  type CommittedRows,
  type DeviceStore,
  DeviceStoreError,
  type OpenDeviceStore,
  type StoredRecord,
  type StoredRow,
  type StoreWrite,
} from '../contract.ts'
import { rangesOf } from '../id-ranges.ts'
import { DatabaseConnection } from './connection.ts'
import { type DeviceSchema, OBJECT_STORES, prefixRange, storeToRead } from './schema.ts'

type WriteTransaction = IDBPTransaction<DeviceSchema, StoreNames<DeviceSchema>[], 'readwrite'>

/** What one request to the database brings at most. */
const ROWS_PER_READ_MAX = 4096

const CLOSED = 'The IndexedDB store has been closed'

/**
 * A store in the IndexedDB database `name` of this origin. Several tabs may use the same one. At the first open() the
 * browser is asked to keep the origin's data under storage pressure (navigator.storage.persist), where it can be asked;
 * navigator.storage.persisted() says whether it does.
 */
export function indexedDbStore(name: string): DeviceStore {
  let persistenceAsked = false
  return {
    sharing: sharedByTabs(`indexeddb/${name}`),
    async open() {
      const store = await IndexedDbSession.open(name)
      if (!persistenceAsked) askForPersistence()
      persistenceAsked = true
      return store
    },
  }
}

/** Not awaited: Firefox asks the user. A refusal changes nothing for the store, so the answer is not used. */
function askForPersistence(): void {
  const storage = (globalThis as { navigator?: { storage?: Partial<StorageManager> } }).navigator?.storage
  storage?.persist?.().catch(() => false)
}

class IndexedDbSession implements OpenDeviceStore {
  readonly #connection: DatabaseConnection
  readonly #queue: CommitQueue

  private constructor(connection: DatabaseConnection, queue: CommitQueue) {
    this.#connection = connection
    this.#queue = queue
  }

  static async open(name: string): Promise<IndexedDbSession> {
    const queue = new CommitQueue((writes) => session.#apply(writes))
    // Commits that wait are given up: those under way complete.
    const connection = await DatabaseConnection.open(name, (because) => void queue.close(because))
    const session = new IndexedDbSession(connection, queue)
    return session
  }

  async records(prefix: string): Promise<readonly StoredRecord[]> {
    return this.#read(async (database) => {
      const store = storeToRead(database, 'records')
      const range = prefixRange(prefix)
      const [keys, values] = await Promise.all([store.getAllKeys(range), store.getAll(range)])
      return keys.map((key, i) => ({ key, bytes: values[i] as Uint8Array }))
    })
  }

  async rows(documentId: string): Promise<readonly StoredRow[]> {
    return this.#read(async (database) => {
      const store = storeToRead(database, 'rows')
      const rows: StoredRow[] = []
      let pageLength: number
      do {
        const after = rows.at(-1)?.id ?? 0
        const range = IDBKeyRange.bound([documentId, after], [documentId, Number.POSITIVE_INFINITY], true)
        const [keys, values] = await Promise.all([
          store.getAllKeys(range, ROWS_PER_READ_MAX),
          store.getAll(range, ROWS_PER_READ_MAX),
        ])
        keys.forEach(([, id], i) => {
          rows.push({ id, bytes: values[i] as Uint8Array })
        })
        pageLength = keys.length
      } while (pageLength === ROWS_PER_READ_MAX)
      this.#connection.noteRow(documentId, rows.at(-1)?.id ?? 0)
      return rows
    })
  }

  commit(write: StoreWrite): Promise<CommittedRows> {
    return this.#queue.commit(write)
  }

  async close(): Promise<void> {
    await this.#queue.close(CLOSED)
    this.#connection.close(CLOSED)
  }

  async #read<Result>(read: (database: IDBPDatabase<DeviceSchema>) => Promise<Result>): Promise<Result> {
    this.#queue.assertOpen()
    try {
      return await this.#connection.use(read)
    } catch (error) {
      throw this.#storeError(error, 'be read')
    }
  }

  async #apply(writes: readonly StoreWrite[]): Promise<readonly CommittedRows[]> {
    try {
      return await this.#connection.use((database) => {
        const transaction = database.transaction([...OBJECT_STORES], 'readwrite', { durability: 'strict' })
        return applyWrites(transaction, writes, (documentId, id) => this.#connection.noteRow(documentId, id))
      })
    } catch (error) {
      throw this.#storeError(error, 'take the commit')
    }
  }

  #storeError(error: unknown, what: string): DeviceStoreError {
    if (error instanceof DeviceStoreError) return error
    const { name, message } = error as DOMException
    // InvalidStateError: the database was closed to make way while this waited.
    if (name === 'InvalidStateError') this.#queue.assertOpen()
    const code = name === 'QuotaExceededError' ? 'FULL' : 'FAILED'
    // Browsers often have no words beside the name.
    const because = message === '' ? name : message
    return new DeviceStoreError(code, `The IndexedDB database ${this.#connection.name} cannot ${what}: ${because}`, {
      cause: error,
    })
  }
}

async function applyWrites(
  transaction: WriteTransaction,
  writes: readonly StoreWrite[],
  committed: (documentId: string, lastId: number) => void,
): Promise<readonly CommittedRows[]> {
  const ended = endOf(transaction)
  try {
    const lastIds = await readLastIds(transaction, writes)
    const rows = writes.map((write) => applyWrite(transaction, write, lastIds))
    for (const [documentId, id] of lastIds) leaveToTransaction(transaction.objectStore('lastIds').put(id, documentId))
    transaction.commit()
    const failure = await ended
    if (failure !== null) throw failure
    for (const [documentId, id] of lastIds) committed(documentId, id)
    return rows
  } catch (error) {
    await Promise.allSettled([abort(transaction), ended])
    throw error
  }
}

/** Null: it is complete. What `done` rejects with where a request failed is not why: the transaction has no error by then. */
function endOf(transaction: WriteTransaction): Promise<DOMException | null> {
  transaction.done.catch(() => undefined)
  return new Promise((resolve) => {
    transaction.addEventListener('complete', () => resolve(null))
    transaction.addEventListener('abort', () => {
      resolve(transaction.error ?? new DOMException('The transaction was aborted', 'AbortError'))
    })
  })
}

async function readLastIds(transaction: WriteTransaction, writes: readonly StoreWrite[]): Promise<Map<string, number>> {
  const documentIds = new Set(writes.flatMap(({ append = [] }) => append.map(({ documentId }) => documentId)))
  const store = transaction.objectStore('lastIds')
  return new Map(
    await Promise.all([...documentIds].map(async (id): Promise<[string, number]> => [id, (await store.get(id)) ?? 0])),
  )
}

function applyWrite(
  transaction: WriteTransaction,
  { records = [], append = [], remove = [] }: StoreWrite,
  lastIds: Map<string, number>,
): CommittedRows {
  const rowStore = transaction.objectStore('rows')
  const recordStore = transaction.objectStore('records')
  for (const { documentId, ids } of remove) {
    for (const [first, last] of rangesOf(ids)) {
      leaveToTransaction(rowStore.delete(IDBKeyRange.bound([documentId, first], [documentId, last])))
    }
  }
  for (const { key, bytes } of records) {
    leaveToTransaction(bytes === null ? recordStore.delete(key) : recordStore.put(ownBytes(bytes), key))
  }
  return append.map(({ documentId, bytes }) => {
    const id = (lastIds.get(documentId) ?? 0) + 1
    lastIds.set(documentId, id)
    leaveToTransaction(rowStore.put(ownBytes(bytes), [documentId, id]))
    return id
  })
}

/**
 * The transaction alone says how its requests ended: what a failed one says is less, and Chromium leaves some pending for ever
 * when a quota aborts the transaction.
 */
function leaveToTransaction(request: Promise<unknown>): void {
  request.catch(() => undefined)
}

/** A view is cloned together with the whole buffer behind it. */
function ownBytes(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : bytes.slice()
}

/** Does nothing to a transaction that has ended by itself. */
async function abort(transaction: WriteTransaction): Promise<void> {
  transaction.abort()
}
