// Seed 9 of its time: pieces of a large payload were cut for the first message of a connection, and sent after WELCOME,
// whatever the relay had announced there.
import { expect, it } from 'vitest'
import { deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'

it('pieces are no larger than the relay takes them', async () => {
  const world = scriptedWorld(1, { pieceBytesMax: 20_000 })
  const a = await deviceIn(world)
  await type(world, a, 'x'.repeat(70_000))
  expect(await syncOn(world, a)).toMatchObject({ complete: true })
  expect(world.relays[0]?.log(NOVEL)?.entries).toHaveLength(1)
})
