// A database that the browser closes, wipes or upgrades under a page's feet.
import 'fake-indexeddb/auto'
import { forceCloseDatabase } from 'fake-indexeddb'
import { deleteDB, openDB } from 'idb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { OpenDeviceStore } from '../../../client/src/store/contract.ts'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { appending, texts } from './rows.ts'

let databases = 0
const newName = (): string => `lost ${databases++}`

afterEach(() => {
  vi.restoreAllMocks()
})

interface Page {
  readonly name: string
  readonly store: OpenDeviceStore
  /** The browser's own object. */
  readonly database: IDBDatabase
}

async function newPage(): Promise<Page> {
  const name = newName()
  const store = await indexedDbStore(name).open()
  const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
  await store.commit(appending('d', 'before'))
  const [database] = transaction.mock.contexts as IDBDatabase[]
  transaction.mockRestore()
  return { name, store, database: database as IDBDatabase }
}

/** Its types ask for the class instead of the object. */
const closeByForce = forceCloseDatabase as unknown as (database: IDBDatabase) => void

describe('a database that the browser has closed', () => {
  it('fails what was being read, and nothing beside that', async () => {
    const { store } = await newPage()
    const unhandled: unknown[] = []
    const note = (reason: unknown): void => void unhandled.push(reason)
    process.on('unhandledRejection', note)
    const begun = vi.spyOn(IDBDatabase.prototype, 'transaction')
    const reads = [store.rows('d'), store.records('')]
    for (let i = 0; i < 10; i++) await Promise.resolve()
    expect(begun).toHaveBeenCalledTimes(2)
    for (const { value } of begun.mock.results) (value as IDBTransaction).abort()
    for (const read of reads) await expect(read).rejects.toMatchObject({ code: 'FAILED' })
    await new Promise((resolve) => setImmediate(resolve))
    process.off('unhandledRejection', note)
    expect(unhandled).toEqual([])
    await store.close()
  })

  for (const [how, close] of [
    ['and says so', closeByForce],
    ['and does not say so', (database: IDBDatabase) => database.close()],
  ] as const) {
    it(`is opened again when it is needed: ${how}`, async () => {
      const { name, store, database } = await newPage()
      close(database)
      const [rows, ids] = await Promise.all([store.rows('d'), store.commit(appending('d', 'after'))])
      expect([texts(rows)[0], ids]).toEqual(['before', [2]])
      await store.close()
      const later = await indexedDbStore(name).open()
      expect(texts(await later.rows('d'))).toEqual(['before', 'after'])
      await later.close()
    })
  }

  it('is left alone when its data was removed', async () => {
    const { name, store, database } = await newPage()
    database.close()
    await deleteDB(name)
    const refusal = { code: 'CLOSED', message: expect.stringContaining('removed') }
    await expect(store.commit(appending('d', 'after'))).rejects.toMatchObject(refusal)
    await expect(store.rows('d')).rejects.toMatchObject(refusal)
    expect((await indexedDB.databases()).map((one) => one.name)).not.toContain(name)
  })

  it('is left alone when another page has begun it anew', async () => {
    const { name, store, database } = await newPage()
    database.close()
    await deleteDB(name)
    const other = await indexedDbStore(name).open()
    await other.commit(appending('e', 'of another page'))
    await expect(store.commit(appending('d', 'after'))).rejects.toMatchObject({ code: 'CLOSED' })
    expect(await other.rows('d')).toEqual([])
    await other.close()
  })

  it('is left alone when another page has upgraded it', async () => {
    const { name, store, database } = await newPage()
    database.close()
    const newer = await openDB(name, 2)
    newer.close()
    await expect(store.commit(appending('d', 'after'))).rejects.toMatchObject({
      message: expect.stringContaining('newer version'),
    })
  })
})
