// A token that expires in the middle of a long burst over a slow line: a device that compared what the second connection had
// moved with what the first one had took a line that moves for one that brings nothing.
import type { RelayFrame } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import { LyingRelay } from '../support/lying-relay.ts'
import { VirtualTime } from '../support/virtual-time.ts'
import { World } from '../support/world.ts'

const FRAME_MS = 10_000
const EXPIRED: RelayFrame = { type: 'ERROR', channel: 0, code: 'TOKEN', retryable: true, retryAfterMs: 0, message: '' }

it('the connection with the fresh token is judged by what it moves itself', async () => {
  const time = new VirtualTime()
  const relay = new LyingRelay(new World(), 'websocket')
  const writer = relay.world.device()
  await writer.type('x'.repeat(3_000_000))
  await writer.sync()
  let connections = 0
  relay.liar = (say) => {
    const connection = ++connections
    let frames = 0
    return (frame) => {
      frames++
      const said = connection === 1 && frames === 50 ? EXPIRED : frame
      if (connection > 1 || frames <= 50) time.setTimeout(() => say([said]), frames * FRAME_MS)
      return []
    }
  }
  const token = (): string => 'alice/*:delete'
  const reader = relay.device({ token, platform: time.platform })
  await reader.open()
  const synced = reader.sync()
  await time.pass(30 * 60_000)
  expect(await synced).toMatchObject({ complete: true })
  expect(connections).toBe(2)
})
