// Seed 40916 of its time: two devices that were given the entries agreed above a bad snapshot, so that the relay took it for
// good. One that came by way of it pushed what it knew to be missing, and stood at a head where nobody had claimed: it is
// found out by the next claim that is due, and the end of a run did not wait for one.
import { expect, it } from 'vitest'
import { installBadSnapshot } from '../bad-snapshots.ts'
import { Random } from '../random.ts'
import { runOut } from '../run-out.ts'
import { deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import { settleWorld } from '../settlement.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const LONG = 'It was the best of times, it was the worst of times. '.repeat(4)

it('a bad snapshot that others agree above is found out by the next claim that is due', async () => {
  const world = scriptedWorld(1, { claimEntries: 2, claimEveryMs: DAY_MS, retentionMs: DAY_MS })
  const relay = world.relays[0] as SimulatedRelay
  const log = () => relay.log(NOVEL) ?? expect.fail('There is no log')
  const [a, b, c] = [await deviceIn(world), await deviceIn(world), await deviceIn(world)]
  await type(world, a, 'one ')
  for (const device of [a, b, c]) await syncOn(world, device)
  await type(world, a, LONG)
  for (const device of [a, c]) await syncOn(world, device)
  // Drawn so that it hides both entries, and holds neither.
  const installed = installBadSnapshot(world, relay, log(), 'stale', new Random(2))
  await runOut(world)
  expect(await installed).toBe('OK')
  expect(log().agreedIndex).toBe(0)
  await syncOn(world, a)
  expect(log().agreedIndex).toBe(2)
  for (let i = 0; i < 3; i++) for (const device of [b, a, c]) await syncOn(world, device)
  expect(novelOn(b).doc.getText('text').toString()).toBe('one ')
  expect(world.deeds.count('claims that differ')).toBe(0)

  await settleWorld(world, [NOVEL])
  for (const device of [a, b, c]) expect(novelOn(device).doc.getText('text').toString()).toBe(`one ${LONG}`)
})
