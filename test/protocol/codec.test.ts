import {
  decodeMessage,
  encodeFrames,
  FEEDS_MAX,
  FIELD_LIMITS,
  type Frame,
  type FrameOf,
  LIMITS_AFTER_WELCOME,
  LIMITS_BEFORE_WELCOME,
  LIMITS_HTTP_RESPONSE,
  MessageWriter,
  negotiateVersion,
  VERIFYING_BYTES_MAX,
  VERIFYING_MS_MAX,
} from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'

const NOTHING = new Uint8Array(0)
const ID = new Uint8Array(16).fill(7)
const MARK: FrameOf<'MARK'> = { type: 'MARK', channel: 1, mark: Uint8Array.of(1, 2, 3) }
const OPEN: FrameOf<'OPEN'> = {
  type: 'OPEN',
  channel: 1,
  documentId: 'alice/x',
  pull: true,
  push: true,
  linger: false,
  create: false,
  reseeding: false,
  incarnation: NOTHING,
  mark: NOTHING,
  receipt: NOTHING,
  claim: null,
  partial: null,
}
const push = (bytes: Uint8Array): FrameOf<'PUSH'> => ({
  type: 'PUSH',
  channel: 1,
  pushId: ID,
  format: 1,
  total: Math.max(1, bytes.length),
  offset: 0,
  bytes,
})

describe('encodeFrames', () => {
  const wrong: [string, Frame][] = [
    ['OPEN.mark: 97 bytes, at most 96', { ...OPEN, mark: new Uint8Array(97) }],
    ['OPEN.incarnation: 15 bytes, not 0 or 16', { ...OPEN, incarnation: new Uint8Array(15) }],
    ['OPEN.documentId: 513 bytes, at most 512', { ...OPEN, documentId: 'n'.repeat(513) }],
    ['OPEN.documentId: half of a surrogate pair', { ...OPEN, documentId: 'a/\ud800' }],
    ['OPEN.channel: 0, ', { ...OPEN, channel: 0 }],
    ['OPEN.channel: 1.5, ', { ...OPEN, channel: 1.5 }],
    ['OPEN.channel: NaN, ', { ...OPEN, channel: Number.NaN }],
    ['OPEN.partial.offset: 9007199254740992, ', { ...OPEN, partial: { id: ID, offset: 2 ** 53 } }],
    ['PUSH.pushId: 15 bytes, not 16', { ...push(ID), pushId: new Uint8Array(15) }],
    ['PUSH.offset: 1, ', { ...push(ID), offset: 1 }],
    ['PUSH.total: 0, ', { ...push(NOTHING), total: 0 }],
    ['PUSH.bytes: 262145 bytes, at most 262144', push(new Uint8Array(262_145))],
    ['CREDIT.bytes: -1, ', { type: 'CREDIT', bytes: -1 }],
    ['ENTRIES.entries: 0, ', { type: 'ENTRIES', channel: 1, entries: [] }],
    ['ERROR.code: OK', { type: 'ERROR', channel: 0, code: 'OK', retryable: false, retryAfterMs: 0, message: '' }],
    ['COMPACTED.code: -1, ', { type: 'COMPACTED', channel: 1, code: 'NONE' as 'OK' }],
  ]
  it.each(wrong)('throws %s', (message, frame) => {
    expect(() => encodeFrames([frame])).toThrow(RangeError)
    expect(() => encodeFrames([frame])).toThrow(message)
  })

  it('throws on entries that are unfinished inside a frame', () => {
    const piece = { pushId: ID, format: 1, total: 2, offset: 0, bytes: Uint8Array.of(1) }
    const whole = { pushId: ID, format: 1, total: 1, offset: 0, bytes: Uint8Array.of(1) }
    const entries = (...list: (typeof piece)[]): Frame => ({ type: 'ENTRIES', channel: 1, entries: list })
    expect(() => encodeFrames([entries(piece, whole)])).toThrow('ENTRIES.entry.offset')
    expect(() => encodeFrames([entries(whole, { ...piece, offset: 1 })])).toThrow('ENTRIES.entry.offset')
    expect(() => encodeFrames([entries({ ...whole, bytes: NOTHING })])).toThrow('ENTRIES.entry.bytes: empty')
    expect(decoded(encodeFrames([entries({ ...piece, offset: 1 }, whole, piece)]))).toHaveLength(1)
  })

  it('cuts text that only a person reads, between characters', () => {
    const message = `${'m'.repeat(254)}é😀`
    const [frame] = decoded(encodeFrames([errorWith(message)]))
    expect(frame).toEqual(errorWith(`${'m'.repeat(254)}é`))
    expect(decoded(encodeFrames([errorWith(`${'m'.repeat(253)}é😀`)]))[0]).toEqual(errorWith(`${'m'.repeat(253)}é`))
    expect(decoded(encodeFrames([errorWith('a\ud800b')]))[0]).toEqual(errorWith('a\ufffdb'))
  })

  it('finds the length of every body, whatever its size', () => {
    for (const size of [
      0, 1, 83, 84, 99, 100, 101, 127, 128, 200, 16_330, 16_355, 16_356, 16_357, 16_384, 70_000, 262_144,
    ]) {
      const bytes = new Uint8Array(size).fill(size)
      const [before, middle, after] = decoded(encodeFrames([MARK, push(bytes), MARK]))
      expect([before, after]).toEqual([MARK, MARK])
      expect(middle?.type === 'PUSH' && Buffer.compare(middle.bytes, bytes), `${size} bytes`).toBe(0)
    }
  })
})

describe('MessageWriter', () => {
  it('leaves the message as it was when a frame cannot be written', () => {
    const writer = new MessageWriter()
    writer.write(MARK)
    expect(() => writer.write({ ...OPEN, receipt: new Uint8Array(97) })).toThrow('OPEN.receipt')
    writer.write({ type: 'END' })
    expect(writer.frameCount).toBe(2)
    expect(decoded(writer.take())).toEqual([MARK, { type: 'END' }])
  })

  it('packs frames up to a limit', () => {
    const writer = new MessageWriter()
    const limit = encodeFrames([MARK, OPEN]).length
    expect(writer.tryWrite(MARK, limit)).toBe(true)
    expect(writer.tryWrite(OPEN, limit - 1)).toBe(false)
    expect(writer.frameCount).toBe(1)
    expect(writer.tryWrite(OPEN, limit)).toBe(true)
    expect(writer.byteLength).toBe(limit)
    expect(decoded(writer.take())).toEqual([MARK, OPEN])
  })

  it('begins anew after take, and never touches what it gave', () => {
    const writer = new MessageWriter()
    for (const size of [10, 400, 600, 5_000, 20, 9_000, 9_000]) {
      writer.write(push(new Uint8Array(size).fill(1)))
      const first = writer.take()
      const copy = first.slice()
      expect(writer.byteLength).toBe(0)
      expect(writer.frameCount).toBe(0)
      writer.write(push(new Uint8Array(size).fill(2)))
      expect(first).toEqual(copy)
      expect(decoded(writer.take())).toEqual([push(new Uint8Array(size).fill(2))])
    }
  })
})

describe('decodeMessage', () => {
  it('gives views into the message', () => {
    const message = encodeFrames([MARK])
    const [frame] = decoded(message) as [typeof MARK]
    expect(frame.mark.buffer).toBe(message.buffer)
    message[message.length - 1] = 9
    expect(frame.mark).toEqual(Uint8Array.of(1, 2, 9))
  })

  it('gives plain bytes out of a Buffer, so that slice copies', () => {
    const message = Buffer.concat([Buffer.from('xx'), encodeFrames([MARK])]).subarray(2)
    const [frame] = decoded(message) as [typeof MARK]
    const copy = frame.mark.slice()
    message.fill(0)
    expect(copy).toEqual(Uint8Array.of(1, 2, 3))
    expect(frame.mark.constructor).toBe(Uint8Array)
  })

  it('says what it wanted and what it got', () => {
    const long = encodeFrames([push(new Uint8Array(65_537))])
    expect(decodeMessage(long, LIMITS_BEFORE_WELCOME)).toEqual({
      ok: false,
      code: 'TOO_LARGE',
      message: 'PUSH.bytes: 65537 bytes, at most 65536',
    })
    expect(decodeMessage(new Uint8Array(262_145), LIMITS_BEFORE_WELCOME)).toEqual({
      ok: false,
      code: 'TOO_LARGE',
      message: 'message: 262145 bytes, at most 262144',
    })
    expect(decodeMessage(Uint8Array.of(0x1a, 0), LIMITS_AFTER_WELCOME)).toEqual({
      ok: false,
      code: 'MALFORMED',
      message: 'frame type: 0x1a is not known',
    })
  })

  it('takes 256 OPENs before WELCOME and not one more', () => {
    const opens = Array.from({ length: 257 }, (_, index) => ({ ...OPEN, channel: index + 1 }))
    expect(decodeMessage(encodeFrames(opens.slice(1)), LIMITS_BEFORE_WELCOME).ok).toBe(true)
    expect(decodeMessage(encodeFrames(opens), LIMITS_BEFORE_WELCOME)).toMatchObject({ code: 'TOO_LARGE' })
  })
})

describe('limits and versions', () => {
  it('are those of docs/protocol.md', () => {
    expect(LIMITS_BEFORE_WELCOME).toEqual({
      messageBytesMax: 262_144,
      framesMax: 16_384,
      opensMax: 256,
      pieceBytesMax: 65_536,
    })
    expect(LIMITS_AFTER_WELCOME).toEqual({
      messageBytesMax: 1_048_576,
      framesMax: 16_384,
      opensMax: 1_024,
      pieceBytesMax: 262_144,
    })
    expect(LIMITS_HTTP_RESPONSE).toMatchObject({ messageBytesMax: 8_388_608, framesMax: 131_072 })
    expect([VERIFYING_BYTES_MAX, VERIFYING_MS_MAX, FEEDS_MAX]).toEqual([65_536, 5_000, 64])
    expect(FIELD_LIMITS).toMatchObject({ bookmarkBytesMax: 96, documentIdBytesMax: 512, tokenBytesMax: 8_192 })
  })

  it('picks version 1 where it is offered', () => {
    expect([negotiateVersion(1, 1), negotiateVersion(3, 0), negotiateVersion(1, 0)]).toEqual([1, 1, 1])
    expect([negotiateVersion(0, 0), negotiateVersion(3, 2)]).toEqual([null, null])
  })
})

function decoded(message: Uint8Array): readonly Frame[] {
  const result = decodeMessage(message, LIMITS_AFTER_WELCOME)
  if (!result.ok) throw new Error(result.message)
  return result.frames
}

function errorWith(message: string): FrameOf<'ERROR'> {
  return { type: 'ERROR', channel: 0, code: 'FAULT', retryable: true, retryAfterMs: 1, message }
}
