// Seeds 64, 89 and 120 of their time: what two relays lacked of a document that was begun anew was one and the same set.
// What one of them acknowledged was taken for known to the other as well.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('each relay is given what it lacks, though the other has it', async () => {
  const world = scriptedWorld(2)
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await type(world, a, 'one ')
  await syncOn(world, a)
  await syncOn(world, b)
  world.deleteDocument(b, NOVEL)
  await runOut(world)
  await syncOn(world, b)
  await syncOn(world, a)
  world.createDocument(a, NOVEL)
  await runOut(world)
  const [first, second] = world.relays as [SimulatedRelay, SimulatedRelay]
  world.stopRelay(second)
  await syncOn(world, a)
  expect(first.log(NOVEL)?.entries).toHaveLength(1)
  a.crash()
  second.start()
  a.start()
  await runOut(world)
  await syncOn(world, a)
  expect(second.log(NOVEL)?.entries).toHaveLength(1)
})
