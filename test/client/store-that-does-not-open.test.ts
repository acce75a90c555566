// A store that another program or another Tidemark has, or that is not Tidemark's: the app is told what to do, also where it only
// watches a status.
import 'fake-indexeddb/auto'
import { memoryStore, type SyncStatus, Tidemark } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { openDB } from 'idb'
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { NOVEL } from '../support/world.ts'

it('shows in the status of an app that calls nothing', async () => {
  const disk = new MemoryDisk()
  const first = new Tidemark({ store: disk })
  await first.flush()
  const second = new Tidemark({ store: disk })
  const told: SyncStatus[] = []
  second.subscribe((status) => told.push(status))
  await expect.poll(() => told.length).toBe(1)
  expect(told).toEqual([second.status])
  expect(second.status).toMatchObject({
    activity: 'stuck',
    problem: { code: 'STORE_IN_USE', action: 'close-other-app' },
  })
  await expect(second.open(NOVEL)).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await second.close()
  expect(first.status.problem).toBeNull()
  await first.close()
})

it('names the Tidemark that took a memory store over', async () => {
  const store = memoryStore()
  const first = new Tidemark({ store })
  const document = await first.open(NOVEL)
  const second = new Tidemark({ store })
  await second.flush()
  document.doc.getText('t').insert(0, 'typed')
  await expect(document.flush()).rejects.toMatchObject({ message: expect.stringContaining('Another Tidemark') })
  expect(document.status).toMatchObject({ safety: 'unsaved', problem: { code: 'CLOSED' } })
  await second.close()
})

it('is no database of y-indexeddb, which stays as it is', async () => {
  const theirs = await openDB('moby-dick', 1, {
    upgrade: (database) => void database.createObjectStore('updates', { autoIncrement: true }),
  })
  await theirs.add('updates', new Uint8Array([0, 0]))
  const tidemark = new Tidemark({ store: indexedDbStore('moby-dick') })
  await expect(tidemark.open(NOVEL)).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringContaining(
      'was not made by Tidemark, but by y-indexeddb, say: give the store a name of its own',
    ),
  })
  await tidemark.close()
  expect(await theirs.count('updates')).toBe(1)
  theirs.close()
})
