// A line that is cut again and again: whoever gets something further each time comes back at once, not ever later.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { RELAY_URL, type TestDevice, World } from '../../support/world.ts'

const LONG = Array.from({ length: 200_000 }, (_, i) => String(i).padStart(9, '0')).join(' ')
const BYTES_UNTIL_CUT = 150_000

async function scheduled(downBytesLeft: number) {
  const world = new World()
  const time = new VirtualTime()
  const writer = world.device()
  await writer.type(LONG)
  await writer.sync()
  const before = world.relay.connectionsMade
  world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft })
  const reader = readerIn(world, time)
  const { doc } = await reader.open()
  return { world, time, reader, doc, bursts: () => world.relay.connectionsMade - before }
}

function readerIn(world: World, time: VirtualTime): TestDevice {
  return world.device(new MemoryDisk(), {
    schedule: {},
    platform: { ...time.platform, WebSocket: world.WebSocket, fetch: null, random: () => 0.5 },
  })
}

describe('by the schedule', () => {
  it('a long document comes through a line that is cut after every 150 kB', async () => {
    const { time, reader, doc, bursts } = await scheduled(BYTES_UNTIL_CUT)
    for (let seconds = 0; seconds < 60; seconds++) await time.pass(1_000)
    expect(doc.getText('t').toString() === LONG).toBe(true)
    expect(bursts()).toBeGreaterThan(LONG.length / BYTES_UNTIL_CUT)
    expect(reader.tidemark.status.relays[RELAY_URL]?.problem).toBeNull()
    await reader.tidemark.close()
  })

  it('a line that brings nothing is left alone for longer each time', async () => {
    const { time, reader, doc, bursts } = await scheduled(10)
    for (let seconds = 0; seconds < 60; seconds++) await time.pass(1_000)
    expect(doc.getText('t').length).toBe(0)
    expect(bursts()).toBeLessThan(8)
    await reader.tidemark.close()
  })

  it.each([
    ['comes through a line that is cut after some pages', BYTES_UNTIL_CUT, true],
    ['is left alone for longer each time where the cut comes before the first mark', 40_000, false],
  ])('a document of many small entries %s', async (_, downBytesLeft, comes) => {
    const world = new World()
    const written = new Y.Doc()
    const updates: Uint8Array[] = []
    written.on('update', (update: Uint8Array) => updates.push(update))
    for (let edit = 0; edit < 200; edit++) written.getText('t').insert(0, 'x'.repeat(1_000))
    for (const update of updates) await world.append(update)
    world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft })
    const before = world.relay.connectionsMade
    const time = new VirtualTime()
    const reader = readerIn(world, time)
    const { doc } = await reader.open()
    for (let seconds = 0; seconds < 60; seconds++) await time.pass(1_000)
    expect(doc.getText('t').length).toBe(comes ? 200_000 : 0)
    expect(world.relay.connectionsMade - before).toBeLessThan(8)
    await reader.tidemark.close()
  })

  it('what a document came to before does not count as brought again', async () => {
    const { world, time, reader, bursts } = await scheduled(BYTES_UNTIL_CUT)
    await time.pass(1_000)
    expect(reader.tidemark.status.relays[RELAY_URL]?.problem).not.toBeNull()
    // Enough to be let in and told what is there, and for no piece of it.
    world.line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: 300 })
    const before = bursts()
    for (let seconds = 0; seconds < 60; seconds++) await time.pass(1_000)
    expect(bursts() - before).toBeLessThan(8)
    await reader.tidemark.close()
  })
})
