// The relay as a library: it keeps its data, closes in an orderly way, and says when it can no longer keep a promise.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, memoryRelayStore, type Relay } from '@tidemark/relay'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import {
  all,
  burst,
  Device,
  END,
  hello,
  names,
  only,
  open,
  payloadOf,
  payloadsIn,
  piece,
  post,
  push,
  snapshotIn,
  snapshotPut,
} from './device.ts'

const NOVEL = 'alice/novel'
const GRANTS = ['alice/*:write']
let directory = ''

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-relay-'))
})
afterEach(() => rm(directory, { recursive: true }))

/** A store whose appends end only when they are let go. */
class HeldStore {
  readonly store: RelayStore
  #letGo: () => void = () => {}
  #appends = 0
  #wake: () => void = () => {}

  constructor() {
    const gate = new Promise<void>((resolve) => {
      this.#letGo = resolve
    })
    this.store = memoryRelayStore({ flush: () => gate })
    const append = this.store.append.bind(this.store)
    this.store.append = (pushes) => {
      this.#appends += 1
      this.#wake()
      return append(pushes)
    }
  }

  /** Resolves when so many appends have begun. */
  async appends(count: number): Promise<void> {
    while (this.#appends < count) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  letGo(): void {
    this.#letGo()
  }
}

describe('a relay on a data directory', () => {
  it('keeps entries, epoch and secret over a restart', async () => {
    const first = await createRelay({ data: directory })
    const token = await first.mintToken(GRANTS)
    const before = await burst(first.url, [hello(token), open(1, NOVEL), push(1, payloadOf('one')), END])
    await first.close()
    expect(await readdir(directory)).toContain('secret')
    const second = await createRelay({ data: directory })
    const after = await burst(second.url, [hello(token), open(1, NOVEL), END])
    await second.close()
    expect(payloadsIn(after)).toEqual(['one'])
    expect(only(after, 'WELCOME').epoch).toEqual(only(before, 'WELCOME').epoch)
    expect(only(after, 'SYNCED')).toEqual(only(before, 'SYNCED'))
  })

  it('goes on with a large payload after a restart, and serves a snapshot instead of it', async () => {
    const payload = new Uint8Array(randomBytes(1_000_000))
    const upload = open(1, NOVEL, { pull: false })
    const deviceId = payloadOf('d', 16)
    const first = await createRelay({ data: directory })
    const token = await first.mintToken(GRANTS)
    const sender = await Device.connect(first.url)
    await sender.round([hello(token, { deviceId }), END])
    // Rounds sent ahead, as large payloads are.
    for (let offset = 0; offset < 600_000; offset += 60_000)
      sender.send([upload, piece(1, payload, offset, 60_000), END])
    await sender.until(() => all(sender.frames, 'DONE').length === 11)
    await first.close()

    const second = await createRelay({ data: directory, limits: { retentionMs: 0, retentionMaxMs: 0 } })
    const device = await Device.connect(second.url)
    const asked = await device.round([hello(token, { deviceId }), upload, piece(1, payload, 0, 0), END])
    expect(only(asked, 'HAVE').staged).toBe(600_000)
    const halves = [piece(1, payload, 600_000, 200_000), piece(1, payload, 800_000, 200_000)]
    expect(names(await device.round([upload, ...halves, END]))).toBe('OPENED ACK SYNCED DONE')
    const pulled = await device.round([{ type: 'CREDIT', bytes: 1_000_000 }, open(1, NOVEL), END])
    const pieces = all(pulled, 'ENTRIES').flatMap(({ entries }) => entries)
    expect(Buffer.concat(pieces.map(({ bytes }) => bytes)).equals(payload)).toBe(true)
    expect(Math.max(...device.messages)).toBeLessThan(40_000)

    const { mark } = only(pulled, 'SYNCED')
    const { fence } = only(await device.round([upload, { type: 'LEASE', channel: 1, mark }, END]), 'LEASED')
    const snapshot = payloadOf('snapshot ', 100_000)
    const compacted = await device.round([upload, snapshotPut(1, snapshot, { fence, mark }), END])
    expect(only(compacted, 'COMPACTED').code).toBe('OK')
    device.close()
    const fresh = await burst(second.url, [hello(token), open(1, NOVEL), END])
    expect(snapshotIn(fresh).bytes.equals(snapshot)).toBe(true)
    await second.close()
  })

  it('is refused while another relay has it', async () => {
    const first = await createRelay({ data: directory })
    await expect(createRelay({ data: directory })).rejects.toMatchObject({
      name: 'RelayError',
      code: 'DATA',
      option: 'data',
    })
    await first.close()
  })

  it('takes a secret of yours over its own', async () => {
    const secret = new Uint8Array(32).fill(9)
    const relay = await createRelay({ data: directory, secret })
    const other = await createRelay({ store: memoryRelayStore(), secret })
    expect(names(await burst(relay.url, [hello(await other.mintToken(GRANTS)), END]))).toBe('WELCOME DONE')
    await Promise.all([relay.close(), other.close()])
    expect(await readdir(directory)).not.toContain('secret')
  })
})

describe('minting', () => {
  it('gives a token for so long', async () => {
    const relay = await createRelay({ store: memoryRelayStore() })
    const token = await relay.mintToken(GRANTS, { subject: 'alice', expiresInMs: 60_000 })
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Record<string, number>
    expect(claims).toMatchObject({ tidemark: GRANTS, sub: 'alice' })
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(60)
    await expect(relay.mintToken(['alice'])).rejects.toMatchObject({ code: 'BAD_GRANT' })
    await relay.close()
  })
})

describe('closing', () => {
  it('finishes the rounds under way, tells the resting ones to return, and takes no more', async () => {
    const held = new HeldStore()
    const relay = await createRelay({ store: held.store })
    const { url } = relay
    const token = await relay.mintToken(GRANTS)
    const resting = await Device.connect(url)
    await resting.round([hello(token), END])
    const busy = await Device.connect(url)
    busy.send([hello(token), open(1, NOVEL), push(1, payloadOf('one')), END])
    const posted = post(url, [hello(token), open(1, 'alice/other'), push(1, payloadOf('two')), END])
    await held.appends(2)
    const closed = relay.close()
    expect(relay.close()).toBe(closed)
    await resting.closed()
    expect(resting.closeCode).toBe(1012)
    expect(only(resting.frames, 'ERROR')).toMatchObject({ code: 'RESTARTING', retryable: true, retryAfterMs: 5_000 })
    await expect(Device.connect(url)).rejects.toThrow()
    expect(busy.frames).toEqual([])
    held.letGo()
    expect(names(await busy.closed())).toBe('WELCOME OPENED ACK SYNCED DONE ERROR')
    expect(busy.closeCode).toBe(1012)
    await closed
    expect(names((await posted).frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
    expect(await held.store.usage('alice')).toMatchObject({ documents: 2 })
  })

  it('waits no longer than its deadline', async () => {
    const held = new HeldStore()
    const relay = await createRelay({ store: held.store })
    const busy = await Device.connect(relay.url)
    busy.send([hello(await relay.mintToken(GRANTS)), open(1, NOVEL), push(1, payloadOf('one')), END])
    await held.appends(1)
    await relay.close({ deadlineMs: 50 })
    expect(names(await busy.closed())).toBe('WELCOME ERROR')
    expect(busy.closeCode).toBe(1012)
    held.letGo()
  })

  it('does not wait for a device that never says goodbye', async () => {
    const relay = await createRelay({ store: memoryRelayStore(), limits: { closeTimeoutMs: 100 } })
    const device = await Device.connect(relay.url)
    await device.round([hello(await relay.mintToken(GRANTS)), END])
    device.webSocket.pause()
    await relay.close()
    device.webSocket.terminate()
  })

  it('leaves a store that was given to it open', async () => {
    const store = memoryRelayStore()
    const relay = await createRelay({ store })
    await relay.close()
    await expect(store.append([])).resolves.toEqual([])
  })
})

describe('a store that fails for good', () => {
  it('resolves `failed`, and the health check says so', async () => {
    let fail = (_error: Error): void => {}
    const failed = new Promise<Error>((resolve) => {
      fail = resolve
    })
    const memory = memoryRelayStore()
    const store: RelayStore = new Proxy(memory, {
      get: (target, name) => {
        if (name === 'failed') return failed
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    const relay: Relay = await createRelay({ store })
    const base = relay.url.replace('ws', 'http')
    expect((await fetch(`${base}/healthz`)).status).toBe(200)
    fail(new Error('fsync failed'))
    expect((await relay.failed).message).toBe('fsync failed')
    expect((await fetch(`${base}/healthz`)).status).toBe(503)
    await relay.close()
  })
})
