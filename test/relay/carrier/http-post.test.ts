// The HTTP carrier over real sockets: statuses, tokens, CORS, windows, and the health check.
import { connect } from 'node:net'
import { MEDIA_TYPE } from '@tidemark/protocol'
import { createRelay, memoryRelayStore, type Relay, type RelayOptions } from '@tidemark/relay'
import { afterEach, describe, expect, it } from 'vitest'
import { all, END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, post, push, storePush } from '../device.ts'

const NOVEL = 'alice/novel'
const relays: Relay[] = []

async function start(options: Partial<RelayOptions> = {}): Promise<{ url: string; base: string; token: string }> {
  const relay = await createRelay({ store: memoryRelayStore(), ...options })
  relays.push(relay)
  const token = await relay.mintToken(['alice/*:write'])
  return { url: relay.url, base: relay.url.replace(/^ws/, 'http'), token }
}

afterEach(async () => {
  for (const relay of relays.splice(0)) await relay.close({ deadlineMs: 0 })
})

describe('a burst over HTTP', () => {
  it('is one POST', async () => {
    const { url, token } = await start()
    const { status, headers, frames } = await post(url, [hello(token), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe(MEDIA_TYPE)
    expect(headers.get('content-length')).not.toBeNull()
    expect(names(frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
  })

  it('takes the token from the Authorization header', async () => {
    const { url, token } = await start()
    const bearer = { authorization: `Bearer ${token}` }
    expect(names((await post(url, [hello(''), END], bearer)).frames)).toBe('WELCOME DONE')
    expect(names((await post(url, [hello(token), END], bearer)).frames)).toBe('WELCOME DONE')
    const differ = await post(url, [hello(token), END], { authorization: 'Bearer other' })
    expect(differ.status).toBe(401)
    expect(only(differ.frames, 'ERROR').message).toContain('differ')
  })

  it('streams what is longer than one message, and ends with DONE(more) at its window', async () => {
    const store = memoryRelayStore()
    const { url, token } = await start({ store })
    for (let index = 0; index < 30; index++) await store.append([storePush(NOVEL, `${index}.`, 50_000)])
    const texts: string[] = []
    let mark = NOTHING
    let posts = 0
    for (let more = true; more; posts++) {
      const { frames } = await post(url, [hello(token, { receiveWindowBytes: 600_000 }), open(1, NOVEL, { mark }), END])
      texts.push(...payloadsIn(frames))
      mark = all(frames, 'SYNCED')[0]?.mark ?? all(frames, 'MARK').at(-1)?.mark ?? mark
      more = only(frames, 'DONE').more
    }
    expect(texts).toEqual(
      Array.from({ length: 30 }, (_, index) => Buffer.from(payloadOf(`${index}.`, 50_000)).toString()),
    )
    expect(posts).toBe(3)
  })
})

describe('a POST that fails', () => {
  it.each([
    ['with a bad token', 401, 'TOKEN', [hello('nonsense'), END], {}],
    ['with a wrong version', 400, 'VERSION', [hello('', { versionMax: 2, versionMin: 2 })], {}],
    ['with bytes that are no frames', 400, 'MALFORMED', Buffer.from('garbage'), {}],
    ['with nothing', 400, 'MALFORMED', Buffer.alloc(0), {}],
    ['that is too long', 413, 'TOO_LARGE', Buffer.alloc(300_000), {}],
    ['of another type', 415, 'MALFORMED', [hello(''), END], { 'content-type': 'application/json' }],
  ] as const)('%s is answered %i %s, in a body of frames', async (_name, status, code, body, headers) => {
    const { url } = await start()
    const answer = await post(url, body, headers)
    expect(answer.status).toBe(status)
    expect(only(answer.frames, 'ERROR')).toMatchObject({ channel: 0, code })
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('www-authenticate')).toBe(status === 401 ? 'Bearer' : null)
  })

  it('without a length, and too long, is 413 as well', async () => {
    const { base } = await start()
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let chunk = 0; chunk < 30; chunk++) controller.enqueue(new Uint8Array(10_000))
        controller.close()
      },
    })
    const request = { method: 'POST', headers: { 'content-type': MEDIA_TYPE }, body, duplex: 'half' as const }
    expect((await fetch(`${base}/v1/sync`, request)).status).toBe(413)
  })

  it('for being one too many is 503, and says when to return', async () => {
    const { url } = await start({ limits: { connectionsMax: 1, retryAfterMs: 1_500 } })
    const { port } = new URL(url)
    const hanging = connect(Number(port), '127.0.0.1')
    hanging.write(`POST /v1/sync HTTP/1.1\r\nHost: x\r\nContent-Type: ${MEDIA_TYPE}\r\nContent-Length: 10\r\n\r\n`)
    let answer = await post(url, [hello(''), END])
    // The hanging one counts as soon as its head has arrived.
    while (answer.status === 401) answer = await post(url, [hello(''), END])
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('2')
    expect(only(answer.frames, 'ERROR')).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 1_500 })
    hanging.destroy()
  })

  it('for coming too slowly is 408, and its connection ends', async () => {
    const { url } = await start({ limits: { verifyTimeoutMs: 200 } })
    const { port } = new URL(url)
    const slow = connect(Number(port), '127.0.0.1')
    slow.write(`POST /v1/sync HTTP/1.1\r\nHost: x\r\nContent-Type: ${MEDIA_TYPE}\r\nContent-Length: 10\r\n\r\n`)
    const dribble = setInterval(() => slow.write('.'), 150)
    let answer = ''
    slow.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    await new Promise((resolve) => slow.once('close', resolve))
    clearInterval(dribble)
    expect(answer).toMatch(/^HTTP\/1\.1 408 /)
  })
})

describe('other requests', () => {
  it('of a browser that asks first are answered for any origin, without credentials', async () => {
    const { base } = await start()
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    }
    const response = await fetch(`${base}/v1/sync`, { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('access-control-allow-methods')).toContain('POST')
    expect(response.headers.get('access-control-allow-headers')).toBe('authorization, content-type')
    expect(response.headers.get('access-control-allow-credentials')).toBeNull()
    expect((await post(base, [hello(''), END])).headers.get('access-control-expose-headers')).toBe('Retry-After')
  })

  it('of an origin that is not allowed are 403', async () => {
    const { url } = await start({ limits: { originsAllowed: ['https://good.example'] } })
    const bad = await post(url, [hello(''), END], { origin: 'https://bad.example' })
    expect(bad.status).toBe(403)
    expect(only(bad.frames, 'ERROR').code).toBe('ORIGIN')
    expect(bad.headers.get('access-control-allow-origin')).toBeNull()
    const good = await post(url, [hello(''), END], { origin: 'https://good.example' })
    expect(good.status).toBe(401)
    expect(good.headers.get('access-control-allow-origin')).toBe('https://good.example')
  })

  it('ask for health, in vain for anything else', async () => {
    const { base } = await start({ basePath: '/relay' })
    const health = await fetch(`${base}/healthz`)
    expect(health.status).toBe(200)
    expect(await health.json()).toEqual({ healthy: true })
    expect((await fetch(`${base}/v1/sync`)).status).toBe(405)
    expect((await fetch(`${base}/v1/other`)).status).toBe(404)
    expect((await fetch(base.replace('/relay', '/v1/sync'), { method: 'POST' })).status).toBe(404)
  })
})
