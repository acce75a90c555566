// Seed 11125 of its time: a device asked for a repair while the relay kept repairs apart because of one just before. The
// device does not ask twice, and the relay forgot: what a bad snapshot had missed never came back.
import { expect, it } from 'vitest'
import { installBadSnapshot } from '../bad-snapshots.ts'
import { Random } from '../random.ts'
import { runOut } from '../run-out.ts'
import { deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import { Strangers } from '../strangers.ts'

it('a repair that is put off comes when its wait is over', async () => {
  const limits = { claimEntries: 1_000_000, repairWaitMs: 60_000, retentionMs: 0, retentionMaxMs: 0 }
  const world = scriptedWorld(1, limits)
  const relay = world.relays[0] as SimulatedRelay
  const log = () => relay.log(NOVEL) ?? expect.fail('There is no log')
  const a = await deviceIn(world)
  for (const text of ['one ', 'two ']) {
    await type(world, a, text)
    await syncOn(world, a)
  }
  new Strangers(world, new Random(1)).harass(relay, log())
  await runOut(world)
  await syncOn(world, a)
  const installed = installBadSnapshot(world, relay, log(), 'cut off', new Random(1))
  await runOut(world)
  expect(await installed).toBe('OK')
  relay.sweep()
  await runOut(world)
  const b = await deviceIn(world)
  await syncOn(world, b)
  expect(world.deeds.count('repairs refused')).toBe(1)
  await world.pass(130_000)
  await runOut(world)
  for (const device of [a, b]) await syncOn(world, device)
  expect(novelOn(b).doc.getText('text').toString()).toBe('one two ')
})
