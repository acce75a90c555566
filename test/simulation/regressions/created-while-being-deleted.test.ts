// Seed 43603 of its time: the app began a document anew while a relay's answer to its deletion was under way. The answer then
// counted as news of a deletion, and what was written was pushed in vain.
import { expect, it } from 'vitest'
import { runOut } from '../run-out.ts'
import { commitAll, deletedUntold, deliverUntil, deviceIn, NOVEL, novelOn, syncOn } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a document that is begun anew while it is being deleted begins anew', async () => {
  const { world, a } = await deletedUntold()
  const relay = world.relays[0] as SimulatedRelay
  a.sync({}, () => undefined)
  await deliverUntil(world, () => relay.isFlushing)
  world.createDocument(a, NOVEL)
  for (let i = 0; i < 5; i++) {
    await world.settle()
    await commitAll(a)
  }
  expect(a.open.has(NOVEL)).toBe(true)
  novelOn(a).doc.getText('text').insert(0, 'two ')
  await commitAll(a)
  await runOut(world)
  for (let i = 0; i < 2; i++) await syncOn(world, a)
  const b = await deviceIn(world)
  await syncOn(world, b)
  expect(novelOn(b).doc.getText('text').toString()).toContain('two ')
})
