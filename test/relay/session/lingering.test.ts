// Channels that stay open after their round: what others push follows as it becomes durable, and who else is there.
import { describe, expect, it } from 'vitest'
import type { MemoryRelayStore } from '../../../relay/src/store/memory.ts'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { type CoreConnection, CoreUnderTest, settled } from '../core.ts'
import {
  all,
  END,
  hello,
  NOTHING,
  names,
  only,
  open,
  payloadOf,
  payloadsIn,
  push,
  snapshotIdOf,
  storePush,
} from '../device.ts'
import { begun } from '../log.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'

/** A device that lingers on the novel. */
async function lingerer(relay: CoreUnderTest, fields: Parameters<typeof hello>[1] = {}): Promise<CoreConnection> {
  const device = relay.connect()
  await device.round([hello(WRITE, fields), open(1, NOVEL, { linger: true }), END])
  return device
}

/** Frames that come while `happens` does. */
async function during(device: CoreConnection, happens: () => unknown): Promise<CoreConnection['frames']> {
  const before = device.frames.length
  await happens()
  await settled()
  return device.frames.slice(before)
}

async function pushed(relay: CoreUnderTest, text: string): Promise<void> {
  await relay.burst([hello(WRITE), open(1, NOVEL, { pull: false }), push(1, payloadOf(text)), END])
}

describe('a channel that lingers', () => {
  it('is given what others push, with a mark, and no DONE', async () => {
    const relay = new CoreUnderTest()
    const device = await lingerer(relay)
    const first = await during(device, () => pushed(relay, 'one'))
    // It was told that there was no log.
    expect(names(first)).toBe('OPENED ENTRIES SYNCED')
    const second = await during(device, () => pushed(relay, 'two'))
    expect(names(second)).toBe('ENTRIES SYNCED')
    expect(payloadsIn(second)).toEqual(['two'])
    const { incarnation } = only(first, 'OPENED')
    const { mark, tag } = only(second, 'SYNCED')
    const again = await relay.burst([hello(WRITE), open(1, NOVEL, { incarnation, mark }), END])
    expect(only(again, 'SYNCED')).toMatchObject({ mark, tag })
    expect(payloadsIn(again)).toEqual([])
  })

  it('is given nothing before it is flushed', async () => {
    let flushed: (() => void)[] = []
    const store = memoryRelayStore({ flush: () => new Promise((resolve) => flushed.push(resolve)) })
    const relay = new CoreUnderTest({}, store)
    const device = await lingerer(relay)
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
    const device = await lingerer(relay)
    const frames = await during(device, async () => {
      device.send([open(2, 'alice/other'), push(2, payloadOf('y')), END])
      await pushed(relay, 'x')
    })
    expect(names(frames)).toBe('OPENED ACK SYNCED DONE OPENED ENTRIES SYNCED')
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

  it('is not served over HTTP, without pull, or twice for one document: the rest is', async () => {
    const relay = new CoreUnderTest()
    const overHttp = relay.connect({ oneRound: true })
    const posted = await overHttp.round([hello(WRITE), open(1, NOVEL, { linger: true }), END])
    expect(names(posted)).toBe('WELCOME OPENED ERROR SYNCED DONE')
    const device = relay.connect()
    const opens = [
      open(1, NOVEL, { linger: true, pull: false }),
      open(2, NOVEL, { linger: true }),
      open(3, NOVEL, { linger: true }),
    ]
    const frames = await device.round([hello(WRITE), ...opens, END])
    expect(names(frames)).toBe('WELCOME OPENED ERROR SYNCED OPENED SYNCED OPENED ERROR SYNCED DONE')
    const errors = [...all(posted, 'ERROR'), ...all(frames, 'ERROR')]
    expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([
      'UNSUPPORTED This relay does not serve lingering over HTTP',
      'UNSUPPORTED This relay does not serve lingering without pull',
      'UNSUPPORTED This relay does not serve a second channel that lingers on one document',
    ])
    const later = await during(device, () => pushed(relay, 'x'))
    expect(new Set(later.map((frame) => 'channel' in frame && frame.channel))).toEqual(new Set([2]))
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
})

describe('a log that changes under a channel that lingers', () => {
  it('was deleted: OPENED says so, and the channel is over', async () => {
    const relay = new CoreUnderTest()
    const { mark } = await begun(relay, 'zero')
    const device = await lingerer(relay)
    const deleter = relay.connect()
    const frames = await during(device, () =>
      deleter.round([hello('alice/*:delete'), open(1, NOVEL), { type: 'DELETE', channel: 1, mark }, END]),
    )
    expect(names(frames)).toBe('OPENED SYNCED')
    expect(only(frames, 'OPENED').status).toBe('DELETED')
    const anew = [hello(WRITE), open(1, NOVEL, { create: true }), push(1, payloadOf('anew')), END]
    expect(names(await during(device, () => relay.burst(anew)))).toBe('')
  })

  it('is repaired: OPENED names the new generation', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'zero')
    const device = await lingerer(relay)
    const { generation } = only(device.frames, 'OPENED')
    const repair = { type: 'REPAIR', channel: 1, reason: 'CANNOT_APPLY', fingerprint: payloadOf('f', 16) } as const
    const frames = await during(device, () =>
      relay.burst([hello(WRITE), open(1, NOVEL, { mark, incarnation }), repair, END]),
    )
    expect(names(frames)).toBe('OPENED SYNCED')
    expect(only(frames, 'OPENED').status).toBe('OK')
    expect(only(frames, 'OPENED').generation).not.toEqual(generation)
  })

  it('is repaired once its wait is over', async () => {
    const relay = new CoreUnderTest({ repairWaitMs: 60_000, sweepEveryMs: 1_000 })
    const { mark, incarnation } = await begun(relay, 'zero')
    const device = await lingerer(relay)
    const repair = (cause: string) =>
      ({ type: 'REPAIR', channel: 1, reason: 'DIGEST', fingerprint: payloadOf(cause, 16) }) as const
    for (const cause of ['f', 'g'])
      await relay.burst([hello(WRITE), open(1, NOVEL, { mark, incarnation }), repair(cause), END])
    await settled()
    const before = device.frames.length
    // In steps, so that the connection is heard of.
    for (let seconds = 0; seconds < 90; seconds += 30) {
      relay.pass(30_000)
      await device.round([END])
    }
    const since = device.frames.slice(before).filter(({ type }) => type !== 'DONE')
    expect(names(since)).toBe('OPENED SYNCED')
  })

  it('was compacted beyond its mark: it begins again with the snapshot', async () => {
    const store = memoryRelayStore({ limits: { retentionMs: 0, retentionMaxMs: 0 } })
    const relay = new CoreUnderTest({}, store)
    await pushed(relay, 'zero')
    // It may not be given anything for now.
    const device = await lingerer(relay, { receiveWindowBytes: 4 })
    await pushed(relay, 'one')
    const more = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('two')), END])
    await compacted(store, only(more, 'SYNCED').mark)
    const frames = await during(device, () => device.send([{ type: 'CREDIT', bytes: 1_000 }]))
    expect(names(frames)).toContain('OPENED')
    expect(only(frames, 'SNAPSHOT').bytes).toEqual(payloadOf('snapshot'))
    expect(names(frames)).toMatch(/SYNCED$/)
  })
})

async function compacted(store: MemoryRelayStore, mark: Uint8Array): Promise<void> {
  const payload = payloadOf('snapshot')
  await store.stage({ key: 'u', total: payload.length, offset: 0, bytes: payload })
  const install = { documentId: NOVEL, mark, baseExpected: 0, snapshotId: snapshotIdOf(payload), upload: 'u' }
  expect(await store.install(install)).toBe('OK')
  while ((await store.sweep()).more);
}

describe('a connection with channels that linger', () => {
  it('may rest longer, but not for ever, and what it is given does not keep it', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 1_000, lingerTimeoutMs: 5_000 })
    const device = await lingerer(relay)
    relay.pass(4_999)
    await device.round([END])
    relay.pass(4_000)
    await pushed(relay, 'x')
    await settled()
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('rests no longer than others once nothing lingers', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 1_000, lingerTimeoutMs: 5_000 })
    const device = await lingerer(relay)
    await device.round([open(1, NOVEL), END])
    relay.pass(1_000)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('is given no more than its credit lets through, and ended if it gives none', async () => {
    const relay = new CoreUnderTest({ stallTimeoutMs: 2_000 })
    const device = await lingerer(relay, { receiveWindowBytes: 5 })
    expect(payloadsIn(await during(device, () => pushed(relay, 'three')))).toEqual(['three'])
    expect(payloadsIn(await during(device, () => pushed(relay, 'four')))).toEqual([])
    const credited = await during(device, () => device.send([{ type: 'CREDIT', bytes: 4 }]))
    expect(payloadsIn(credited)).toEqual(['four'])
    await during(device, () => pushed(relay, 'five'))
    relay.pass(2_000)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('is given nothing more once its token has expired', async () => {
    const relay = new CoreUnderTest()
    relay.tokens.expiresAtMs = relay.nowMs + 1_000
    const device = await lingerer(relay)
    relay.tokens.expiresAtMs = Number.POSITIVE_INFINITY
    relay.pass(1_000)
    const frames = await during(device, () => pushed(relay, 'x'))
    expect(names(frames)).toBe('ERROR')
    expect(device.closeCode).toBe('TOKEN')
  })

  it('is told when the relay restarts', async () => {
    const relay = new CoreUnderTest()
    const device = await lingerer(relay)
    await relay.core.drain()
    expect(device.closeCode).toBe('RESTARTING')
  })
})

describe('awareness', () => {
  const cursor = payloadOf('cursor')
  const AWARENESS = { type: 'AWARENESS', channel: 1, bytes: cursor } as const

  it('goes to all others that linger on the document, and is not stored', async () => {
    const relay = new CoreUnderTest()
    const [one, two, three] = [await lingerer(relay), await lingerer(relay), await lingerer(relay)]
    const devices = [one, two, three]
    const before = devices.map(({ frames }) => frames.length)
    one.send([AWARENESS])
    const told = devices.map(({ frames }, i) => frames.slice(before[i]))
    expect(told.map(names)).toEqual(['', 'AWARENESS', 'AWARENESS'])
    expect(only(told[1] ?? [], 'AWARENESS')).toEqual(AWARENESS)
    const { head } = await relay.store.judge({
      documentId: NOVEL,
      incarnation: NOTHING,
      mark: NOTHING,
      receipt: NOTHING,
      create: false,
      partial: NOTHING,
    })
    expect(head).toBe(0)
  })

  it('may stand in the message of a round, whose other channels are served', async () => {
    const relay = new CoreUnderTest()
    const [one, other] = [await lingerer(relay), await lingerer(relay)]
    const told = await during(other, async () => {
      expect(names(await one.round([AWARENESS, open(2, 'alice/other'), END]))).toBe('OPENED SYNCED DONE')
    })
    expect(names(told)).toBe('AWARENESS')
  })

  it('is dropped on a channel that does not linger, and for a device that does not read', async () => {
    const relay = new CoreUnderTest({ sendBufferBytesMax: 1_000 })
    const [one, other] = [await lingerer(relay), await lingerer(relay)]
    expect(names(await during(other, () => one.send([{ ...AWARENESS, channel: 9 }])))).toBe('')
    other.carrier.bufferedBytes = 2_000
    const told = await during(other, () => {
      for (let i = 0; i < 100; i++) one.send([AWARENESS])
    })
    expect(told.length).toBeGreaterThan(0)
    expect(told.length).toBeLessThan(20)
    other.carrier.bufferedBytes = 0
    other.connection.writable()
    expect(names(await during(other, () => one.send([AWARENESS])))).toBe('AWARENESS')
    expect(one.closeCode).toBeNull()
  })
})
