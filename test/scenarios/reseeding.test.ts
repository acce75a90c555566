// Relays that lost their data, or came back with old data: the devices give it back, about once.
import { describe, expect, it } from 'vitest'
import { RELAY_URL, type TestDevice, World } from '../support/world.ts'

async function devicesWith(world: World, count: number, text: string): Promise<readonly TestDevice[]> {
  const devices = Array.from({ length: count }, () => world.device())
  const [first] = devices as [TestDevice]
  await first.type(text)
  await first.sync()
  for (const device of devices) {
    await device.open()
    await device.sync()
  }
  return devices
}

/** Every device syncs at the same moment, and again after the time that a relay may name, until all are complete. */
async function syncAll(world: World, devices: readonly TestDevice[], rounds = 6): Promise<number> {
  for (let round = 1; round <= rounds; round++) {
    const reports = await Promise.all(devices.map((device) => device.sync()))
    if (reports.every(({ complete }) => complete)) return round
    world.laterMs += 61_000
    world.relay.core.sweep()
  }
  throw new Error('The devices do not come to an end')
}

describe('case 11: the relay is wiped, and five devices return at once', () => {
  it('stores about one copy, and everybody is complete in the end', async () => {
    const world = new World()
    const devices = await devicesWith(world, 5, 'a novel of some length '.repeat(50))
    const before = (await world.log()).reduce((sum, { payload }) => sum + payload.length, 0)
    world.wipe()
    await syncAll(world, devices)
    const after = (await world.log()).reduce((sum, { payload }) => sum + payload.length, 0)
    expect(after).toBeLessThan(1.2 * before + 200)
    for (const device of devices) expect((await device.open()).status.safety).toMatch(/on-relay|confirmed/)
  })

  it('stores what each of them had alone beside one copy of what all had', async () => {
    const world = new World()
    const devices = await devicesWith(world, 5, 'a novel of some length '.repeat(50))
    const before = (await world.log()).reduce((sum, { payload }) => sum + payload.length, 0)
    for (const [i, device] of devices.entries()) await device.type(`edit ${i} `)
    world.wipe()
    await syncAll(world, devices)
    await syncAll(world, devices)
    const texts = await Promise.all(devices.map((device) => device.text()))
    expect(new Set(texts).size).toBe(1)
    for (const i of devices.keys()) expect(texts[0]).toContain(`edit ${i}`)
    const after = (await world.log()).reduce((sum, { payload }) => sum + payload.length, 0)
    expect(after).toBeLessThan(1.3 * before + 1_000)
  })
})

describe('case 10: the relay is restored from an old backup, others push past the old mark, and compact', () => {
  it('is noticed by the chain, and what was lost comes back', async () => {
    const world = new World({ compactEntries: 3 })
    const a = world.device()
    const b = world.device(undefined, { compaction: 'gladly' })
    await a.burst(1, 'one ')
    await b.open()
    await b.sync()
    const backup = world.store.snapshot()
    await a.burst(2, 'lost ')
    world.restore(backup)
    await b.burst(6, 'later ')
    expect(world.base()).toBeGreaterThan(2)
    expect(await a.sync()).toMatchObject({ complete: true })
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect((await b.text()).match(/lost/g)).toHaveLength(2)
    expect((await b.text()).match(/later/g)).toHaveLength(6)
  })
})

describe('case 12: the epoch changes in the middle of a burst', () => {
  it('nothing is lost, and the next burst heals the rest', async () => {
    const world = new World()
    const [a, b] = (await devicesWith(world, 2, 'one ')) as [TestDevice, TestDevice]
    const backup = world.store.snapshot()
    await a.burst(1, 'two ')
    await b.type('three ')
    // The relay goes away when it has sent a little of its answer, and comes back as its own past.
    world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: 100 })
    await b.sync().catch(() => undefined)
    world.line = null
    world.restore(backup, true)
    for (const device of [b, a, b]) expect(await device.sync()).toMatchObject({ complete: true })
    expect(await a.text()).toBe(await b.text())
    for (const word of ['one', 'two', 'three']) expect(await a.text()).toContain(word)
  })
})

describe('case 31: a feed mark is stored, and the burst is cut before the listed documents', () => {
  it('opens them in the next burst', async () => {
    const world = new World()
    const a = world.device()
    const b = world.device(undefined, { mirror: ['alice'] })
    for (let i = 0; i < 5; i++) (await a.open(`alice/${i}`)).doc.getText('t').insert(0, `text ${i}`)
    await a.sync()
    for (let bytes = 50; bytes < 600; bytes += 50) {
      world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: bytes })
      await b.sync().catch(() => undefined)
    }
    world.line = () => ({ upBytesLeft: 1e9, downBytesLeft: 1e9 })
    expect(await b.sync()).toMatchObject({ complete: true })
    for (let i = 0; i < 5; i++) expect((await b.open(`alice/${i}`)).doc.getText('t').toString()).toBe(`text ${i}`)
  })

  it('a thousand unopened documents on a rolled-back relay are given back', async () => {
    const world = new World()
    const a = world.device()
    const ids = Array.from({ length: 1_000 }, (_, i) => `alice/${i}`)
    for (const id of ids) {
      const document = await a.open(id)
      document.doc.getText('t').insert(0, id)
      await document.close()
    }
    expect(await a.sync()).toMatchObject({ complete: true })
    world.wipe()
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(world.store.snapshot().state.documents.size).toBe(1_000)
  }, 60_000)
})

describe('case 47: a clone gives a relay its data back', () => {
  it('confirmed stays true: a clone is no other device', async () => {
    const world = new World()
    const original = world.device()
    await original.type('base ')
    await original.sync()
    await original.tidemark.close()
    const [a, clone] = [world.device(original.disk.clone()), world.device(original.disk.clone())]
    await a.open()
    await clone.open()
    world.wipe()
    await syncAll(world, [clone, a])
    await syncAll(world, [clone, a])
    expect((await a.open()).status.safety).toBe('on-relay')
    const other = world.device()
    await other.open()
    await other.sync()
    await other.sync()
    await a.sync()
    expect((await a.open()).status.safety).toBe('confirmed')
  })
})

describe('confirmed', () => {
  it('is said once another device has presented a mark at or after the newest edit, and not before', async () => {
    const world = new World()
    const [a, b] = [world.device(), world.device()]
    await a.burst(1, 'one ')
    expect((await a.open()).status.safety).toBe('on-relay')
    await b.open()
    await b.sync()
    await a.sync()
    // It was given to the other one, which has not said yet that it holds it.
    expect((await a.open()).status.safety).toBe('on-relay')
    await b.sync()
    await a.sync()
    const { status } = await a.open()
    expect(status).toMatchObject({ safety: 'confirmed', relays: { [RELAY_URL]: { safety: 'confirmed' } } })
    const document = await a.open()
    document.doc.getText('t').insert(0, 'two ')
    expect(document.status.safety).toBe('unsaved')
    await document.flush()
    expect((await a.open()).status.safety).toBe('on-device')
    await a.sync()
    expect((await a.open()).status.safety).toBe('on-relay')
  })
})

it('a device that may only read keeps what a wiped relay lost, and tries once', async () => {
  const world = new World()
  await devicesWith(world, 1, 'a novel of some length '.repeat(50))
  const reader = world.device(undefined, { token: 'alice/*:read' })
  await reader.open()
  await reader.sync()
  world.wipe()
  const sent: number[] = []
  for (let burst = 0; burst < 4; burst++) {
    const report = await reader.sync()
    sent.push(report.relays[0]?.bytesSent ?? 0)
    reader.crash()
    await reader.open()
  }
  const [, , third, fourth] = sent
  expect(await reader.text()).toContain('a novel')
  expect(Math.max(third as number, fourth as number)).toBeLessThan(500)
})
