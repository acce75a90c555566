// An entry that throws in the middle of its integration: the document is built anew, and nothing else is lost by it.
import { Tidemark } from '@tidemark/client'
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { brokenUpdate } from '../support/broken-update.ts'
import { slowToRead } from '../support/slow-disk.ts'
import { NOVEL, RELAY_URL, World } from '../support/world.ts'

it('an edit made while the document is built anew is kept, and sent', async () => {
  const world = new World()
  const disk = new MemoryDisk()
  let onRead = (): void => undefined
  const store = slowToRead(disk, () => {
    onRead()
    return new Promise((resolve) => setImmediate(resolve))
  })
  const platform = { WebSocket: world.relay.WebSocket, fetch: null }
  const options = { relays: [RELAY_URL], token: 'alice/*:write', schedule: false as const, platform }
  const tidemark = new Tidemark({ ...options, store })
  const novel = await tidemark.open(NOVEL)
  novel.doc.getText('t').insert(0, 'x')
  await tidemark.sync()
  await world.append(brokenUpdate())
  let rebuilt = 0
  novel.onRebuilt(() => rebuilt++)
  onRead = () => {
    onRead = () => undefined
    novel.doc.getText('t').insert(0, 'precious ')
  }
  await tidemark.sync()
  expect((await tidemark.sync()).complete).toBe(true)
  expect([rebuilt, novel.doc.getText('t').toString()]).toEqual([1, 'precious x'])
  const other = world.device()
  await other.open()
  await other.sync()
  await other.sync()
  expect(await other.text()).toBe('precious x')
  await tidemark.close()
  expect(await world.device(disk).text()).toBe('precious x')
})

it('in a document that is not open it is held as well, and what follows is pulled', async () => {
  const world = new World()
  const [writer, reader] = [world.device(), world.device()]
  await writer.type('hello')
  await writer.sync()
  await (await reader.open()).close()
  await reader.sync()
  await world.append(brokenUpdate())
  await writer.type('more ')
  await writer.sync().catch(() => undefined)
  await reader.sync()
  expect((await reader.sync()).complete).toBe(true)
  expect(await reader.text()).toBe('more hello')
})
