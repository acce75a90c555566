// Seeds 71, 74, 126 and 166: bursts that ended before, or otherwise than, they should.
import { expect, it } from 'vitest'
import { commitAll, deliverUntil, deviceIn, NOVEL, scriptedWorld, syncOn, type } from '../scripted.ts'

it('a burst that is cut while documents are released waits for their commit', async () => {
  const world = scriptedWorld()
  const a = await deviceIn(world)
  const b = await deviceIn(world)
  await syncOn(world, b)
  b.closeDocument(NOVEL)
  await type(world, a, 'Call me Ishmael.')
  await syncOn(world, a)
  let hasEnded = false
  b.sync({}, () => {
    hasEnded = true
  })
  const isIdle = (): boolean => world.network.busyLanes().length === 0
  await deliverUntil(world, () => b.isStoring && isIdle())
  await commitAll(b) // What the feed listed.
  await deliverUntil(world, () => b.isStoring && isIdle())
  for (const link of world.network.links) link.cut('both')
  await world.settle()
  expect(hasEnded).toBe(false)
  await commitAll(b)
  await world.settle()
  expect(hasEnded).toBe(true)
})

it('pieces smaller than what is worth a frame are sent all the same', async () => {
  const world = scriptedWorld(1, { pieceBytesMax: 16 })
  const a = await deviceIn(world)
  await type(world, a, 'Call me Ishmael. Some years ago - never mind how long precisely')
  await syncOn(world, a)
  const [relay] = world.relays
  if (relay === undefined) throw new Error('There is no relay')
  world.loseRelayData(relay, null, true)
  relay.start()
  // The first message asks; what the relay lacks goes into the second, under the limits that WELCOME announced.
  expect(await syncOn(world, a)).toMatchObject({ complete: true })
  expect(relay.log(NOVEL)?.entries).toHaveLength(1)
})

it('a relay that ends the connection between two rounds says why', async () => {
  const world = scriptedWorld()
  const a = await deviceIn(world)
  const outcomes: unknown[] = []
  a.sync({}, (ended) => outcomes.push(ended))
  const isIdle = (): boolean => world.network.busyLanes().length === 0
  await deliverUntil(world, () => a.isStoring && isIdle())
  await world.pass(16_000) // Longer than a relay waits for the next round, while this device's disk is slow.
  await deliverUntil(world, isIdle)
  await commitAll(a)
  await deliverUntil(world, isIdle)
  await commitAll(a)
  await world.settle()
  expect(outcomes).toMatchObject([{ relays: [{ error: { code: 'TIMEOUT', retryable: true } }] }])
})
