// Lines that fall silent at some byte, of which neither side learns: each ends the connection by its own deadline, the
// device finds its way back, and nothing is lost. While a line is silent the device's deadlines pass 25 times as fast; the
// relay's are short.
import { memoryStore, Tidemark } from '@tidemark/client/node'
import { createRelay, memoryRelayStore } from '@tidemark/relay'
import { afterEach, describe, expect, it } from 'vitest'
import type { Platform } from '../../client/src/platform.ts'
import { Device, END, hello, names, open, push } from '../relay/device.ts'
import { type Direction, FaultProxy } from '../support/fault-proxy.ts'
import type { CarrierName } from '../support/node-device.ts'
import { logOf, type RelayServer, startRelayServer } from '../support/relay-server.ts'

/** Only while a line is silent: else a busy machine would pass for a dead relay. */
const FASTER = 25
let faster = 1
/** Of the device, for silence: 20 s. */
const DEADLINE_MS: number = 20_000 / FASTER
/** Each ends one kind of silence. */
const RELAY_LIMITS = {
  verifyTimeoutMs: 400,
  idleTimeoutMs: 400,
  stallTimeoutMs: 400,
  closeTimeoutMs: 100,
  httpHeadersTimeoutMs: 400,
  httpRequestTimeoutMs: 400,
  httpKeepAliveTimeoutMs: 400,
}
const NOVEL = 'alice/novel'
const undo: (() => Promise<void> | void)[] = []

afterEach(async () => {
  faster = 1
  for (const step of undo.splice(0).reverse()) await step()
})

describe.each<CarrierName>(['websocket', 'http'])('over %s, a device whose line falls silent', (carrier) => {
  it.each<[Direction, number]>([
    ['up', 0],
    ['up', 0.4],
    ['down', 0.4],
    ['down', 0.95],
  ])('on its way %s after %f of a burst gives up at its deadline, and its next burst succeeds', async (way, share) => {
    const server = track(await startRelayServer({ closeTimeoutMs: 100 }))
    const proxy = track(await FaultProxy.start(server.url))
    const { tidemark } = device(proxy, server.token, carrier)
    const { doc } = await tidemark.open(NOVEL)
    proxy.record()
    doc.getText('t').insert(0, 'One. ')
    expect((await tidemark.sync()).complete).toBe(true)
    const bytes = proxy.recorded[way].reduce((sum, { length }) => sum + length, 0)
    proxy.silenceAfter(way, Math.floor(bytes * share))
    doc.getText('t').insert(5, 'Two. ')
    faster = FASTER
    const began = performance.now()
    await expect(tidemark.sync()).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true })
    const tookMs = performance.now() - began
    expect(tookMs).toBeGreaterThan(DEADLINE_MS * 0.9)
    expect(tookMs).toBeLessThan(DEADLINE_MS + 5_000)
    expect((await tidemark.open(NOVEL)).status).toMatchObject({ safety: 'on-device', problem: { code: 'TIMEOUT' } })
    proxy.heal()
    // The platform's `fetch` may have made its next connection while the line was still silent.
    if (carrier === 'http') await tidemark.sync().catch(({ code }) => expect(code).toBe('TIMEOUT'))
    faster = 1
    expect((await tidemark.sync()).complete).toBe(true)
    expect((await tidemark.open(NOVEL)).status).toMatchObject({ safety: 'on-relay', problem: null })
    // The burst that nobody answered may have arrived: then the same push is known.
    expect(await logOf(server.store, NOVEL)).toHaveLength(2)
  })
})

it('a device that may use both carriers tries the other, and gives up after both', async () => {
  const server = track(await startRelayServer())
  const proxy = track(await FaultProxy.start(server.url))
  const { tidemark } = device(proxy, server.token, 'auto')
  const { doc } = await tidemark.open(NOVEL)
  doc.getText('t').insert(0, 'One. ')
  proxy.silenceAfter('up', 0)
  faster = FASTER
  await expect(tidemark.sync()).rejects.toMatchObject({ code: 'TIMEOUT' })
  expect(proxy.connections).toBe(2)
  proxy.heal()
  faster = 1
  expect(await tidemark.sync()).toMatchObject({ complete: true, relays: [{ carrier: 'websocket' }] })
})

describe('a relay whose device falls silent ends the connection by its own deadline', () => {
  it('before a byte of it has come', async () => {
    const { proxy, silent } = await silentDevice((proxy) => proxy.silence())
    await expectEnded(proxy, silent)
  })

  it('in the middle of its first message', async () => {
    // The handshake takes some 250 bytes, HELLO more than 200.
    const { proxy, silent } = await silentDevice((proxy) => proxy.silenceAfter('up', 350))
    await expectEnded(proxy, silent)
    expect(silent.frames).toEqual([])
  })

  it('between two rounds', async () => {
    const { proxy, silent } = await silentDevice()
    await silent.until(() => silent.frames.some(({ type }) => type === 'ENTRIES'))
    await silent.round([{ type: 'CREDIT', bytes: 4 * 1024 * 1024 }])
    proxy.silence()
    await expectEnded(proxy, silent)
  })

  it('in the middle of a large download, for which it gives no more credit', async () => {
    const { proxy, silent } = await silentDevice((proxy) => proxy.silenceAfter('down', 400_000))
    await expectEnded(proxy, silent)
    expect(names(silent.frames)).toMatch(/^WELCOME OPENED/)
  })
})

/** A device that asks for a log larger than its window, through a proxy that is prepared for it. */
async function silentDevice(
  prepare: (proxy: FaultProxy) => void = () => undefined,
): Promise<{ proxy: FaultProxy; silent: Device }> {
  const relay = await createRelay({ store: memoryRelayStore(), limits: RELAY_LIMITS })
  undo.push(() => relay.close())
  const token = await relay.mintToken(['alice/*:write'])
  await fill(relay.url, token)
  const proxy = track(await FaultProxy.start(relay.url))
  prepare(proxy)
  const silent = new Device(proxy.url)
  undo.push(() => silent.webSocket.terminate())
  silent.webSocket.once('open', () => silent.send([hello(token), open(1, NOVEL), END]))
  await until(() => proxy.heldByRelay === 1)
  return { proxy, silent }
}

async function expectEnded(proxy: FaultProxy, silent: Device): Promise<void> {
  const began = performance.now()
  await until(() => proxy.heldByRelay === 0)
  expect(performance.now() - began).toBeLessThan(5_000)
  // Of which the device has learnt nothing.
  expect(silent.closeCode).toBe(null)
}

/** With more than a device's window of entries. */
async function fill(url: string, token: string): Promise<void> {
  const filler = await Device.connect(url)
  await filler.round([hello(token), END])
  for (let entry = 0; entry < 12; entry++) {
    const payload = new Uint8Array(Buffer.alloc(200_000, `entry ${entry}`))
    expect(names(await filler.round([open(1, NOVEL, { pull: false }), push(1, payload), END]))).toContain('ACK')
  }
  filler.close()
}

function device(proxy: FaultProxy, token: string, carrier: CarrierName): { tidemark: Tidemark } {
  const platform: Partial<Platform> = {
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / faster),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  }
  const tidemark = new Tidemark({
    relays: [{ url: proxy.url, carrier }],
    token,
    store: memoryStore(),
    schedule: false,
    platform,
  })
  undo.push(() => tidemark.close())
  return { tidemark }
}

function track<Closable extends FaultProxy | RelayServer>(closable: Closable): Closable {
  undo.push(() => closable.close())
  return closable
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
