// What ends a channel that lingers, and the connection that it is on.
import { describe, expect, it } from 'vitest'
import { type MemoryRelayStore, memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { CoreUnderTest, settled } from '../core.ts'
import { END, hello, names, only, open, payloadOf, payloadsIn, push, snapshotIdOf } from '../device.ts'
import { during, lingerer, NOVEL, pushed, WRITE } from '../lingerer.ts'
import { begun } from '../log.ts'

describe('a log that changes under a channel that lingers', () => {
  it('is there now: OPENED says so, and the device opens again', async () => {
    const relay = new CoreUnderTest()
    const device = await lingerer(relay)
    const frames = await during(device, () => pushed(relay, 'one'))
    expect(names(frames)).toBe('OPENED SYNCED')
    expect(only(frames, 'OPENED').incarnation).toHaveLength(16)
    expect(names(await during(device, () => pushed(relay, 'two')))).toBe('')
    const again = await device.round([open(2, NOVEL, { linger: true }), END])
    expect(payloadsIn(again)).toEqual(['one', 'two'])
  })

  it('was deleted: OPENED says so', async () => {
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
    const askFor = (cause: string): Promise<unknown> => {
      const repair = { type: 'REPAIR', channel: 1, reason: 'DIGEST', fingerprint: payloadOf(cause, 16) } as const
      return relay.burst([hello(WRITE), open(1, NOVEL, { mark, incarnation }), repair, END])
    }
    await askFor('f')
    const device = await lingerer(relay)
    expect(names(await during(device, () => askFor('g')))).toBe('')
    relay.pass(50_000)
    await device.round([END])
    expect(names(await during(device, () => relay.pass(20_000)))).toBe('OPENED SYNCED')
  })

  it('was compacted beyond its mark: OPENED says so', async () => {
    const store = memoryRelayStore({ limits: { retentionMs: 0, retentionMaxMs: 0 } })
    const relay = new CoreUnderTest({ pageEntriesMax: 1 }, store)
    await pushed(relay, 'zero')
    // It may not be given anything for now.
    const device = await lingerer(relay, { receiveWindowBytes: 4 })
    await pushed(relay, 'one')
    const more = await relay.burst([hello(WRITE), open(1, NOVEL), push(1, payloadOf('two')), END])
    await compacted(store, only(more, 'SYNCED').mark)
    const frames = await during(device, () => device.send([{ type: 'CREDIT', bytes: 1_000 }]))
    expect(names(frames)).toBe('ENTRIES MARK OPENED SYNCED')
  })

  it('is looked at only if something has happened to it', async () => {
    const relay = new CoreUnderTest()
    const { mark, incarnation } = await begun(relay, 'zero')
    await lingerer(relay)
    const repair = { type: 'REPAIR', channel: 1, reason: 'GAP', fingerprint: payloadOf('f', 16) } as const
    const asked = open(1, NOVEL, { mark, incarnation, push: false })
    await relay.burst([hello('alice/*:read'), asked, repair, END])
    await pushed(relay, 'one')
    await settled()
    let judged = 0
    const judge = relay.store.judge.bind(relay.store)
    relay.store.judge = (request) => {
      judged += 1
      return judge(request)
    }
    // A repair that was made already, and a deletion of what has moved on: each is judged for whoever asks, and for nobody else.
    await relay.burst([hello('alice/*:read'), asked, repair, END])
    await relay.burst([hello('alice/*:delete'), asked, { type: 'DELETE', channel: 1, mark }, END])
    await settled()
    expect(judged).toBe(3)
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
    await pushed(relay, 'zero')
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

  it('has the time of any other from when nothing lingers any more', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 1_000, lingerTimeoutMs: 50_000 })
    const { mark } = await begun(relay, 'zero')
    const device = await lingerer(relay)
    relay.pass(40_000)
    const deletion = { type: 'DELETE', channel: 1, mark } as const
    await relay.burst([hello('alice/*:delete'), open(1, NOVEL), deletion, END])
    await settled()
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('is not prolonged by CREDIT where nothing lingers', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 1_000 })
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, NOVEL), END])
    relay.pass(900)
    device.send([{ type: 'CREDIT', bytes: 1 }])
    relay.pass(100)
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
    await pushed(relay, 'zero')
    const device = await lingerer(relay, { receiveWindowBytes: 9 })
    expect(payloadsIn(await during(device, () => pushed(relay, 'three')))).toEqual(['three'])
    expect(payloadsIn(await during(device, () => pushed(relay, 'four')))).toEqual([])
    const credited = await during(device, () => device.send([{ type: 'CREDIT', bytes: 4 }]))
    expect(payloadsIn(credited)).toEqual(['four'])
    await during(device, () => pushed(relay, 'five'))
    relay.pass(2_000)
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('ends when its token expires, whatever it sends', async () => {
    const relay = new CoreUnderTest()
    relay.tokens.expiresAtMs = relay.nowMs + 1_000
    const device = await lingerer(relay)
    device.send([{ type: 'CREDIT', bytes: 1 }])
    relay.pass(999)
    expect(device.closeCode).toBeNull()
    relay.pass(1)
    expect(device.closeCode).toBe('TOKEN')
  })

  it('is told when the relay restarts, also while it is given something', async () => {
    const relay = new CoreUnderTest()
    await pushed(relay, 'zero')
    const device = await lingerer(relay, { receiveWindowBytes: 4 })
    await pushed(relay, 'one')
    await settled()
    await relay.core.drain()
    expect(device.closeCode).toBe('RESTARTING')
  })
})

describe('awareness', () => {
  it('is dropped', async () => {
    const relay = new CoreUnderTest()
    const [one, other] = [await lingerer(relay), await lingerer(relay)]
    const frames = [{ type: 'AWARENESS', channel: 1, bytes: payloadOf('cursor') } as const, END]
    const told = await during(other, async () => expect(names(await one.round(frames))).toBe('DONE'))
    expect(names(told)).toBe('')
  })
})
