import { Tidemark } from '@tidemark/client'
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { NOVEL, World } from '../support/world.ts'

it('a relay that is added later gets the documents that were made without one, open or not', async () => {
  const world = new World()
  const disk = new MemoryDisk()
  const local = new Tidemark({ store: disk })
  ;(await local.open(NOVEL)).doc.getText('t').insert(0, 'precious')
  await local.close()
  const later = world.device(disk)
  expect((await later.sync()).complete).toBe(true)
  expect(await world.log()).toHaveLength(1)
  expect(later.tidemark.status.safety).toBe('on-relay')
})

it('a document that is forgotten in the middle of a burst can be pulled again', async () => {
  const world = new World()
  const [writer, reader] = [world.device(), world.device()]
  await writer.type('hello')
  await writer.sync()
  await reader.open()
  await reader.sync()
  const burst = reader.sync()
  for (let turn = 0; turn < 12; turn++) await Promise.resolve()
  await reader.tidemark.forget(NOVEL, { discardUnsent: true })
  await burst
  expect(await reader.text()).toBe('')
  await reader.sync()
  expect(await reader.text()).toBe('hello')
  reader.crash()
  expect(await reader.text()).toBe('hello')
})

it('what a relay refuses in a document that is not open is seen in the status', async () => {
  const world = new World()
  const device = world.device()
  const diary = await device.open('bob/diary')
  diary.doc.getText('t').insert(0, 'not allowed')
  await diary.close()
  await device.sync()
  expect(device.tidemark.status).toMatchObject({ activity: 'stuck', problem: { code: 'DENIED' } })
})
