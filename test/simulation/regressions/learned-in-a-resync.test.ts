// Seeds 65036, 65066 and 65068 of their time, with two and three relays: a relay that had lost its data was given at once what another
// one gave in the same burst, though whoever made it was about to bring it.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { deliverUntil, deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a relay that lost its data is given back what it had, and what was just learned elsewhere is left to its author', async () => {
  const world = scriptedWorld(2)
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await type(world, a, 'one ')
  await syncOn(world, a)
  await syncOn(world, b)
  const [, second] = world.relays as [SimulatedRelay, SimulatedRelay]
  world.loseRelayData(second, null, true)
  await type(world, a, 'two ')
  await syncOn(world, a)
  second.start()
  world.sync(b)
  await deliverUntil(world, () => novelOn(b).doc.getText('text').toString() === 'one two ')
  await runOut(world)
  const given = (): string | undefined => {
    const log = second.log(NOVEL)
    return log === null ? undefined : world.histories.of(second, log).readable(log).doc.getText('text').toString()
  }
  expect(given()).toBe('one ')
  await syncOn(world, a)
  expect(given()).toBe('one two ')
  expect(second.log(NOVEL)?.entries).toHaveLength(2)
})
