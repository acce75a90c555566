// What may not be sent, and what takes too long: each gets its code, a message that names what is wrong, and a close.
import { type Code, encodeFrames, FRAME_TYPE, type Frame } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { CoreUnderTest, settled } from '../core.ts'
import { END, hello, NOTHING, names, only, open, payloadOf, push, storePush } from '../device.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'

const BAD_FIRST_MESSAGES: readonly (readonly [string, readonly Frame[], Code, string])[] = [
  ['no HELLO', [open(1, NOVEL), END], 'MALFORMED', 'HELLO'],
  ['HELLO that is not first', [END, hello(WRITE)], 'MALFORMED', 'HELLO'],
  ['two HELLOs', [hello(WRITE), hello(WRITE), END], 'MALFORMED', 'HELLO'],
  ['version 0', [hello(WRITE, { versionMax: 0, versionMin: 0 })], 'VERSION', 'version 1'],
  ['version 2', [hello(WRITE, { versionMax: 2, versionMin: 2 })], 'VERSION', 'version 1'],
  ['no token', [hello(''), END], 'TOKEN', 'no token'],
  ['no END', [hello(WRITE), open(1, NOVEL)], 'MALFORMED', 'END'],
  ['END in the middle', [hello(WRITE), END, open(1, NOVEL), END], 'MALFORMED', 'END'],
  ['OPEN of an open channel', [hello(WRITE), open(1, NOVEL), open(1, 'alice/b'), END], 'MALFORMED', 'channel 1'],
  ['PUSH without OPEN', [hello(WRITE), push(4, payloadOf('x')), END], 'MALFORMED', 'channel 4'],
  ['PUSH before its OPEN', [hello(WRITE), push(1, payloadOf('x')), open(1, NOVEL), END], 'MALFORMED', 'channel 1'],
  [
    'PUSH where OPEN does not say so',
    [hello(WRITE), open(1, NOVEL, { push: false }), push(1, payloadOf('x')), END],
    'MALFORMED',
    'PUSH',
  ],
  ['LEASE without OPEN', [hello(WRITE), { type: 'LEASE', channel: 2, mark: NOTHING }, END], 'MALFORMED', 'LEASE'],
  ['a frame of the relay', [hello(WRITE), { type: 'DONE', more: false, returnAfterMs: 0 }, END], 'MALFORMED', 'DONE'],
  [
    'too many FEEDs',
    [hello(WRITE), ...Array<Frame>(65).fill({ type: 'FEED', vault: 'alice', mark: NOTHING }), END],
    'MALFORMED',
    'FEED',
  ],
]

describe('a first message', () => {
  it.each(BAD_FIRST_MESSAGES)('with %s is answered on channel 0 and closed', async (_name, message, code, names) => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    const frames = await device.round(message)
    const error = only(frames, 'ERROR')
    expect(frames).toEqual([error])
    expect(error).toMatchObject({ channel: 0, code, retryable: false })
    expect(error.message).toContain(names)
    expect(device.closeCode).toBe(code)
    expect(relay.core.connectionCount).toBe(0)
    expect(await relay.store.usage('alice')).toEqual({ bytes: 0, documents: 0 })
  })

  it('offering versions 1 to 2 is spoken to in version 1', async () => {
    const frames = await new CoreUnderTest().burst([hello(WRITE, { versionMax: 2 }), END])
    expect(only(frames, 'WELCOME').version).toBe(1)
  })

  it('that is cut short anywhere is MALFORMED, and nothing of it is stored', async () => {
    const relay = new CoreUnderTest()
    const message = encodeFrames([hello(WRITE), open(1, NOVEL), push(1, payloadOf('x')), END])
    for (let length = 0; length < message.length; length++) {
      const device = relay.connect()
      device.connection.receive(message.slice(0, length))
      await settled()
      expect(device.closeCode).toBe('MALFORMED')
    }
    expect(await relay.store.usage('alice')).toEqual({ bytes: 0, documents: 0 })
  })

  it('(case 24) with an unknown critical frame is MALFORMED; an ignorable one is skipped', async () => {
    const relay = new CoreUnderTest()
    const message = (type: number): Uint8Array => {
      const end = encodeFrames([END])
      const before = encodeFrames([hello(WRITE), open(1, NOVEL)])
      return new Uint8Array(Buffer.concat([before, Uint8Array.of(type, 2, 0, 0), end]))
    }
    const unknown = 0x3f
    expect(Object.values(FRAME_TYPE)).not.toContain(unknown)
    const critical = relay.connect()
    critical.connection.receive(message(unknown))
    expect(only(critical.frames, 'ERROR')).toMatchObject({ code: 'MALFORMED' })
    expect(only(critical.frames, 'ERROR').message).toContain('0x3f')
    const ignorable = relay.connect()
    ignorable.connection.receive(message(unknown | 0x40))
    await settled()
    expect(names(ignorable.frames)).toBe('WELCOME OPENED SYNCED DONE')
  })

  it('longer than 256 KiB is TOO_LARGE, though later ones may be longer', async () => {
    const long = [open(1, NOVEL), ...Array.from({ length: 5 }, () => push(1, payloadOf('x', 60_000))), END]
    const relay = new CoreUnderTest()
    const first = relay.connect()
    expect(only(await first.round([hello(WRITE), ...long]), 'ERROR').code).toBe('TOO_LARGE')
    const second = relay.connect()
    await second.round([hello(WRITE), END])
    expect(names(await second.round(long))).toBe('OPENED ACK SYNCED DONE')
  })
})

describe('a later message', () => {
  it('carries no HELLO', async () => {
    const device = new CoreUnderTest().connect()
    await device.round([hello(WRITE), END])
    const frames = await device.round([hello(WRITE), END])
    expect(only(frames, 'ERROR').code).toBe('MALFORMED')
  })

  it('is refused once the token has expired', async () => {
    const relay = new CoreUnderTest()
    relay.tokens.expiresAtMs = relay.nowMs + 1_000
    const device = relay.connect()
    await device.round([hello(WRITE), END])
    relay.nowMs += 1_000
    expect(only(await device.round([END]), 'ERROR')).toMatchObject({ code: 'TOKEN', message: 'The token has expired' })
  })

  it('may open the same channel numbers again', async () => {
    const device = new CoreUnderTest().connect()
    await device.round([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const frames = await device.round([open(1, 'alice/other'), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('OPENED ACK SYNCED DONE')
  })
})

describe('a deadline', () => {
  it('of 5 s stands from connecting to WELCOME, and traffic does not refresh it', async () => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    relay.tokens.verify = () => new Promise(() => {})
    relay.pass(4_000)
    await device.round([hello(WRITE), END])
    device.send([{ type: 'CREDIT', bytes: 1 }])
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('DEADLINE')
    expect(only(device.frames, 'ERROR')).toMatchObject({ code: 'DEADLINE', retryable: true })
  })

  it('ends a connection that rests between rounds', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 1_000 })
    const device = relay.connect()
    await device.round([hello(WRITE), END])
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    await device.round([END])
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('ends a round whose device neither reads nor gives credit', async () => {
    const relay = new CoreUnderTest({ stallTimeoutMs: 2_000 })
    await relay.store.append([storePush(NOVEL, 'one')])
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 1 }), open(1, NOVEL), END])
    relay.pass(1_999)
    await device.round([{ type: 'CREDIT', bytes: 1 }])
    relay.pass(1_999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('ends a round that takes too long as a whole, however it moves', async () => {
    const relay = new CoreUnderTest({ stallTimeoutMs: 2_000, roundTimeoutMs: 5_000 })
    await relay.store.append([storePush(NOVEL, 'a long one')])
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 1 }), open(1, NOVEL), END])
    for (let second = 1; second < 5; second++) {
      relay.pass(1_000)
      await device.round([{ type: 'CREDIT', bytes: 1 }])
    }
    expect(device.closeCode).toBeNull()
    relay.pass(1_000)
    expect(device.closeCode).toBe('DEADLINE')
  })
})

describe('a connection too many', () => {
  it('is told OVERLOADED and when to return; there is room again when one ends', async () => {
    const relay = new CoreUnderTest({ connectionsMax: 1, retryAfterMs: 7_000 })
    const first = relay.connect()
    const second = relay.connect()
    expect(only(second.frames, 'ERROR')).toMatchObject({ code: 'OVERLOADED', retryable: true, retryAfterMs: 7_000 })
    expect(second.carrier.closed).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 7_000 })
    first.connection.closed()
    expect(relay.connect().closeCode).toBeNull()
  })
})

describe('draining', () => {
  it('lets a round under way finish, and ends the others at once', async () => {
    const relay = new CoreUnderTest()
    const resting = relay.connect()
    await resting.round([hello(WRITE), END])
    const busy = relay.connect()
    busy.send([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    const drained = relay.core.drain()
    expect(resting.closeCode).toBe('RESTARTING')
    expect(busy.closeCode).toBeNull()
    await drained
    expect(names(busy.frames)).toBe('WELCOME OPENED ACK SYNCED DONE ERROR')
    expect(busy.closeCode).toBe('RESTARTING')
    expect(only(relay.connect().frames, 'ERROR').code).toBe('RESTARTING')
  })

  it('can be cut short', async () => {
    const relay = new CoreUnderTest()
    relay.store.judge = () => new Promise(() => {})
    const busy = relay.connect()
    await busy.round([hello(WRITE), open(1, NOVEL), END])
    const drained = relay.core.drain()
    relay.core.abandon()
    await drained
    expect(only(busy.frames, 'ERROR').code).toBe('RESTARTING')
  })
})

describe('an HTTP session', () => {
  it('takes the token of the Authorization header, which must agree with the one in HELLO', async () => {
    const relay = new CoreUnderTest()
    const round = async (inHello: string, headerToken: string): Promise<string> =>
      names(await relay.connect({ oneRound: true, headerToken }).round([hello(inHello), END]))
    expect(await round('', WRITE)).toBe('WELCOME DONE')
    expect(await round(WRITE, WRITE)).toBe('WELCOME DONE')
    expect(await round(WRITE, '')).toBe('WELCOME DONE')
    expect(await round(WRITE, 'bob/*:read')).toBe('ERROR')
  })
})
