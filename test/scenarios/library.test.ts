// Many documents, big documents, and what a burst costs.
import { Tidemark } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { LISTINGS_MAX } from '../../client/src/library/library.ts'
import { encodeListing, listingKey } from '../../client/src/library/records.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { RELAY_URL, type TestDevice, World } from '../support/world.ts'

function mirroring(world: World, disk: MemoryDisk = new MemoryDisk()): Tidemark {
  return new Tidemark({
    store: disk,
    relays: [RELAY_URL],
    token: 'alice/*:write',
    schedule: false,
    mirror: ['alice'],
    platform: { WebSocket: world.relay.WebSocket, fetch: null },
  })
}

async function write(device: TestDevice, names: readonly string[], text: string): Promise<void> {
  for (const name of names) {
    const document = await device.open(`alice/${name}`)
    document.doc.getText('t').insert(0, text)
    await document.close()
  }
}

describe('a library of 1,000 documents', () => {
  const names = Array.from({ length: 1_000 }, (_, i) => `chapter ${i}`)

  it('costs what changed in it: two documents', async () => {
    const world = new World()
    const a = world.device()
    await write(a, names, 'first')
    expect(await a.sync()).toMatchObject({ complete: true })
    const disk = new MemoryDisk()
    const b = mirroring(world, disk)
    const taken = await b.sync()
    expect(taken.complete).toBe(true)
    expect(taken.relays[0]?.documents).toHaveLength(1_000)
    expect(await b.list('alice')).toHaveLength(1_000)

    await write(a, ['chapter 7', 'chapter 500'], 'second, ')
    const pushed = await a.sync()
    expect(pushed.relays[0]?.documents.map(({ id }) => id)).toEqual(['alice/chapter 7', 'alice/chapter 500'])
    const pulled = await b.sync()
    expect(pulled.relays[0]?.documents.map(({ id }) => id).sort()).toEqual(['alice/chapter 500', 'alice/chapter 7'])
    expect((await b.open('alice/chapter 500')).doc.getText('t').toString()).toBe('second, first')
    await b.close()

    // The same with everything open, and after a restart: nothing is new.
    const later = mirroring(world, disk)
    for (const name of names) await later.open(`alice/${name}`)
    const idle = await later.sync()
    expect(idle).toMatchObject({ complete: true, relays: [{ documents: [] }] })
    expect(idle.relays[0]!.bytesReceived).toBeLessThan(200)
  }, 60_000)

  it('can be listed by a new device that takes none of it', async () => {
    const world = new World()
    await write(world.device(), names.slice(0, 300), 'x')
    const a = world.device()
    await write(a, names.slice(0, 300), 'x')
    await a.sync()
    const b = world.device()
    const report = await b.tidemark.sync({ vaults: ['alice'] })
    expect(report).toMatchObject({ complete: true, relays: [{ documents: [] }] })
    expect(await b.tidemark.list('alice')).toHaveLength(300)
    const listed = async (): Promise<unknown> => (await b.tidemark.list('alice'))[0]
    expect(await listed()).toEqual({ id: 'alice/chapter 0', onDevice: false, deleted: false })
    // Nothing of it is here because it is open; and what only this device knows is here in any case.
    await b.open('alice/chapter 0')
    expect(await listed()).toEqual({ id: 'alice/chapter 0', onDevice: false, deleted: false })
    await b.open('alice/a new one')
    expect(await listed()).toEqual({ id: 'alice/a new one', onDevice: true, deleted: false })
    await b.sync()
    expect(await b.tidemark.list('alice')).toContainEqual({ id: 'alice/chapter 0', onDevice: true, deleted: false })
  })

  it('gives everything back to a relay that was wiped, although nothing is open', async () => {
    const world = new World()
    const a = world.device()
    await write(a, names.slice(0, 100), 'x')
    await a.sync()
    world.wipe()
    expect((await a.sync()).complete).toBe(true)
    const b = mirroring(world)
    await b.sync()
    expect(await b.list('alice')).toHaveLength(100)
    expect((await b.open('alice/chapter 99')).doc.getText('t').toString()).toBe('x')
  })
})

describe('a library that outgrows what a device keeps in mind', () => {
  it('syncs what is on the device, and is not called complete', async () => {
    const disk = new MemoryDisk()
    const store = await disk.open()
    const bytes = encodeListing({ tag: new Uint8Array(8), deleted: false })
    const ids = Array.from({ length: LISTINGS_MAX }, (_, i) => `alice/listed ${i}`)
    await store.commit({ records: ids.map((id) => ({ key: listingKey(RELAY_URL, id), bytes })) })
    await store.close()
    const world = new World()
    const writer = world.device()
    await write(writer, ['one', 'two'], 'x')
    await writer.sync()
    const device = world.device(disk)
    await device.type('A word.')
    const report = await device.sync()
    expect(report.complete).toBe(false)
    const error = { code: 'MALFORMED', message: 'The relay lists more than 250000 documents', action: 'fix-relay' }
    expect(report.relays[0]).toMatchObject({ error, documents: [{ outcome: 'synced', entriesPushed: 1 }] })
    expect((await device.open()).status).toMatchObject({ safety: 'on-relay', problem: error })
  }, 60_000)
})

describe('what a burst costs', () => {
  it('is one message each way for a document that is up to date, or has only something to push', async () => {
    const world = new World()
    const device = world.device()
    await device.type('x')
    for (const edit of ['', 'y']) {
      if (edit !== '') await device.type(edit)
      const { messagesUp, messagesDown } = world.relay
      await device.sync()
      expect([world.relay.messagesUp - messagesUp, world.relay.messagesDown - messagesDown]).toEqual([1, 1])
    }
    const { upBytes, downBytes } = world.relay
    await device.sync()
    expect(world.relay.upBytes - upBytes).toBeLessThan(200 + 'alice/*:write'.length)
    expect(world.relay.downBytes - downBytes).toBeLessThan(200)
  })

  it('leaves no socket behind', async () => {
    const world = new World()
    const device = world.device()
    await device.type('x')
    await device.sync()
    expect([world.relay.openSockets, world.relay.core.connectionCount]).toEqual([0, 0])
  })
})

/** Of the messages that a relay takes, half. */
const PIECE_BYTES = 32_752

describe('a big document', () => {
  const words = (length: number): string => Array.from({ length }, (_, i) => (i * 7919).toString(36)).join(' ')

  it('goes up and down in pieces, as one entry', async () => {
    const world = new World()
    const [a, b] = [world.device(), world.device()]
    const text = words(900_000) // 5 MB
    await a.type(text)
    expect((await a.sync()).complete).toBe(true)
    expect(await world.log()).toHaveLength(1)
    await b.open()
    const progress: number[] = []
    const report = await b.tidemark.sync({ onProgress: ({ bytesDone }) => progress.push(bytesDone) })
    expect(report.complete).toBe(true)
    expect((await b.text()) === text).toBe(true)
    expect(progress.length).toBeGreaterThan(5)
    expect([...progress].sort((x, y) => x - y)).toEqual(progress)
  })

  it('costs no round beyond those of its pieces', async () => {
    const world = new World()
    const a = world.device()
    await a.type('x')
    await a.sync()
    await a.type(words(100_000)) // 0.6 MB
    const { messagesUp } = world.relay
    await a.sync()
    const payload = (await world.log())[1]?.payload as Uint8Array
    // The one before them tells the relay what comes.
    expect(world.relay.messagesUp - messagesUp).toBe(1 + Math.ceil(payload.length / PIECE_BYTES))
  })

  it('resumes where the pieces were staged when the line is cut', async () => {
    const world = new World()
    const a = world.device()
    await a.type(words(400_000)) // 2 MB, in pieces of at most 1 MiB a round
    let upBytesLeft = 1_600_000
    world.line = () => ({ upBytesLeft, downBytesLeft: 1e9 })
    await a.sync().catch(() => undefined)
    const before = world.relay.upBytes
    upBytesLeft = 1e9
    expect((await a.sync()).complete).toBe(true)
    expect(world.relay.upBytes - before).toBeLessThan(2_200_000)
    expect(await world.log()).toHaveLength(1)
  })

  it('of 10,000 small entries comes whole, page by page, marks between', async () => {
    const world = new World()
    const doc = new Y.Doc()
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (let i = 0; i < 10_000; i++) doc.getText('t').insert(i, String(i % 10))
    for (const update of updates) await world.append(update)
    const b = world.device()
    await b.open()
    // Cut again and again: what a MARK covered is kept.
    world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: 200_000 })
    let bursts = 1
    while (bursts < 20 && !(await isComplete(b))) bursts++
    expect(bursts).toBeGreaterThan(1)
    expect(bursts).toBeLessThan(20)
    expect((await b.text()) === doc.getText('t').toString()).toBe(true)
  })
})

async function isComplete(device: TestDevice): Promise<boolean> {
  try {
    return (await device.tidemark.sync()).complete
  } catch {
    return false // Cut before WELCOME.
  }
}

it('a document that is not open is as unsent after a crash as it was before', async () => {
  const world = new World()
  const a = world.device()
  await a.burst(1)
  expect(a.tidemark.status.safety).toBe('on-relay')
  await a.type('stored, and never sent ')
  await a.tidemark.flush()
  a.crash()
  await a.tidemark.list('alice')
  expect(a.tidemark.status).toMatchObject({ safety: 'on-device', documentsUnsent: 1 })
})
