// A relay that lies about documents, in frames that are all legal: no device loses a word, spins, or shows what it cannot know;
// and as soon as the relay tells the truth, everything is everywhere.
import type { ErrorCode } from '@tidemark/client'
import { pushIdOf, type RelayFrame } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { CARRIERS, inPlaceOf, type Liar, LyingRelay, someBytes } from '../support/lying-relay.ts'
import { type TestDevice, World } from '../support/world.ts'

const EMPTY = new Uint8Array(0)
const MOST = 2 ** 53 - 1
/** More than any lie may cost in one burst. */
const MESSAGES_MAX = 40
const HOUR_MS = 60 * 60_000
const WORDS = ['early', 'later', 'mine', 'theirs', 'theirs']

const NO_LOG: Liar = () => (frame) => {
  if (frame.type === 'OPENED') return [{ ...frame, status: 'NEW', incarnation: EMPTY }]
  if (frame.type === 'SYNCED') return [{ ...frame, mark: EMPTY }]
  return frame.type === 'ENTRIES' || frame.type === 'MARK' ? [] : [frame]
}

function junk(channel: number): RelayFrame {
  const bytes = Uint8Array.of(0)
  const entry = { pushId: pushIdOf(sha256, 1, bytes), format: 1, total: 1, offset: 0, bytes }
  return { type: 'ENTRIES', channel, entries: [entry] }
}

/** The first bytes of an entry, and what follows them. */
function torn(next: { readonly offset: number; readonly more: number }): Liar {
  return inPlaceOf('ENTRIES', (frame) => {
    const [entry] = frame.entries
    if (entry === undefined) return [frame]
    const bytes = entry.bytes.slice(0, 4)
    const second = { ...entry, total: entry.total + next.more, offset: next.offset, bytes }
    return [
      { ...frame, entries: [{ ...entry, bytes }] },
      { ...frame, entries: [second] },
    ]
  })
}

/** What is said, and what the document's status says of it; null: it is a relay's word, and no more can be known. */
const LIES: readonly (readonly [string, Liar, ErrorCode | null])[] = [
  [
    'ACK for pushes that were never sent',
    inPlaceOf('OPENED', (frame) => {
      return [frame, { type: 'ACK', channel: frame.channel, pushId: someBytes(16), receipt: someBytes(20) }]
    }),
    null,
  ],
  ['ACK twice', inPlaceOf('ACK', (frame) => [frame, frame]), null],
  ['ACK never', inPlaceOf('ACK', () => []), 'RELAY_FAULT'],
  ['ACK without a receipt', inPlaceOf('ACK', (frame) => [{ ...frame, receipt: EMPTY }]), 'MALFORMED'],
  ['another mark each time', inPlaceOf('SYNCED', (frame) => [{ ...frame, mark: someBytes(20) }]), null],
  ['another tag each time', inPlaceOf('SYNCED', (frame) => [{ ...frame, tag: someBytes(8) }]), null],
  ['SYNCED without a mark', inPlaceOf('SYNCED', (frame) => [{ ...frame, mark: EMPTY }]), 'RELAY_FAULT'],
  [
    'MARK without a mark',
    inPlaceOf('SYNCED', (frame) => [{ type: 'MARK', channel: frame.channel, mark: EMPTY }, frame]),
    'MALFORMED',
  ],
  ['RESET each time', inPlaceOf('OPENED', (frame) => [{ ...frame, status: 'RESET' }]), null],
  [
    'RESET a thousand times in a round',
    inPlaceOf('OPENED', (frame) => new Array(1_000).fill({ ...frame, status: 'RESET' })),
    'RELAY_FAULT',
  ],
  ['NEW each time', inPlaceOf('OPENED', (frame) => [{ ...frame, status: 'NEW' }]), null],
  ['no log each time', NO_LOG, null],
  ['another incarnation each time', inPlaceOf('OPENED', (frame) => [{ ...frame, incarnation: someBytes(16) }]), null],
  [
    'another generation each time',
    inPlaceOf('OPENED', (frame) => [{ ...frame, generation: someBytes(8) }]),
    'RELAY_FAULT',
  ],
  ['a claim wanted always', inPlaceOf('OPENED', (frame) => [{ ...frame, claimWanted: true }]), null],
  ['a snapshot wanted always', inPlaceOf('OPENED', (frame) => [{ ...frame, urgency: 'HIGH' }]), null],
  [
    'the turn never',
    inPlaceOf('OPENED', (frame) => [{ ...frame, status: 'RESET', turn: 'WAIT', turnWaitMs: MOST }]),
    null,
  ],
  ['the turn always', inPlaceOf('OPENED', (frame) => [{ ...frame, turn: 'YOURS' }]), null],
  [
    '2^53-1 bytes to come',
    inPlaceOf('OPENED', (frame) => [{ ...frame, bytesToCome: MOST, entriesToCome: MOST }]),
    null,
  ],
  ['fewer bytes than come', inPlaceOf('OPENED', (frame) => [{ ...frame, bytesToCome: 0 }]), null],
  [
    'a lease that nobody asked for',
    inPlaceOf('SYNCED', (frame) => {
      return [{ type: 'LEASED', channel: frame.channel, code: 'OK', fence: MOST, deadlineMs: 0 }, frame]
    }),
    null,
  ],
  [
    'a snapshot in place that nobody made',
    inPlaceOf('SYNCED', (frame) => [{ type: 'COMPACTED', channel: frame.channel, code: 'OK' }, frame]),
    null,
  ],
  [
    'all of a payload held that nobody sent',
    inPlaceOf('SYNCED', (frame) => {
      return [{ type: 'HAVE', channel: frame.channel, id: someBytes(16), staged: MOST }, frame]
    }),
    null,
  ],
  [
    'a deletion that nobody asked for',
    inPlaceOf('SYNCED', (frame) => [{ type: 'DELETED', channel: frame.channel, code: 'OK' }, frame]),
    'MALFORMED',
  ],
  ['an entry a thousand times', inPlaceOf('ENTRIES', (frame) => new Array(1_000).fill(frame)), null],
  ['pieces that overlap', torn({ offset: 2, more: 0 }), 'MALFORMED'],
  ['pieces whose total changes', torn({ offset: 4, more: 9 }), 'MALFORMED'],
  [
    'an entry of 2^53-1 bytes',
    inPlaceOf('ENTRIES', (frame) => frame.entries.map((entry) => ({ ...frame, entries: [{ ...entry, total: MOST }] }))),
    'MALFORMED',
  ],
  [
    'other bytes than the push id names',
    inPlaceOf('ENTRIES', (frame) => {
      return [{ ...frame, entries: frame.entries.map((entry) => ({ ...entry, bytes: someBytes(entry.bytes.length) })) }]
    }),
    'BAD_HASH',
  ],
  [
    'a snapshot that is none',
    inPlaceOf('SYNCED', (frame) => {
      const piece = { total: 4, offset: 0, bytes: someBytes(4) }
      return [{ type: 'SNAPSHOT', channel: frame.channel, snapshotId: someBytes(16), ...piece }, frame]
    }),
    'BAD_HASH',
  ],
  ['an entry that is none', inPlaceOf('SYNCED', (frame) => [junk(frame.channel), frame]), 'CANNOT_APPLY'],
  [
    'an error that asks for 2^53-1 ms',
    () => (frame) => {
      const error = { code: 'OVERLOADED', retryable: true, retryAfterMs: MOST, message: 'later' } as const
      if (frame.type === 'OPENED') return [{ type: 'ERROR', channel: frame.channel, ...error }]
      return 'channel' in frame ? [] : [frame]
    },
    'OVERLOADED',
  ],
]

async function wordsOf(device: TestDevice): Promise<readonly string[]> {
  return (await device.text()).trim().split(' ').sort()
}

/** A device with unsent edits, which has yet to be given some; all of the document is on the relay but these. */
async function scene(relay: LyingRelay): Promise<{ readonly device: TestDevice; readonly other: TestDevice }> {
  const other = relay.world.device()
  await other.burst(2, 'theirs ')
  const device = relay.device()
  await device.open()
  await device.sync()
  await device.burst(1, 'early ')
  await device.type('mine ')
  await other.burst(1, 'later ')
  return { device, other }
}

describe.each(CARRIERS)('over %s', (carrier) => {
  it.each(LIES)('%s: nothing is lost, nothing spins, and the truth mends it', async (_name, liar, code) => {
    const relay = new LyingRelay(new World({ claimEntries: 1 }), carrier)
    const { device, other } = await scene(relay)
    const { status } = await device.open()
    expect(status.safety).toBe('on-device')
    relay.liar = liar
    for (let burst = 0; burst < 3; burst++) {
      const before = relay.heard.length
      const { progress } = await device.sync()
      expect(relay.heard.length - before).toBeLessThanOrEqual(MESSAGES_MAX)
      expect(progress.bytesDone).toBeLessThanOrEqual(progress.bytesTotal)
      for (const value of Object.values(progress)) expect(value).toSatisfy(Number.isSafeInteger)
      expect(await wordsOf(device)).toEqual(expect.arrayContaining(['early', 'mine', 'theirs']))
      const { problem, unsentBytes } = (await device.open()).status
      expect(problem?.code ?? null).toBe(code)
      expect(problem?.retryAfterMs ?? 0).toBeLessThanOrEqual(HOUR_MS)
      expect(unsentBytes).toSatisfy(Number.isSafeInteger)
    }
    relay.liar = null
    for (let burst = 0; burst < 3; burst++) await device.sync()
    expect(await device.sync()).toMatchObject({ complete: true })
    await other.sync()
    const late = relay.world.device()
    await late.open()
    await late.sync()
    for (const each of [device, other, late]) expect(await wordsOf(each)).toEqual(WORDS)
    expect(relay.openConnections).toBe(0)
  })

  it.each([
    ['has no log', NO_LOG],
    ['serves another log', inPlaceOf('OPENED', (frame) => [{ ...frame, incarnation: someBytes(16) }])],
  ])('a relay that %s, and does not say RESET, is asked for all of it again', async (_name, liar) => {
    const relay = new LyingRelay(new World(), carrier)
    const { device } = await scene(relay)
    await device.sync()
    relay.liar = liar
    relay.heard.length = 0
    await device.sync()
    const opens = relay.heard.flat().filter((frame) => frame.type === 'OPEN')
    expect(opens.map((open) => open.type === 'OPEN' && open.mark.length > 0)).toContain(false)
  })

  it('a relay that says it has no log is given back all that it acknowledged', async () => {
    const relay = new LyingRelay(new World(), carrier)
    const { device } = await scene(relay)
    await device.sync()
    relay.heard.length = 0
    relay.liar = NO_LOG
    expect(await device.sync()).toMatchObject({ relays: [{ documents: [{ reseeded: true }] }] })
    expect(relay.count('PUSH')).toBeGreaterThan(0)
  })

  it('a deletion that nobody asked for begins no document anew: only the app does', async () => {
    const relay = new LyingRelay(new World(), carrier)
    const { device } = await scene(relay)
    relay.liar = inPlaceOf('SYNCED', (frame) => [{ type: 'DELETED', channel: frame.channel, code: 'OK' }, frame])
    await device.sync()
    relay.liar = null
    await device.sync()
    expect(relay.heard.flat().some((frame) => frame.type === 'OPEN' && frame.create)).toBe(false)
  })

  it('DELETED for a document that is there: what is unsent stays, and goes up where the app begins it anew', async () => {
    const relay = new LyingRelay(new World(), carrier)
    const { device } = await scene(relay)
    relay.liar = inPlaceOf('OPENED', (frame) => [{ ...frame, status: 'DELETED' }])
    await device.sync()
    const { status } = await device.open()
    expect(status).toMatchObject({ safety: 'on-device', activity: 'stuck', problem: { code: 'DELETED' } })
    relay.liar = null
    await device.open(undefined, { create: true })
    for (let burst = 0; burst < 3; burst++) await device.sync()
    const late = relay.world.device()
    await late.open()
    await late.sync()
    for (const each of [device, late]) expect(await wordsOf(each)).toEqual(WORDS)
  })
})
