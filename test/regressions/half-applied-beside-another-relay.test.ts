// One relay's entry throws in the middle of its integration, while an exchange of the same document goes on with another: the
// document is built anew beneath that, wherever it stands, and both come through in the same sync().
import { describe, expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { brokenUpdate } from '../support/broken-update.ts'
import { slowToRead } from '../support/slow-disk.ts'
import { type TimedRelay, TimedWorld } from '../support/timed-relays.ts'

const LONG = Array.from({ length: 7_000 }, (_, i) => String(i).padStart(9, '0')).join(' ')
const ASKED = { schedule: false } as const
const READ_MS = 100
const TYPED_AT_MS = [50, 250, 450, 650]

const LATER_MS = Array.from({ length: 20 }, (_, i) => i * 40)

describe.each([
  ['near', 0],
  ['far', 1],
] as const)('the entry is at the %s relay', (_which, at) => {
  it.each(LATER_MS)('and the other one answers %d ms later', (laterMs) => expectBothToCome(at, laterMs))
})

async function expectBothToCome(at: 0 | 1, laterMs: number): Promise<void> {
  const world = new TimedWorld()
  const [faulty, other] = [world.relays[at], world.relays[1 - at] as TimedRelay]
  const disk = new MemoryDisk()
  const loading = (): Promise<void> => new Promise((resolve) => void world.time.setTimeout(resolve, READ_MS))
  const a = await world.device({ ...ASKED, store: slowToRead(disk, loading) })
  const b = await world.device(ASKED)
  a.type('Call me Ishmael. ')
  expect((await a.sync()).complete).toBe(true)
  // Each has what the other lacks: one a long text, and one what is broken.
  faulty.isOutOfReachOf = (device) => device === b
  b.type(LONG)
  await b.sync()
  await faulty.append(brokenUpdate())
  let rebuilt = 0
  a.novel.onRebuilt(() => rebuilt++)
  a.holdUp(other)
  world.time.setTimeout(() => a.letGo(other), laterMs)
  for (const ms of TYPED_AT_MS) world.time.setTimeout(() => a.type(`at ${ms} `, 0), ms)
  expect(await a.sync()).toMatchObject({ complete: true })
  expect(rebuilt).toBe(1)
  await world.pass(1_000)
  for (let i = 0; i < 3; i++) expect((await a.sync()).complete).toBe(true)
  const { text } = a
  for (const words of [LONG, 'Call me Ishmael. ', ...TYPED_AT_MS.map((ms) => `at ${ms} `)])
    expect(text).toContain(words)
  expect(other.text).toBe(text)
  await b.sync()
  expect(b.text).toBe(text)
  disk.crash()
  expect((await world.device({ ...ASKED, store: disk })).text).toBe(text)
}
