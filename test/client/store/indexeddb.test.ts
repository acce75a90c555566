import 'fake-indexeddb/auto'
import { deleteDB, openDB } from 'idb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { deviceStoreContract } from '../../../client/src/store/conformance.ts'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { appending, texts } from './rows.ts'

let databases = 0
const newName = (): string => `device ${databases++}`

afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

describe('indexedDbStore', () => {
  deviceStoreContract(it, async () => {
    const name = newName()
    return {
      store: indexedDbStore(name),
      another: () => indexedDbStore(name),
      isShared: true,
      dispose: () => deleteDB(name),
    }
  })

  it('asks for a strict flush, and puts what is committed in one turn into one transaction', async () => {
    const store = await indexedDbStore(newName()).open()
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    await Promise.all(['a', 'b', 'c'].map((text) => store.commit(appending('d', text))))
    expect(transaction.mock.calls.map(([, mode, options]) => [mode, options])).toEqual([
      ['readwrite', { durability: 'strict' }],
    ])
    await store.close()
  })

  it('reports a full quota as FULL, leaves nothing of the commit, and goes on', async () => {
    const store = await indexedDbStore(newName()).open()
    await store.commit(appending('d', 'before'))
    const put = IDBObjectStore.prototype.put
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
      if (value instanceof Uint8Array && value.byteLength === 3) {
        throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
      }
      return put.call(this, value, key)
    })
    const commits = [
      store.commit(appending('d', 'fits')),
      store.commit({ ...appending('d', 'fits', 'too'), records: [{ key: 'k', bytes: new Uint8Array(1) }] }),
      store.commit(appending('d', 'fits as well')),
    ]
    const outcomes = await Promise.allSettled(commits)
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    await expect(commits[1]).rejects.toMatchObject({ code: 'FULL' })
    expect(texts(await store.rows('d'))).toEqual(['before', 'fits', 'fits as well'])
    expect(await store.records('')).toEqual([])
    await store.close()
  })

  it('reports a transaction that fails only when it ends', async () => {
    const store = await indexedDbStore(newName()).open()
    vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementationOnce(function (this: IDBTransaction) {
      this.abort()
    })
    await expect(store.commit(appending('d', 'never'))).rejects.toMatchObject({ code: 'FAILED' })
    expect(await store.rows('d')).toEqual([])
    expect(await store.commit(appending('d', 'kept'))).toEqual([1])
    await store.close()
  })

  it('makes way for another tab that deletes or upgrades it, and then refuses commits', async () => {
    const name = newName()
    const store = await indexedDbStore(name).open()
    await store.commit(appending('d', 'row'))
    const newer = await openDB(name, 2)
    await expect(store.commit(appending('d', 'late'))).rejects.toMatchObject({
      code: 'CLOSED',
      message: expect.stringContaining('reloaded'),
    })
    await expect(store.rows('d')).rejects.toMatchObject({ code: 'CLOSED' })
    newer.close()
    await store.close()
    await expect(indexedDbStore(name).open()).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('newer version'),
    })
  })

  it('asks once for persistent storage, and works where that is refused', async () => {
    const persist = vi.fn(() => Promise.reject(new Error('refused')))
    vi.stubGlobal('navigator', { storage: { persist } })
    const device = indexedDbStore(newName())
    for (let i = 0; i < 2; i++) {
      const store = await device.open()
      await store.commit(appending('d', 'row'))
      await store.close()
    }
    expect(persist).toHaveBeenCalledTimes(1)
  })

  it('says so where there is no IndexedDB', async () => {
    vi.stubGlobal('indexedDB', undefined)
    Reflect.deleteProperty(globalThis, 'indexedDB')
    await expect(indexedDbStore(newName()).open()).rejects.toMatchObject({ code: 'FAILED' })
  })
})
