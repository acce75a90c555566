// The WebSocket carrier over real sockets: handshake, close codes, bad input, backpressure.
import { connect } from 'node:net'
import { encodeFrames } from '@tidemark/protocol'
import { createRelay, memoryRelayStore, type Relay, RelayError, type RelayOptions } from '@tidemark/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Tokens } from '../../../relay/src/token/tokens.ts'
import { burst, Device, END, hello, names, only, open, payloadOf, payloadsIn, push, storePush } from '../device.ts'

const NOVEL = 'alice/novel'
const relays: Relay[] = []

async function start(options: Partial<RelayOptions> = {}): Promise<{ url: string; token: string; relay: Relay }> {
  const relay = await createRelay({ store: memoryRelayStore(), ...options })
  relays.push(relay)
  return { url: relay.url, token: await relay.mintToken(['alice/*:write']), relay }
}

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close({ deadlineMs: 0 })
})

describe('a burst over a WebSocket', () => {
  it('is one message each way', async () => {
    const { url, token } = await start()
    const device = await Device.connect(url)
    const frames = await device.round([hello(token), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
    expect(device.messages).toHaveLength(1)
    device.close()
    await device.closed()
    expect(payloadsIn(await burst(url, [hello(token), open(1, NOVEL), END]))).toEqual(['one'])
  })

  it('may begin in the same packet as the handshake', async () => {
    const { url, token } = await start()
    const { port } = new URL(url)
    const body = encodeFrames([hello(token), END])
    const mask = Uint8Array.of(1, 2, 3, 4)
    const length = Uint8Array.of(0x82, 0x80 | 126, body.length >> 8, body.length & 0xff)
    const masked = body.map((byte, index) => byte ^ (mask[index % 4] ?? 0))
    const handshake =
      `GET /v1/sync HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n` +
      `Sec-WebSocket-Key: ${Buffer.alloc(16, 'k').toString('base64')}\r\nSec-WebSocket-Protocol: tidemark.v1\r\n\r\n`
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(Buffer.concat([Buffer.from(handshake), length, mask, masked]))
    const done = Buffer.from(encodeFrames([{ type: 'DONE', more: false, returnAfterMs: 0 }]))
    let received = Buffer.alloc(0)
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer])
      if (received.subarray(-done.length).equals(done)) break
    }
    expect(received.toString('latin1')).toContain('Sec-WebSocket-Protocol: tidemark.v1')
    expect(received.subarray(-done.length).equals(done)).toBe(true)
  })

  it('carries megabytes to a device that reads slowly, in messages of at most 256 KiB', async () => {
    const store = memoryRelayStore()
    const { url, token } = await start({ store })
    for (let index = 0; index < 100; index++) await store.append([storePush(NOVEL, `${index}.`, 100_000)])
    const device = await Device.connect(url)
    device.webSocket.pause()
    device.send([hello(token, { receiveWindowBytes: 100_000_000 }), open(1, NOVEL), END])
    await new Promise((resolve) => setTimeout(resolve, 200))
    device.webSocket.resume()
    await device.until(() => device.frames.some(({ type }) => type === 'DONE'))
    expect(payloadsIn(device.frames)).toHaveLength(100)
    expect(Math.max(...device.messages)).toBeLessThanOrEqual(256 * 1024)
    device.close()
  })
})

describe('rounds sent ahead over a WebSocket', () => {
  it('are all answered, though the relay stops reading while too much waits', async () => {
    const { url, token } = await start({ limits: { waitingBytesMax: 50_000 } })
    const device = await Device.connect(url)
    await device.round([hello(token), END])
    for (let round = 0; round < 15; round++) {
      const pushes = [0, 1, 2].map((index) => push(1, payloadOf(`${round}.${index} `, 60_000)))
      device.send([open(1, NOVEL, { pull: false }), ...pushes, END])
    }
    await device.until(() => device.frames.filter(({ type }) => type === 'DONE').length === 16)
    expect(device.frames.filter(({ type }) => type === 'ACK')).toHaveLength(45)
    device.close()
  })

  it('(case 23) end with the connection where the device reads nothing of the answers', async () => {
    const store = memoryRelayStore()
    const { url, token } = await start({ store, limits: { stallTimeoutMs: 300, closeTimeoutMs: 300 } })
    for (let index = 0; index < 200; index++) await store.append([storePush(NOVEL, `${index}.`, 100_000)])
    const device = await Device.connect(url)
    device.webSocket.pause()
    device.send([hello(token, { receiveWindowBytes: 1_000_000_000 }), open(1, NOVEL), END])
    const sending = setInterval(() => device.send([{ type: 'CREDIT', bytes: 1 }]), 50)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    clearInterval(sending)
    device.webSocket.resume()
    await device.closed()
    // It was cut in the middle: the goodbye stands behind what was never read, or is lost with it.
    expect([4408, 1006]).toContain(device.closeCode)
    expect(device.frames.some(({ type }) => type === 'DONE')).toBe(false)
  })

  it('(case 23) that come one byte at a time end with 4408 when nothing was asked for too long', async () => {
    const { url, token } = await start({ limits: { idleTimeoutMs: 400 } })
    const device = await Device.connect(url)
    await device.round([hello(token), END])
    const dribble = setInterval(() => device.webSocket.send(Uint8Array.of(1), { fin: false }), 100)
    await device.closed()
    clearInterval(dribble)
    expect(device.closeCode).toBe(4408)
  })
})

describe('a handshake', () => {
  it.each([
    ['without the subprotocol', '/v1/sync', {}, 400],
    ['on another path', '/v2/sync', { protocol: 'tidemark.v1' }, 404],
    ['on the path of the health check', '/healthz', { protocol: 'tidemark.v1' }, 404],
  ])('%s is refused', async (_name, path, { protocol }: { protocol?: string }, status) => {
    const { url } = await start()
    const socket = new WebSocket(`${url}${path}`, protocol === undefined ? [] : [protocol])
    const response = await new Promise<number | undefined>((resolve) => {
      socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
      socket.on('error', () => {})
    })
    expect(response).toBe(status)
  })

  it('of a web page is refused where its origin is not allowed', async () => {
    const { url } = await start({ limits: { originsAllowed: ['https://good.example'] } })
    await expect(Device.connect(url, { origin: 'https://bad.example' })).rejects.toThrow('403')
    const good = await Device.connect(url, { origin: 'https://good.example' })
    good.close()
    const program = await Device.connect(url)
    program.close()
  })
})

describe('a WebSocket that is refused', () => {
  it('for its token gets TOKEN, says why, and is closed with 4401', async () => {
    const { url, relay } = await start()
    const expired = await new Tokens(new Uint8Array(32), 1).mint(['alice/*:read'], '', Date.now() - 10_000, 5_000)
    for (const [token, why] of [
      ['', 'no token'],
      ['nonsense', 'malformed'],
      [expired, 'signature'],
    ] as const) {
      const device = await Device.connect(url)
      const error = only(await device.round([hello(token), open(1, NOVEL), push(1, payloadOf('x')), END]), 'ERROR')
      expect(error).toMatchObject({ channel: 0, code: 'TOKEN' })
      expect(error.message).toContain(why)
      await device.closed()
      expect(device.closeCode).toBe(4401)
      expect(device.closeReason).toContain(why)
    }
    expect(relay.url).toBe(url)
  })

  it('for an expired token is told so', async () => {
    const secret = new Uint8Array(32).fill(7)
    const { url } = await start({ secret })
    const expired = await new Tokens(secret, 1).mint(['alice/*:read'], '', Date.now() - 10_000, 5_000)
    const frames = await burst(url, [hello(expired), END])
    expect(only(frames, 'ERROR')).toMatchObject({ code: 'TOKEN', message: 'The token has expired' })
  })

  it('for bytes that are no frames, or text, is closed with 4400', async () => {
    const { url } = await start()
    for (const message of [Buffer.from('garbage'), 'text', Buffer.alloc(0)]) {
      const device = await Device.connect(url)
      device.webSocket.send(message)
      expect(only(await device.closed(), 'ERROR').code).toBe('MALFORMED')
      expect(device.closeCode).toBe(4400)
    }
  })

  it('(case 24) for versions 0 and 2 is closed with 4406', async () => {
    const { url, token } = await start()
    for (const version of [0, 2]) {
      const device = await Device.connect(url)
      await device.round([hello(token, { versionMax: version, versionMin: version })])
      expect(only(await device.closed(), 'ERROR').code).toBe('VERSION')
      expect(device.closeCode).toBe(4406)
    }
  })

  it('for a message that is too long is closed with 1009', async () => {
    const { url } = await start()
    const long = await Device.connect(url)
    long.webSocket.send(Buffer.alloc(300_000))
    expect(only(await long.closed(), 'ERROR').code).toBe('TOO_LARGE')
    expect(long.closeCode).toBe(1009)
    const longer = await Device.connect(url)
    longer.webSocket.send(Buffer.alloc(2_000_000))
    await longer.closed()
    expect(longer.closeCode).toBe(1009)
  })

  it('for saying nothing, or one byte at a time, is closed with 4408 at the deadline', async () => {
    const { url } = await start({ limits: { verifyTimeoutMs: 300 } })
    const silent = await Device.connect(url)
    const slow = await Device.connect(url)
    const dribble = setInterval(() => slow.webSocket.send(Uint8Array.of(1), { fin: false }), 50)
    await Promise.all([silent.closed(), slow.closed()])
    clearInterval(dribble)
    expect([silent.closeCode, slow.closeCode]).toEqual([4408, 4408])
    expect(only(silent.frames, 'ERROR').code).toBe('DEADLINE')
  })

  it('for being one too many is closed with 1013 and told when to return', async () => {
    const { url, token } = await start({ limits: { connectionsMax: 1, retryAfterMs: 1_234 } })
    const first = await Device.connect(url)
    const second = await Device.connect(url)
    expect(only(await second.closed(), 'ERROR')).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 1_234 })
    expect(second.closeCode).toBe(1013)
    expect(names(await first.round([hello(token), END]))).toBe('WELCOME DONE')
    first.close()
  })

  it('leaves the others alone', async () => {
    const { url, token } = await start()
    const good = await Device.connect(url)
    const bad = await Device.connect(url)
    bad.webSocket.send(Buffer.from('garbage'))
    await bad.closed()
    expect(names(await good.round([hello(token), open(1, NOVEL), push(1, payloadOf('x')), END]))).toContain('ACK')
    good.close()
  })
})

describe('a relay that cannot start', () => {
  it('says which address is taken', async () => {
    const { url } = await start()
    const port = Number(new URL(url).port)
    await expect(start({ port })).rejects.toThrow(RelayError)
    await expect(start({ port })).rejects.toMatchObject({
      code: 'ADDRESS',
      message: expect.stringContaining(String(port)),
    })
  })
})
