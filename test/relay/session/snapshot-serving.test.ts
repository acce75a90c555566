// How snapshots are given: in pieces, within the window, resumed where they were cut, while the base moves under them.

import { randomBytes } from 'node:crypto'
import type { Frame, Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { RelayStoreError } from '../../../relay/src/store/contract.ts'
import { CoreUnderTest, settled } from '../core.ts'
import {
  all,
  decode,
  END,
  hello,
  NOTHING,
  names,
  only,
  open,
  payloadOf,
  payloadsIn,
  snapshotIdOf,
  snapshotIn,
} from '../device.ts'
import { begun, compacted, markAt, NOVEL, type Standing } from '../log.ts'

const WRITE = 'alice/*:write'
const DAY_MS = 24 * 60 * 60 * 1000
const SNAPSHOT = new Uint8Array(randomBytes(2_800))
const NEWER = new Uint8Array(randomBytes(2_500))

/** Five long entries, of which the first three are hidden by a snapshot. */
async function compactedLog(limits = {}): Promise<{ relay: CoreUnderTest; standing: Standing }> {
  const relay = new CoreUnderTest({ pieceBytesTarget: 1_000, ...limits })
  const texts = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(990))
  const standing = await begun(relay, ...texts)
  await compacted(relay, await markAt(relay, standing, 3), SNAPSHOT)
  return { relay, standing }
}

function bytesGiven(frames: readonly Frame[]): number {
  const entries = all(frames, 'ENTRIES').flatMap((frame) => frame.entries)
  return [...entries, ...all(frames, 'SNAPSHOT')].reduce((sum, { bytes }) => sum + bytes.length, 0)
}

describe('a snapshot that is served', () => {
  it('leaves piece by piece, each a message of its own, the last with its mark', async () => {
    const { relay } = await compactedLog()
    const device = relay.connect()
    await device.round([hello(WRITE), open(1, NOVEL), END])
    expect(device.carrier.messages.map((message) => names(decode(message)))).toEqual([
      'WELCOME OPENED SNAPSHOT',
      'SNAPSHOT',
      'SNAPSHOT MARK ENTRIES SYNCED DONE',
    ])
    expect(snapshotIn(device.frames).bytes.equals(SNAPSHOT)).toBe(true)
  })

  it('is one piece in memory at a time, and waits for a slow reader', async () => {
    const { relay } = await compactedLog({ sendBufferBytesMax: 1_500 })
    let reads = 0
    const readPayload = relay.store.readPayload.bind(relay.store)
    relay.store.readPayload = (request) => {
      reads += 1
      return readPayload(request)
    }
    const device = relay.connect()
    device.carrier.bufferedBytes = 10_000
    await device.round([hello(WRITE), open(1, NOVEL), END])
    expect(reads).toBeLessThanOrEqual(2)
    device.carrier.bufferedBytes = 0
    for (let drains = 0; drains < 10; drains++) {
      device.connection.writable()
      await settled()
    }
    expect(snapshotIn(device.frames).bytes.equals(SNAPSHOT)).toBe(true)
    expect(names(device.frames.slice(-2))).toBe('SYNCED DONE')
  })

  it('takes no more than the window, to the byte, and goes on with credit', async () => {
    const { relay } = await compactedLog()
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 0 }), open(1, NOVEL), END])
    expect(names(device.frames)).toBe('WELCOME OPENED')
    for (let given = 0; given < 5_000; given += 777) {
      expect(bytesGiven(device.frames)).toBe(Math.min(given, 4_780))
      await device.round([{ type: 'CREDIT', bytes: 777 }])
    }
    expect(snapshotIn(device.frames).bytes.equals(SNAPSHOT)).toBe(true)
    expect(payloadsIn(device.frames)).toEqual(['4'.repeat(990), '5'.repeat(990)])
  })

  it('is not served to a device whose mark lies among the hidden entries, if these are fewer bytes', async () => {
    const { relay, standing } = await compactedLog()
    const mark = await markAt(relay, standing, 1)
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), END])
    expect(only(frames, 'OPENED')).toMatchObject({ status: 'OK', entriesToCome: 4 })
    expect(all(frames, 'SNAPSHOT')).toEqual([])
    expect(payloadsIn(frames)).toHaveLength(4)
  })
})

describe('case 18: a snapshot cut at many places on its way down', () => {
  const pull = async (relay: CoreUnderTest, oneRound: boolean, window: number): Promise<Buffer> => {
    const pieces: Uint8Array[] = []
    let partial: Open['partial'] = null
    for (let rounds = 0; rounds < 100; rounds++) {
      const device = relay.connect({ oneRound })
      const request = hello(WRITE, { receiveWindowBytes: window })
      const frames = await device.round([request, open(1, NOVEL, { partial }), END])
      device.connection.closed()
      expect(bytesGiven(frames)).toBeLessThanOrEqual(window)
      for (const { snapshotId, offset, bytes } of all(frames, 'SNAPSHOT')) {
        expect(offset).toBe(partial?.offset ?? 0)
        pieces.push(bytes)
        partial = { id: snapshotId, offset: offset + bytes.length }
      }
      if (all(frames, 'MARK').length > 0) return Buffer.concat(pieces)
    }
    throw new Error('No end')
  }

  it.each([
    ['a WebSocket', false],
    ['HTTP', true],
  ])('goes on where it was over %s, and no byte comes twice', async (_name, oneRound) => {
    const { relay } = await compactedLog()
    // 30 cuts.
    expect((await pull(relay, oneRound, 93)).equals(SNAPSHOT)).toBe(true)
  })
})

describe('case 17: the base moves while a device is served', () => {
  it('in the middle of a page: the entries are served on, for they are retained', async () => {
    const { relay, standing } = await compactedLog({ pageEntriesMax: 1 })
    const mark = await markAt(relay, standing, 1)
    const device = relay.connect()
    const first = [hello(WRITE, { receiveWindowBytes: 1_200 }), open(1, NOVEL, { mark }), END]
    await device.round(first)
    await compacted(relay, standing.mark, NEWER)
    await device.round([{ type: 'CREDIT', bytes: 100_000 }])
    expect(payloadsIn(device.frames)).toEqual(['2', '3', '4', '5'].map((digit) => digit.repeat(990)))
    expect(all(device.frames, 'OPENED')).toHaveLength(1)
    expect(only(device.frames, 'SYNCED').mark).toEqual(standing.mark)
  })

  it('in the middle of a snapshot: that is served to its end, and the entries behind it', async () => {
    const { relay, standing } = await compactedLog()
    const device = relay.connect()
    await device.round([hello(WRITE, { receiveWindowBytes: 1_500 }), open(1, NOVEL), END])
    await compacted(relay, standing.mark, NEWER)
    await device.round([{ type: 'CREDIT', bytes: 100_000 }])
    expect(snapshotIn(device.frames).bytes.equals(SNAPSHOT)).toBe(true)
    expect(payloadsIn(device.frames)).toEqual(['4', '5'].map((digit) => digit.repeat(990)))
    expect(names(device.frames.slice(-2))).toBe('SYNCED DONE')
  })

  it('and what was being served is dropped: OPENED again says RESET, and all of it is served anew', async () => {
    for (const name of ['snapshot', 'page'] as const) {
      const { relay, standing } = await compactedLog({ pageEntriesMax: 1, retentionMs: 0, retentionMaxMs: 0 })
      // The store is looked after by another process, which is in a hurry.
      const mark = name === 'page' ? await markAt(relay, standing, 3) : NOTHING
      const device = relay.connect()
      await device.round([hello(WRITE, { receiveWindowBytes: 900 }), open(1, NOVEL, { mark }), END])
      await compacted(relay, standing.mark, NEWER)
      await relay.store.sweep()
      const rest = await device.round([{ type: 'CREDIT', bytes: 100_000 }])
      expect(only(rest, 'OPENED')).toMatchObject({ status: 'RESET', incarnation: standing.incarnation })
      const anew = rest.slice(rest.findIndex(({ type }) => type === 'OPENED'))
      expect(snapshotIn(anew)).toEqual({ from: 0, bytes: Buffer.from(NEWER) })
      expect(only(anew, 'MARK').mark).toEqual(standing.mark)
      expect(names(anew.slice(-2))).toBe('SYNCED DONE')
    }
  })
})

describe('a store that cannot read', () => {
  it('in the middle of a snapshot ends that channel, and the others are served', async () => {
    const { relay } = await compactedLog()
    let reads = 0
    const readPayload = relay.store.readPayload.bind(relay.store)
    relay.store.readPayload = (request) => {
      reads += 1
      return reads === 2 ? Promise.reject(new RelayStoreError('STORAGE', 'disk')) : readPayload(request)
    }
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), open(2, 'alice/other'), END])
    expect(names(frames)).toBe('WELCOME OPENED SNAPSHOT ERROR OPENED SYNCED DONE')
    expect(only(frames, 'ERROR')).toMatchObject({ channel: 1, code: 'STORAGE', retryable: true })
  })
})

describe('case 37: a phone that is slower than compactions follow each other', () => {
  it('ends its download of a snapshot that was replaced, and is up to date from there', async () => {
    const { relay, standing } = await compactedLog()
    let partial: Open['partial'] = null
    const pieces: Uint8Array[] = []
    let newest = standing
    for (let day = 0; day < 6; day++) {
      const window = hello(WRITE, { receiveWindowBytes: 500 })
      const frames = await relay.burst([window, open(1, NOVEL, { partial }), END])
      for (const { snapshotId, offset, bytes } of all(frames, 'SNAPSHOT')) {
        expect(snapshotId).toEqual(snapshotIdOf(SNAPSHOT))
        pieces.push(bytes)
        partial = { id: snapshotId, offset: offset + bytes.length }
      }
      newest = await begun(relay, `day ${day}`)
      await compacted(relay, newest.mark, payloadOf(`snapshot of day ${day} `, 2_600))
      relay.pass(DAY_MS)
      await settled()
    }
    expect(Buffer.concat(pieces).equals(SNAPSHOT)).toBe(true)
    // The mark behind it is among the retained entries, from which the phone goes on.
    const mark = await markAt(relay, standing, 3)
    const caughtUp = await relay.burst([hello(WRITE), open(1, NOVEL, { mark }), END])
    expect(only(caughtUp, 'OPENED').status).toBe('OK')
    expect(only(caughtUp, 'SYNCED').mark).toEqual(newest.mark)
  })
})
