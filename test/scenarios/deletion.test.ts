// A document that was deleted is deleted everywhere, and nothing that somebody wrote is lost by that.
import { Tidemark, type TidemarkDocument } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

async function two(world: World): Promise<readonly [TestDevice, TestDevice]> {
  const [a, b] = [world.device(), world.device()]
  await a.burst(1, 'a story ')
  await b.open()
  await b.sync()
  return [a, b]
}

describe('a deletion', () => {
  it('removes the document here, tells the other devices, and removes nothing there', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await a.tidemark.delete(NOVEL)
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.document()).toBeNull()
    expect(await a.tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: false, deleted: true }])
    await b.type('unsent ')
    await b.sync()
    expect(await b.text()).toBe('unsent a story ')
    const { status } = await b.open()
    expect(status).toMatchObject({
      safety: expect.stringMatching(/on-device|unsaved/),
      activity: 'stuck',
      problem: { code: 'DELETED' },
    })
    for (const device of [a, b, a]) await device.sync()
    expect(world.document()).toBeNull()
  })

  it('reaches a device that was away, which neither resurrects the document nor loses what it wrote', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await b.type('written far away ')
    await (await b.open()).flush()
    await a.tidemark.delete(NOVEL)
    await a.sync()
    world.laterMs += 100 * 24 * 60 * 60 * 1000
    await world.sweep()
    await b.sync()
    expect(world.document()).toBeNull()
    expect((await b.open()).status.problem).toMatchObject({ code: 'DELETED' })
    expect(await b.text()).toContain('written far away')
    b.crash()
    expect(await b.text()).toContain('written far away')
    // The app decides: it begins the document anew, with what is here.
    await b.open(NOVEL, { create: true })
    expect(await b.sync()).toMatchObject({ complete: true })
    expect((await b.open()).status).toMatchObject({ safety: 'on-relay', problem: null })
    const c = world.device()
    await c.open()
    await c.sync()
    expect(await c.text()).toBe('written far away a story ')
  })

  it('is asked for here: the document opens again only to be begun anew', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await a.tidemark.delete(NOVEL)
    await expect(a.open()).rejects.toMatchObject({ code: 'DELETED' })
    await a.sync()
    await expect(a.open()).rejects.toMatchObject({ code: 'DELETED' })
    await a.open(NOVEL, { create: true })
    await a.type('begun anew ')
    expect(await a.sync()).toMatchObject({ complete: true })
    await a.sync()
    expect(await a.text()).toBe('begun anew ')
    await b.sync()
    expect(await b.text()).toContain('a story')
  })

  it('is listed as soon as it is asked for', async () => {
    const world = new World()
    const [a] = await two(world)
    await a.tidemark.delete(NOVEL)
    const deleted = [{ id: NOVEL, onDevice: false, deleted: true }]
    expect(await a.tidemark.list('alice')).toEqual(deleted)
    a.crash()
    expect(await a.tidemark.list('alice')).toEqual(deleted)
  })

  it('removes the document at once where there is no relay', async () => {
    const disk = new MemoryDisk()
    const tidemark = new Tidemark({ store: disk })
    ;(await tidemark.open(NOVEL)).doc.getText('t').insert(0, 'very private')
    await tidemark.delete(NOVEL)
    expect(disk.snapshot().documents.get(NOVEL)?.rows.size ?? 0).toBe(0)
    expect(await tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: false, deleted: true }])
    await expect(tidemark.open(NOVEL)).rejects.toMatchObject({ code: 'DELETED' })
    const { doc } = await tidemark.open(NOVEL, { create: true })
    expect(doc.getText('t').toString()).toBe('')
  })

  it('elsewhere is still known after a restart', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await a.tidemark.delete(NOVEL)
    await a.sync()
    await b.sync()
    b.crash()
    expect((await b.open()).status).toMatchObject({ activity: 'stuck', problem: { code: 'DELETED' } })
    expect(b.tidemark.status.problem).toMatchObject({ code: 'DELETED' })
    await expect(b.tidemark.forget(NOVEL)).rejects.toMatchObject({ message: expect.stringContaining('was deleted') })
    await b.open(NOVEL, { create: true })
    await b.sync()
    expect((await b.open()).status).toMatchObject({ safety: 'on-relay', problem: null })
  })

  it.each(['forget', 'delete'] as const)('is not half seen by an open() beside it (%s)', async (method) => {
    for (let turns = 0; turns < 30; turns++) {
      const world = new World()
      const [a] = await two(world)
      await (await a.open()).close()
      const gone = a.tidemark[method](NOVEL)
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      const opened = await a.open().catch((error: unknown) => error)
      await gone
      if (opened instanceof Error) {
        expect(opened).toMatchObject({ code: 'DELETED' })
        continue
      }
      const document = opened as TidemarkDocument
      document.doc.getText('t').insert(0, 'more ')
      // It was there before, and was closed; or it is empty, and goes on.
      if (document.doc.getText('t').toString() === 'more ') expect(document.status.problem).toBeNull()
      else expect(document.status).toMatchObject({ safety: 'unsaved', problem: { code: 'CLOSED' } })
      await a.tidemark.flush()
      a.crash()
      if (method === 'forget' && document.status.problem === null) expect(await a.text()).toBe('more ')
    }
  })

  it('is given back to a relay that lost it, each time', async () => {
    const world = new World()
    const [a] = await two(world)
    await a.tidemark.delete(NOVEL)
    await a.sync()
    for (let wipe = 0; wipe < 2; wipe++) {
      world.wipe()
      for (let burst = 0; burst < 3; burst++) await a.sync()
      expect(await a.tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: false, deleted: true }])
      expect(world.store.snapshot().state.tombstones.has(NOVEL)).toBe(true)
    }
  })

  it('needs a grant of delete', async () => {
    const world = new World()
    const a = world.device(undefined, { token: 'alice/*:write' })
    await a.burst(1, 'a story ')
    await a.tidemark.delete(NOVEL)
    const report = await a.sync()
    expect(report.relays[0]?.documents).toMatchObject([{ outcome: 'failed', error: { code: 'READ_ONLY' } }])
    expect(world.document()).not.toBeNull()
  })

  it('of a document that others write to names what they wrote last', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await b.burst(2, 'more ')
    await a.tidemark.delete(NOVEL)
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.document()).toBeNull()
    await b.sync()
    expect(await b.text()).toContain('more')
  })

  it('of a document that no relay knows leaves nothing behind', async () => {
    const world = new World()
    const a = world.device()
    await a.type('never sent')
    await a.tidemark.delete(NOVEL)
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.head()).toBe(0)
    expect((await a.tidemark.list('alice')).filter(({ deleted }) => !deleted)).toEqual([])
  })
})

describe('case 39: DELETE replayed after the document was begun anew, and an old mark into the new document', () => {
  it('leaves the new document alone', async () => {
    const world = new World()
    const [a, b] = await two(world)
    const late = world.device(b.disk.clone())
    await late.open()
    await a.tidemark.delete(NOVEL)
    await a.sync()
    await b.sync()
    await b.open(NOVEL, { create: true })
    await b.sync()
    expect(world.document()).not.toBeNull()
    // A third device holds a mark of the old document.
    await late.type('old words ')
    await late.sync()
    expect((await late.open()).status.problem).toMatchObject({ code: 'DELETED' })
    const c = world.device()
    await c.open()
    await c.sync()
    expect(await c.text()).not.toContain('old words')
    // And one deletes it again, by the old mark.
    await late.tidemark.delete(NOVEL)
    await late.sync()
    expect(world.document()).not.toBeNull()
  })
})

describe('case 42: a repair drops the mark, the device is cut, the document is deleted and begun anew', () => {
  it('the old content is not taken into the new document', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await b.type('old words ')
    await b.sync()
    await a.sync()
    await world.store.repair({
      documentId: NOVEL,
      incarnation: world.document()?.incarnation ?? new Uint8Array(),
      fingerprint: new Uint8Array(16).fill(3),
    })
    // b meets the new generation, and is cut before anything more comes.
    for (let bytes = 80; bytes < 400; bytes += 8) {
      world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: bytes })
      await b.sync().catch(() => undefined)
    }
    world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    await a.tidemark.delete(NOVEL)
    await a.sync()
    const c = world.device()
    ;(await c.open(NOVEL, { create: true })).doc.getText('t').insert(0, 'new words')
    expect(await c.sync()).toMatchObject({ complete: true })
    await b.sync()
    await c.sync()
    expect(await c.text()).toBe('new words')
    expect(await b.text()).toContain('old words')
    expect((await b.open()).status.problem).toMatchObject({ code: 'DELETED' })
  })
})

describe('a relay that lost its tombstones', () => {
  it('is given them back by devices that know of the deletion', async () => {
    const world = new World()
    const [a, b] = await two(world)
    await a.tidemark.delete(NOVEL)
    await a.sync()
    world.wipe()
    await a.sync()
    await b.sync()
    expect(world.document()).toBeNull()
    expect((await b.open()).status.problem).toMatchObject({ code: 'DELETED' })
  })
})
