// Payloads longer than a message: staged piece by piece over several rounds and connections, verified, and bounded.
import { randomBytes } from 'node:crypto'
import type { Open } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { RelayStoreError } from '../../../relay/src/store/contract.ts'
import { memoryRelayStore } from '../../../relay/src/store/memory.ts'
import { CoreUnderTest, settled } from '../core.ts'
import { all, END, hello, names, only, open, payloadOf, payloadsIn, piece, push, storePush } from '../device.ts'

const WRITE = 'alice/*:write'
const NOVEL = 'alice/novel'
const PAYLOAD = new Uint8Array(randomBytes(1000))
const device = hello(WRITE, { deviceId: payloadOf('d', 16) })

describe('a payload in pieces', () => {
  it('is answered HAVE until it is whole, then ACK, and stored once', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    const first = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 400), piece(1, PAYLOAD, 400, 100), END])
    expect(names(first)).toBe('WELCOME OPENED HAVE SYNCED DONE')
    expect(only(first, 'HAVE').staged).toBe(500)
    const second = await relay.burst([device, upload, piece(1, PAYLOAD, 500, 500), END])
    expect(names(second)).toBe('WELCOME OPENED ACK SYNCED DONE')
    const pulled = await relay.burst([device, open(1, NOVEL), END])
    expect(payloadsIn(pulled)).toEqual([Buffer.from(PAYLOAD).toString()])
    expect(only(second, 'ACK').pushId).toEqual(push(1, PAYLOAD).pushId)
  })

  it('says with HAVE where to go on: for a piece without bytes, a gap, and one that was there already', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    const staged = async (offset: number, length: number): Promise<number> =>
      only(await relay.burst([device, upload, piece(1, PAYLOAD, offset, length), END]), 'HAVE').staged
    expect(await staged(0, 0)).toBe(0)
    expect(await staged(0, 300)).toBe(300)
    expect(await staged(600, 100)).toBe(300)
    expect(await staged(0, 300)).toBe(300)
    expect(await staged(200, 200)).toBe(300)
    expect(await staged(300, 100)).toBe(400)
    expect(await staged(1000, 0)).toBe(400)
  })

  it('whose hash is wrong is refused when it is whole, and begins again', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    const wrong = { ...piece(1, PAYLOAD, 0, 500), bytes: payloadOf('x', 500) }
    await relay.burst([device, upload, wrong, END])
    const refused = await relay.burst([device, upload, piece(1, PAYLOAD, 500, 500), END])
    expect(only(refused, 'REFUSED').code).toBe('BAD_HASH')
    const again = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 0), END])
    expect(only(again, 'HAVE').staged).toBe(0)
    expect(await relay.store.usage('alice')).toEqual({ bytes: 0, documents: 0 })
  })

  it('of another device is another: nobody can spoil it', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), END])
    const spoiler = hello(WRITE, { deviceId: payloadOf('s', 16) })
    const asked = await relay.burst([spoiler, upload, piece(1, PAYLOAD, 0, 0), END])
    expect(only(asked, 'HAVE').staged).toBe(0)
  })

  it('stays staged when the append fails, so that the retry sends no byte again', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    const append = relay.store.append.bind(relay.store)
    relay.store.append = () => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    const refused = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), piece(1, PAYLOAD, 500, 500), END])
    expect(only(refused, 'REFUSED').code).toBe('STORAGE')
    relay.store.append = append
    const stored = await relay.burst([device, upload, piece(1, PAYLOAD, 1000, 0), END])
    expect(names(stored)).toBe('WELCOME OPENED ACK SYNCED DONE')
  })

  it('is refused OVERLOADED where there is no room, TOO_LARGE where it may not be that long', async () => {
    const relay = new CoreUnderTest({ uploadBytesMax: 1_200, entryBytesMax: 5000 })
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), END])
    const full = await relay.burst([device, upload, piece(1, PAYLOAD, 500, 400), END])
    expect(only(full, 'REFUSED')).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 5_000 })
    const long = await relay.burst([device, upload, piece(1, payloadOf('x', 5001), 0, 10), END])
    expect(only(long, 'REFUSED').code).toBe('TOO_LARGE')
  })

  it('is dropped by the sweep when it has waited too long', async () => {
    const relay = new CoreUnderTest({ uploadIdleMs: 1_000 })
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), END])
    relay.pass(1_001)
    await settled()
    const asked = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 0), END])
    expect(only(asked, 'HAVE').staged).toBe(0)
  })

  it('does not hold up the other pushes of its channel', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'zero')])
    const frames = await relay.burst([device, open(1, NOVEL), piece(1, PAYLOAD, 0, 10), push(1, payloadOf('one')), END])
    expect(names(frames)).toBe('WELCOME OPENED HAVE ENTRIES ACK SYNCED DONE')
  })
})

describe('a whole payload', () => {
  it('whose push id is not its hash is refused, and the others are stored', async () => {
    const relay = new CoreUnderTest()
    const wrong = push(1, payloadOf('one'), { pushId: payloadOf('w', 16) })
    const wrongFormat = push(1, payloadOf('two'), { format: 2 })
    const frames = await relay.burst([device, open(1, NOVEL), wrong, wrongFormat, push(1, payloadOf('three')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED REFUSED ACK SYNCED DONE')
    expect(all(frames, 'REFUSED').map(({ code }) => code)).toEqual(['BAD_HASH', 'BAD_HASH'])
  })
})

describe('a payload in pieces whose ACK was lost', () => {
  it('is acknowledged again for a piece without bytes, and no byte comes twice', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    const first = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), piece(1, PAYLOAD, 500, 500), END])
    const again = await relay.burst([device, upload, piece(1, PAYLOAD, 0, 0), END])
    expect(only(again, 'ACK')).toEqual(only(first, 'ACK'))
    expect(await relay.store.usage('alice')).toEqual({ bytes: 1000, documents: 1 })
  })
})

const DAY_MS = 24 * 60 * 60 * 1000

describe('case 18: a large payload, cut at many places, with a wrong hash at the end, both ways', () => {
  const LARGE = new Uint8Array(randomBytes(20_000))
  const upload = open(1, NOVEL, { pull: false })

  it('goes up in rounds sent ahead over connections that break anywhere, over a crash too, and is stored once', async () => {
    const memory = memoryRelayStore()
    let relay = new CoreUnderTest({}, memory)
    let staged = 0
    for (let cut = 0; cut < 30; cut++) {
      const connection = relay.connect()
      const answer = await connection.round([device, upload, piece(1, LARGE, 0, 0), END])
      staged = only(answer, 'HAVE').staged
      // Four pieces sent ahead; the line breaks while one or another of them is being stored.
      for (let ahead = 0; ahead < 4; ahead++) connection.send([upload, piece(1, LARGE, staged + ahead * 150, 150), END])
      for (let turns = 0; turns < cut * 3; turns++) await Promise.resolve()
      connection.connection.closed()
      await settled()
      if (cut === 15) relay = new CoreUnderTest({}, memory.crash())
    }
    expect(staged).toBeGreaterThan(0)
    for (let stored = false; !stored; ) {
      const answer = await relay.burst([device, upload, piece(1, LARGE, staged, 700), END])
      stored = all(answer, 'ACK').length > 0
      if (!stored) staged = only(answer, 'HAVE').staged
    }
    expect(await relay.store.usage('alice')).toEqual({ bytes: LARGE.length, documents: 1 })
  })

  it('with a wrong hash at the end is refused BAD_HASH, and begins again', async () => {
    const relay = new CoreUnderTest()
    const spoilt = { ...piece(1, LARGE, 0, 10_000), bytes: payloadOf('x', 10_000) }
    await relay.burst([device, upload, spoilt, END])
    const refused = await relay.burst([device, upload, piece(1, LARGE, 10_000, 10_000), END])
    expect(only(refused, 'REFUSED').code).toBe('BAD_HASH')
    expect(await relay.store.usage('alice')).toEqual({ bytes: 0, documents: 0 })
    const again = await relay.burst([device, upload, piece(1, LARGE, 0, 10_000), piece(1, LARGE, 10_000, 10_000), END])
    expect(only(again, 'ACK').pushId).toEqual(push(1, LARGE).pushId)
  })

  it('comes down from where it was cut, however often', async () => {
    const relay = new CoreUnderTest({ pieceBytesTarget: 1000 })
    await relay.store.append([storePush(NOVEL, 'zero')])
    const { pushId, format } = push(1, LARGE)
    await relay.store.append([{ documentId: NOVEL, pushId, format, payload: LARGE }])
    let partial: Open['partial'] = null
    let mark: Uint8Array = new Uint8Array(0)
    const pieces: Uint8Array[] = []
    for (let cut = 0; cut < 30; cut++) {
      const connection = relay.connect()
      // The window is smaller than what is left, and the line breaks while the relay waits for credit.
      const window = hello(WRITE, { receiveWindowBytes: 600 })
      const frames = await connection.round([window, open(1, NOVEL, { mark, partial }), END])
      connection.connection.closed()
      mark = all(frames, 'MARK').at(-1)?.mark ?? mark
      for (const { entries } of all(frames, 'ENTRIES')) {
        for (const entry of entries) {
          if (entry.total !== LARGE.length) continue
          expect(entry.offset).toBe(partial?.offset ?? 0)
          pieces.push(entry.bytes)
          partial = { id: entry.pushId, offset: entry.offset + entry.bytes.length }
        }
      }
    }
    expect(partial?.offset).toBeGreaterThan(15_000)
    const rest = await relay.burst([hello(WRITE), open(1, NOVEL, { mark, partial }), END])
    for (const { entries } of all(rest, 'ENTRIES')) for (const { bytes } of entries) pieces.push(bytes)
    expect(Buffer.concat(pieces).equals(LARGE)).toBe(true)
    expect(names(rest.slice(-2))).toBe('SYNCED DONE')
  })

  it('comes down from its beginning where the partial is of another payload, or all of it', async () => {
    const relay = new CoreUnderTest({ pieceBytesTarget: 500 })
    const { pushId, format } = push(1, PAYLOAD)
    await relay.store.append([{ documentId: NOVEL, pushId, format, payload: PAYLOAD }])
    const offsets = async (partial: Open['partial']): Promise<readonly number[]> => {
      const frames = await relay.burst([hello(WRITE), open(1, NOVEL, { partial }), END])
      return all(frames, 'ENTRIES').flatMap(({ entries }) => entries.map(({ offset }) => offset))
    }
    expect(await offsets({ id: pushId, offset: 700 })).toEqual([700])
    expect(await offsets({ id: pushId, offset: 1000 })).toEqual([0, 500])
    expect(await offsets({ id: pushId, offset: 5000 })).toEqual([0, 500])
    expect(await offsets({ id: payloadOf('o', 16), offset: 700 })).toEqual([0, 500])
  })

  it('has a mark before it also where the store puts several on one page', async () => {
    const relay = new CoreUnderTest({ pieceBytesTarget: 500 })
    const read = relay.store.read.bind(relay.store)
    relay.store.read = async ({ inlineBytesMax = 0, ...request }) => {
      const page = await read(request)
      if (page === 'moved') return page
      const entries = page.entries.map((entry) =>
        entry.totalBytes > inlineBytesMax ? { ...entry, payload: null } : entry,
      )
      return { ...page, entries }
    }
    const texts = ['one', 'two', 'long'.repeat(200), 'longer'.repeat(200), 'three']
    await relay.store.append(texts.map((text) => storePush(NOVEL, text)))
    const frames = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(payloadsIn(frames)).toEqual(texts)
    const frameNames = names(frames)
    expect(frameNames).toBe(
      'WELCOME OPENED ENTRIES MARK ENTRIES ENTRIES MARK ENTRIES ENTRIES ENTRIES MARK ENTRIES SYNCED DONE',
    )
  })
})

describe('case 38: a push resumed after more was written', () => {
  it('goes on where it was, and what was written meanwhile is a push of its own', async () => {
    const relay = new CoreUnderTest()
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 600), END])
    relay.pass(DAY_MS - 1)
    await settled()
    const later = push(1, payloadOf('written meanwhile'))
    const frames = await relay.burst([device, upload, piece(1, PAYLOAD, 600, 400), later, END])
    expect(all(frames, 'ACK').map(({ pushId }) => pushId)).toEqual([push(1, PAYLOAD).pushId, later.pushId])
    const pulled = await relay.burst([hello(WRITE), open(1, NOVEL), END])
    expect(payloadsIn(pulled)).toEqual([Buffer.from(PAYLOAD).toString(), 'written meanwhile'])
  })
})

describe('case 20: a store that cannot write', () => {
  it('refuses pieces and pushes with STORAGE, drops nothing, and goes on serving', async () => {
    const relay = new CoreUnderTest()
    await relay.store.append([storePush(NOVEL, 'zero')])
    const { stage, append } = relay.store
    const fails = (): Promise<never> => Promise.reject(new RelayStoreError('STORAGE', 'disk full'))
    await relay.burst([device, open(1, NOVEL), piece(1, PAYLOAD, 0, 500), END])
    Object.assign(relay.store, { stage: fails, append: fails })
    const request = [device, open(1, NOVEL), piece(1, PAYLOAD, 500, 500), push(1, payloadOf('one')), END]
    const refused = await relay.burst(request)
    expect(names(refused)).toBe('WELCOME OPENED REFUSED REFUSED ENTRIES SYNCED DONE')
    expect(all(refused, 'REFUSED').map(({ code, retryAfterMs }) => [code, retryAfterMs])).toEqual([
      ['STORAGE', 5_000],
      ['STORAGE', 5_000],
    ])
    Object.assign(relay.store, { stage, append })
    const stored = await relay.burst(request)
    expect(names(stored)).toBe('WELCOME OPENED ENTRIES ACK ACK SYNCED DONE')
  })
})

describe('the quota of a vault', () => {
  it('refuses what would pass it, and lets the rest of the round be', async () => {
    const relay = new CoreUnderTest({ vaultBytesMax: 10 })
    await relay.store.append([storePush(NOVEL, 'eight...')])
    const frames = await relay.burst([device, open(1, NOVEL), push(1, payloadOf('abc')), push(1, payloadOf('x')), END])
    expect(names(frames)).toBe('WELCOME OPENED REFUSED ENTRIES ACK SYNCED DONE')
    expect(only(frames, 'REFUSED')).toMatchObject({ code: 'QUOTA', retryAfterMs: 0 })
    const inPieces = [piece(1, payloadOf('abcd'), 0, 2), piece(1, payloadOf('abcd'), 2, 2)]
    const upload = await relay.burst([device, open(1, 'alice/other', { pull: false }), ...inPieces, END])
    expect(only(upload, 'REFUSED').code).toBe('QUOTA')
  })
})
