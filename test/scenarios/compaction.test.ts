// Devices make the snapshots that compact a relay's log; the relay only keeps them.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

const SMALL = { compactEntries: 4 }
const GLADLY = { compaction: 'gladly' } as const

async function reader(world: World): Promise<TestDevice> {
  const device = world.device()
  await device.open()
  expect(await device.sync()).toMatchObject({ complete: true })
  return device
}

describe('compaction', () => {
  it('happens by a device that compacts gladly, and a new device is given snapshot and tail', async () => {
    const world = new World(SMALL)
    const a = world.device(undefined, GLADLY)
    await a.burst(6)
    expect(world.base()).toBeGreaterThanOrEqual(4)
    const b = await reader(world)
    expect(await b.text()).toBe('xxxxxx')
    expect((await b.open()).status).toMatchObject({
      safety: expect.stringMatching(/on-relay|confirmed/),
      problem: null,
    })
  })

  it('waits for urgency where the app says so, and never happens where it says never', async () => {
    const urgent = new World(SMALL)
    const b = urgent.device(undefined, { compaction: 'whenUrgent' })
    await b.burst(8)
    expect(urgent.base()).toBe(0)
    await b.burst(12)
    expect(urgent.base()).toBeGreaterThan(0)
    const never = new World(SMALL)
    await never.device(undefined, { compaction: 'never' }).burst(24)
    expect(never.base()).toBe(0)
  })

  it('case 15: a writer who never pauses still compacts, and an edit made while the snapshot is made is kept', async () => {
    const world = new World(SMALL)
    const a = world.device(undefined, GLADLY)
    const { doc } = await a.open()
    // An edit whenever something arrives, on either side.
    let typed = 0
    world.relay.deliver = (arrive) => {
      void Promise.resolve().then(() => {
        doc.getText('t').insert(0, 'w')
        typed++
        arrive()
      })
    }
    for (let burst = 0; burst < 24 && world.base() === 0; burst++) await a.sync()
    world.relay.deliver = (arrive) => void Promise.resolve().then(arrive)
    expect(world.base()).toBeGreaterThan(0)
    expect(typed).toBeGreaterThan(20)
    await a.sync()
    const b = await reader(world)
    expect(await b.text()).toBe('w'.repeat(typed))
  })

  it('hides entries from nobody who has a mark among them', async () => {
    const world = new World(SMALL)
    const a = world.device(undefined, GLADLY)
    await a.burst(2, 'one ')
    const b = await reader(world)
    await a.burst(6, 'two ')
    expect(world.base()).toBeGreaterThan(2)
    const report = await b.sync()
    expect(report.relays[0]?.documents[0]).toMatchObject({ outcome: 'synced', reseeded: false })
    expect(await b.text()).toBe(await a.text())
  })

  it('drops what it replaced after the retention period, and a device away for longer resyncs without a loss', async () => {
    const world = new World({ ...SMALL, retentionMs: 1_000, retentionMaxMs: 1_000 })
    const a = world.device(undefined, GLADLY)
    await a.burst(2, 'one ')
    const away = await reader(world)
    await away.type('unsent of the one away ')
    await a.burst(12, 'two ')
    world.laterMs += 10_000
    await world.sweep()
    expect(world.document()?.oldest).toBe(world.base() + 1)
    expect(await away.sync()).toMatchObject({ complete: true })
    await a.sync()
    expect(await away.text()).toBe(await a.text())
    expect(await a.text()).toContain('unsent of the one away')
    const head = world.head()
    await away.sync()
    await a.sync()
    expect(world.head()).toBe(head)
  })

  it('is made of the log and nothing else: digests of devices with and without the snapshot agree', async () => {
    const world = new World({ ...SMALL, claimEntries: 1 })
    const a = world.device(undefined, GLADLY)
    const b = await reader(world)
    for (let i = 0; i < 8; i++) {
      await a.burst(1, 'a ')
      await b.sync()
      await b.burst(1, 'b ')
      await a.sync()
    }
    const c = await reader(world)
    for (const device of [a, b, c, a, b, c]) await device.sync()
    expect(world.generation()).toBe('0000000000000000')
    const states = [a, b, c].map(async (device) => Y.encodeSnapshot(Y.snapshot((await device.open()).doc)).join())
    expect(new Set(await Promise.all(states)).size).toBe(1)
    expect(world.document(NOVEL)?.agreedIndex).toBeGreaterThan(0)
  })
})

describe('case 5: the ACK is lost, and the retry comes after a compaction', () => {
  it('is stored again, since a snapshot may have missed it, and changes nothing', async () => {
    const world = new World(SMALL)
    const a = world.device()
    await a.type('never lost')
    world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: 0 })
    await expect(a.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    world.line = null
    world.relay.newLine = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    const b = world.device(undefined, GLADLY)
    await b.open()
    await b.sync()
    await b.burst(6, 'b ')
    expect(world.base()).toBeGreaterThan(1)
    const before = world.head()
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.head()).toBe(before + 1)
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect((await a.text()).match(/never lost/g)).toHaveLength(1)
  })
})

describe('a device that was offline for a year', () => {
  it('comes back 10,000 entries and 20 compactions behind, with its own edits, and nothing is lost', async () => {
    const world = new World({ compactEntries: 500, compactBytesMin: 1, compactBytesRatio: 1_000 })
    const a = world.device(undefined, GLADLY)
    await a.burst(3, 'before ')
    const away = await reader(world)
    await away.type('written on the island ')
    await (await away.open()).flush()
    let compactions = 0
    let base = world.base()
    for (let burst = 0; burst < 10_000; burst++) {
      const { doc } = await a.open()
      doc.getText('t').insert(doc.getText('t').length, 'w')
      await a.sync()
      if (world.base() > base) compactions++
      base = world.base()
      if (burst % 500 !== 0) continue
      world.laterMs += 18 * 24 * 60 * 60 * 1000
      await world.sweep()
    }
    expect(compactions).toBeGreaterThanOrEqual(19)
    expect(world.document()?.oldest).toBeGreaterThan(3)
    expect(await away.sync()).toMatchObject({ complete: true })
    await a.sync()
    expect(await away.text()).toBe(await a.text())
    expect(await a.text()).toContain('written on the island')
    expect(await a.text()).toContain('w'.repeat(10_000))
  }, 120_000)
})
