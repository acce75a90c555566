// A relay that never comes to an end, or gives more than anybody could hold: a device bounds what it keeps, and how long it
// listens, and keeps what was whole.
import { encodeFrames, pushIdOf, type RelayFrame } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { inPlaceOf, type Liar, LyingRelay } from '../support/lying-relay.ts'
import { VirtualTime } from '../support/virtual-time.ts'
import { type TestDevice, World } from '../support/world.ts'

const MINUTE_MS = 60_000
const KIB = 1024
const MIB = 1024 * KIB

async function writer(relay: LyingRelay, options: Parameters<LyingRelay['device']>[0] = {}): Promise<TestDevice> {
  const device = relay.device(options)
  await device.burst(1, 'before ')
  await device.type('mine ')
  return device
}

const END: RelayFrame = {
  type: 'ERROR',
  channel: 0,
  code: 'FAULT',
  retryable: true,
  retryAfterMs: 0,
  message: 'the end',
}

/** Once the document is open, whatever `next` gives is said, one after the other, until the device hangs up or there is no more. */
function after(relay: LyingRelay, next: (channel: number) => readonly RelayFrame[] | null): Liar {
  return (say) => (frame) => {
    if (frame.type !== 'OPENED') return frame.type === 'WELCOME' ? [frame] : []
    const { channel } = frame
    const goOn = (): void => {
      if (relay.openConnections === 0) return
      const frames = next(channel)
      say(frames ?? [END])
      if (frames === null) return
      setImmediate(goOn)
    }
    setImmediate(goOn)
    return [frame]
  }
}

function entryOf(bytes: Uint8Array): Extract<RelayFrame, { type: 'ENTRIES' }>['entries'][number] {
  return { pushId: pushIdOf(sha256, 1, bytes), format: 1, total: bytes.length, offset: 0, bytes }
}

/** All that is said within a round, until the device says that it is enough. */
async function end(relay: LyingRelay, device: TestDevice): ReturnType<TestDevice['sync']> {
  const report = await device.sync()
  relay.liar = null
  return report
}

async function expectUnharmed(relay: LyingRelay, device: TestDevice): Promise<void> {
  expect(relay.openConnections).toBe(0)
  expect(await device.text()).toBe('mine before ')
  expect(await device.sync()).toMatchObject({ complete: true })
  const late = relay.world.device()
  await late.open()
  await late.sync()
  expect(await late.text()).toBe('mine before ')
}

describe('a relay that gives without end', () => {
  it('small entries, and never their mark: no more of them is kept than so many bytes of memory', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    const entries = new Array(4_096).fill(entryOf(Uint8Array.of(0, 0)))
    let given = 0
    relay.liar = after(relay, (channel) => {
      given += entries.length
      return given > 400_000 ? null : [{ type: 'ENTRIES', channel, entries }]
    })
    const { relays } = await device.sync()
    relay.liar = null
    expect(relays[0]?.documents[0]).toMatchObject({ outcome: 'failed', error: { code: 'MALFORMED' } })
    await expectUnharmed(relay, device)
  }, 60_000)

  it('entries that nobody can read, tens of thousands of them: they are held in time', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    const page = (from: number): readonly Uint8Array[] =>
      Array.from({ length: 4_000 }, (_, i) => Uint8Array.of(255, (from + i) & 255, (from + i) >> 8))
    let pages = 0
    relay.liar = () => (frame) => {
      if (frame.type !== 'SYNCED' || pages === 10) return [frame]
      const given: RelayFrame[] = []
      for (; pages < 10; pages++) {
        const entries = page(4_000 * pages).map((bytes) => entryOf(bytes))
        given.push({ type: 'ENTRIES', channel: frame.channel, entries })
      }
      return [...given, frame]
    }
    await device.sync()
    relay.liar = null
    expect((await device.open()).status.problem).toMatchObject({ code: 'CANNOT_APPLY' })
    await expectUnharmed(relay, device)
  }, 30_000)

  it('pages of a vault, each of other documents: so many are listed, and no more', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    let pages = 0
    relay.liar = (say) => (frame) => {
      if (frame.type !== 'FEED_PAGE') return frame.type === 'WELCOME' ? [frame] : []
      const goOn = (): void => {
        if (relay.openConnections === 0) return
        pages++
        const documents = Array.from({ length: 1_000 }, (_, i) => {
          return { documentId: `alice/${pages}/${i}`, deleted: false, tag: new Uint8Array(8) }
        })
        say(pages > 400 ? [END] : [{ ...frame, mark: Uint8Array.of(pages & 255, pages >> 8), documents, more: true }])
        if (pages <= 400) setImmediate(goOn)
      }
      setImmediate(goOn)
      return []
    }
    const report = await end(relay, device)
    expect(report.relays[0]?.error).toMatchObject({ code: 'MALFORMED' })
    expect(pages).toBeLessThanOrEqual(260)
    await expectUnharmed(relay, device)
  }, 30_000)

  it('one document while another waits for its mark: what waits is held of one alone', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    await device.open('alice/second')
    const piece = { ...entryOf(new Uint8Array(64)), total: 1_000 }
    relay.liar = () => (frame) => {
      if (frame.type === 'OPENED') return [frame, { type: 'ENTRIES', channel: frame.channel, entries: [piece] }]
      return frame.type === 'WELCOME' ? [frame] : []
    }
    const report = await end(relay, device)
    expect(report.relays[0]?.error).toMatchObject({ code: 'MALFORMED' })
    await expectUnharmed(relay, device)
  })

  it('claims to hold a large payload, and then not, while it gives something: it is not sent for ever', async () => {
    const relay = new LyingRelay(new World(), 'websocket')
    const device = await writer(relay)
    const { doc } = await device.open('alice/large')
    doc.getText('t').insert(0, 'x'.repeat(300_000))
    const piece = { ...entryOf(new Uint8Array(64)), total: 1_000 }
    relay.liar = () => (frame) => {
      if (frame.type === 'HAVE')
        return [
          { ...frame, staged: 0 },
          { type: 'ENTRIES', channel: frame.channel, entries: [piece] },
        ]
      return frame.type === 'ACK' || frame.type === 'ENTRIES' || frame.type === 'MARK' ? [] : [frame]
    }
    const report = await end(relay, device)
    expect(report.complete).toBe(false)
    expect(report.relays[0]?.bytesSent).toBeLessThan(8 * 300_000)
    await expectUnharmed(relay, device)
  })
})

describe('a relay that never falls silent', () => {
  const CHATTER: readonly (readonly [string, (channel: number) => RelayFrame])[] = [
    ['what nobody reads', (channel) => ({ type: 'AWARENESS', channel, bytes: new Uint8Array(8) })],
    ['the same mark', (channel) => ({ type: 'MARK', channel, mark: Uint8Array.of(7) })],
    [
      'errors of channels that are closed',
      () => ({ type: 'ERROR', channel: 999, code: 'FAULT', retryable: true, retryAfterMs: 0, message: '' }),
    ],
    [
      'one byte of an entry',
      (channel) => ({
        type: 'ENTRIES',
        channel,
        entries: [{ ...entryOf(Uint8Array.of(0, 0)), total: 1, bytes: Uint8Array.of(0) }],
      }),
    ],
  ]

  it.each(CHATTER)('saying %s every ten seconds is given up on', async (_name, chatter) => {
    const { time, relay, patient } = await patientDevice()
    let saidMs = 0
    relay.liar = (say) => (frame) => {
      if (frame.type !== 'OPENED') return frame.type === 'WELCOME' ? [frame] : []
      const goOn = (): void => {
        saidMs += 10_000
        if (relay.openConnections === 0 || saidMs > 30 * MINUTE_MS) return
        say([chatter(frame.channel)])
        time.setTimeout(goOn, 10_000)
      }
      time.setTimeout(goOn, 10_000)
      return [frame]
    }
    const synced = patient.sync()
    await time.pass(40 * MINUTE_MS)
    expect(saidMs).toBeLessThanOrEqual(6 * MINUTE_MS)
    expect(await synced).toMatchObject({ complete: false })
    relay.liar = null
    await expectUnharmed(relay, patient)
  })

  it('an entry again and again for as long as one listens: an hour, and the next burst goes on', async () => {
    const { time, relay, patient } = await patientDevice()
    const entries = new Array(8).fill(entryOf(new Uint8Array(64 * KIB)))
    let bytes = 0
    relay.liar = (say) => (frame) => {
      if (frame.type !== 'OPENED') return frame.type === 'WELCOME' ? [frame] : []
      const { channel } = frame
      const goOn = (): void => {
        if (relay.openConnections === 0 || bytes > 500 * MIB) return
        bytes += 512 * KIB
        say([
          { type: 'ENTRIES', channel, entries },
          { type: 'MARK', channel, mark: Uint8Array.of(7) },
        ])
        time.setTimeout(goOn, 15_000)
      }
      time.setTimeout(goOn, 10_000)
      return [frame]
    }
    const synced = patient.sync()
    await time.pass(2 * 60 * MINUTE_MS)
    expect(bytes).toBeLessThanOrEqual(130 * MIB)
    expect(await synced).toMatchObject({ complete: false, relays: [{ error: { code: 'TIMEOUT', retryable: true } }] })
    relay.liar = null
    await expectUnharmed(relay, patient)
  }, 30_000)
})

describe('messages that are none', () => {
  const NONE: readonly (readonly [string, unknown])[] = [
    ['a text', 'hello'],
    ['nothing', new ArrayBuffer(0)],
    [
      'more than a message may hold',
      encodeFrames(new Array(16_385).fill({ type: 'DONE', more: false, returnAfterMs: 0 })).slice().buffer,
    ],
    ['a megabyte of zeros and a byte', new ArrayBuffer(MIB + 1)],
  ]

  it.each(NONE)('%s: the burst ends with MALFORMED, and the connection with it', async (_name, data) => {
    const world = new World()
    const relay = new LyingRelay(world, 'websocket')
    const device = await writer(relay)
    relay.liar = inPlaceOf('WELCOME', () => [])
    relay.garble = data
    await expect(device.sync()).rejects.toMatchObject({ code: 'MALFORMED' })
    relay.liar = null
    relay.garble = null
    await expectUnharmed(relay, device)
  })
})

/** A device on which time passes as the test lets it, with something that the relay has. */
async function patientDevice() {
  const time = new VirtualTime()
  const relay = new LyingRelay(new World(), 'websocket')
  const device = await writer(relay)
  await device.tidemark.close()
  const patient = relay.device({ platform: time.platform }, device.disk)
  await patient.open()
  return { time, relay, patient }
}
