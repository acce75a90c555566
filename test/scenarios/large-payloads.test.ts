// Payloads of many pieces, on lines that are cut while they are under way.
import { describe, expect, it } from 'vitest'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

const KIB = 1024
const NEVER = Number.POSITIVE_INFINITY
const LARGE = 300 * KIB

/** Bursts, each cut after so many bytes in one direction, until one is complete. */
async function syncCut(
  world: World,
  device: TestDevice,
  direction: 'upBytesLeft' | 'downBytesLeft',
  bytes: number,
  between: () => Promise<void> = async () => undefined,
): Promise<number> {
  const isComplete = async (): Promise<boolean> => {
    world.line = () => ({ upBytesLeft: NEVER, downBytesLeft: NEVER, [direction]: bytes })
    const report = await device.sync().catch(() => null)
    world.line = () => ({ upBytesLeft: NEVER, downBytesLeft: NEVER })
    return report?.complete ?? false
  }
  for (let bursts = 1; bursts < 200; bursts++) {
    if (await isComplete()) return bursts
    await between()
  }
  throw new Error('It is never complete')
}

function text(length: number): string {
  return Array.from({ length: Math.ceil(length / 10) }, (_, i) => String(i).padStart(9, '0')).join(' ')
}

describe('case 18: a large payload that is cut in many places', () => {
  it('goes up piece by piece, and no more is sent twice than was under way', async () => {
    const world = new World({}, { isSlow: true })
    const a = world.device()
    await a.type(text(LARGE))
    const bursts = await syncCut(world, a, 'upBytesLeft', 80 * KIB)
    expect(bursts).toBeGreaterThan(3)
    expect(world.head()).toBe(1)
    // The first burst risks a large window, those after it small ones; and what arrived is not sent again.
    expect(world.relay.upBytes).toBeLessThan(LARGE + 512 * KIB + bursts * 100 * KIB)
    expect(bursts).toBeLessThan(10)
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe(await a.text())
  })

  it('comes down piece by piece, also to a document that nobody has open', async () => {
    const world = new World({}, { isSlow: true })
    const a = world.device()
    await a.type(text(LARGE))
    await a.sync()
    const b = world.device()
    await (await b.open()).close()
    const bursts = await syncCut(world, b, 'downBytesLeft', 80 * KIB)
    expect(bursts).toBeGreaterThan(3)
    expect(bursts).toBeLessThan(10)
    expect(await b.text()).toBe(await a.text())
  })

  it('is gone on with after the device has crashed, up and down', async () => {
    const world = new World({}, { isSlow: true })
    const a = world.device()
    await a.type(text(LARGE))
    await syncCut(world, a, 'upBytesLeft', 120 * KIB, async () => {
      a.crash()
      await a.open()
    })
    expect(world.head()).toBe(1)
    const b = world.device()
    await b.open()
    await syncCut(world, b, 'downBytesLeft', 120 * KIB, async () => {
      b.crash()
      await b.open()
    })
    expect(await b.text()).toBe(await a.text())
  })

  it('goes on after the relay has crashed', async () => {
    const world = new World({}, { isSlow: true })
    const a = world.device()
    await a.type(text(LARGE))
    const bursts = await syncCut(world, a, 'upBytesLeft', 120 * KIB, async () => world.restart())
    expect(bursts).toBeLessThan(8)
    expect(world.head()).toBe(1)
  })
})

describe('case 38: a push is resumed after more typing', () => {
  it('with the same bytes; what was typed since follows it', async () => {
    const world = new World({}, { isSlow: true })
    const a = world.device()
    await a.type(text(LARGE))
    let typed = 0
    await syncCut(world, a, 'upBytesLeft', 80 * KIB, async () => {
      typed++
      await a.type('and on ')
    })
    await a.sync()
    expect(typed).toBeGreaterThan(2)
    expect((await world.log()).filter(({ payload }) => payload.length > LARGE)).toHaveLength(1)
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect((await b.text()).match(/and on/g)).toHaveLength(typed)
  })
})

describe('case 37: a phone that is slower than the compaction period', () => {
  it('gets there, although the log is compacted whenever it has come a little further', async () => {
    const world = new World({ compactEntries: 2 }, { isSlow: true })
    const a = world.device(undefined, { compaction: 'gladly' })
    await a.type(text(LARGE))
    await a.sync()
    await a.burst(4, 'a ')
    expect(world.base()).toBeGreaterThan(0)
    const phone = world.device()
    await phone.open()
    const bursts = await syncCut(world, phone, 'downBytesLeft', 80 * KIB, async () => a.burst(3, 'a '))
    expect(bursts).toBeGreaterThan(3)
    await phone.sync()
    expect(await phone.text()).toBe(await a.text())
  })

  it('uploads its own snapshot in pieces, while it is cut', async () => {
    const world = new World({ compactEntries: 2 }, { isSlow: true })
    const a = world.device(undefined, { compaction: 'never' })
    await a.type(text(LARGE))
    await a.sync()
    await a.burst(2, 'a ')
    const phone = world.device(undefined, { compaction: 'gladly' })
    await phone.open()
    expect(await syncCut(world, phone, 'upBytesLeft', 80 * KIB)).toBeGreaterThan(3)
    expect(world.base()).toBe(3)
    world.line = () => ({ upBytesLeft: NEVER, downBytesLeft: NEVER })
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe(await phone.text())
  })
})

describe('case 25: three sockets of one device push the same bytes at once', () => {
  it('one entry is stored, and each is acknowledged', async () => {
    const world = new World({}, { isSlow: true })
    const original = world.device()
    await original.type('written once')
    await (await original.open(NOVEL)).flush()
    const clones = [1, 2, 3].map(() => world.device(original.disk.clone()))
    for (const clone of clones) await clone.open()
    const reports = await Promise.all(clones.map((clone) => clone.sync()))
    for (const { complete } of reports) expect(complete).toBe(true)
    expect(world.head()).toBe(1)
  })
})
