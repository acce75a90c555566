// Rounds that are sent before the one before them is answered: in order, bounded in number and bytes, and no way to
// stretch a deadline.
import type { Frame } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { type CoreConnection, CoreUnderTest, settled } from '../core.ts'
import { all, END, hello, NOTHING, names, only, open, payloadOf, payloadsIn, push, storePush } from '../device.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'
const KIB = 1024

/** A relay whose store does not answer before it is told to, and a device that was let in. */
async function held(limits = {}): Promise<{ relay: CoreUnderTest; device: CoreConnection; letGo: () => void }> {
  const relay = new CoreUnderTest(limits)
  const device = relay.connect()
  await device.round([hello(WRITE), END])
  const { judge } = relay.store
  const waiting: (() => void)[] = []
  relay.store.judge = async (request) => {
    await new Promise<void>((resolve) => waiting.push(resolve))
    return judge.call(relay.store, request)
  }
  const letGo = (): void => {
    relay.store.judge = judge.bind(relay.store)
    for (const resolve of waiting.splice(0)) resolve()
  }
  return { relay, device, letGo }
}

/** A round of about so many bytes. */
function roundOf(text: string, bytes: number): readonly Frame[] {
  const pushes: Frame[] = []
  for (let left = bytes; left > 0; left -= 64 * KIB) {
    pushes.push(push(1, payloadOf(`${text} ${left} `, Math.min(left, 64 * KIB))))
  }
  return [open(1, `alice/${text}`, { pull: false }), ...pushes, END]
}

describe('rounds sent ahead', () => {
  it('are answered one after the other, in their order', async () => {
    const { device, letGo } = await held()
    const texts = ['a', 'b', 'c', 'd']
    for (const text of texts) device.send([open(1, NOVEL), push(1, payloadOf(text)), END])
    await settled()
    expect(names(device.frames)).toBe('WELCOME DONE')
    letGo()
    await settled()
    // Each is served from its own beginning: what an earlier round acknowledged is given by a later one.
    expect(names(device.frames)).toBe(
      'WELCOME DONE OPENED ACK SYNCED DONE OPENED ENTRIES ACK SYNCED DONE OPENED ENTRIES ACK SYNCED DONE ' +
        'OPENED ENTRIES ACK SYNCED DONE',
    )
    expect(all(device.frames, 'ACK').map(({ pushId }) => pushId)).toEqual(
      texts.map((text) => push(1, payloadOf(text)).pushId),
    )
  })

  it('may be 16 in all; one more is MALFORMED', async () => {
    const { device, letGo } = await held()
    for (let round = 0; round < 16; round++) device.send(roundOf('a', 10))
    await settled()
    expect(device.closeCode).toBeNull()
    letGo()
    await settled()
    expect(all(device.frames, 'DONE')).toHaveLength(17)
    const other = await held()
    for (let round = 0; round < 17; round++) other.device.send(roundOf('a', 10))
    expect(only(other.device.frames, 'ERROR').code).toBe('MALFORMED')
    expect(only(other.device.frames, 'ERROR').message).toContain('16 rounds')
  })

  it('are held to the rules when they come, not when they are begun', async () => {
    const { device } = await held()
    device.send(roundOf('a', 10))
    device.send([push(3, payloadOf('x')), END])
    expect(only(device.frames, 'ERROR').code).toBe('MALFORMED')
  })

  it('are not begun once the token has expired, nor when the relay is closing', async () => {
    const expiring = await held()
    expiring.relay.tokens.expiresAtMs = expiring.relay.nowMs + 1_000
    const device = expiring.relay.connect()
    await device.round([hello(WRITE), END])
    for (const text of ['a', 'b']) device.send(roundOf(text, 10))
    expiring.relay.nowMs += 1_000
    expiring.letGo()
    await settled()
    expect(names(device.frames)).toBe('WELCOME DONE OPENED ACK SYNCED DONE ERROR')
    expect(device.closeCode).toBe('TOKEN')
    const closing = await held()
    for (const text of ['a', 'b']) closing.device.send(roundOf(text, 10))
    const drained = closing.relay.core.drain()
    closing.letGo()
    await drained
    expect(names(closing.device.frames)).toBe('WELCOME DONE OPENED ACK SYNCED DONE ERROR')
    expect(closing.device.closeCode).toBe('RESTARTING')
  })

  it('may bring the CREDIT for which an earlier one waits', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'twelve bytes')])
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 5 }), open(1, NOVEL), END])
    expect(names(device.frames)).toBe('WELCOME OPENED ENTRIES')
    await device.round([{ type: 'CREDIT', bytes: 7 }, open(1, 'alice/other'), END])
    expect(payloadsIn(device.frames)).toEqual(['twelve bytes'])
    expect(all(device.frames, 'DONE')).toHaveLength(2)
  })

  it('over HTTP there are none', async () => {
    const relay = new CoreUnderTest()
    relay.store.judge = () => new Promise(() => {})
    const device = relay.connect({ oneRound: true })
    device.send([hello(WRITE), open(1, NOVEL), END])
    device.send([open(1, NOVEL), END])
    expect(only(device.frames, 'ERROR').code).toBe('MALFORMED')
  })
})

describe('what waits for the token', () => {
  it('is begun after WELCOME, in order', async () => {
    const relay = new CoreUnderTest()
    let letIn = (): void => {}
    const verified = relay.tokens.verify(WRITE)
    relay.tokens.verify = () => new Promise((resolve) => (letIn = () => resolve(verified)))
    const device = relay.connect()
    device.send([hello(WRITE), open(1, NOVEL), push(1, payloadOf('one')), END])
    device.send([open(1, NOVEL), push(1, payloadOf('two')), END])
    await settled()
    expect(device.frames).toEqual([])
    letIn()
    await settled()
    expect(names(device.frames)).toBe('WELCOME OPENED ACK SYNCED DONE OPENED ENTRIES ACK SYNCED DONE')
  })

  it('may be 64 KiB besides the first message; more is TOO_LARGE', async () => {
    for (const [bytes, code] of [
      [64 * KIB - 200, null],
      [64 * KIB, 'TOO_LARGE'],
    ] as const) {
      const relay = new CoreUnderTest()
      relay.tokens.verify = () => new Promise(() => {})
      const device = relay.connect()
      device.send([hello(WRITE), ...roundOf('a', 200 * KIB)])
      device.send(roundOf('b', bytes))
      expect(device.closeCode).toBe(code)
    }
  })
})

describe('bytes that wait', () => {
  it('above the limit stop the reading of the device, until they are fewer', async () => {
    const { device, letGo } = await held({ waitingBytesMax: 100 * KIB })
    device.send(roundOf('a', 90 * KIB))
    device.send(roundOf('b', 90 * KIB))
    expect(device.carrier.isPaused).toBe(false)
    device.send(roundOf('c', 20 * KIB))
    expect(device.carrier.isPaused).toBe(true)
    // What had been read already is taken as well.
    device.send(roundOf('d', 10))
    letGo()
    await settled()
    expect(device.carrier.isPaused).toBe(false)
    expect(all(device.frames, 'DONE')).toHaveLength(5)
  })

  it('count each frame for what it costs', async () => {
    const { device } = await held({ waitingBytesMax: 100 * KIB })
    const tiny = (channel: number): Frame => ({
      type: 'REPAIR',
      channel,
      reason: 'GAP',
      fingerprint: payloadOf('f', 16),
    })
    device.send(roundOf('a', 10))
    const channels = Array.from({ length: 100 }, (_, index) => index + 1)
    const frames = channels.flatMap((channel) => [open(channel, 'alice/a'), ...Array<Frame>(4).fill(tiny(channel))])
    device.send([...frames, END])
    expect(device.carrier.isPaused).toBe(true)
  })

  it('do not stop it while a round awaits CREDIT, which may stand behind them; too many end the connection', async () => {
    const relay = new CoreUnderTest({ waitingBytesMax: 100 * KIB })
    await relay.store.append([storePush(NOVEL, 'twelve bytes')])
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 5 }), open(1, NOVEL), END])
    for (const text of ['a', 'b', 'c']) device.send(roundOf(text, 120 * KIB))
    expect(device.carrier.isPaused).toBe(false)
    await device.round([{ type: 'CREDIT', bytes: 1_000_000 }])
    expect(all(device.frames, 'DONE')).toHaveLength(4)
    const other = relay.connect()
    await other.round([hello(WRITE, { receiveWindowBytes: 5 }), open(1, NOVEL), END])
    for (const text of ['a', 'b', 'c', 'd']) other.send(roundOf(text, 120 * KIB))
    expect(only(other.frames, 'ERROR')).toMatchObject({ code: 'OVERLOADED', retryable: true })
  })
})

describe('case 23: a device that stretches its time', () => {
  it('by sending ahead without reading is ended at the deadline', async () => {
    const relay = new CoreUnderTest({ stallTimeoutMs: 2_000, sendBufferBytesMax: 1_000 })
    await relay.store.append([storePush(NOVEL, 'x', 5_000), storePush(NOVEL, 'y', 5_000)])
    const device = relay.connect()
    device.carrier.bufferedBytes = 1_000_000
    await device.round([hello(WRITE), open(1, NOVEL), END])
    for (let second = 0; second < 4; second++) {
      expect(device.closeCode).toBeNull()
      relay.pass(500)
      device.send([open(1, 'alice/other'), END])
      // It gives credit that nobody waits for, and is told to be writable while it is not.
      device.send([{ type: 'CREDIT', bytes: 1_000 }])
      device.connection.writable()
    }
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('by sending ahead without giving credit is ended at the deadline', async () => {
    const relay = new CoreUnderTest({ stallTimeoutMs: 2_000 })
    await relay.store.append([storePush(NOVEL, 'one')])
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 0 }), open(1, NOVEL), END])
    for (let second = 0; second < 4; second++) {
      expect(device.closeCode).toBeNull()
      relay.pass(500)
      device.send([open(1, 'alice/other'), END])
    }
    expect(device.closeCode).toBe('DEADLINE')
  })

  it('with a message of one byte per second is ended when nothing was asked for too long', async () => {
    const relay = new CoreUnderTest({ idleTimeoutMs: 15_000 })
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, NOVEL, { mark: NOTHING }), END])
    // No whole message arrives, so the session hears nothing of it.
    for (let second = 0; second < 15; second++) {
      expect(device.closeCode).toBeNull()
      relay.pass(1_000)
    }
    expect(device.closeCode).toBe('DEADLINE')
  })
})
