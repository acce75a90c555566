// A relay that lies about itself and its vaults: limits that let nothing through, data that is another each time, feeds that never
// end or name what is not theirs, tokens that are never right. A device says why it comes no further, and does not spin.
import { Readable } from 'node:stream'
import type { ErrorCode, TidemarkOptions } from '@tidemark/client'
import type { AnnouncedLimits, FeedDocument } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../client/src/platform.ts'
import { CARRIERS, inPlaceOf, type Liar, LyingRelay, okResponse, someBytes } from '../support/lying-relay.ts'
import { NOVEL, RELAY_URL, type TestDevice, World } from '../support/world.ts'

const MOST = 2 ** 53 - 1
const MESSAGES_MAX = 40
const HOUR_MS = 60 * 60_000
const OTHER_URL = 'ws://other-relay.test'

function limits(changed: Partial<AnnouncedLimits>): Liar {
  return inPlaceOf('WELCOME', (frame) => [{ ...frame, limits: { ...frame.limits, ...changed } }])
}

function listing(documents: readonly FeedDocument[]): Liar {
  return inPlaceOf('FEED_PAGE', (frame) => [{ ...frame, status: 'OK', documents }])
}

function listed(documentId: string, deleted = false): FeedDocument {
  return { documentId, deleted, tag: someBytes(8) }
}

/** What one sync() comes to, thrown or told. */
async function codeOf(device: TestDevice): Promise<ErrorCode | null> {
  try {
    const { relays } = await device.sync()
    return relays[0]?.error?.code ?? null
  } catch (error) {
    return (error as { code: ErrorCode }).code
  }
}

async function writer(relay: LyingRelay, options: Partial<TidemarkOptions> = {}): Promise<TestDevice> {
  const device = relay.device(options)
  await device.burst(1, 'before ')
  await device.type('mine ')
  return device
}

async function expectAllThere(relay: LyingRelay): Promise<void> {
  const late = relay.world.device()
  await late.open()
  expect(await late.sync()).toMatchObject({ complete: true })
  expect(await late.text()).toBe('mine before ')
}

const SESSIONS: readonly (readonly [string, Liar, ErrorCode | null])[] = [
  ['speaks another version', inPlaceOf('WELCOME', (frame) => [{ ...frame, version: 2 }]), 'VERSION'],
  [
    'refuses every token',
    inPlaceOf('WELCOME', () => {
      return [{ type: 'ERROR', channel: 0, code: 'TOKEN', retryable: true, retryAfterMs: MOST, message: 'no' }]
    }),
    'TOKEN',
  ],
  ['answers nothing', () => (frame) => (frame.type === 'WELCOME' || frame.type === 'DONE' ? [frame] : []), 'MALFORMED'],
  [
    'has more to say, and says nothing',
    () => (frame) => (frame.type === 'DONE' ? [{ ...frame, more: true }] : frame.type === 'WELCOME' ? [frame] : []),
    'MALFORMED',
  ],
  ['has more to say always', inPlaceOf('DONE', (frame) => [{ ...frame, more: true }]), null],
  ['wants to be left alone for 2^53-1 ms', inPlaceOf('DONE', (frame) => [{ ...frame, returnAfterMs: MOST }]), null],
  [
    'lists one page for ever',
    inPlaceOf('FEED_PAGE', (frame) => new Array(1_000).fill({ ...frame, more: true })),
    'MALFORMED',
  ],
  ['lists what nobody asked for', inPlaceOf('FEED_PAGE', (frame) => [{ ...frame, vault: 'bob' }]), 'MALFORMED'],
]

describe.each(CARRIERS)('over %s, a relay that', (carrier) => {
  it.each(SESSIONS)('%s', async (_name, liar, code) => {
    const relay = new LyingRelay(new World(), carrier)
    const device = await writer(relay)
    relay.liar = liar
    for (let burst = 0; burst < 3; burst++) {
      const before = relay.heard.length
      expect(await codeOf(device)).toBe(code)
      expect(relay.heard.length - before).toBeLessThanOrEqual(MESSAGES_MAX)
      const { problem } = (await device.open()).status
      expect(problem?.code ?? null).toBe(code)
      expect(problem?.retryAfterMs ?? 0).toBeLessThanOrEqual(HOUR_MS)
    }
    relay.liar = null
    expect(await device.sync()).toMatchObject({ complete: true })
    await expectAllThere(relay)
    expect(relay.openConnections).toBe(0)
  })

  it('lists documents that are none, or of other vaults: no relay is asked for them', async () => {
    const relay = new LyingRelay(new World(), carrier)
    const device = await writer(relay, { mirror: ['alice'] })
    relay.liar = listing([listed('alice/\u0000'), listed('alice/'), listed('alice'), listed('bob/diary'), listed('')])
    expect(await device.sync()).toMatchObject({ complete: true })
    relay.liar = null
    expect(await device.sync()).toMatchObject({ complete: true })
    const asked = relay.heard.flat().flatMap((frame) => (frame.type === 'OPEN' ? [frame.documentId] : []))
    expect([...new Set(asked)]).toEqual([NOVEL])
    expect((await device.tidemark.list('alice')).map(({ id }) => id)).toEqual([NOVEL])
    expect(await device.tidemark.list('bob')).toEqual([])
  })

  it('lists a document as deleted which is not: it syncs on, and nothing of it goes', async () => {
    const relay = new LyingRelay(new World(), carrier)
    const device = await writer(relay)
    relay.liar = listing([listed(NOVEL, true)])
    for (let burst = 0; burst < 3; burst++) expect(await device.sync()).toMatchObject({ complete: true })
    expect(await device.text()).toBe('mine before ')
    await expectAllThere(relay)
  })

  it('asks for a token each time: the app is asked twice for each burst, and never more', async () => {
    const relay = new LyingRelay(new World(), carrier)
    let asked = 0
    const token = (): string => {
      asked++
      return 'alice/*:delete'
    }
    const device = await writer(relay, { token })
    relay.liar = SESSIONS[1]?.[1] ?? null
    asked = 0
    for (let burst = 1; burst <= 3; burst++) {
      expect(await codeOf(device)).toBe('TOKEN')
      expect(asked).toBe(2 * burst)
    }
  })
})

describe('over websocket, a relay that', () => {
  it.each([1, 1_100, 1_537])(
    'takes messages of %i bytes: the device says so, and does not spin',
    async (messageBytesMax) => {
      const relay = new LyingRelay(new World(), 'websocket')
      const device = await writer(relay)
      relay.liar = limits({ messageBytesMax, pieceBytesMax: 1, entryBytesMax: 1, channelsMax: 1 })
      const { doc } = await device.open('alice/large')
      doc.getText('t').insert(0, 'x'.repeat(100_000))
      expect(await codeOf(device)).toBe('UNSUPPORTED')
      expect(relay.heard.length).toBeLessThanOrEqual(MESSAGES_MAX)
      relay.liar = null
      expect(await device.sync()).toMatchObject({ complete: true })
      await expectAllThere(relay)
    },
  )

  it('takes messages of 2,000 bytes: everything gets through', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    relay.liar = limits({ messageBytesMax: 2_000 })
    for (let i = 0; i < 20; i++) {
      const { doc } = await device.open(`alice/part ${i}`)
      doc.getText('t').insert(0, 'x'.repeat(1_500))
    }
    const { doc } = await device.open('alice/large')
    doc.getText('t').insert(0, 'x'.repeat(100_000))
    expect(await device.sync()).toMatchObject({ complete: true })
    await expectAllThere(relay)
  })
})

describe('over http', () => {
  it('a relay whose data is another each time ends the burst, and is not asked for everything for ever', async () => {
    const relay = new LyingRelay(new World({ claimEntries: 1 }), 'http')
    const device = await writer(relay)
    relay.liar = inPlaceOf('WELCOME', (frame) => [{ ...frame, epoch: someBytes(16) }])
    const before = relay.heard.length
    expect(await codeOf(device)).toBe('RELAY_FAULT')
    expect(relay.heard.length - before).toBeLessThanOrEqual(MESSAGES_MAX)
    relay.liar = null
    await device.sync()
    expect(await device.sync()).toMatchObject({ complete: true })
    await expectAllThere(relay)
  })

  /** What a server may answer that is no relay, or one that means harm. */
  const ANSWERS: readonly (readonly [string, number, Record<string, string>, ErrorCode, number | null])[] = [
    ['a page', 200, { 'content-type': 'text/html' }, 'MALFORMED', null],
    ['a redirect', 302, { location: 'https://elsewhere.test' }, 'MALFORMED', null],
    ['a time of 10^308 s', 429, { 'retry-after': '1e308' }, 'RATE', HOUR_MS],
    ['a time before now', 503, { 'retry-after': '-5' }, 'OVERLOADED', 0],
    ['a time that is none', 503, { 'retry-after': 'soon' }, 'OVERLOADED', null],
  ]

  it.each(ANSWERS)('%s', async (_name, status, headers, code, retryAfterMs) => {
    const world = new World()
    const fetch = async () => ({
      ...okResponse(new Uint8Array(0)),
      status,
      headers: { get: (name: string) => headers[name] ?? null },
    })
    const device = world.device(undefined, { platform: { WebSocket: null, fetch, now: world.now } })
    await device.type('mine ')
    await expect(device.sync()).rejects.toMatchObject({ code, retryAfterMs })
    expect(await device.text()).toBe('mine ')
  })

  it('a body without end is read no further than a relay may send', async () => {
    const world = new World()
    const whole = (): Promise<never> => Promise.reject(new Error('Nobody could hold all of it'))
    let readBytes = 0
    const read = async (): Promise<{ value: Uint8Array }> => {
      readBytes += 1024 * 1024
      if (readBytes > 64 * 1024 * 1024) throw new Error('It was read on and on')
      return { value: new Uint8Array(1024 * 1024) }
    }
    const fetch = async () => ({
      ...okResponse(new Uint8Array(0)),
      arrayBuffer: whole,
      body: { getReader: () => ({ read }) },
    })
    const device = world.device(undefined, { platform: { WebSocket: null, fetch, now: world.now } })
    await device.type('mine ')
    await expect(device.sync()).rejects.toMatchObject({ code: 'MALFORMED' })
    expect(readBytes).toBeLessThanOrEqual(9 * 1024 * 1024)
  })

  it('a body that is no web stream, as node-fetch gives it, is read whole', async () => {
    const relay = new LyingRelay(new World(), 'http')
    const { fetch } = relay.platform
    const device = relay.device({
      platform: {
        WebSocket: null,
        fetch: async (...request) => ({ ...(await (fetch as Fetch)(...request)), body: Readable.from([]) }),
      },
    })
    await device.type('mine ')
    expect(await device.sync()).toMatchObject({ complete: true })
  })
})

describe('a relay that lies, beside one that does not', () => {
  it('keeps no document from the other', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const honest = new World()
    const { WebSocket } = relay.platform
    const platform = {
      WebSocket: function connect(url: string): unknown {
        const Chosen = url.startsWith(OTHER_URL) ? honest.WebSocket : WebSocket
        return Chosen === null ? null : new Chosen(url, [])
      } as unknown as World['WebSocket'],
    }
    const device = relay.device({ relays: [RELAY_URL, OTHER_URL], mirror: ['alice'], platform })
    await device.type('mine ')
    relay.liar = listing([listed('alice/\u0000'), listed('alice/x')])
    await device.sync()
    const { relays } = await device.sync()
    expect(relays.find((each) => each.relay === OTHER_URL)).toMatchObject({ complete: true, error: null })
    const late = honest.device()
    await late.open()
    await late.sync()
    expect(await late.text()).toBe('mine ')
  })
})
