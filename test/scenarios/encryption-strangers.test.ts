// What wrong keys, missing ones and people without any can do to an encrypted document: be noticed, and no more.
import { keyRing } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { encodeSnapshotPayload, snapshotIdOf } from '../../client/src/document/snapshot-payload.ts'
import { baseOf, bookmarkAt, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { burstAll, CLAIMS, encryptedDevice, key, NO_REPAIR, opened, problemOf, SMALL } from '../support/encrypted.ts'
import { NOVEL, World } from '../support/world.ts'

/** Puts a snapshot in the place of the log up to a mark. */
async function install(world: World, payload: Uint8Array, mark: Uint8Array): Promise<void> {
  const upload = 'a stranger’s'
  await world.store.stage({ key: upload, total: payload.length, offset: 0, bytes: payload })
  const baseExpected = baseOf(world.document() as MemoryDocument)
  const made = { documentId: NOVEL, mark, baseExpected, snapshotId: snapshotIdOf(payload), upload }
  expect(await world.store.install(made)).toBe('OK')
}

describe('a wrong key', () => {
  it('is told from a missing one, asks for one repair, ever, and loses nothing', async () => {
    const right = key('k1')
    const world = new World(CLAIMS)
    const a = encryptedDevice(world, keyRing([right]))
    await a.burst(2, 'words ')
    const keys = keyRing([key('k1')])
    const b = encryptedDevice(world, keys)
    await b.open()
    await burstAll([b, b, a, b])
    expect(await problemOf(b)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k1' })
    expect(((await problemOf(b)) as Error).message).toContain('not authentic')
    const generation = world.generation()
    expect(generation).not.toBe(NO_REPAIR)
    for (let day = 0; day < 10; day++) {
      world.laterMs += 24 * 60 * 60 * 1_000
      await burstAll([a, b])
    }
    const settled = world.generation()
    for (let day = 0; day < 10; day++) {
      world.laterMs += 24 * 60 * 60 * 1_000
      await burstAll([a, b])
    }
    expect(world.generation()).toBe(settled)
    keys.replace(right)
    expect(await b.text()).toBe('words words ')
    expect(await problemOf(b)).toBeNull()
  })

  it('in its place, the same id twice, is refused, and says which', () => {
    expect(() => keyRing([key('k1'), key('k1')])).toThrow(/keys\[1\]\.id: another key is called k1/)
  })
})

describe('what somebody without a key puts into an encrypted document', () => {
  async function plainEntry(world: World): Promise<string> {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'forged ')
    await world.append(Y.encodeStateAsUpdate(doc))
    return doc.getText('t').toString()
  }

  it('is not taken in where it is plain, is named, and holds up nobody', async () => {
    const world = new World({ ...SMALL, ...CLAIMS })
    const keys = keyRing([key('k1')])
    const a = encryptedDevice(world, keys, { compaction: 'gladly' })
    await a.burst(2, 'true ')
    await plainEntry(world)
    const b = await opened(encryptedDevice(world, keys))
    await a.burst(6, 'true ')
    await burstAll([b, a, b])
    for (const one of [a, b]) {
      expect(await one.text()).not.toContain('forged')
      expect((await one.open()).status.problem).toMatchObject({ code: 'NOT_ENCRYPTED', action: 'fix-app' })
    }
    expect(await b.text()).toBe(await a.text())
    expect(world.generation()).toBe(NO_REPAIR)
    expect(world.base()).toBeGreaterThan(3)
    expect(world.document()?.agreedIndex).toBeGreaterThan(3)
    const c = await opened(encryptedDevice(world, keys))
    expect(await c.text()).toBe(await a.text())
    expect(await problemOf(c)).toMatchObject({ code: 'NOT_ENCRYPTED' })
  })

  it('is not opened where an envelope is moved to another document', async () => {
    const world = new World()
    const keys = keyRing([key('k1')])
    const a = encryptedDevice(world, keys)
    await a.burst(1, 'of the novel ')
    const [entry] = await world.log()
    await world.append(entry?.payload as Uint8Array, 17, 'alice/diary')
    await a.open('alice/diary')
    await a.sync()
    const diary = await a.open('alice/diary')
    expect(diary.doc.getText('t').toString()).toBe('')
    expect(diary.status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k1' })
  })

  it('does not keep the log from being compacted where it is forged, and the key has opened what others wrote', async () => {
    const world = new World({ ...SMALL, ...CLAIMS })
    const keys = keyRing([key('k1')])
    const [a, b] = [encryptedDevice(world, keys, { compaction: 'gladly' }), encryptedDevice(world, keys)]
    await a.burst(1, 'true ')
    await opened(b)
    await b.burst(1, 'of b ')
    const [entry] = await world.log()
    const forged = (entry as { payload: Uint8Array }).payload.slice()
    forged[forged.length - 1] = (forged.at(-1) as number) ^ 1
    await world.append(forged, 17)
    await burstAll([a, b])
    expect(world.generation()).not.toBe(NO_REPAIR)
    await a.burst(6, 'true ')
    await burstAll([b, a, b])
    expect(world.base()).toBeGreaterThan(3)
    expect(world.document()?.agreedIndex).toBeGreaterThan(3)
    for (const one of [a, b]) expect(await problemOf(one)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k1' })
    expect(await b.text()).toBe(await a.text())
  })

  it('is mended where it takes the place of the log as a snapshot that does not open', async () => {
    const world = new World({ ...SMALL, ...CLAIMS })
    const keys = keyRing([key('k1')])
    const [a, b] = [encryptedDevice(world, keys, { compaction: 'gladly' }), encryptedDevice(world, keys)]
    await a.burst(2, 'of a '.repeat(100))
    await opened(b)
    await b.burst(1, 'of b ')
    await a.sync()
    const log = world.document() as MemoryDocument
    const seal = { keyId: 'k1', seal: () => ({ suite: 1, sealed: new Uint8Array(300) }) }
    const snapshot = {
      mark: bookmarkAt(log, headOf(log)),
      deepDigest: new Uint8Array(16),
      held: [],
      update: new Uint8Array(2),
    }
    await install(world, encodeSnapshotPayload(snapshot, seal), snapshot.mark)
    const c = encryptedDevice(world, keys)
    await c.open()
    for (const one of [c, a, b, c, a, b, c]) {
      await one.sync()
      world.laterMs += 61_000
    }
    expect(await c.text()).toBe(await a.text())
    expect(await c.text()).toContain('of b ')
    await a.burst(6, 'on ')
    await c.sync()
    expect(await c.text()).toBe(await a.text())
    const fresh = await opened(encryptedDevice(world, keys))
    expect(await fresh.text()).toBe(await a.text())
    expect(await problemOf(fresh)).toBeNull()
  })

  it('is an entry like any that cannot be applied where no key could open it', async () => {
    const world = new World({ ...SMALL })
    const keys = keyRing([key('k1')])
    const a = encryptedDevice(world, keys, { compaction: 'gladly' })
    await a.burst(1, 'true ')
    await world.append(Uint8Array.of(9), 17)
    await a.burst(6, 'true ')
    expect(await problemOf(a)).toMatchObject({ code: 'CANNOT_APPLY' })
    expect(world.base()).toBeGreaterThan(2)
  })

  it('never reaches a device that is not encrypted as anything but an entry to hold', async () => {
    const world = new World(CLAIMS)
    await encryptedDevice(world, keyRing([key('k1')])).burst(2, 'sealed ')
    const b = await opened(world.device())
    await burstAll([b, b])
    expect(await b.text()).toBe('')
    expect(await problemOf(b)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k1', action: 'add-key' })
    expect(world.generation()).toBe(NO_REPAIR)
  })
})

describe('a document that was plain before', () => {
  it('moves, with all that there is of it, to an id that is encrypted', async () => {
    const world = new World()
    const a = world.device(undefined, { token: 'alice/*:delete sealed/*:delete' })
    await a.burst(2, 'written in the open ')
    await a.tidemark.close()
    const keys = keyRing([key('k1')], { isPlain: (id) => id.startsWith('alice/') })
    const options = { token: 'alice/*:delete sealed/*:delete', encryption: { keys } }
    const later = world.device(a.disk, options)
    const [plain, sealed] = [await later.open(NOVEL), await later.open('sealed/novel')]
    Y.applyUpdate(sealed.doc, Y.encodeStateAsUpdate(plain.doc))
    await later.sync()
    await plain.close()
    await later.tidemark.delete(NOVEL)
    expect(await later.sync()).toMatchObject({ complete: true })
    expect(await world.log()).toEqual([])
    expect((await world.log('sealed/novel')).map(({ format }) => format)).toEqual([17])
    const b = world.device(undefined, options)
    const there = await b.open('sealed/novel')
    await b.sync()
    expect(there.doc.getText('t').toString()).toBe('written in the open written in the open ')
  })

  it('takes in no more of what is plain once it is encrypted here, and keeps what it has', async () => {
    const world = new World()
    const [a, writer] = [world.device(), world.device()]
    await a.burst(2, 'written in the open ')
    await opened(writer)
    await a.tidemark.close()
    const later = encryptedDevice(world, keyRing([key('k1')]), { disk: a.disk })
    await writer.burst(1, 'in the open still ')
    await later.type('sealed ')
    await later.sync()
    expect(await later.text()).toBe('sealed written in the open written in the open ')
    expect(await problemOf(later)).toMatchObject({ code: 'NOT_ENCRYPTED' })
    await writer.sync()
    expect(await problemOf(writer)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k1' })
    expect(await writer.text()).not.toContain('sealed')
  })
})
