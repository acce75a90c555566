// The relay on somebody else's http server: its own paths are its own, everything else stays with the host.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRelay, memoryRelayStore, type Relay } from '@tidemark/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { burst, Device, END, hello, names, open, payloadOf, post, push } from '../device.ts'

const NOVEL = 'alice/novel'
let server: Server = createServer()
let relay: Relay | null = null

async function listen(): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function attachRelay(basePath = ''): Promise<Relay> {
  relay = await createRelay({ server, store: memoryRelayStore(), basePath })
  return relay
}

/** Status of an upgrade that fails, or 'open'. */
function upgrade(url: string): Promise<number | undefined | 'open'> {
  const socket = new WebSocket(url.replace(/^http/, 'ws'), 'tidemark.v1')
  return new Promise((resolve) => {
    socket.once('unexpected-response', (_request, { statusCode }) => resolve(statusCode))
    socket.once('open', () => {
      socket.close()
      resolve('open')
    })
    socket.on('error', () => {})
  })
}

afterEach(async () => {
  await relay?.close({ deadlineMs: 0 })
  relay = null
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

describe('a host that answers every request itself', () => {
  it('before the relay is attached: keeps its paths, and leaves the relay its own', async () => {
    server = createServer((_request, response) => response.end('host'))
    const base = await listen()
    const { url, mintToken } = await attachRelay('/relay')
    expect(url).toBe(`${base.replace('http', 'ws')}/relay`)
    const token = await mintToken.call(relay, ['alice/*:write'])
    expect(names(await burst(url, [hello(token), open(1, NOVEL), push(1, payloadOf('x')), END]))).toContain('ACK')
    expect((await post(url, [hello(token), END])).status).toBe(200)
    expect(await (await fetch(`${base}/relay/healthz`)).json()).toEqual({ healthy: true })
    expect(await (await fetch(`${base}/healthz`)).text()).toBe('host')
    expect(await (await fetch(`${base}/v1/sync`, { method: 'POST' })).text()).toBe('host')
  })

  it('after the relay is attached: likewise', async () => {
    server = createServer()
    await attachRelay()
    server.on('request', (_request, response) => response.end('host'))
    const base = await listen()
    expect((await post(base, [hello(''), END])).status).toBe(401)
    expect(await (await fetch(`${base}/index.html`)).text()).toBe('host')
  })
})

describe('a host with WebSockets of its own', () => {
  it('keeps them, though it destroys what it does not know', async () => {
    server = createServer()
    const host = new WebSocketServer({ server, path: '/host' })
    host.on('connection', (socket) => socket.send('host'))
    const base = await listen()
    const { url } = await attachRelay()
    const own = new WebSocket(`${base.replace('http', 'ws')}/host`)
    const greeting = await new Promise((resolve) => own.once('message', (data) => resolve(data.toString())))
    expect(greeting).toBe('host')
    own.close()
    const device = await Device.connect(url)
    expect(names(await device.round([hello(''), END]))).toBe('ERROR')
    expect(await upgrade(`${base}/nobody`)).toBe(400)
  })

  it('without any, an upgrade on a path that is nobody’s is refused', async () => {
    server = createServer()
    await attachRelay()
    const base = await listen()
    expect(await upgrade(`${base}/nobody`)).toBe(404)
    expect(await upgrade(`${base}/v1/sync`)).toBe('open')
  })
})

describe('closing the relay', () => {
  it('gives the paths back, and leaves the server running', async () => {
    server = createServer((_request, response) => response.end('host'))
    const listeners = server.listenerCount('upgrade')
    const base = await listen()
    const { url } = await attachRelay()
    const device = await Device.connect(url)
    await relay?.close()
    await device.closed()
    expect(device.closeCode).toBe(1012)
    expect(server.listening).toBe(true)
    expect(server.listenerCount('upgrade')).toBe(listeners)
    expect(Object.hasOwn(server, 'emit')).toBe(false)
    expect(await (await fetch(`${base}/v1/sync`, { method: 'POST' })).text()).toBe('host')
  })

  it('leaves who wrapped the server later undisturbed', async () => {
    server = createServer((_request, response) => response.end('host'))
    const base = await listen()
    await attachRelay()
    const before = server.emit
    let seen = 0
    server.emit = function (this: Server, ...values: unknown[]) {
      seen += 1
      return Reflect.apply(before, this, values) as boolean
    } as Server['emit']
    await relay?.close()
    expect(await (await fetch(`${base}/v1/sync`, { method: 'POST' })).text()).toBe('host')
    expect(seen).toBeGreaterThan(0)
  })
})

describe('a server that does not listen yet', () => {
  it('has no URL until it does', async () => {
    server = createServer()
    const { mintToken } = await attachRelay()
    expect(() => relay?.url).toThrow(expect.objectContaining({ code: 'NOT_LISTENING', option: 'server' }))
    const base = await listen()
    expect(relay?.url).toBe(base.replace('http', 'ws'))
    expect(await mintToken.call(relay, ['alice/*:read'])).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/)
  })
})
