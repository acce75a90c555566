// The demo's server without a browser: who gets a token, and what it says when it cannot start.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Demo, startDemo } from '../../examples/demo/src/server/demo-server.ts'

interface Answer {
  readonly status: number | undefined
  readonly body: string
}

describe("the demo's server", () => {
  let directory: string
  let demo: Demo | null

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'tidemark-demo-'))
    writeFileSync(join(directory, 'index.html'), '<title>page</title>')
    demo = null
  })

  afterEach(async () => {
    await demo?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  async function start(host: string, port = 0): Promise<Demo> {
    demo = await startDemo({ host, port, data: join(directory, 'data'), page: directory })
    return demo
  }

  it('gives the page on this machine a token for its vault', async () => {
    const { url } = await start('127.0.0.1')
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST:8080']) {
      expect(await ask(url, '/demo/token', { host }), host).toMatchObject({
        status: 200,
        body: /^ey[\w-]+\.[\w-]+\.[\w-]+$/,
      })
    }
    const { body: token } = await ask(url, '/demo/token', { 'sec-fetch-site': 'same-origin' })
    const relays = [url.replace(/^http/, 'ws').replace(/\/$/, '')]
    await using device = new Tidemark({ relays, token, store: memoryStore(), schedule: false })
    await device.open('demo/page')
    expect(await device.sync()).toMatchObject({ complete: true })
    await device.open('other/page')
    expect(await device.sync()).toMatchObject({ complete: false })
  })

  it.each([
    ['by a name that DNS may have pointed here', { host: 'evil.example' }],
    ['by a name that begins like a loopback name', { host: 'localhost.evil.example' }],
    ['by a name that ends in an address', { host: 'evil.127.0.0.1' }],
    ['by a page of another origin', { host: 'localhost', 'sec-fetch-site': 'cross-site' }],
    ['by another port of this machine', { host: 'localhost', 'sec-fetch-site': 'same-site' }],
  ])('gives no token when asked %s', async (_how, headers) => {
    const { url } = await start('127.0.0.1')
    expect(await ask(url, '/demo/token', headers)).toMatchObject({ status: 403 })
  })

  it('gives no token to anybody when it listens for others too', async () => {
    const { server } = await start('0.0.0.0')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    const url = `http://127.0.0.1:${address.port}/`
    expect(await ask(url, '/demo/token', { host: 'localhost' })).toMatchObject({ status: 403 })
    expect(await ask(url, '/', {})).toMatchObject({ status: 200, body: '<title>page</title>' })
  })

  it('turns a relay off and on for the page, and for nobody else', async () => {
    const { url } = await start('127.0.0.1')
    const stranger = { host: 'localhost', 'sec-fetch-site': 'cross-site' }
    const off = '/demo/relays?name=first&on=false'
    expect(await ask(url, off, stranger, 'POST')).toMatchObject({ status: 403 })
    expect(await ask(url, off, {})).toMatchObject({ status: 200, body: '{"first":true,"second":true}' })
    expect(await ask(url, off, {}, 'POST')).toMatchObject({ status: 200, body: '{"first":false,"second":true}' })
    expect(await ask(url, '/healthz', {})).toMatchObject({ status: 404 })
    expect(await ask(url, '/second/healthz', {})).toMatchObject({ status: 200 })
    const { body: token } = await ask(url, '/demo/token', {})
    const first = url.replace(/^http/, 'ws').replace(/\/$/, '')
    await using device = new Tidemark({
      relays: [first, `${first}/second`].map((relay) => ({ url: relay, carrier: 'websocket' })),
      token,
      store: memoryStore(),
      schedule: false,
    })
    const { doc } = await device.open('demo/page')
    doc.getText('text').insert(0, 'tide')
    const relays = [
      { relay: first, complete: false, error: { code: 'OFFLINE' } },
      { relay: `${first}/second`, complete: true },
    ]
    expect(await device.sync()).toMatchObject({ complete: false, relays })
    await ask(url, '/demo/relays?name=first&on=true', {}, 'POST')
    expect(await device.sync()).toMatchObject({ complete: true })
  })

  it('serves the page, the relays, and nothing else', async () => {
    const { url } = await start('127.0.0.1')
    expect(await ask(url, '/', {})).toMatchObject({ status: 200, body: '<title>page</title>' })
    expect(await ask(url, '/healthz', {})).toMatchObject({ status: 200 })
    expect(await ask(url, '/data/secret', {})).toMatchObject({ status: 404 })
    expect(await ask(url, '/../package.json', {})).toMatchObject({ status: 404 })
  })

  it('leaves the data alone when the port is in use', async () => {
    const { server } = await start('127.0.0.1')
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('it does not listen')
    const second = startDemo({ host: '127.0.0.1', port: address.port, data: join(directory, 'data'), page: directory })
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

function ask(url: string, path: string, headers: Record<string, string>, method = 'GET'): Promise<Answer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ method, hostname, port, path, headers, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => {
        body += piece
      })
      response.on('end', () => resolve({ status: response.statusCode, body }))
    })
    sent.on('error', reject)
    sent.end()
  })
}
