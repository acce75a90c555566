// The connection of one page to a device's IndexedDB database: made, lost and made again, or given up for another tab.
// Knows which rows this page has seen, so that it never goes on with a database that was wiped behind its back.
import { type IDBPDatabase, openDB } from 'idb'
import { DeviceStoreError } from '../contract.ts'
import { type DeviceSchema, OBJECT_STORES, SCHEMA_VERSION, storeToRead, upgradeSchema } from './schema.ts'

/** Tabs make way within milliseconds; one that is frozen, or of a program that does not, never does. */
const BLOCKED_MAX_MS = 10_000

const WIPED = 'its data was removed, by the user or by the browser: this page must be reloaded'

export class DatabaseConnection {
  readonly name: string
  readonly #gone: (because: string) => void
  #database: IDBPDatabase<DeviceSchema> | null = null
  #reconnecting: Promise<void> | null = null
  #goneBecause: string | null = null
  /** The highest row id that this page has seen of each document. */
  readonly #seenIds = new Map<string, number>()

  /**
   * @param gone the database is not to be used any more, and why
   * @throws DeviceStoreError IN_USE, FULL or FAILED
   */
  static async open(name: string, gone: (because: string) => void): Promise<DatabaseConnection> {
    if (!('indexedDB' in globalThis)) throw new DeviceStoreError('FAILED', 'There is no IndexedDB here')
    const connection = new DatabaseConnection(name, gone)
    connection.#adopt(await connection.#openDatabase(false))
    return connection
  }

  private constructor(name: string, gone: (because: string) => void) {
    this.name = name
    this.#gone = gone
  }

  /** What `act` does, on a new connection where the browser has closed this one before `act` could begin. */
  async use<Result>(act: (database: IDBPDatabase<DeviceSchema>) => Promise<Result>): Promise<Result> {
    const database = await this.#connected()
    try {
      return await act(database)
    } catch (error) {
      // Safari closes databases of pages that were in the background, and does not always say so.
      if ((error as DOMException).name !== 'InvalidStateError' || this.#goneBecause !== null) throw error
      database.close()
      if (this.#database === database) this.#database = null
      return await act(await this.#connected())
    }
  }

  noteRow(documentId: string, id: number): void {
    this.#seenIds.set(documentId, Math.max(id, this.#seenIds.get(documentId) ?? 0))
  }

  /** Transactions that have begun still complete. */
  close(because: string): void {
    this.#goneBecause ??= because
    this.#database?.close()
  }

  async #connected(): Promise<IDBPDatabase<DeviceSchema>> {
    this.#assertUsable()
    if (this.#database !== null) return this.#database
    this.#reconnecting ??= this.#reconnect().finally(() => {
      this.#reconnecting = null
    })
    await this.#reconnecting
    return this.#connected()
  }

  async #reconnect(): Promise<void> {
    const database = await this.#openDatabase(true)
    if (!(await this.#hasSeenRows(database))) this.#leave(WIPED)
    this.#adopt(database)
  }

  /** It may have been asked to make way before it was ours. */
  #adopt(database: IDBPDatabase<DeviceSchema>): void {
    if (this.#goneBecause === null) this.#database = database
    else database.close()
  }

  async #hasSeenRows(database: IDBPDatabase<DeviceSchema>): Promise<boolean> {
    const store = storeToRead(database, 'lastIds')
    const found = await Promise.all(
      [...this.#seenIds].map(async ([documentId, id]) => ((await store.get(documentId)) ?? 0) >= id),
    )
    return found.every(Boolean)
  }

  /** Again: where there is no database any more, none is made. */
  async #openDatabase(again: boolean): Promise<IDBPDatabase<DeviceSchema>> {
    let timer: ReturnType<typeof setTimeout> | undefined
    let tooLong: (error: DeviceStoreError) => void = () => undefined
    const blocked = new Promise<never>((_, reject) => {
      tooLong = reject
    })
    const opening = openDB<DeviceSchema>(this.name, SCHEMA_VERSION, {
      upgrade: (database, oldVersion, _, transaction) => {
        if (!again || oldVersion > 0) return upgradeSchema(database, oldVersion)
        this.#leave(WIPED)
        // Undoes the new database.
        transaction.abort()
        transaction.done.catch(() => undefined) // The request to open fails as well.
      },
      blocked: () => {
        timer ??= setTimeout(() => tooLong(blockedError(this.name)), BLOCKED_MAX_MS)
      },
      blocking: () => this.#leave('another tab upgrades or deletes it: this page must be reloaded'),
      terminated: () => {
        this.#database = null
      },
    })
    try {
      return ours(await Promise.race([opening, blocked]))
    } catch (error) {
      opening.then((late) => late.close()).catch(() => undefined) // Its failure is the one that is thrown.
      this.#assertUsable()
      throw openError(error, this.name)
    } finally {
      clearTimeout(timer)
    }
  }

  #assertUsable(): void {
    if (this.#goneBecause !== null) throw new DeviceStoreError('CLOSED', this.#goneBecause)
  }

  #leave(because: string): void {
    this.close(`The IndexedDB database ${this.name} cannot be used any more: ${because}`)
    this.#gone(this.#goneBecause as string)
  }
}

/** @throws DeviceStoreError: y-indexeddb names its databases after documents, and with the same version */
function ours(database: IDBPDatabase<DeviceSchema>): IDBPDatabase<DeviceSchema> {
  if (OBJECT_STORES.every((name) => database.objectStoreNames.contains(name))) return database
  const what = 'was not made by Tidemark, but by y-indexeddb, say: give the store a name of its own'
  throw new DeviceStoreError('FAILED', `The IndexedDB database ${database.name} ${what}`)
}

function blockedError(name: string): DeviceStoreError {
  const what = 'another tab has it open in an older format and does not make way: it must be closed'
  return new DeviceStoreError('IN_USE', `The IndexedDB database ${name} cannot be opened: ${what}`)
}

function openError(error: unknown, name: string): DeviceStoreError {
  if (error instanceof DeviceStoreError) return error
  const { name: errorName, message } = error as DOMException
  const because =
    errorName === 'VersionError'
      ? `it was written by a newer version of this app; this one knows format ${SCHEMA_VERSION} (${message})`
      : message
  const code = errorName === 'QuotaExceededError' ? 'FULL' : 'FAILED'
  return new DeviceStoreError(code, `The IndexedDB database ${name} cannot be opened: ${because}`, { cause: error })
}
