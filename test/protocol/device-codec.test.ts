// What a device reads and writes, against the vectors: its own frames one way, the relay's the other, and nothing else.
import {
  DEVICE_SESSION,
  type DeviceFrame,
  DeviceMessageWriter,
  decodeMessage,
  decodeRelayMessage,
  encodeDeviceFrames,
  encodeFrames,
  LIMITS_AFTER_WELCOME,
  RELAY_SESSION,
} from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { type FrameVectors, frameOf, fromHex, readVectors, toHex } from './vectors.ts'

const frames = readVectors<FrameVectors>('frames.json').frames.map(({ name, frame, hex }) => {
  const { type } = frameOf(frame)
  return { name, type, frame: frameOf(frame), hex }
})

/** By the tables of who may send what: a frame that is malformed wherever it is met is not sent to that side. */
const ofRelay = frames.filter(({ type }) => isMet(DEVICE_SESSION[type]))
const ofDevice = frames.filter(({ type }) => isMet(RELAY_SESSION[type]))

describe('decodeRelayMessage', () => {
  it.each(ofRelay)('decodes $name', ({ frame, hex }) => {
    expect(decodeRelayMessage(fromHex(hex), LIMITS_AFTER_WELCOME)).toEqual({ ok: true, frames: [frame] })
  })

  it.each(frames.filter((one) => !ofRelay.includes(one)))('refuses $name, which no relay sends', ({ type, hex }) => {
    const message = `${type}.type: not sent in this direction`
    expect(decodeRelayMessage(fromHex(hex), LIMITS_AFTER_WELCOME)).toEqual({ ok: false, code: 'MALFORMED', message })
  })

  it('is decodeMessage for every message of relays, cut anywhere or not', () => {
    const message = encodeFrames(ofRelay.map(({ frame }) => frame))
    for (let length = 0; length <= message.length; length++) {
      const cut = message.subarray(0, length)
      expect(decodeRelayMessage(cut, LIMITS_AFTER_WELCOME)).toEqual(decodeMessage(cut, LIMITS_AFTER_WELCOME))
    }
  })

  it('skips what it may ignore', () => {
    const done = encodeFrames([{ type: 'DONE', more: false, returnAfterMs: 0 }])
    const result = decodeRelayMessage(Uint8Array.of(0x7f, 1, 9, ...done), LIMITS_AFTER_WELCOME)
    expect(result).toMatchObject({ ok: true, frames: [{ type: 'DONE' }] })
  })
})

describe('encodeDeviceFrames', () => {
  it.each(ofDevice)('encodes $name', ({ frame, hex }) => {
    expect(toHex(encodeDeviceFrames([frame as DeviceFrame]))).toBe(hex)
  })

  it('writes what encodeFrames writes, also through a DeviceMessageWriter', () => {
    const all = ofDevice.map(({ frame }) => frame as DeviceFrame)
    const writer = new DeviceMessageWriter()
    for (const frame of all) writer.write(frame)
    expect(writer.frameCount).toBe(all.length)
    const bytes = writer.take()
    expect(toHex(bytes)).toBe(toHex(encodeFrames(all)))
    expect(toHex(bytes)).toBe(toHex(encodeDeviceFrames(all)))
  })
})

it('leaves no frame to neither side, and AWARENESS to both', () => {
  const types = (some: typeof frames): Set<string> => new Set(some.map(({ type }) => type))
  expect(types([...ofRelay, ...ofDevice])).toEqual(types(frames))
  expect([...types(ofRelay)].filter((type) => types(ofDevice).has(type))).toEqual(['AWARENESS'])
})

function isMet(row: Readonly<Record<string, string>>): boolean {
  return Object.values(row).some((verdict) => verdict === 'accept' || verdict === 'channel' || row.READY === 'ignore')
}
