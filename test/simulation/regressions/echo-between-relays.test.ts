// Seeds 2, 3, 7, 9 and others: what one relay gave counted as unsent at every other relay, also what those had given
// already. With two relays each push of one was answered by a push to the other, for ever.
import { expect, it } from 'vitest'
import { deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'

it('devices stop giving back to one relay what they were given by the other', async () => {
  const world = scriptedWorld(2)
  const a = await deviceIn(world)
  const b = await deviceIn(world)
  const c = await deviceIn(world)
  const entries = (): readonly unknown[] => world.relays.map((relay) => relay.log(NOVEL)?.entries.length)
  for (const device of [a, b, c, a, b, c]) {
    await type(world, device, 'Call me Ishmael. ')
    await syncOn(world, device)
  }
  for (const device of [a, b, c]) await syncOn(world, device)
  const before = entries()
  for (const device of [a, b, c, a, b, c]) expect(await syncOn(world, device)).toMatchObject({ complete: true })
  expect(entries()).toEqual(before)
  expect(b.open.get(NOVEL)?.document.status).toMatchObject({ safety: 'confirmed', unsentBytes: 0 })
})

it('an edit that one relay lost reaches it once, from whoever comes first', async () => {
  const world = scriptedWorld(2)
  const a = await deviceIn(world)
  const b = await deviceIn(world)
  await type(world, a, 'Call me Ishmael.')
  await syncOn(world, a)
  await syncOn(world, b)
  const [, second] = world.relays
  if (second === undefined) throw new Error('There is no second relay')
  world.loseRelayData(second, null, true)
  second.start()
  for (const device of [b, a, b, a]) await syncOn(world, device)
  for (const relay of world.relays) expect(relay.log(NOVEL)?.entries).toHaveLength(1)
})
