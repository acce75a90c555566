// A large payload over a line that is never cut: each of its pieces is a round of its own, and a device that counted them all
// gave up on an honest relay after a thousand, which are 32 MB.
import { expect, it } from 'vitest'
import { World } from '../support/world.ts'

it('a payload of more pieces than a document may have rounds goes up in one burst', async () => {
  const world = new World({ pieceBytesMax: 512 }, { isSlow: true })
  const device = world.device()
  await device.type('x'.repeat(700_000))
  const report = await device.sync()
  expect(report).toMatchObject({ complete: true, relays: [{ documents: [{ outcome: 'synced' }] }] })
  expect(world.relay.messagesUp).toBeGreaterThan(1_000)
})
