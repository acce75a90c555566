// A later version of the database's format, as this one meets it: what the next change of it can rely on.
import 'fake-indexeddb/auto'
import { openDB } from 'idb'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { appending, texts } from './rows.ts'

vi.mock('../../../client/src/store/indexeddb/schema.ts', async (importOriginal) => ({
  ...(await importOriginal<typeof import('../../../client/src/store/indexeddb/schema.ts')>()),
  SCHEMA_VERSION: 2,
}))

afterEach(() => {
  vi.useRealTimers()
})

/** As format 1 had it. */
async function oldDatabase(name: string, isGivingWay: boolean): Promise<void> {
  const database = await openDB(name, 1, {
    upgrade: (database) => {
      for (const store of ['rows', 'lastIds', 'records']) database.createObjectStore(store)
    },
    blocking: () => {
      if (isGivingWay) database.close()
    },
  })
  await database.put('rows', new TextEncoder().encode('old'), ['d', 4])
  await database.put('lastIds', 4, 'd')
  await database.put('records', Uint8Array.of(1), 'k')
}

describe('a database of an older format', () => {
  it('is upgraded with all that it holds, once its pages have made way', async () => {
    await oldDatabase('old', true)
    const store = await indexedDbStore('old').open()
    expect(texts(await store.rows('d'))).toEqual(['old'])
    expect((await store.records('')).map(({ key }) => key)).toEqual(['k'])
    expect(await store.commit(appending('d', 'new'))).toEqual([5])
    await store.close()
  })

  it('is refused as in use when a page does not make way', async () => {
    await oldDatabase('in use', false)
    const isBlocked = new Promise<void>((resolve) => {
      const open = indexedDB.open.bind(indexedDB)
      vi.spyOn(indexedDB, 'open').mockImplementationOnce((name, version) => {
        const request = open(name, version)
        request.addEventListener('blocked', () => resolve())
        return request
      })
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const opening = indexedDbStore('in use').open()
    const refusal = expect(opening).rejects.toMatchObject({
      code: 'IN_USE',
      message: expect.stringContaining('older format'),
    })
    await isBlocked
    await vi.advanceTimersByTimeAsync(10_000)
    await refusal
  })
})
