// Seeds 14 and 32 of their time: a device that resyncs hands back no receipt, so the relay confirmed the mark at which a
// resync had been cut, and the device took that for its newest push.
import { expect, it } from 'vitest'
import { Random } from '../random.ts'
import { runOut } from '../run-out.ts'
import { commitAll, deliverUntil, deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import { Strangers } from '../strangers.ts'

it('what is confirmed in a resync is not this device’s newest push', async () => {
  const world = scriptedWorld(1, { pageEntriesMax: 1, messageBytesTarget: 1 })
  const relay = world.relays[0] as SimulatedRelay
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await type(world, a, 'one ')
  await syncOn(world, a)
  for (let i = 0; i < 2; i++) await syncOn(world, b)
  await type(world, a, 'two ')
  await syncOn(world, a)
  const log = relay.log(NOVEL)
  if (log === null) throw new Error('There is no log')
  new Strangers(world, new Random(1)).harass(relay, log)
  await runOut(world)
  // The log is given anew, and the line breaks after its first entry.
  a.sync({}, () => undefined)
  const isFirstGiven = (): boolean => world.disks.read(a).get(NOVEL)?.record?.views[0]?.mark.length !== 0
  await deliverUntil(world, () => a.isStoring)
  while (isFirstGiven()) {
    await commitAll(a)
    await deliverUntil(world, () => a.isStoring)
  }
  while (!isFirstGiven()) {
    await commitAll(a)
    if (!isFirstGiven()) await deliverUntil(world, () => a.isStoring)
  }
  for (const link of world.network.links) link.cut('both')
  await runOut(world)
  await syncOn(world, a)
  expect(novelOn(a).document.status.safety).toBe('on-relay')
  await syncOn(world, b)
  await syncOn(world, b)
  await syncOn(world, a)
  expect(novelOn(a).document.status.safety).toBe('confirmed')
})
