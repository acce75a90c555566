// Seed 192 of its time: over HTTP an exchange may take many rounds after the one in which it captured the state that a
// snapshot is made from. What was pushed, and acknowledged, in these was missing in the snapshot.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { commitAll, deliverUntil, deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a snapshot holds what was pushed after its state was captured', async () => {
  const limits = { compactEntries: 3, compactBytesMin: 1, httpResponseBytesTarget: 1, pageEntriesMax: 1 }
  const world = scriptedWorld(1, limits, { carriers: ['http'], compactions: ['gladly', 'never'] })
  const relay = world.relays[0] as SimulatedRelay
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  for (let i = 0; i < 8; i++) {
    await type(world, b, `${i} `)
    await syncOn(world, b)
  }
  let hasEnded = false
  a.sync({}, () => {
    hasEnded = true
  })
  // An edit at every turn of the burst, on the disk at once.
  for (let i = 0; !hasEnded && i < 60; i++) {
    novelOn(a).doc.getText('text').insert(0, 'a')
    await commitAll(world, a)
    await deliverUntil(world, () => a.commitsWaiting > 0 || hasEnded)
  }
  await runOut(world)
  for (let i = 0; i < 4; i++) await syncOn(world, a)
  // That it is exactly the log is checked when it is installed.
  expect(relay.log(NOVEL)?.snapshot).not.toBeNull()
  await runOut(world)
})
