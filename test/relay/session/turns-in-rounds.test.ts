// Whose turn it is to give a document back: asked for by RESET and by the flag, kept by the device, ended by its OPEN
// without the flag, by its connection, or by time.
import type { FrameOf, Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { type CoreConnection, CoreUnderTest, settled } from '../core.ts'
import { all, END, hello, only, open, payloadOf, payloadsIn, push } from '../device.ts'
import { begun, NOVEL } from '../log.ts'

const WRITE = 'alice/*:write'
const YOURS = { turn: 'YOURS', turnWaitMs: 0 }
const NONE = { turn: 'NONE', turnWaitMs: 0 }
const WAIT = { turn: 'WAIT', turnWaitMs: 5_000 }
/** Of a relay that was wiped. */
const LOST = payloadOf('no bookmark', 38)

async function connected(relay: CoreUnderTest, letter: string, grants = WRITE): Promise<CoreConnection> {
  const device = relay.connect()
  await device.round([hello(grants, { deviceId: payloadOf(letter, 16) }), END])
  return device
}

async function opened(
  device: CoreConnection,
  fields: Partial<Open>,
  ...pushes: readonly FrameOf<'PUSH'>[]
): Promise<FrameOf<'OPENED'>> {
  return only(await device.round([open(1, NOVEL, fields), ...pushes, END]), 'OPENED')
}

describe('the turn', () => {
  it('is asked for by RESET and by the flag, and by nothing else', async () => {
    const relay = new CoreUnderTest()
    await begun(relay, 'one')
    const device = await connected(relay, 'a')
    expect(await opened(device, {})).toMatchObject(NONE)
    expect(await opened(device, { mark: LOST })).toMatchObject({ status: 'RESET', ...YOURS })
    const other = await connected(relay, 'b')
    expect(await opened(other, { mark: LOST })).toMatchObject({ status: 'RESET', ...WAIT })
    expect(await opened(other, { reseeding: true })).toMatchObject({ status: 'OK', ...WAIT })
    expect(await opened(other, {})).toMatchObject(NONE)
    expect(await opened(device, { reseeding: true })).toMatchObject(YOURS)
  })

  it('passes on once the pushes of its holder’s OPEN without the flag are stored, not before', async () => {
    let flush = (): void => {}
    const store = memoryRelayStore({ flush: () => new Promise<void>((resolve) => (flush = resolve)) })
    const relay = new CoreUnderTest({}, store)
    const [a, b] = [await connected(relay, 'a'), await connected(relay, 'b')]
    expect(await opened(a, { reseeding: true })).toMatchObject(YOURS)
    const before = a.frames.length
    expect(await a.round([open(1, NOVEL), push(1, payloadOf('what it owes')), END])).toEqual([])
    expect(await opened(b, { reseeding: true })).toMatchObject(WAIT)
    flush()
    await settled()
    expect(only(a.frames.slice(before), 'OPENED')).toMatchObject(NONE)
    const next = await b.round([open(1, NOVEL, { reseeding: true }), END])
    expect(only(next, 'OPENED')).toMatchObject(YOURS)
    // Whoever gets it has been given what the one before it gave.
    expect(payloadsIn(next)).toEqual(['what it owes'])
  })

  it('is kept over connections of its device, and ends with the newest that asked', async () => {
    const relay = new CoreUnderTest()
    const first = await connected(relay, 'a')
    expect(await opened(first, { reseeding: true })).toMatchObject(YOURS)
    const second = await connected(relay, 'a')
    expect(await opened(second, { reseeding: true })).toMatchObject(YOURS)
    first.connection.closed()
    const other = await connected(relay, 'b')
    expect(await opened(other, { reseeding: true })).toMatchObject(WAIT)
    second.connection.closed()
    expect(await opened(other, { reseeding: true })).toMatchObject(YOURS)
  })

  it('ends with a connection that the relay closes, too', async () => {
    const relay = new CoreUnderTest()
    const first = await connected(relay, 'a')
    expect(await opened(first, { reseeding: true })).toMatchObject(YOURS)
    first.send([END, END])
    expect(first.closeCode).toBe('MALFORMED')
    expect(await opened(await connected(relay, 'b'), { reseeding: true })).toMatchObject(YOURS)
  })

  it('over HTTP outlives its POST, and ends by time', async () => {
    const relay = new CoreUnderTest()
    const post = async (letter: string): Promise<FrameOf<'OPENED'>> => {
      const device = relay.connect({ oneRound: true })
      const identity = hello(WRITE, { deviceId: payloadOf(letter, 16) })
      return only(await device.round([identity, open(1, NOVEL, { reseeding: true }), END]), 'OPENED')
    }
    expect(await post('a')).toMatchObject(YOURS)
    relay.pass(58_000)
    expect(await post('b')).toMatchObject({ turn: 'WAIT', turnWaitMs: 2_000 })
    relay.pass(2_000)
    expect(await post('b')).toMatchObject(YOURS)
  })

  it('is never given to a device that may not write, nor where a tombstone stands', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'one')
    expect(await opened(await connected(relay, 'r', 'alice/*:read'), { mark: LOST })).toMatchObject({
      status: 'RESET',
      ...NONE,
    })
    await relay.store.delete({ documentId: NOVEL, mark })
    const device = await connected(relay, 'a')
    expect(await opened(device, { mark, reseeding: true })).toMatchObject({ status: 'DELETED', ...NONE })
  })
})

describe('five devices that return to a wiped relay at once', () => {
  it('get the turn one after the other, and only the first has something to give', async () => {
    const relay = new CoreUnderTest()
    const devices = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((letter) => connected(relay, letter)))
    const asked = await Promise.all(devices.map((device) => opened(device, { mark: LOST })))
    expect(asked.map(({ turn }) => turn)).toEqual(['YOURS', 'WAIT', 'WAIT', 'WAIT', 'WAIT'])
    const [first, ...others] = devices
    await opened(first!, {}, push(1, payloadOf('the document')))
    for (const device of others) {
      const frames = await device.round([open(1, NOVEL, { reseeding: true }), END])
      expect(only(frames, 'OPENED')).toMatchObject(YOURS)
      expect(payloadsIn(frames)).toEqual(['the document'])
      // It owes nothing any more, and says so.
      await opened(device, { mark: only(frames, 'SYNCED').mark })
    }
    const log = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(all(log, 'ENTRIES').flatMap(({ entries }) => entries)).toHaveLength(1)
  })
})
