import { decodeMessage, encodeFrames, FRAME_TYPE, LIMITS_AFTER_WELCOME } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import {
  type FrameVectors,
  frameOf,
  fromHex,
  type MessageVectors,
  type RejectVectors,
  readVectors,
  toHex,
  type VaruintVectors,
} from './vectors.ts'

const { frames } = readVectors<FrameVectors>('frames.json')
const messages = readVectors<MessageVectors>('messages.json')
const { rejects } = readVectors<RejectVectors>('rejects.json')
const varuints = readVectors<VaruintVectors>('varuints.json')

describe('frames.json', () => {
  it('has every frame of version 1, in a small and in a full form', () => {
    const seen = new Map<string, number>()
    for (const { frame } of frames) seen.set(frameOf(frame).type, (seen.get(frameOf(frame).type) ?? 0) + 1)
    expect([...seen.keys()].sort()).toEqual(Object.keys(FRAME_TYPE).sort())
    for (const [type, count] of seen) expect(count, type).toBeGreaterThanOrEqual(type === 'END' ? 1 : 2)
  })

  it.each(frames)('encodes $name', ({ frame, hex }) => {
    expect(toHex(encodeFrames([frameOf(frame)]))).toBe(hex)
  })

  it.each(frames)('decodes $name', ({ frame, hex }) => {
    expect(decodeMessage(fromHex(hex), LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames: [frameOf(frame)] })
  })

  it.each(frames)('refuses $name when it is cut at any byte', ({ hex }) => {
    const whole = fromHex(hex)
    for (let length = 0; length < whole.length; length++) {
      const result = decodeMessage(whole.subarray(0, length), LIMITS_AFTER_WELCOME)
      expect(result, `${length} bytes`).toMatchObject({ ok: false, code: 'MALFORMED' })
    }
  })

  it.each(frames)('refuses $name when its body is cut at any byte and the length agrees', ({ hex }) => {
    const { type, body } = splitFrame(fromHex(hex))
    for (let length = 0; length < body.length; length++) {
      const result = decodeMessage(joinFrame(type, body.subarray(0, length)), LIMITS_AFTER_WELCOME)
      expect(result, `${length} bytes`).toMatchObject({ ok: false, code: 'MALFORMED' })
    }
  })

  it.each(frames)('takes $name with bytes after its last field', ({ frame, hex }) => {
    const { type, body } = splitFrame(fromHex(hex))
    const longer = joinFrame(type, Uint8Array.of(...body, 0xff, 0x80, 0x00))
    expect(decodeMessage(longer, LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames: [frameOf(frame)] })
  })
})

describe('messages.json', () => {
  it.each(messages.both)('encodes $name', ({ frames, hex }) => {
    expect(toHex(encodeFrames(frames.map(frameOf)))).toBe(hex)
  })

  it.each([...messages.both, ...messages.read])('decodes $name', ({ frames, hex }) => {
    expect(decodeMessage(fromHex(hex), LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames: frames.map(frameOf) })
  })

  it.each(messages.both)('decodes $name cut at a frame, and refuses it cut anywhere else', ({ frames, hex }) => {
    const whole = fromHex(hex)
    const boundaries = new Map<number, number>()
    for (let count = 1; count <= frames.length; count++) {
      boundaries.set(encodeFrames(frames.slice(0, count).map(frameOf)).length, count)
    }
    for (let length = 0; length <= whole.length; length++) {
      const result = decodeMessage(whole.subarray(0, length), LIMITS_AFTER_WELCOME)
      const count = boundaries.get(length)
      const expected = count === undefined ? { ok: false, code: 'MALFORMED' } : { ok: true }
      expect(result, `${length} bytes`).toMatchObject(expected)
      if (result.ok) expect(result.frames).toHaveLength(count!)
    }
  })
})

describe('rejects.json', () => {
  it.each(rejects)('refuses: $name', ({ hex, code, at, limits }) => {
    const result = decodeMessage(fromHex(hex), limits ?? LIMITS_AFTER_WELCOME)
    expect(result).toMatchObject({ ok: false, code })
    if (result.ok) return
    expect(result.message.slice(0, at.length + 2)).toBe(`${at}: `)
    expect(result.message.length).toBeGreaterThan(at.length + 4)
  })
})

describe('varuints.json', () => {
  it.each(varuints.valid)('writes and reads $value', ({ value, hex }) => {
    const message = joinFrame(FRAME_TYPE.DONE, Uint8Array.of(0, ...fromHex(hex)))
    const frame = { type: 'DONE', more: false, returnAfterMs: value } as const
    expect(toHex(encodeFrames([frame]))).toBe(toHex(message))
    expect(decodeMessage(message, LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames: [frame] })
  })

  it.each(varuints.invalid)('refuses: $name', ({ hex }) => {
    const message = joinFrame(FRAME_TYPE.DONE, Uint8Array.of(0, ...fromHex(hex)))
    const result = decodeMessage(message, LIMITS_AFTER_WELCOME)
    expect(result).toMatchObject({ ok: false, code: 'MALFORMED' })
    if (!result.ok) expect(result.message).toMatch(/^DONE\.returnAfterMs: /)
  })
})

/** Vectors are shorter than 16 KiB, and their types one byte. */
function splitFrame(message: Uint8Array): { type: number; body: Uint8Array } {
  return { type: message[0]!, body: message.subarray(message[1]! < 0x80 ? 2 : 3) }
}

function joinFrame(type: number, body: Uint8Array): Uint8Array {
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, body.length >> 7]
  return Uint8Array.of(type, ...length, ...body)
}
