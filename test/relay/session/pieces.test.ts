// Payloads longer than a message: staged piece by piece over several rounds and connections, verified, and bounded.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Staging } from '../../../relay/src/session/staging.ts'
import { CoreUnderTest } from '../core.ts'
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
    expect(await staged(200, 200)).toBe(400)
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
    const { RelayStoreError } = await import('../../../relay/src/store/contract.ts')
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
    const relay = new CoreUnderTest({ stagedBytesMax: 1_200, entryBytesMax: 5000 })
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), END])
    const full = await relay.burst([device, upload, piece(1, PAYLOAD, 500, 400), END])
    expect(only(full, 'REFUSED')).toMatchObject({ code: 'OVERLOADED', retryAfterMs: 5_000 })
    const long = await relay.burst([device, upload, piece(1, payloadOf('x', 5001), 0, 10), END])
    expect(only(long, 'REFUSED').code).toBe('TOO_LARGE')
  })

  it('is dropped when it has waited too long', async () => {
    const relay = new CoreUnderTest({ stagedIdleTimeoutMs: 1_000 })
    const upload = open(1, NOVEL, { pull: false })
    await relay.burst([device, upload, piece(1, PAYLOAD, 0, 500), END])
    relay.pass(1_001)
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

/** What each piece is charged beside its bytes. */
const PIECE_BYTES = 512

describe('staging', () => {
  it('charges tiny pieces for what they cost', () => {
    const staging = new Staging({ stagedBytesMax: 100_000, stagedIdleTimeoutMs: 1_000 })
    let offset = 0
    while (staging.place('k', { total: 100_000, offset, bytes: payloadOf('a', 1) }, 0).type === 'partial') offset++
    expect(offset).toBeLessThan(200)
  })

  it('counts what it holds, and keeps its own copy', () => {
    const staging = new Staging({ stagedBytesMax: 4_000, stagedIdleTimeoutMs: 1_000 })
    const bytes = payloadOf('a', 4)
    staging.place('k', { total: 8, offset: 0, bytes }, 0)
    bytes.fill(0)
    expect(staging.bytes).toBe(4 + PIECE_BYTES)
    const whole = staging.place('k', { total: 8, offset: 4, bytes: payloadOf('b', 4) }, 0)
    expect(whole).toEqual({ type: 'whole', payload: payloadOf('aaaabbbb') })
    staging.drop('k')
    expect(staging.bytes).toBe(0)
  })

  it('drops the idle ones only', () => {
    const staging = new Staging({ stagedBytesMax: 4_000, stagedIdleTimeoutMs: 1_000 })
    staging.place('old', { total: 8, offset: 0, bytes: payloadOf('a', 4) }, 0)
    staging.place('new', { total: 8, offset: 0, bytes: payloadOf('b', 2) }, 500)
    staging.place('old', { total: 8, offset: 4, bytes: payloadOf('a', 1) }, 600)
    staging.sweep(1_500)
    expect(staging.bytes).toBe(5 + 2 * PIECE_BYTES)
    staging.sweep(1_600)
    expect(staging.bytes).toBe(0)
  })
})
