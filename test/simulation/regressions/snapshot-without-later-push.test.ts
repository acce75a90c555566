// Seed 192 of its time: over HTTP an exchange may take many rounds after the one in which it captured the state that a
// snapshot is made from. What was pushed, and acknowledged, in these was missing in the snapshot.
import { decodeMessage, LIMITS_AFTER_WELCOME } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import { deliverUntil, deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'

it('a snapshot holds what was pushed after its state was captured', async () => {
  let isLeasing = false
  const carrier = () => (_link: unknown, direction: string, bytes: Uint8Array) => {
    const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
    if (direction === 'up' && decoded.ok) isLeasing ||= decoded.frames.some((frame) => frame.type === 'LEASE')
    return bytes
  }
  const limits = { compactEntries: 3, compactBytesMin: 1, httpResponseBytesTarget: 1, pageEntriesMax: 1 }
  const options = { carriers: ['http'], compactions: ['gladly', 'never'], sabotage: { carrier } } as const
  const world = scriptedWorld(1, limits, options)
  const relay = world.relays[0] as SimulatedRelay
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  for (let i = 0; i < 3; i++) {
    for (const device of [b, a]) await syncOn(world, device)
    await type(world, b, `${i} `)
  }
  await syncOn(world, b)
  a.sync({}, () => undefined)
  while (!isLeasing) {
    await deliverUntil(world, () => isLeasing || a.isStoring)
    while (!isLeasing && a.isStoring) await a.disk.endCommit(false)
  }
  // The state is captured, and its maker writes on.
  await type(world, a, 'of the maker ')
  for (let i = 0; i < 4; i++) await syncOn(world, a)
  // That the snapshot is exactly the log is checked whenever one is installed.
  expect(relay.log(NOVEL)?.snapshot).not.toBeNull()
})
