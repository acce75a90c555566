// A full quota as Firefox and Safari are to tell it: the request fails first, and the transaction by that. Chromium fails the
// transaction alone, in indexeddb-chromium.test.ts.
import 'fake-indexeddb/auto'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { indexedDbStore } from '../../../client/src/store/indexeddb/index.ts'
import { appending } from './rows.ts'

/** Inside fake-indexeddb, where a request is carried out. */
const OBJECT_STORE = join(import.meta.dirname, '../../../node_modules/fake-indexeddb/build/esm/lib/ObjectStore.js')

it('is FULL where the request fails, too, and stores on when there is room', async () => {
  const { default: ObjectStore } = (await import(OBJECT_STORE)) as { default: { prototype: { storeRecord(): void } } }
  const store = await indexedDbStore('quota').open()
  await store.commit(appending('d', 'before'))
  const full = vi.spyOn(ObjectStore.prototype, 'storeRecord').mockImplementation(() => {
    throw new DOMException('full', 'QuotaExceededError')
  })
  await expect(store.commit(appending('d', 'x'))).rejects.toMatchObject({ code: 'FULL' })
  full.mockRestore()
  await store.commit(appending('d', 'after'))
  expect(await store.rows('d')).toHaveLength(2)
})
