// Seed 66 of its time: over HTTP the acknowledgement of a large payload stands at its place in the log, behind all that is
// pulled before it. A device that was told nothing of the payload for some rounds took the relay for one that refuses it; and it sent the last piece, or all of them, again in every round.
import type { SyncReport } from '@tidemark/client'
import { expect, it } from 'vitest'
import { deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'

it('a large payload waits for its acknowledgement for as long as others are given', async () => {
  const world = scriptedWorld(1, { httpResponseBytesTarget: 10 }, { carriers: ['http'] })
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  for (let i = 0; i < 30; i++) {
    await type(world, b, `${i} `)
    await syncOn(world, b)
  }
  await type(world, a, 'x'.repeat(70_000))
  const outcome = await syncOn(world, a)
  expect(outcome).toMatchObject({ complete: true })
  // Its pieces went up once; after that the relay was only asked.
  expect((outcome as SyncReport).relays[0]?.bytesSent).toBeLessThan(90_000)
  expect(world.relays[0]?.log(NOVEL)?.entries).toHaveLength(31)
})
