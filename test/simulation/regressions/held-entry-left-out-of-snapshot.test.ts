// Seed 597 of its time: an entry that a device could not apply, and that came in the very round in which it asked for the
// lease, was not on its disk yet when the snapshot was made, and was left out of it.
import { expect, it } from 'vitest'
import { heldOn } from '../disk-reading.ts'
import { runOut } from '../run-out.ts'
import { append, commitAll, deliverUntil, deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a snapshot holds what its maker met in the round in which it was made', async () => {
  const limits = { compactEntries: 2, compactBytesMin: 1, retentionMs: 0, retentionMaxMs: 0 }
  const world = scriptedWorld(1, limits, { compactions: ['gladly', 'never'] })
  const relay = world.relays[0] as SimulatedRelay
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await syncOn(world, a)
  for (const text of ['one ', 'two ', 'three ']) {
    await type(world, b, text)
    await syncOn(world, b)
  }
  a.sync({}, () => undefined)
  await deliverUntil(world, () => a.isStoring)
  // It is going to ask for the lease.
  await append(world, relay, Uint8Array.of(1, 2, 3))
  await commitAll(a)
  await runOut(world)
  expect(relay.log(NOVEL)?.snapshot?.base).toBe(4)
  await world.pass(20_000)
  await runOut(world)
  const c = await deviceIn(world)
  await syncOn(world, c)
  const stored = world.disks.read(c).get(NOVEL)
  expect(stored === undefined ? 0 : heldOn(world.keys.payloadsOf(NOVEL), stored).size).toBe(1)
})
