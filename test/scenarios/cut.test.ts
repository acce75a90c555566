// A burst that is cut at every byte offset, in both directions, and then tried again. Every frame of the relay is a
// message of its own here, and every entry a page, so that a cut can fall between any two of them.
import { describe, expect, it } from 'vitest'
import { type Line, MemoryRelay } from '../support/memory-network.ts'
import { NOVEL, type TestDevice, World } from '../support/world.ts'

const NEVER = Number.POSITIVE_INFINITY
const UNCUT: Line = { upBytesLeft: NEVER, downBytesLeft: NEVER }
/** Client ids are random, and some take a byte more than others. */
const SPARE_BYTES = 24
const ENTRIES_BEFORE = 4
const TEXT = 'The SHARED text that both of them know. One. Two. Three.'
/** Closed on the writer's device: its burst learns from the feed that it changed, and asks once more. */
const LETTERS = 'alice/letters'

describe('a burst cut at every byte', () => {
  it.each(['upBytesLeft', 'downBytesLeft'] as const)(
    'ends after a retry in the same documents, and stores a push once (%s)',
    async (direction) => {
      const offsets = await offsetsOf(direction)
      const seen = new Set<string>()
      for (const offset of offsets) {
        const { world, writer, reader } = await prepare()
        seen.add(await cutBurst(world, writer, { ...UNCUT, [direction]: offset }))
        await expectHonestStatus(world, writer)
        expect((await writer.sync()).complete).toBe(true)
        expect(await outcome(world, writer, reader)).toEqual({ entries: ENTRIES_BEFORE + 1, settled: true })
      }
      // All kinds of ends were met: before the relay let the device in, in the middle, and not at all.
      expect([...seen].sort()).toEqual(['complete', 'refused', 'unfinished'])
    },
    120_000,
  )

  it.each(['upBytesLeft', 'downBytesLeft'] as const)(
    'ends in the same documents too if the device crashes at the cut (%s)',
    async (direction) => {
      const lengths = new Set<number>()
      for (const offset of await offsetsOf(direction)) {
        const { world, writer, reader } = await prepare()
        await cutBurst(world, writer, { ...UNCUT, [direction]: offset })
        writer.crash()
        await writer.open()
        expect((await writer.sync()).complete).toBe(true)
        const { entries, settled } = await outcome(world, writer, reader)
        expect(settled).toBe(true)
        lengths.add(entries)
      }
      // A push of one message is derived anew after a restart; at worst that is one more copy in the log.
      for (const length of lengths) expect([ENTRIES_BEFORE + 1, ENTRIES_BEFORE + 2]).toContain(length)
    },
    120_000,
  )
})

/** What the relay does not hold is never shown as held by it. */
async function expectHonestStatus(world: World, device: TestDevice): Promise<void> {
  if ((await world.log()).length > ENTRIES_BEFORE) return
  const { status } = await device.open()
  expect(status.safety).toBe('on-device')
  expect(status.unsentBytes).toBeGreaterThan(0)
}

interface Prepared {
  readonly world: World
  readonly writer: TestDevice
  readonly reader: TestDevice
}

/** The writer has typed and deleted, and lacks four entries of the reader, in two documents. */
async function prepare(): Promise<Prepared> {
  const world = new World()
  world.relay = new MemoryRelay({ store: world.store, limits: { messageBytesTarget: 1, pageEntriesMax: 1 } })
  const [writer, reader] = [world.device(), world.device()]
  await writer.type('The shared text that both of them know.')
  const letters = await writer.open(LETTERS)
  letters.doc.getText('t').insert(0, 'Dear')
  await writer.sync()
  await letters.close()
  await reader.open()
  const lettersRead = await reader.open(LETTERS)
  await reader.sync()
  lettersRead.doc.getText('t').insert(4, ' reader')
  for (const sentence of [' One.', ' Two.', ' Three.']) {
    await reader.type(sentence, (await reader.text()).length)
    await reader.sync()
  }
  const text = (await writer.open()).doc.getText('t')
  text.delete(4, 'shared'.length)
  text.insert(4, 'SHARED')
  return { world, writer, reader }
}

async function offsetsOf(direction: keyof Line): Promise<readonly number[]> {
  const { world, writer } = await prepare()
  const before = { upBytesLeft: world.relay.upBytes, downBytesLeft: world.relay.downBytes }
  await writer.sync()
  const after = { upBytesLeft: world.relay.upBytes, downBytesLeft: world.relay.downBytes }
  return Array.from({ length: after[direction] - before[direction] + SPARE_BYTES }, (_, offset) => offset)
}

/** One burst over a line that breaks. */
async function cutBurst(world: World, device: TestDevice, line: Line): Promise<string> {
  world.relay.newLine = () => ({ ...line })
  const ended = await device.sync().then(
    ({ complete }) => (complete ? 'complete' : 'unfinished'),
    () => 'refused',
  )
  world.relay.newLine = () => ({ ...UNCUT })
  return ended
}

async function outcome(
  world: World,
  writer: TestDevice,
  reader: TestDevice,
): Promise<{ readonly entries: number; readonly settled: boolean }> {
  await reader.sync()
  let settled = true
  for (const device of [writer, reader]) {
    for (const [id, expected] of [[NOVEL, TEXT] as const, [LETTERS, 'Dear reader'] as const]) {
      const { doc, status } = await device.open(id)
      const isThere = status.safety === 'on-relay' || status.safety === 'confirmed'
      settled &&= doc.getText('t').toString() === expected && isThere && status.unsentBytes === 0
    }
  }
  return { entries: (await world.log()).length, settled }
}
