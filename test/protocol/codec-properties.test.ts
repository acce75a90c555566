// Any frame survives the wire, and no bytes whatever make the decoder throw or hand out more than they hold.
import {
  CODE,
  type Code,
  type DecodeResult,
  decodeMessage,
  encodeFrames,
  FRAME_TYPE,
  type Frame,
  LIMITS_AFTER_WELCOME,
  LIMITS_BEFORE_WELCOME,
} from '@tidemark/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FrameVectors, fromHex, type MessageVectors, readVectors } from './vectors.ts'

const number = fc.oneof(fc.nat(300), fc.maxSafeNat())
const positive = number.map((value) => Math.max(1, value))
const bytes = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength })
const id = bytes(16, 16)
const tag = bytes(8, 8)
const bookmark = bytes(0, 96)
const incarnation = fc.oneof(fc.constant(new Uint8Array(0)), id)
const text = (bytesMax: number): fc.Arbitrary<string> =>
  fc.string({ unit: 'binary', maxLength: bytesMax / 4 }).filter((value) => Buffer.byteLength(value) <= bytesMax)
const code = fc.constantFrom(...(Object.keys(CODE) as Code[]))
const reason = code.filter((value) => value !== 'OK')
const piece = fc
  .record({ bytes: bytes(0, 300), offset: fc.nat(1000), rest: fc.nat(1000) })
  .map(({ bytes, offset, rest }) => ({ total: Math.max(1, offset + bytes.length + rest), offset, bytes }))
const entry = fc.record({ pushId: id, format: fc.nat(255), bytes: bytes(1, 200) })
const entries = fc
  .record({ list: fc.array(entry, { minLength: 1, maxLength: 8 }), before: fc.nat(9), after: fc.nat(9) })
  .map(({ list, before, after }) =>
    list.map((item, index) => {
      const offset = index === 0 ? before : 0
      return { ...item, offset, total: offset + item.bytes.length + (index === list.length - 1 ? after : 0) }
    }),
  )
const versions = fc.tuple(number, number).map(([one, other]) => ({
  versionMax: Math.max(1, one, other),
  versionMin: Math.min(1, one, other),
}))

/** A frame type that is missing here does not compile. */
const fields: {
  readonly [Name in keyof typeof FRAME_TYPE]: fc.Arbitrary<Omit<Extract<Frame, { type: Name }>, 'type'>>
} = {
  HELLO: fc
    .record({ versions, deviceId: id, token: text(8192), receiveWindowBytes: number, clientName: text(64) })
    .map(({ versions, ...rest }) => ({ ...versions, ...rest })),
  WELCOME: fc.record({
    version: number,
    epoch: id,
    limits: fc.record({
      messageBytesMax: fc.integer({ min: 1, max: 1_048_576 }),
      entryBytesMax: positive,
      pieceBytesMax: fc.integer({ min: 1, max: 262_144 }),
      channelsMax: fc.integer({ min: 1, max: 1024 }),
    }),
    relayTimeMs: number,
  }),
  FEED: fc.record({ vault: text(64), mark: bookmark }),
  FEED_PAGE: fc.record({
    vault: text(64),
    status: fc.constantFrom('OK' as const, 'RESET' as const, 'DENIED' as const),
    documents: fc.array(fc.record({ documentId: text(512), tag, deleted: fc.boolean() }), { maxLength: 20 }),
    mark: bookmark,
    more: fc.boolean(),
  }),
  OPEN: fc.record({
    channel: positive,
    documentId: text(512),
    pull: fc.boolean(),
    push: fc.boolean(),
    linger: fc.boolean(),
    create: fc.boolean(),
    reseeding: fc.boolean(),
    incarnation,
    mark: bookmark,
    receipt: bookmark,
    claim: fc.option(fc.record({ digest: id, profile: text(64), generation: tag })),
    partial: fc.option(fc.record({ id, offset: number })),
  }),
  OPENED: fc.record({
    channel: positive,
    status: fc.constantFrom('OK' as const, 'NEW' as const, 'RESET' as const, 'DELETED' as const),
    incarnation,
    entriesToCome: number,
    bytesToCome: number,
    generation: tag,
    urgency: fc.constantFrom('NONE' as const, 'LOW' as const, 'HIGH' as const),
    claimWanted: fc.boolean(),
    turn: fc.constantFrom('NONE' as const, 'YOURS' as const, 'WAIT' as const),
    turnWaitMs: number,
  }),
  PUSH: fc
    .record({ channel: positive, pushId: id, format: fc.nat(255), piece })
    .map(({ piece, ...rest }) => ({ ...rest, ...piece })),
  HAVE: fc.record({ channel: positive, id, staged: number }),
  ACK: fc.record({ channel: positive, pushId: id, receipt: bookmark }),
  REFUSED: fc.record({ channel: positive, pushId: id, code: reason, retryAfterMs: number, message: text(256) }),
  SNAPSHOT: fc
    .record({ channel: positive, snapshotId: id, piece })
    .map(({ piece, ...rest }) => ({ ...rest, ...piece })),
  ENTRIES: fc.record({ channel: positive, entries }),
  MARK: fc.record({ channel: positive, mark: bookmark }),
  SYNCED: fc.record({ channel: positive, mark: bookmark, tag, confirmed: fc.boolean(), otherDevices: number }),
  REPAIR: fc.record({
    channel: positive,
    reason: fc.constantFrom('CANNOT_DECRYPT' as const, 'CANNOT_APPLY' as const, 'GAP' as const, 'DIGEST' as const),
    fingerprint: id,
  }),
  LEASE: fc.record({ channel: positive, mark: bookmark }),
  LEASED: fc.record({ channel: positive, code, fence: number, deadlineMs: number }),
  SNAPSHOT_PUT: fc
    .record({ channel: positive, fence: number, mark: bookmark, snapshotId: id, piece })
    .map(({ piece, ...rest }) => ({ ...rest, ...piece })),
  COMPACTED: fc.record({ channel: positive, code }),
  DELETE: fc.record({ channel: positive, mark: bookmark }),
  DELETED: fc.record({ channel: positive, code }),
  AWARENESS: fc.record({ channel: positive, bytes: bytes(0, 500) }),
  CREDIT: fc.record({ bytes: positive }),
  ERROR: fc.record({
    channel: number,
    code: reason,
    retryable: fc.boolean(),
    retryAfterMs: number,
    message: text(256),
  }),
  END: fc.constant({}),
  DONE: fc.record({ more: fc.boolean(), returnAfterMs: number }),
}

const frame: fc.Arbitrary<Frame> = fc.oneof(
  ...Object.entries(fields).map(([type, arbitrary]) =>
    (arbitrary as fc.Arbitrary<object>).map((rest) => ({ type, ...rest }) as Frame),
  ),
)

const vectorMessages = [
  ...readVectors<FrameVectors>('frames.json').frames.map(({ hex }) => fromHex(hex)),
  ...readVectors<MessageVectors>('messages.json').both.map(({ hex }) => fromHex(hex)),
].filter((message) => message.length < 2000)

describe('round trip', () => {
  it('gives back any frames', () => {
    return fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 12 }), (frames) => {
        expect(decodeMessage(encodeFrames(frames), LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames })
      }),
      { numRuns: 1500 },
    )
  })

  it('has one form for each message: what decodes without ignorable parts encodes to the same bytes', () => {
    return fc.assert(
      fc.property(fc.array(frame, { minLength: 1, maxLength: 4 }), (frames) => {
        const message = encodeFrames(frames)
        const result = decodeMessage(message, LIMITS_AFTER_WELCOME)
        expect(result.ok && encodeFrames(result.frames)).toEqual(message)
      }),
      { numRuns: 300 },
    )
  })
})

describe('any bytes', () => {
  const types = fc.constantFrom(...Object.values(FRAME_TYPE))
  const framed = fc
    .array(fc.tuple(types, bytes(0, 120)), { minLength: 1, maxLength: 6 })
    .map((list) => Uint8Array.from(list.flatMap(([type, body]) => [type, body.length, ...body])))

  it('are judged and never throw', () => {
    return fc.assert(
      fc.property(fc.oneof(bytes(0, 400), framed), (message) => isSound(message)),
      { numRuns: 20_000 },
    )
  })

  it('are judged when they are a message in which some bytes were changed, taken out or put in', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 2 }), fc.nat(255)), {
      minLength: 1,
      maxLength: 4,
    })
    return fc.assert(
      fc.property(fc.constantFrom(...vectorMessages), edits, (message, changes) => {
        const mutated = [...message]
        for (const [place, removed, byte] of changes) {
          const inserted = removed === 0 ? [byte] : [byte].slice(removed - 1)
          mutated.splice(place % (mutated.length + 1), removed === 0 ? 0 : 1, ...inserted)
        }
        isSound(Uint8Array.from(mutated))
      }),
      { numRuns: 20_000 },
    )
  })
})

/** Views lie within the message, in frames that a writer would write, and there are no more of them than bytes. */
function isSound(message: Uint8Array): void {
  for (const limits of [LIMITS_AFTER_WELCOME, LIMITS_BEFORE_WELCOME]) {
    const result: DecodeResult = decodeMessage(message, limits)
    if (!result.ok) {
      expect(result.code === 'MALFORMED' || result.code === 'TOO_LARGE').toBe(true)
      expect(result.message).toMatch(/^[A-Za-z_.]+( type| length)?: ./)
      continue
    }
    expect(itemsOf(result.frames, message)).toBeLessThanOrEqual(message.length)
    for (const frame of result.frames) expect(() => encodeFrames([frame])).not.toThrow()
  }
}

function itemsOf(value: unknown, message: Uint8Array): number {
  if (value instanceof Uint8Array) {
    if (value.length > 0) expect(value.buffer).toBe(message.buffer)
    return value.length
  }
  if (typeof value !== 'object' || value === null) return 0
  const ownItems = Array.isArray(value) ? value.length : 0
  return Object.values(value).reduce((sum: number, inner) => sum + itemsOf(inner, message), ownItems)
}
