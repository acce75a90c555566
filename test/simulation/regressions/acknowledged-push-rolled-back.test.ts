// Found by the mutation check: a device whose push was acknowledged, and whose burst was cut before SYNCED, kept the tag of
// the state before the push. A relay that was rolled back to just that state listed the very same tag, and the push of a
// closed document was never given back.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { commitAll, deliverUntil, deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a push that was acknowledged last is given back to a relay that lost it', async () => {
  const world = scriptedWorld(1, { messageBytesTarget: 1 })
  const relay = world.relays[0] as SimulatedRelay
  const a = await deviceIn(world)
  await type(world, a, 'one ')
  await syncOn(world, a)
  await syncOn(world, a)
  const backup = relay.backup()
  await type(world, a, 'two ')
  a.sync({}, () => undefined)
  const receipt = (): number => world.disks.read(a).get(NOVEL)?.record?.views[0]?.receipt.at(-1) ?? -1
  const before = receipt()
  await deliverUntil(world, () => a.isStoring)
  await commitAll(a)
  expect(receipt()).not.toBe(before)
  for (const link of world.network.links) link.cut('both')
  await runOut(world)
  a.closeDocument(NOVEL)
  await runOut(world)
  world.loseRelayData(relay, backup, true)
  relay.start()
  await syncOn(world, a)
  expect(relay.log(NOVEL)?.entries).toHaveLength(2)
})
