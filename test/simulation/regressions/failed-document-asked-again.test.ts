// Seed 66 of its time: a document that had failed was asked for again whenever an HTTP response ended with more to come,
// ten thousand times.
import { decodeMessage, encodeFrames, LIMITS_HTTP_RESPONSE } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import { deviceIn, scriptedWorld, syncOn, type } from '../scripted.ts'

/** Every entry that comes down has a byte that nobody pushed. */
function damaged(bytes: Uint8Array): Uint8Array {
  const decoded = decodeMessage(bytes, LIMITS_HTTP_RESPONSE)
  if (!decoded.ok) return bytes
  const frames = decoded.frames.map((frame) => {
    if (frame.type !== 'ENTRIES') return frame
    const entries = frame.entries.map((entry) => ({ ...entry, bytes: entry.bytes.map((byte) => byte ^ 1) }))
    return { ...frame, entries }
  })
  return encodeFrames(frames)
}

it('a document that failed is not asked for again in the same burst', async () => {
  const carrier = () => (link: { device: string }, direction: string, bytes: Uint8Array) =>
    link.device === 'B' && direction === 'down' ? damaged(bytes) : bytes
  const options = { carriers: ['http'], sabotage: { carrier } } as const
  const world = scriptedWorld(1, { httpResponseBytesTarget: 1 }, options)
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  for (const text of ['one ', 'two ', 'three ']) {
    await type(world, a, text)
    await syncOn(world, a)
  }
  const documents = [{ outcome: 'failed', error: { code: 'BAD_HASH' } }]
  expect(await syncOn(world, b)).toMatchObject({ complete: false, relays: [{ error: null, documents }] })
})
