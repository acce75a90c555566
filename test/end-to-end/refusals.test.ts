// What an app hears when a relay does not let its device in, or is not there; and that nothing is lost by it.
import { afterEach, describe, expect, it } from 'vitest'
import { FaultProxy } from '../support/fault-proxy.ts'
import { type CarrierName, NodeDevice, type NodeDeviceOptions } from '../support/node-device.ts'
import { RelayProcess } from '../support/relay-process.ts'

const CARRIERS: readonly CarrierName[] = ['websocket', 'http']
const NOVEL = 'alice/novel'

const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe.each(CARRIERS)('over %s', (carrier) => {
  it('a token that is none, one of another relay and an expired one are each TOKEN, and say why', async () => {
    const relay = await startRelay()
    const other = new RelayProcess()
    undo.push(() => other.stop())
    const expired = await relay.token('alice/*:write', '1s')
    await new Promise((resolve) => setTimeout(resolve, 2_100))
    const cases = [
      ['', /no token/],
      ['nonsense', /malformed/],
      [await other.token(), /another secret/],
      [expired, /expired/],
    ] as const
    for (const [token, message] of cases) {
      const device = await writer({ url: relay.url, token, carrier })
      await expect(device.tidemark.sync()).rejects.toMatchObject({
        code: 'TOKEN',
        message: expect.stringMatching(message),
        retryable: false,
        relay: relay.url,
        report: { complete: false },
      })
      const { status } = await device.tidemark.open(NOVEL)
      expect(status).toMatchObject({ safety: 'on-device', problem: { code: 'TOKEN' } })
    }
  })

  it('a token source is asked once more after a refusal, and told so', async () => {
    const relay = await startRelay()
    const good = await relay.token()
    const asked: boolean[] = []
    const token = ({ refused }: { refused: boolean }): string => {
      asked.push(refused)
      return refused ? good : 'stale'
    }
    const device = await writer({ url: relay.url, token, carrier })
    await device.burst()
    expect(asked).toEqual([false, true])
  })

  it('a grant for another vault is DENIED for the document alone', async () => {
    const relay = await startRelay()
    const device = await writer({ url: relay.url, token: await relay.token('bob/*:write'), carrier })
    await device.insert('bob/diary', 0, 'Dear diary')
    const report = await device.tidemark.sync()
    expect(report).toMatchObject({ complete: false, relays: [{ complete: false, error: null }] })
    const outcomes = Object.fromEntries(report.relays[0]?.documents.map(({ id, ...rest }) => [id, rest]) ?? [])
    expect(outcomes[NOVEL]).toMatchObject({ outcome: 'failed', error: { code: 'DENIED', documentId: NOVEL } })
    expect(outcomes['bob/diary']).toMatchObject({ outcome: 'synced', entriesPushed: 1 })
    expect((await device.tidemark.open(NOVEL)).status).toMatchObject({
      safety: 'on-device',
      problem: { code: 'DENIED' },
    })
  })

  it('a grant to read lets a device pull, and refuses its edits as READ_ONLY', async () => {
    const relay = await startRelay()
    const author = await writer({ url: relay.url, token: await relay.token(), carrier })
    await author.burst()
    const reader = track(new NodeDevice({ url: relay.url, token: await relay.token('alice/*:read'), carrier }))
    await reader.tidemark.open(NOVEL)
    await reader.burst()
    expect(await reader.text(NOVEL)).toBe('It was a dark night.')
    await reader.insert(NOVEL, 0, 'Mine! ')
    expect(await reader.tidemark.sync()).toMatchObject({
      complete: false,
      relays: [{ error: null, documents: [{ id: NOVEL, outcome: 'failed', error: { code: 'READ_ONLY' } }] }],
    })
    await author.insert(NOVEL, 20, ' It rained.')
    await author.burst()
    expect(await author.text(NOVEL)).toBe('It was a dark night. It rained.')
    // Its own edits stay its own, and it goes on hearing of the others'.
    expect(await reader.tidemark.sync()).toMatchObject({ relays: [{ documents: [{ error: { code: 'READ_ONLY' } }] }] })
    expect(await reader.text(NOVEL)).toBe('Mine! It was a dark night. It rained.')
    expect((await reader.tidemark.open(NOVEL)).status).toMatchObject({
      safety: 'on-device',
      problem: { code: 'READ_ONLY' },
    })
  })

  it('a relay that is down is OFFLINE, and the same burst succeeds when it is back', async () => {
    const relay = await startRelay()
    const device = await writer({ url: relay.url, token: await relay.token(), carrier })
    await relay.kill()
    await expect(device.tidemark.sync()).rejects.toMatchObject({
      code: 'OFFLINE',
      retryable: true,
      relay: relay.url,
      report: { complete: false, relays: [{ documents: [{ id: NOVEL, outcome: 'unfinished' }] }] },
    })
    expect((await device.tidemark.open(NOVEL)).status).toMatchObject({
      safety: 'on-device',
      problem: { code: 'OFFLINE' },
    })
    await relay.start()
    expect(await device.burst()).toMatchObject([{ outcome: 'synced', entriesPushed: 1 }])
    expect((await device.tidemark.open(NOVEL)).status).toMatchObject({ safety: 'on-relay', problem: null })
  })
})

describe('behind a proxy that knows no upgrades', () => {
  it('a device falls back to HTTP by itself, and one that was told to use WebSockets is OFFLINE', async () => {
    const relay = await startRelay()
    const proxy = await FaultProxy.start(relay.url)
    undo.push(() => proxy.close())
    proxy.blocksUpgrades = true
    const token = await relay.token()
    const device = await writer({ url: proxy.url, token, carrier: 'auto' })
    expect(await device.tidemark.sync()).toMatchObject({ complete: true, relays: [{ carrier: 'http' }] })
    const stubborn = await writer({ url: proxy.url, token, carrier: 'websocket' })
    await expect(stubborn.tidemark.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
    proxy.blocksUpgrades = false
    expect(await device.tidemark.sync()).toMatchObject({ complete: true, relays: [{ carrier: 'websocket' }] })
  })
})

async function startRelay(): Promise<RelayProcess> {
  const relay = new RelayProcess()
  undo.push(() => relay.stop())
  await relay.start()
  return relay
}

function track(device: NodeDevice): NodeDevice {
  undo.push(() => device.leave())
  return device
}

/** With an edit that no relay has. */
async function writer(options: NodeDeviceOptions): Promise<NodeDevice> {
  const device = track(new NodeDevice(options))
  await device.insert(NOVEL, 0, 'It was a dark night.')
  return device
}
