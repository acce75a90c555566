// Loading a batch of closed documents took longer than a relay waits for the next round: the burst ended, and the next one began
// with the same documents.
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { slowToRead } from '../support/slow-disk.ts'
import { TimedWorld } from '../support/timed-relays.ts'

const LOADING_MS = 1_000
const CHAPTERS = Array.from({ length: 40 }, (_, i) => `alice/chapter ${i}`)

it('a library of which each document takes a second to load is taken up in one burst', async () => {
  const world = new TimedWorld()
  const writer = await world.device({ schedule: false })
  for (const id of CHAPTERS) (await writer.tidemark.open(id)).doc.getText('t').insert(0, id)
  expect((await writer.sync()).complete).toBe(true)
  const loading = (): Promise<void> => new Promise((resolve) => void world.time.setTimeout(resolve, LOADING_MS))
  const store = slowToRead(new MemoryDisk(), loading)
  const reader = await world.device({ schedule: false, mirror: ['alice'], store })
  const report = await reader.sync()
  expect(report).toMatchObject({ complete: true, relays: [{ error: null }, { error: null }] })
  expect(report.relays[0]?.documents).toHaveLength(CHAPTERS.length + 1)
})
