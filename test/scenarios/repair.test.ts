// Divergence is noticed by claims, and mended by a resync of everybody, once.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import type { HeldEntry } from '../../client/src/document/rows.ts'
import { encodeSnapshotPayload, snapshotIdOf } from '../../client/src/document/snapshot-payload.ts'
import { bookmarkAt, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

const WANTED = { claimEntries: 1 }
const NO_REPAIR = '0000000000000000'

/** Puts a snapshot in place that nobody made in good faith. */
async function install(
  world: World,
  update: Uint8Array,
  { index, held = [] }: { index?: number; held?: readonly HeldEntry[] } = {},
): Promise<void> {
  const document = world.document() as MemoryDocument
  const mark = bookmarkAt(document, index ?? headOf(document))
  const payload = encodeSnapshotPayload({ mark, deepDigest: new Uint8Array(16), held, update })
  await installBytes(world, payload, mark)
}

async function installBytes(world: World, payload: Uint8Array, mark: Uint8Array): Promise<void> {
  await world.store.stage({ key: 'bad', total: payload.length, offset: 0, bytes: payload })
  const outcome = await world.store.install({
    documentId: NOVEL,
    mark,
    baseExpected: world.base(),
    snapshotId: snapshotIdOf(payload),
    upload: 'bad',
  })
  expect(outcome).toBe('OK')
}

/** The state of somebody who was given nothing of what is in the log. */
function otherState(): Uint8Array {
  const other = new Y.Doc()
  other.getText('t').insert(0, 'something else ')
  return Y.encodeStateAsUpdate(other)
}

async function burstAll(devices: readonly TestDevice[]): Promise<void> {
  for (const device of devices) expect(await device.sync()).toMatchObject({ complete: true })
}

describe('case 16: a snapshot that misses a client’s content', () => {
  it('two devices find out and heal, at their next burst each', async () => {
    const world = new World(WANTED)
    const [a, b] = [world.device(), world.device()]
    await a.burst(3, 'words of a ')
    await b.open()
    await b.sync()
    await b.burst(1, 'words of b ')
    await a.sync()
    await install(world, otherState())
    // A new device knows nothing but the bad snapshot; a has everything.
    const c = world.device()
    await c.open()
    await c.sync()
    expect(await c.text()).not.toContain('words of a')
    await a.sync()
    await c.sync()
    expect(world.generation()).not.toBe(NO_REPAIR)
    await a.sync()
    await c.sync()
    expect(await c.text()).toBe(await a.text())
    for (const words of ['words of a', 'words of b']) expect(await c.text()).toContain(words)
    await burstAll([b, a, b, c])
    expect(await b.text()).toBe(await a.text())
  })

  it('is found too where everybody holds an entry that nobody can apply', async () => {
    const world = new World(WANTED)
    const [a, b] = [world.device(), world.device()]
    // Longer than the snapshot below: a device that starts is given whichever is shorter.
    await a.burst(3, 'words of a '.repeat(10))
    await b.open()
    await b.sync()
    await b.burst(1, 'words of b ')
    await a.sync()
    await world.append(new Uint8Array(40).fill(255))
    await burstAll([a, b, a, b]) // It draws a repair, once.
    const repaired = world.generation()
    const junk = (await world.log()).at(-1) as HeldEntry
    await install(world, otherState(), { held: [junk] })
    world.laterMs += 24 * 60 * 60 * 1_000
    const c = world.device()
    await c.open()
    await c.sync()
    expect(await c.text()).not.toContain('words of a')
    await burstAll([a, c, b])
    expect(world.generation()).not.toBe(repaired)
    await burstAll([a, c, b])
    for (const words of ['words of a', 'words of b']) expect(await c.text()).toContain(words)
    expect(await b.text()).toBe(await a.text())
  })

  it('a device that is given it gives back what it misses, at once', async () => {
    const world = new World({ retentionMs: 0, retentionMaxMs: 0 })
    const [a, b] = [world.device(), world.device()]
    await a.burst(3, 'words of a ')
    await b.open()
    await b.sync()
    await a.burst(2, 'more of a ')
    await install(world, otherState())
    world.laterMs += 1_000
    await world.sweep()
    await burstAll([b, a, b])
    expect(await b.text()).toContain('words of a')
    const c = world.device()
    await c.open()
    await c.sync()
    expect(await c.text()).toContain('words of a')
  })

  it.each([
    ['garbage', new Uint8Array(300).fill(7)],
    ['a header, and garbage', Uint8Array.from([1, 0, 1, 0, ...new Uint8Array(50).fill(255)])],
  ])('%s in its place is found out, and everything is given back', async (_name, payload) => {
    const world = new World(WANTED)
    const [a, b] = [world.device(), world.device()]
    await a.burst(3, 'words of a ')
    await b.open()
    await b.sync()
    const document = world.document() as MemoryDocument
    await installBytes(world, payload, bookmarkAt(document, headOf(document)))
    const c = world.device()
    await c.open()
    for (const device of [c, a, b, c, a, b, c]) {
      await device.sync()
      world.laterMs += 61_000
    }
    expect(await c.text()).toBe(await a.text())
    expect(await c.text()).toContain('words of a')
  })
})

describe('case 28: a retry that is answered out of a prefix hidden by a bad snapshot', () => {
  it('is stored again', async () => {
    const world = new World()
    const a = world.device()
    await a.type('never lost ')
    world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: 0 })
    await expect(a.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    await install(world, Uint8Array.of(0, 0))
    await a.sync()
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe('never lost ')
  })
})

describe('case 29: one entry that no device can apply', () => {
  it('is reported once, makes everybody resync once, and then nobody again', async () => {
    const world = new World(WANTED)
    const devices = Array.from({ length: 4 }, () => world.device())
    const [a] = devices as [TestDevice]
    await a.burst(1, 'good ')
    for (const device of devices) await device.open()
    await burstAll(devices)
    await world.append(Uint8Array.of(9, 9, 9))
    await burstAll(devices)
    const generation = world.generation()
    expect(generation).not.toBe(NO_REPAIR)
    await burstAll(devices)
    for (let round = 0; round < 3; round++) {
      world.laterMs += 24 * 60 * 60 * 1000
      await a.burst(1, 'on ')
      await burstAll(devices)
    }
    expect(world.generation()).toBe(generation)
    const texts = await Promise.all(devices.map((device) => device.text()))
    expect(new Set(texts).size).toBe(1)
    for (const device of devices) expect((await device.open()).status.problem).toMatchObject({ code: 'CANNOT_APPLY' })
  })

  it('goes on being given after a compaction over it', async () => {
    const world = new World({ compactEntries: 3 })
    const a = world.device(undefined, { compaction: 'gladly' })
    await a.burst(1, 'good ')
    await world.append(Uint8Array.of(9, 9, 9))
    await a.burst(6, 'more ')
    expect(world.base()).toBeGreaterThan(2)
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect((await b.open()).status.problem).toMatchObject({ code: 'CANNOT_APPLY' })
  })
})

describe('case 4: a predecessor that is missing for ever', () => {
  it('sync, claims and compaction go on', async () => {
    const world = new World({ ...WANTED, compactEntries: 6 })
    const orphan = new Y.Doc()
    orphan.getText('t').insert(0, 'lost for ever')
    const state = Y.encodeStateVector(orphan)
    orphan.getText('t').insert(0, 'waits for it ')
    const a = world.device(undefined, { compaction: 'gladly' })
    const b = world.device(undefined, { compaction: 'gladly' })
    await a.burst(1, 'good ')
    await world.append(Y.encodeStateAsUpdate(orphan, state))
    await b.open()
    for (let round = 0; round < 10; round++) {
      await a.burst(1, 'a ')
      await b.sync()
      await b.burst(1, 'b ')
      world.laterMs += 60 * 60 * 1000
    }
    await burstAll([a, b, a, b])
    expect(await b.text()).toBe(await a.text())
    expect(world.base()).toBeGreaterThan(2)
    expect(world.document()?.agreedIndex).toBeGreaterThan(2)
    expect((await a.open()).status).toMatchObject({
      safety: expect.stringMatching(/on-relay|confirmed/),
      problem: null,
    })
    // What waits is not lost either: when the predecessor comes after all, it is there.
    const first = new Y.Doc()
    Y.applyUpdate(first, Y.encodeStateAsUpdate(orphan))
    const c = world.device()
    await c.open()
    await c.sync()
    await world.append(Y.encodeStateAsUpdate(orphan))
    await burstAll([c])
    expect(await c.text()).toContain('waits for it lost for ever')
  })
})

describe('case 43: a repair must reach devices whose documents are closed', () => {
  it('through the feed', async () => {
    const world = new World(WANTED)
    const [a, b] = [world.device(), world.device()]
    await a.burst(2, 'words '.repeat(50))
    await b.open()
    await b.sync()
    await (await b.open()).close()
    await install(world, Uint8Array.of(0, 0))
    const c = world.device()
    await c.open()
    for (const device of [c, a, c]) await device.sync()
    expect(world.generation()).not.toBe(NO_REPAIR)
    const report = await b.sync()
    expect(report.relays[0]?.documents).toMatchObject([{ id: NOVEL }])
    await burstAll([a, b, c, a, b, c])
    expect(await c.text()).toBe(await a.text())
    expect(await c.text()).toContain('words')
  })
})

describe('a client id that two devices used', () => {
  it('is found when a snapshot is given, and the status says so', async () => {
    const world = new World({ compactEntries: 3, retentionMs: 0, retentionMaxMs: 0 })
    const a = world.device(undefined, { compaction: 'gladly' })
    const b = world.device()
    const docs = [(await a.open()).doc, (await b.open()).doc]
    for (const [i, doc] of docs.entries()) {
      doc.clientID = 77
      doc.getText('t').insert(0, i === 0 ? 'AAAA' : 'BBBB')
    }
    await a.sync()
    await b.sync()
    await a.burst(6, 'a ')
    world.laterMs += 1_000
    await world.sweep()
    await b.sync()
    await b.sync()
    expect((await b.open()).status).toMatchObject({ activity: 'stuck', problem: { code: 'DIVERGED' } })
  })
})
