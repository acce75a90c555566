// End-to-end encryption: what devices with and without keys make of one log, through rotation, restores and strangers.
import { keyRing } from '@tidemark/client'
import { describe, expect, it, vi } from 'vitest'
import {
  burstAll,
  CLAIMS,
  encryptedDevice as device,
  FORGETFUL,
  key,
  NO_REPAIR,
  opened,
  problemOf,
  SMALL,
} from '../support/encrypted.ts'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

const WORDS = ['lighthouse', 'keeper', 'storm']

/** All that the relay keeps, as text. */
function kept(world: World): string {
  const { entries = [], snapshot } = world.document() ?? {}
  const payloads = [...entries.map(({ payload }) => payload), ...(snapshot ? [snapshot.payload] : [])]
  return payloads.map((payload) => Buffer.from(payload).toString('latin1')).join('\n')
}

describe('an encrypted document', () => {
  it('is read by whoever has the key, and the relay keeps no word of it', async () => {
    const [k1] = [key('k1')]
    const world = new World({ ...SMALL, ...CLAIMS })
    const a = device(world, keyRing([k1]), { compaction: 'gladly' })
    await a.burst(6, `${WORDS.join(' ')} `)
    expect(world.base()).toBeGreaterThan(0)
    const b = await opened(device(world, keyRing([k1])))
    expect(await b.text()).toBe(await a.text())
    expect(await problemOf(b)).toBeNull()
    for (const word of WORDS) expect(kept(world)).not.toContain(word)
    await burstAll([a, b, a, b])
    expect(world.document()?.agreedIndex).toBeGreaterThan(0)
    expect(world.generation()).toBe(NO_REPAIR)
  })

  it('shows its words to the relay where it is not encrypted: the search finds what there is to find', async () => {
    const world = new World(SMALL)
    await world.device(undefined, { compaction: 'gladly' }).burst(6, `${WORDS.join(' ')} `)
    for (const word of WORDS) expect(kept(world)).toContain(word)
  })

  it('goes up again with the same bytes after a lost acknowledgement', async () => {
    const world = new World()
    const a = device(world, keyRing([key('k1')]))
    await a.type('once ')
    world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: 0 })
    await expect(a.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    world.line = null
    world.relay.newLine = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.head()).toBe(1)
  })

  it('lies plain on the device’s own disk, and is opened there without a key', async () => {
    const world = new World()
    const a = device(world, keyRing([key('k1')]))
    await a.burst(1, 'my own ')
    await a.tidemark.close()
    const later = world.device(a.disk, { encryption: { keys: keyRing() } })
    expect(await later.text()).toBe('my own ')
  })

  it('of a vault has the key of its vault, one of its own if there is one, and may be left plain', async () => {
    const world = new World()
    const own = `${NOVEL}-own`
    const keys = keyRing(
      [
        { ...key('vault'), scope: 'alice' },
        { ...key('own'), scope: own },
      ],
      {
        isPlain: (id) => id === 'alice/open',
      },
    )
    const a = device(world, keys)
    for (const id of [NOVEL, own, 'alice/open']) (await a.open(id)).doc.getText('t').insert(0, 'words')
    await a.sync()
    const formats = async (id: string): Promise<unknown> => (await world.log(id)).map(({ format }) => format)
    expect(await Promise.all([NOVEL, own, 'alice/open'].map(formats))).toEqual([[17], [17], [1]])
    const b = world.device(undefined, { encryption: { keys: keyRing([{ ...key('none'), scope: 'alice' }]) } })
    for (const id of [NOVEL, own]) await b.open(id)
    await b.sync()
    expect((await b.open(NOVEL)).status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'vault' })
    expect((await b.open(own)).status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'own' })
  })
})

describe('without its current key', () => {
  it('nothing of a document is sent, and everything once the key is there', async () => {
    const world = new World()
    const keys = keyRing()
    const a = device(world, keys)
    await a.type('waits for its key ')
    expect(await a.sync()).toMatchObject({ complete: false })
    expect(world.head()).toBe(0)
    expect((await a.open()).status).toMatchObject({
      safety: 'on-device',
      activity: 'stuck',
      problem: { code: 'UNKNOWN_KEY', message: expect.stringContaining(NOVEL) },
    })
    await (await a.open()).close()
    expect(a.tidemark.status).toMatchObject({ activity: 'stuck', problem: { code: 'UNKNOWN_KEY' } })
    keys.rotate(key('k1'))
    expect(a.tidemark.status).toMatchObject({ activity: 'idle', problem: null })
    expect(await a.sync()).toMatchObject({ complete: true })
    expect((await a.open()).status).toMatchObject({ safety: 'on-relay', problem: null })
    expect((await world.log())[0]).toMatchObject({ format: 17 })
  })
})

describe('case 26: a key is rotated under a full outbox', () => {
  it('what was on its way goes up as it was sealed, the rest under the new key, and all of it is read', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World()
    const keys = keyRing([k1])
    const a = device(world, keys)
    await a.type('small and on its way ')
    world.line = () => ({ upBytesLeft: 0, downBytesLeft: 0 })
    await expect(a.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    const long = 'a long chapter '.repeat(10_000)
    await a.type(long)
    await expect(a.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    keys.rotate(k2)
    await a.type('after the rotation ')
    world.line = null
    world.relay.newLine = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    expect(await a.sync()).toMatchObject({ complete: true })
    const b = await opened(device(world, keyRing([k1, k2])))
    expect(await b.text()).toBe(await a.text())
    expect(await b.text()).toContain(long)
    const under = (await world.log()).map(({ payload }) => Buffer.from(payload.subarray(2, 4)).toString())
    expect(new Set(under)).toEqual(new Set(['k1', 'k2']))
  })

  it('a large push that a restart interrupted goes on under the key that it was sealed with', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World()
    const a = device(world, keyRing([k1]))
    const long = 'a long chapter '.repeat(20_000)
    await a.type(long)
    world.line = () => ({ upBytesLeft: 100_000, downBytesLeft: 1e9 })
    await expect(a.sync()).resolves.toMatchObject({ complete: false })
    await (await a.open()).flush()
    world.line = null
    world.relay.newLine = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    a.disk.crash()
    const later = device(world, keyRing([k1, k2]))
    const restarted = world.device(a.disk, { encryption: { keys: keyRing([k1, k2]) } })
    await restarted.type('after ')
    expect(await restarted.sync()).toMatchObject({ complete: true })
    await opened(later)
    expect(await later.text()).toBe(await restarted.text())
    expect(await later.text()).toContain(long)
  })

  it('a device that is told late reads what it can, and the rest when the key comes', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World({ ...CLAIMS, ...SMALL })
    const late = keyRing([k1])
    const ofA = keyRing([k1])
    const a = device(world, ofA)
    await a.burst(2, 'before ')
    const b = await opened(device(world, late, { compaction: 'gladly' }))
    ofA.rotate(k2)
    await a.burst(4, 'after ')
    await b.burst(1, 'meanwhile ')
    expect(await b.text()).not.toContain('after')
    expect(await problemOf(b)).toMatchObject({
      code: 'UNKNOWN_KEY',
      keyId: 'k2',
      message: expect.stringContaining('4 '),
    })
    expect(world.base()).toBe(0)
    late.rotate(k2)
    for (const words of ['after '.repeat(4), 'meanwhile ', 'before before ']) expect(await b.text()).toContain(words)
    expect(await problemOf(b)).toBeNull()
    await burstAll([a, b, a, b])
    expect(await a.text()).toBe(await b.text())
    expect(world.document()?.agreedIndex).toBeGreaterThan(0)
    expect(world.generation()).toBe(NO_REPAIR)
    expect(world.base()).toBeGreaterThan(0)
  })

  it('claims of devices on different keys are not compared, and agree when both are on the new one (case 30)', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World(CLAIMS)
    const [ofA, ofB] = [keyRing([k1]), keyRing([k1])]
    const [a, b] = [device(world, ofA), device(world, ofB)]
    await a.burst(1, 'words ')
    await opened(b)
    ofA.rotate(k2)
    ofB.add(k2)
    for (let i = 0; i < 3; i++) {
      await a.burst(1, 'a ')
      await b.burst(1, 'b ')
    }
    expect(world.document()?.agreedIndex ?? 0).toBe(0)
    ofB.rotate(k2)
    for (let i = 0; i < 2; i++) {
      await a.burst(1, 'a ')
      await b.burst(1, 'b ')
    }
    await burstAll([a, b, a])
    expect(world.document()?.agreedIndex).toBeGreaterThan(0)
    expect(world.generation()).toBe(NO_REPAIR)
  })
})

describe('case 33: an encrypted snapshot after a restore', () => {
  it('is opened under the mark with which it was made, whatever the relay’s epoch', async () => {
    const k1 = key('k1')
    const world = new World(FORGETFUL)
    const a = device(world, keyRing([k1]), { compaction: 'gladly' })
    await a.burst(6, 'kept ')
    world.laterMs += 1_000
    await world.sweep()
    expect(world.document()?.oldest).toBeGreaterThan(1)
    const backup = world.store.snapshot()
    await a.burst(3, 'after the backup ')
    world.restore(backup, true)
    const b = await opened(device(world, keyRing([k1])))
    expect(await b.text()).toBe('kept '.repeat(6))
    expect(await problemOf(b)).toBeNull()
    expect(await a.sync()).toMatchObject({ complete: true })
    await b.sync()
    expect(await b.text()).toBe(await a.text())
  })

  it('made on the branch that was lost stays out, and the next one goes in', async () => {
    const k1 = key('k1')
    const world = new World(SMALL)
    const a = device(world, keyRing([k1]), { compaction: 'gladly' })
    await a.burst(2, 'kept ')
    const backup = world.store.snapshot()
    await a.burst(4, 'after the backup ')
    expect(world.base()).toBeGreaterThan(2)
    world.restore(backup, true)
    await a.sync()
    const before = await a.text()
    await a.burst(6, 'on ')
    expect(world.base()).toBeGreaterThan(2)
    const b = await opened(device(world, keyRing([k1])))
    expect(await b.text()).toBe(await a.text())
    expect(await b.text()).toContain(before)
  })
})

describe('case 44: one device lacks a key', () => {
  it('of six, over twenty edits: no repair, no resync, and all agree when it comes', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World(CLAIMS)
    const lacking = keyRing([k1])
    const devices = [...Array.from({ length: 5 }, () => device(world, keyRing([k1, k2]))), device(world, lacking)]
    const [without] = devices.slice(-1) as [TestDevice]
    for (const one of devices) await one.open()
    for (let edit = 0; edit < 20; edit++) {
      const writer = devices[edit % devices.length] as TestDevice
      await writer.type(`edit ${edit} `)
      await burstAll(devices)
      world.laterMs += 60_000
    }
    await burstAll(devices)
    expect(world.generation()).toBe(NO_REPAIR)
    expect(world.head()).toBe(20)
    expect(await problemOf(without)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k2' })
    expect(await without.text()).not.toContain('edit 1 ')
    lacking.rotate(k2)
    await burstAll(devices)
    expect(await problemOf(without)).toBeNull()
    expect(new Set(await Promise.all(devices.map((one) => one.text()))).size).toBe(1)
    expect(world.head()).toBe(20)
    expect(world.generation()).toBe(NO_REPAIR)
  })

  it('holds what it cannot read through a restart, and reads it at the start that finds the key', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World()
    await device(world, keyRing([k1, k2])).burst(3, 'sealed ')
    const b = await opened(device(world, keyRing([k1])))
    expect(await b.text()).toBe('')
    await (await b.open()).flush()
    b.crash()
    expect(await b.text()).toBe('')
    expect(await problemOf(b)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k2' })
    b.disk.crash()
    const later = world.device(b.disk, { encryption: { keys: keyRing([k1, k2]) } })
    expect(await later.text()).toBe('sealed sealed sealed ')
    expect(await problemOf(later)).toBeNull()
  })

  it('reads what a closed document holds, too, and says meanwhile which key it lacks', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World()
    await device(world, keyRing([k1, k2])).burst(2, 'sealed ')
    const late = keyRing([k1])
    const b = await opened(device(world, late))
    await (await b.open()).close()
    expect(b.tidemark.status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k2' })
    await b.tidemark.flush()
    b.crash()
    await b.tidemark.list('alice')
    await vi.waitFor(() => expect(b.tidemark.status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k2' }))
    late.rotate(k2)
    await vi.waitFor(() => expect(b.tidemark.status.problem).toBeNull())
    world.wipe() // What is read now comes from the device's own disk.
    expect(await b.text()).toBe('sealed sealed ')
  })

  it('gives back to a relay that was wiped what it held, once it can read it', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World({ turnMs: 1 })
    const a = device(world, keyRing([k1, k2]))
    await a.burst(2, 'sealed ')
    const late = keyRing([k1])
    const b = await opened(device(world, late))
    await b.burst(1, 'of b ')
    await a.tidemark.close()
    world.wipe()
    expect(await b.sync()).toMatchObject({ complete: true })
    expect(world.head()).toBe(1)
    late.rotate(k2)
    await burstAll([b, b])
    const c = await opened(device(world, keyRing([k1, k2])))
    expect(await c.text()).toBe(await b.text())
    expect(await c.text()).toContain('sealed sealed ')
  })

  it('makes no claim and no snapshot while it holds what it cannot read', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World({ ...SMALL, ...CLAIMS })
    await device(world, keyRing([k1, k2]), { compaction: 'never' }).burst(1, 'sealed ')
    const late = keyRing([k1])
    const b = device(world, late, { compaction: 'gladly' })
    await b.burst(8, 'b ')
    expect([world.base(), world.document()?.claims?.length ?? 0]).toEqual([0, 0])
    late.rotate(k2)
    await b.burst(2, 'b ')
    expect(world.base()).toBeGreaterThan(0)
  })

  it('is given a snapshot that it cannot read, keeps it, and goes on from there', async () => {
    const [k1, k2] = [key('k1'), key('k2')]
    const world = new World({ ...FORGETFUL, ...CLAIMS })
    const ofA = keyRing([k1])
    const a = device(world, ofA, { compaction: 'gladly' })
    await a.burst(1, 'before ')
    const late = keyRing([k1])
    const b = await opened(device(world, late))
    await b.burst(1, 'of b ')
    ofA.rotate(k2)
    await a.burst(6, 'after ')
    world.laterMs += 1_000
    await world.sweep()
    expect(world.document()?.oldest).toBeGreaterThan(3)
    const head = world.head()
    await burstAll([b, b, b])
    // Its mark was too old to be checked, so what it has goes up again: once, for whether it is there it cannot see.
    expect(world.head()).toBe(head + 1)
    expect(await problemOf(b)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'k2' })
    await b.type('on ')
    await b.sync()
    expect(world.head()).toBe(head + 2)
    expect(world.generation()).toBe(NO_REPAIR)
    const disk = b.disk
    await (await b.open()).flush()
    disk.crash()
    const later = world.device(disk, { encryption: { keys: keyRing([k1, k2]) } })
    await burstAll([a, await opened(later)])
    expect(await later.text()).toBe(await a.text())
    expect(await later.text()).toContain('after ')
    expect(world.generation()).toBe(NO_REPAIR)
  })

  it('is whole again once others have compacted under a key that it has', async () => {
    const [lost, k2] = [key('lost'), key('k2')]
    const world = new World(FORGETFUL)
    const ofA = keyRing([lost])
    const a = device(world, ofA, { compaction: 'gladly' })
    await a.burst(2, 'under a key that is lost ')
    const b = await opened(device(world, keyRing([k2])))
    expect(await problemOf(b)).toMatchObject({ code: 'UNKNOWN_KEY', keyId: 'lost' })
    ofA.rotate(k2)
    await a.burst(4, 'under the new one ')
    world.laterMs += 1_000
    await world.sweep()
    expect(world.document()?.oldest).toBeGreaterThan(2)
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect(await problemOf(b)).toBeNull()
  })
})
