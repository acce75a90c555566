// How much leaves, and when: receive window, CREDIT, DONE(more) over HTTP, the send buffer, and the flush before an ACK.
import type { Frame, Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { CoreUnderTest, settled } from '../core.ts'
import { all, END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, push, storePush } from '../device.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'

function payloadBytes(frames: readonly Frame[]): number {
  return all(frames, 'ENTRIES').reduce(
    (sum, { entries }) => sum + entries.reduce((all, { bytes }) => all + bytes.length, 0),
    0,
  )
}

describe('the receive window over a WebSocket', () => {
  it('is used to the last byte, and then CREDIT is awaited', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append(['one', 'two', 'three', 'four'].map((text) => storePush(NOVEL, text)))
    const device = relay.connect()
    const first = await device.round([hello(WRITE, { receiveWindowBytes: 8 }), open(1, NOVEL), END])
    expect(names(first)).toBe('WELCOME OPENED ENTRIES')
    expect(payloadBytes(first)).toBe(8)
    const second = await device.round([{ type: 'CREDIT', bytes: 3 }])
    expect(payloadBytes(second)).toBe(3)
    const third = await device.round([{ type: 'CREDIT', bytes: 100 }])
    expect(names(third.slice(-2))).toBe('SYNCED DONE')
    expect(payloadsIn(device.frames)).toEqual(['one', 'two', 'three', 'four'])
  })

  it('may be nothing at first', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'one')])
    const device = relay.connect()
    const first = await device.round([hello(WRITE, { receiveWindowBytes: 0 }), open(1, NOVEL), END])
    expect(names(first)).toBe('WELCOME OPENED')
    expect(names(await device.round([{ type: 'CREDIT', bytes: 3 }]))).toBe('ENTRIES SYNCED DONE')
  })

  it('does not count what is acknowledged instead of given', async () => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    const pushes = ['one', 'two'].map((text) => push(1, payloadOf(text)))
    const frames = await device.round([hello(WRITE, { receiveWindowBytes: 0 }), open(1, NOVEL), ...pushes, END])
    expect(names(frames)).toBe('WELCOME OPENED ACK ACK SYNCED DONE')
  })

  it('takes CREDIT that crosses DONE, or comes with the next round', async () => {
    const relay = new CoreUnderTest()
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 0 }), open(1, NOVEL), END])
    expect(await device.round([{ type: 'CREDIT', bytes: 2 }])).toEqual([])
    expect(device.closeCode).toBeNull()
    await relay.store.append([storePush(NOVEL, 'three')])
    const frames = await device.round([{ type: 'CREDIT', bytes: 3 }, open(1, NOVEL), END])
    expect(payloadsIn(frames)).toEqual(['three'])
  })
})

describe('the receive window over HTTP', () => {
  const rounds = async (relay: CoreUnderTest, receiveWindowBytes: number): Promise<readonly (readonly Frame[])[]> => {
    const answers: (readonly Frame[])[] = []
    let mark: Uint8Array = NOTHING
    for (let more = true; more; ) {
      const device = relay.connect({ oneRound: true })
      const frames = await device.round([hello(WRITE, { receiveWindowBytes }), open(1, NOVEL, { mark }), END])
      expect(device.closeCode).toBe('OK')
      answers.push(frames)
      mark = all(frames, 'SYNCED')[0]?.mark ?? all(frames, 'MARK').at(-1)?.mark ?? mark
      more = only(frames, 'DONE').more
      if (answers.length > 20) throw new Error('No end')
    }
    return answers
  }

  it('ends a response with DONE(more) and without SYNCED, and the marks lead to the end', async () => {
    const relay = new CoreUnderTest()
    const texts = ['one', 'two', 'three', 'four', 'five']
    await relay.store.append(texts.map((text) => storePush(NOVEL, text)))
    const answers = await rounds(relay, 8)
    expect(answers.map((frames) => names(frames))).toEqual([
      'WELCOME OPENED ENTRIES MARK DONE',
      'WELCOME OPENED ENTRIES MARK DONE',
      'WELCOME OPENED ENTRIES SYNCED DONE',
    ])
    expect(answers.flatMap((frames) => payloadsIn(frames))).toEqual(texts)
    for (const frames of answers) expect(payloadBytes(frames)).toBeLessThanOrEqual(8)
  })

  it('ends in the middle of a payload where it is longer, and goes on there from the partial', async () => {
    const relay = new CoreUnderTest({ pieceBytesTarget: 100 })
    const texts = ['a', 'b'].map((letter) => letter.repeat(250))
    await relay.store.append(texts.map((text) => storePush(NOVEL, text)))
    const pulled: Frame[] = []
    let mark: Uint8Array = NOTHING
    let partial: Open['partial'] = null
    for (let more = true, rounds = 1; more; rounds++) {
      const request = [hello(WRITE, { receiveWindowBytes: 60 }), open(1, NOVEL, { mark, partial }), END]
      const frames = await relay.connect({ oneRound: true }).round(request)
      expect(payloadBytes(frames)).toBeLessThanOrEqual(60)
      pulled.push(...frames)
      mark = all(frames, 'SYNCED')[0]?.mark ?? all(frames, 'MARK').at(-1)?.mark ?? mark
      const last = all(frames, 'ENTRIES').at(-1)?.entries.at(-1)
      const isWhole = last === undefined || last.offset + last.bytes.length === last.total
      partial = isWhole ? null : { id: last.pushId, offset: last.offset + last.bytes.length }
      more = only(frames, 'DONE').more
      if (rounds > 20) throw new Error('No end')
    }
    // Put together from the pieces of all responses, no byte of which came twice.
    expect(payloadBytes(pulled)).toBe(500)
    expect(payloadsIn(pulled)).toEqual(texts)
  })

  it('still finishes the channels that need none of it', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([
      ...['one', 'two', 'three'].map((text) => storePush(NOVEL, text)),
      storePush('alice/b', 'b'),
    ])
    const frames = await relay
      .connect({ oneRound: true })
      .round([
        hello(WRITE, { receiveWindowBytes: 3 }),
        open(1, NOVEL),
        open(2, 'alice/b'),
        open(3, 'alice/new'),
        push(3, payloadOf('new')),
        END,
      ])
    expect(all(frames, 'SYNCED').map(({ channel }) => channel)).toEqual([3])
    expect(only(frames, 'ACK').channel).toBe(3)
    expect(payloadsIn(frames)).toEqual(['one'])
    expect(only(frames, 'DONE').more).toBe(true)
  })

  it('ends a long feed with DONE(more) as well', async () => {
    const relay = new CoreUnderTest({ httpResponseBytesTarget: 40, feedDocumentsMax: 1 })
    for (const name of ['a', 'b', 'c', 'd']) await relay.store.append([storePush(`alice/${name}`, 'x')])
    const feed: Frame = { type: 'FEED', vault: 'alice', mark: NOTHING }
    const frames = await relay.connect({ oneRound: true }).round([hello(WRITE), feed, END])
    expect(names(frames)).toBe('WELCOME FEED_PAGE FEED_PAGE DONE')
    expect(only(frames, 'DONE').more).toBe(true)
    const mark = all(frames, 'FEED_PAGE')[1]?.mark ?? NOTHING
    const rest = await relay.connect({ oneRound: true }).round([hello(WRITE), { ...feed, mark }, END])
    expect(
      all(rest, 'FEED_PAGE')
        .flatMap(({ documents }) => documents)
        .map(({ documentId }) => documentId),
    ).toEqual(['alice/c', 'alice/d'])
    expect(only(rest, 'DONE').more).toBe(false)
  })
})

describe('the send buffer', () => {
  it('is not filled any further until it has drained', async () => {
    const relay = new CoreUnderTest({
      sendBufferBytesMax: 10_000,
      entriesBytesTarget: 1000,
      messageBytesTarget: 2000,
      pageBytesMax: 3000,
    })
    for (let index = 0; index < 60; index++) await relay.store.append([storePush(NOVEL, `${index}.`, 1000)])
    const device = relay.connect()
    device.carrier.bufferedBytes = 20_000
    await device.round([hello(WRITE), open(1, NOVEL), END])
    const stopped = payloadBytes(device.frames)
    expect(stopped).toBeGreaterThan(0)
    expect(stopped).toBeLessThanOrEqual(12_000)
    device.connection.writable()
    await settled()
    expect(payloadBytes(device.frames)).toBe(stopped)
    device.carrier.bufferedBytes = 0
    device.connection.writable()
    await settled()
    expect(payloadBytes(device.frames)).toBe(60_000)
    expect(names(device.frames.slice(-2))).toBe('SYNCED DONE')
  })

  it.each([
    [900, 40],
    [3, 1000],
  ])('is given messages of about the size aimed at, with entries of %i bytes', async (length, count) => {
    const relay = new CoreUnderTest({ messageBytesTarget: 5000, entriesBytesTarget: 1000 })
    for (let index = 0; index < count; index++) await relay.store.append([storePush(NOVEL, `${index}.`.padEnd(length))])
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, NOVEL), END])
    const sizes = device.carrier.messages.map(({ length: bytes }) => bytes)
    expect(sizes.length).toBeGreaterThan(5)
    for (const size of sizes) expect(size).toBeLessThan(6_100)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(4_000)
  })
})

describe('the flush', () => {
  it('comes before the ACK, and before anybody can read the entry', async () => {
    let flushed = (): void => {}
    const store = memoryRelayStore({ flush: () => new Promise<void>((resolve) => (flushed = resolve)) })
    const relay = new CoreUnderTest({}, store)
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(device.frames).toEqual([])
    const reader = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(names(reader)).toBe('WELCOME OPENED SYNCED DONE')
    flushed()
    await settled()
    expect(names(device.frames)).toBe('WELCOME OPENED ACK SYNCED DONE')
  })

  it('that fails refuses the push, and nothing of it is stored', async () => {
    let fails = true
    const store = memoryRelayStore({
      flush: () => (fails ? Promise.reject(new Error('disk full')) : Promise.resolve()),
    })
    const relay = new CoreUnderTest({}, store)
    const refused = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(refused)).toBe('WELCOME OPENED REFUSED SYNCED DONE')
    expect(only(refused, 'REFUSED').code).toBe('STORAGE')
    fails = false
    const stored = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    expect(names(stored)).toBe('WELCOME OPENED ACK SYNCED DONE')
  })
})
