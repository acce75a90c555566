// Channels that stay open after their round: what others push follows as it becomes durable.
import { describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { CoreUnderTest, settled } from '../core.ts'
import { all, END, hello, names, only, open, payloadOf, payloadsIn, push, storePush } from '../device.ts'
import { during, lingerer, NOVEL, pushed, WRITE } from '../lingerer.ts'

describe('a channel that lingers', () => {
  it('is given what others push, with a mark, and no DONE', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    const frames = await during(device, () => pushed(relay, 'one'))
    expect(names(frames)).toBe('ENTRIES SYNCED')
    expect(payloadsIn(frames)).toEqual(['one'])
    const { incarnation } = only(device.frames, 'OPENED')
    const { mark, tag } = only(frames, 'SYNCED')
    const again = await relay.burst([hello(WRITE), open(1, NOVEL, { incarnation, mark }), END])
    expect(only(again, 'SYNCED')).toMatchObject({ mark, tag })
    expect(payloadsIn(again)).toEqual([])
  })

  it('is given nothing before it is flushed', async () => {
    let flushed: (() => void)[] = []
    let isHeld = false
    const flush = (): Promise<void> => (isHeld ? new Promise((resolve) => flushed.push(resolve)) : Promise.resolve())
    const relay = new CoreUnderTest({}, memoryRelayStore({ flush }))
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    isHeld = true
    const writer = relay.connect()
    const early = await during(device, () => writer.round([hello(WRITE), open(1, NOVEL), push(1, payloadOf('x')), END]))
    expect(names(early)).toBe('')
    const late = await during(device, () => {
      for (const resolve of flushed) resolve()
      flushed = []
    })
    expect(payloadsIn(late)).toEqual(['x'])
  })

  it('opens again to push: its ACK comes in log order, and nothing twice', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    const { incarnation } = only(device.frames, 'OPENED')
    const { mark } = only(device.frames, 'SYNCED')
    const answer = await during(device, async () => {
      await relay.store.append([storePush(NOVEL, 'other')])
      device.send([open(1, NOVEL, { linger: true, incarnation, mark }), push(1, payloadOf('mine')), END])
    })
    expect(names(answer)).toBe('OPENED ENTRIES ACK SYNCED DONE')
    expect(payloadsIn(answer)).toEqual(['other'])
    const later = await during(device, () => pushed(relay, 'more'))
    expect(payloadsIn(later)).toEqual(['more'])
  })

  it('misses nothing that is stored while the round that opens it is being answered', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const read = relay.store.read.bind(relay.store)
    let isFirst = true
    relay.store.read = async (request) => {
      const page = await read(request)
      // Behind the last page, and before DONE.
      if (isFirst) {
        isFirst = false
        await pushed(relay, 'between')
      }
      return page
    }
    const device = await lingerer(relay)
    await settled()
    expect(payloadsIn(device.frames)).toEqual(['zero', 'between'])
    expect(names(device.frames)).toBe('WELCOME OPENED ENTRIES SYNCED DONE ENTRIES SYNCED')
  })

  it('is over when it is opened without linger, or its connection has closed', async () => {
    const relay = new CoreUnderTest()
    const [one, other] = [await lingerer(relay), await lingerer(relay)]
    const answer = await one.round([open(1, NOVEL), END])
    expect(only(answer, 'SYNCED').otherDevices).toBe(1)
    other.connection.closed()
    expect(only(await one.round([open(1, NOVEL), END]), 'SYNCED').otherDevices).toBe(0)
    expect(names(await during(one, () => pushed(relay, 'x')))).toBe('')
  })

  it('goes on beside rounds on other channels, between them', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    const frames = await during(device, async () => {
      device.send([open(2, 'alice/other'), push(2, payloadOf('y')), END])
      await pushed(relay, 'x')
    })
    expect(names(frames)).toBe('OPENED ACK SYNCED DONE ENTRIES SYNCED')
    expect(only(frames, 'ENTRIES').channel).toBe(1)
  })

  it('does not count as having shown to hold what it was only given', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    await lingerer(relay)
    const writer = relay.connect()
    const answer = await writer.round([hello(WRITE), open(1, NOVEL), push(1, payloadOf('x')), END])
    const { mark } = only(answer, 'SYNCED')
    const { incarnation } = only(answer, 'OPENED')
    const { receipt } = only(answer, 'ACK')
    const again = await writer.round([open(1, NOVEL, { incarnation, mark, receipt }), END])
    expect(only(again, 'SYNCED').confirmed).toBe(false)
  })

  it('is not served over HTTP, or without pull: the rest is', async () => {
    const relay = new CoreUnderTest()
    const overHttp = relay.connect({ oneRound: true })
    const posted = await overHttp.round([hello(WRITE), open(1, NOVEL, { linger: true }), END])
    expect(names(posted)).toBe('WELCOME OPENED ERROR SYNCED DONE')
    const device = relay.connect()
    const frames = await device.round([hello(WRITE), open(1, NOVEL, { linger: true, pull: false }), END])
    expect(names(frames)).toBe('WELCOME OPENED ERROR SYNCED DONE')
    const errors = [...all(posted, 'ERROR'), ...all(frames, 'ERROR')]
    expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'UNSUPPORTED This relay does not serve lingering over HTTP',
      'UNSUPPORTED This relay does not serve lingering without pull',
    ])
  })

  it('is over when its document is opened on another channel, which lingers in its place', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    await device.round([open(2, NOVEL, { linger: true }), END])
    const later = await during(device, () => pushed(relay, 'x'))
    expect(later.map((frame) => 'channel' in frame && frame.channel)).toEqual([2, 2])
    await device.round([open(2, 'alice/other', { linger: true }), END])
    expect(names(await during(device, () => pushed(relay, 'y')))).toBe('')
  })

  it('counts nobody who may not read', async () => {
    const relay = new CoreUnderTest()
    await relay.burst([hello('bob/*:write'), open(1, 'bob/big'), push(1, payloadOf('zero')), END])
    const stranger = relay.connect()
    const opens = [open(1, 'bob/big', { push: false }), open(2, NOVEL, { linger: true })]
    // Its round awaits credit.
    await stranger.round([hello('bob/*:read', { receiveWindowBytes: 0 }), ...opens, END])
    expect(only(await relay.burst([hello(WRITE), open(1, NOVEL), END]), 'SYNCED').otherDevices).toBe(0)
  })

  it('says as truly as a round whether others hold what was pushed', async () => {
    const relay = new CoreUnderTest()
    const a = await lingerer(relay)
    const answer = await a.round([open(2, NOVEL, { linger: true }), push(2, payloadOf('mine')), END])
    const { incarnation } = only(answer, 'OPENED')
    const { mark } = only(answer, 'SYNCED')
    const others = (text: string): Promise<unknown> =>
      relay.burst([hello(WRITE), open(1, NOVEL, { incarnation, mark }), push(1, payloadOf(text)), END])
    const first = await during(a, () => others('b'))
    const second = await during(a, () => others('c'))
    expect([first, second].map((frames) => only(frames, 'SYNCED').confirmed)).toEqual([true, true])
  })

  it('gives way to a round after a page', async () => {
    const relay = new CoreUnderTest({ pageEntriesMax: 2 })
    await pushed(relay, 'zero')
    const device = await lingerer(relay)
    const read = relay.store.read.bind(relay.store)
    let reads = 0
    relay.store.read = async (request) => {
      // Others write faster than it is given.
      await settled()
      if (reads++ < 50) await relay.store.append([0, 1, 2].map((i) => storePush(NOVEL, `r${reads} ${i}`)))
      return read(request)
    }
    await pushed(relay, 'x')
    await settled()
    device.send([open(2, 'alice/other'), push(2, payloadOf('mine')), END])
    for (let i = 0; i < 10; i++) await settled()
    expect(all(device.frames, 'ACK')).toHaveLength(1)
    expect(reads).toBeLessThan(50)
    for (let i = 0; i < 300; i++) await settled()
    expect(payloadsIn(device.frames)).toHaveLength(2 + 3 * 50)
  })

  it('is told in turns, if many are, and once of many pushes', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const devices = await Promise.all(Array.from({ length: 50 }, () => lingerer(relay)))
    let reads = 0
    const read = relay.store.read.bind(relay.store)
    relay.store.read = (request) => {
      reads += 1
      return read(request)
    }
    const pushes = Array.from({ length: 20 }, (_, i) => push(1, payloadOf(`${i}`)))
    await relay.burst([hello(WRITE), open(1, NOVEL, { pull: false }), ...pushes, END])
    expect(reads).toBeLessThan(20)
    for (let i = 0; i < 10; i++) await settled()
    expect(reads).toBe(50)
    for (const device of devices) expect(payloadsIn(device.frames)).toHaveLength(21)
  })

  it('is bounded in number', async () => {
    const relay = new CoreUnderTest({ channelsMax: 2 })
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, 'alice/1', { linger: true }), open(2, 'alice/2', { linger: true }), END])
    const frames = await device.round([open(3, 'alice/3', { linger: true }), END])
    expect(only(frames, 'ERROR').message).toBe('This relay does not serve lingering on more than 2 channels')
    const instead = await device.round([open(2, 'alice/3', { linger: true }), END])
    expect(all(instead, 'ERROR')).toEqual([])
  })

  it('is bounded for the whole relay', async () => {
    const relay = new CoreUnderTest({ lingeringMax: 2 })
    const [one] = [await lingerer(relay), await lingerer(relay)]
    const message = 'This relay does not serve so much lingering at once'
    expect(only((await lingerer(relay)).frames, 'ERROR').message).toBe(message)
    one.connection.closed()
    expect(all((await lingerer(relay)).frames, 'ERROR')).toEqual([])
  })
})
