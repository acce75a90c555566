import { decodeMessage, encodeFrames, type Frame, type FrameOf, LIMITS_AFTER_WELCOME } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { NOVEL, World } from '../support/world.ts'

const NOTHING = new Uint8Array(0)
const ID = new Uint8Array(16).fill(7)

const OPEN: FrameOf<'OPEN'> = {
  type: 'OPEN',
  channel: 1,
  documentId: NOVEL,
  pull: true,
  push: false,
  linger: false,
  create: false,
  reseeding: false,
  incarnation: NOTHING,
  mark: NOTHING,
  receipt: NOTHING,
  claim: null,
  partial: null,
}

/** What the relay answers to one message in a connection of its own. */
async function answer(world: World, frames: readonly Frame[]): Promise<readonly Frame[]> {
  const answers: Frame[] = []
  await new Promise<void>((resolve) => {
    const connection = world.relay.core.connect({
      bufferedBytes: 0,
      send: (bytes) => {
        const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
        if (decoded.ok) answers.push(...decoded.frames)
        if (answers.at(-1)?.type === 'DONE') resolve()
      },
      close: () => resolve(),
    })
    connection.receive(encodeFrames(frames))
  })
  return answers
}

const hello: FrameOf<'HELLO'> = {
  type: 'HELLO',
  versionMax: 1,
  versionMin: 1,
  deviceId: ID,
  token: 'alice/*:write',
  receiveWindowBytes: 1e6,
  clientName: 'test',
}

const unserved: readonly Frame[] = [{ type: 'AWARENESS', channel: 1, bytes: new Uint8Array(3) }]

describe('a frame that the relay does not serve yet', () => {
  it.each(unserved.map((frame) => [frame.type, frame] as const))(
    '%s is answered UNSUPPORTED, and the channel is served',
    async (name, frame) => {
      const world = new World()
      const device = world.device()
      await device.type('x')
      await device.sync()
      const answers = await answer(world, [hello, OPEN, frame, { type: 'END' }])
      expect(answers.map(({ type }) => type)).toEqual(['WELCOME', 'OPENED', 'ERROR', 'ENTRIES', 'SYNCED', 'DONE'])
      expect(answers[2]).toMatchObject({ channel: 1, code: 'UNSUPPORTED', message: expect.stringContaining(name) })
    },
  )

  it('lingering is answered alike', async () => {
    const answers = await answer(new World(), [hello, { ...OPEN, linger: true }, { type: 'END' }])
    expect(answers.map(({ type }) => type)).toEqual(['WELCOME', 'OPENED', 'ERROR', 'SYNCED', 'DONE'])
  })
})
