// A page that dies at every request of its commits, and before and after their end.
import 'fake-indexeddb/auto'
import { deleteDB } from 'idb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { commitAll, DOCUMENTS, expectWholeCommits, growingWrites } from './crash-points.ts'
import { contentsAfter } from './rows.ts'

vi.setConfig({ testTimeout: 120_000 })

afterEach(() => {
  vi.restoreAllMocks()
})

describe('a page that dies', () => {
  for (const [how, atOnce] of [
    ['one commit at a time', 1],
    ['four commits in flight', 4],
  ] as const) {
    it(`keeps every resolved commit, and of the others a beginning, each whole: ${how}`, async () => {
      const writes = growingWrites(20, 200)
      const contents = await contentsAfter(writes, DOCUMENTS)
      let points = 0
      for (let isDead = true; isDead; points++) {
        const name = `crash ${atOnce} ${points}`
        const store = await indexedDbStore(name).open()
        let resolved = 0
        const death = dieAt(points)
        await commitAll(store, writes, atOnce, () => resolved++).catch((error: Error) => {
          if (!error.message.includes(DEATH)) throw error
        })
        isDead = death.isDead()
        vi.restoreAllMocks()
        const restarted = (): ReturnType<typeof indexedDbStore> => indexedDbStore(name)
        await expectWholeCommits({ what: `death at ${points}`, resolved, restarted }, contents)
        if (!isDead) await store.close()
        await deleteDB(name)
      }
      expect(points).toBeGreaterThan(60)
    })
  }
})

const DEATH = 'this page is dead'

/** At the request of this number the page's transactions end as they do with it: what was not complete is undone. */
function dieAt(point: number): { isDead(): boolean } {
  let passed = 0
  let isDead = false
  /** True: the page dies here, or is dead. */
  const isEnd = (database: IDBDatabase, transaction: IDBTransaction | null, isKept: boolean): boolean => {
    if (isDead) return true
    if (passed++ < point) return false
    isDead = true
    if (isKept) transaction?.commit()
    else transaction?.abort()
    database.close()
    return true
  }
  const { put, delete: remove } = IDBObjectStore.prototype
  const { commit } = IDBTransaction.prototype
  const { transaction } = IDBDatabase.prototype
  vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(function (this: IDBObjectStore, value, key) {
    if (isEnd(this.transaction.db, this.transaction, false)) throw new Error(DEATH)
    return put.call(this, value, key)
  })
  vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(function (this: IDBObjectStore, key) {
    if (isEnd(this.transaction.db, this.transaction, false)) throw new Error(DEATH)
    return remove.call(this, key)
  })
  vi.spyOn(IDBTransaction.prototype, 'commit').mockImplementation(function (this: IDBTransaction) {
    if (isEnd(this.db, this, false)) throw new Error(DEATH)
    commit.call(this)
    if (isEnd(this.db, null, true)) throw new Error(DEATH)
  })
  vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (this: IDBDatabase, names, mode, options) {
    if (isDead) throw new Error(DEATH)
    return transaction.call(this, names, mode, options)
  })
  return { isDead: () => isDead }
}
