// What the working tab says to another one, message by message.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { TidemarkError } from '../../../client/src/errors.ts'
import { ANY_HOST, type Envelope, pack, type ToGuest, type ToHost, unpack } from '../../../client/src/tabs/messages.ts'
import { documentOnDisk } from '../../support/stored-document.ts'
import { TabbedDevice, textOf } from '../../support/tabbed-device.ts'
import { NOVEL } from '../../support/world.ts'

const SHARED_AS = 'tidemark/indexeddb/novels'

/** A tab that says only what the test has it say. */
class Voice {
  readonly heard: ToGuest[] = []
  readonly tab
  readonly #channel
  readonly #name = 'voice'
  #host = ANY_HOST

  constructor(device: TabbedDevice) {
    this.tab = device.browser.tab()
    this.#channel = device.browser.open(this.tab, `${SHARED_AS}/1`)
    this.#channel.onMessage = (message) => {
      const { from, to, body } = unpack(message) as Envelope<ToGuest>
      if (to !== this.#name && to !== 'all') return
      if (body.type === 'ready') this.#host = from
      this.heard.push(body)
    }
  }

  async say(body: ToHost): Promise<void> {
    this.#channel.post({ from: this.#name, to: this.#host, body })
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  }

  newest<Type extends ToGuest['type']>(type: Type): Extract<ToGuest, { type: Type }> | undefined {
    return this.heard.filter((body): body is Extract<ToGuest, { type: Type }> => body.type === type).at(-1)
  }
}

async function prepare() {
  const device = new TabbedDevice()
  const working = device.tab()
  const novel = await working.open()
  const voice = new Voice(device)
  await voice.tab.platform.locks?.take(`${SHARED_AS}/tab/voice`, {})
  await voice.say({ type: 'hello' })
  await voice.say({ type: 'call', callId: 1, method: 'open', args: [NOVEL, false, true] })
  return { device, working, novel, voice }
}

/** Two edits, of which the second builds on the first. */
function twoEdits(): readonly [Uint8Array, Uint8Array] {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  doc.getText('t').insert(0, 'first ')
  doc.getText('t').insert(6, 'second')
  return [updates[0] as Uint8Array, updates[1] as Uint8Array]
}

describe('the working tab', () => {
  it('says that an edit is taken when it is stored, and not that it takes one for which it lacks what comes before', async () => {
    const { device, novel, voice } = await prepare()
    const [first, second] = twoEdits()
    await voice.say({ type: 'edit', id: NOVEL, number: 1, update: second })
    expect(voice.newest('lacking')).toEqual({ type: 'lacking', id: NOVEL })
    expect(voice.newest('document')?.taken ?? 0).toBe(0)
    await voice.say({ type: 'edit', id: NOVEL, number: 2, update: first })
    expect(voice.newest('document')).toMatchObject({ taken: 2, status: { safety: 'on-device' } })
    expect(textOf(novel)).toBe('first second')
    expect(documentOnDisk(device.disk, NOVEL).getText('t').toString()).toBe('first second')
  })

  it('does not tell a tab its own edits, and nothing of documents that it has closed', async () => {
    const { novel, voice } = await prepare()
    const [first] = twoEdits()
    await voice.say({ type: 'edit', id: NOVEL, number: 1, update: first })
    expect(voice.newest('update')).toBeUndefined()
    novel.doc.getText('t').insert(0, 'x')
    await voice.say({ type: 'hello' })
    expect(voice.newest('update')).toMatchObject({ id: NOVEL })
    await voice.say({ type: 'closed', id: NOVEL })
    const before = voice.heard.filter(({ type }) => type === 'update').length
    novel.doc.getText('t').insert(0, 'y')
    await voice.say({ type: 'hello' })
    expect(voice.heard.filter(({ type }) => type === 'update')).toHaveLength(before)
  })
})

it('errors cross to another tab with all that they say, however deep they are', () => {
  const inner = new TidemarkError('QUOTA', 'full', { relay: 'ws://a', retryAfterMs: 5 })
  const relay = {
    relay: 'ws://a',
    carrier: null,
    complete: false,
    bytesSent: 1,
    bytesReceived: 2,
    error: inner,
    documents: [],
  }
  const progress = { bytesDone: 0, bytesTotal: 0, documentsDone: 0, documentsTotal: 0 }
  const report = { complete: false, stopped: null, startedAt: 1, durationMs: 2, progress, relays: [relay] }
  const error = new TidemarkError('QUOTA', 'full', {
    relay: 'ws://a',
    documentId: 'a/b',
    keyId: 'k',
    report,
    cause: inner,
  })
  const crossed = unpack(structuredClone(pack({ error, bytes: Uint8Array.of(1, 2) }))) as {
    error: TidemarkError
    bytes: unknown
  }
  expect(crossed.bytes).toEqual(Uint8Array.of(1, 2))
  expect(crossed.error).toBeInstanceOf(TidemarkError)
  expect(crossed.error).toMatchObject({
    code: 'QUOTA',
    action: 'free-relay-space',
    relay: 'ws://a',
    documentId: 'a/b',
    keyId: 'k',
  })
  expect(crossed.error.report?.relays[0]?.error).toBeInstanceOf(TidemarkError)
  expect(crossed.error.report).toMatchObject({ relays: [{ error: { retryAfterMs: 5 } }], progress })
})
