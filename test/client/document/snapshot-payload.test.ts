import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { payloadId } from '../../../client/src/document/payload-id.ts'
import {
  decodeSnapshotPayload,
  encodeSnapshotPayload,
  type SnapshotPayload,
  snapshotIdOf,
} from '../../../client/src/document/snapshot-payload.ts'
import { bytesFromHex, fromHex, readVectors, type SnapshotVectors, toHex } from '../../protocol/vectors.ts'

const { snapshots, rejects } = readVectors<SnapshotVectors>('snapshots.json')

const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength })
const heldEntry = fc
  .record({ format: fc.nat(255), payload: bytes(200) })
  .map(({ format, payload }) => ({ pushId: payloadId(payload, format), format, payload }))
const snapshot: fc.Arbitrary<SnapshotPayload> = fc.record({
  mark: bytes(96),
  deepDigest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  held: fc.array(heldEntry, { maxLength: 4 }),
  update: bytes(400),
})

describe('snapshots.json', () => {
  it.each(snapshots)('encodes $name', ({ snapshot, hex, snapshotId }) => {
    const payload = encodeSnapshotPayload(bytesFromHex(snapshot) as SnapshotPayload)
    expect(toHex(payload)).toBe(hex)
    expect(toHex(snapshotIdOf(payload))).toBe(snapshotId)
  })

  it.each(snapshots)('decodes $name', ({ snapshot, hex }) => {
    expect(decodeSnapshotPayload(fromHex(hex))).toEqual(bytesFromHex(snapshot))
  })

  it.each(snapshots)('refuses $name when it is cut at any byte', ({ hex }) => {
    const whole = fromHex(hex)
    for (let length = 0; length < whole.length; length++) {
      const refusal = { reason: expect.stringMatching(/: cut short$/), isNewer: false, obstacle: null }
      expect(decodeSnapshotPayload(whole.subarray(0, length)), `${length} bytes`).toEqual(refusal)
    }
  })

  it.each(rejects)('refuses $name', ({ hex, at, isNewer }) => {
    const decoded = decodeSnapshotPayload(fromHex(hex))
    expect(decoded).toMatchObject({ isNewer })
    if (!('reason' in decoded)) return
    const [field, what] = decoded.reason.split(isNewer ? ' ' : ': ')
    expect(field).toBe(at)
    expect(what).toMatch(/./)
  })
})

it('decodes what it encoded', () => {
  fc.assert(
    fc.property(snapshot, (fields) => {
      expect(decodeSnapshotPayload(encodeSnapshotPayload(fields))).toEqual(fields)
    }),
  )
})

it('never throws, whatever bytes come, and never says more than they hold', () => {
  const hostile = fc.oneof(
    bytes(60),
    bytes(60).map((rest) => Uint8Array.of(1, 0, 1, 0, ...rest)),
    fc.tuple(snapshot, fc.nat(), fc.nat(255)).map(([fields, at, byte]) => {
      const payload = encodeSnapshotPayload(fields)
      payload[at % payload.length] = byte
      return payload
    }),
  )
  fc.assert(
    fc.property(hostile, (payload) => {
      const decoded = decodeSnapshotPayload(payload)
      if ('reason' in decoded) expect(decoded.reason.length).toBeGreaterThan(4)
      else expect(toHex(encodeSnapshotPayload(decoded))).toBe(toHex(payload))
    }),
    { numRuns: 500 },
  )
})

it('reads from the middle of a larger buffer, as views', () => {
  const fields = bytesFromHex(snapshots[2]!.snapshot) as SnapshotPayload
  const payload = encodeSnapshotPayload(fields)
  const larger = Buffer.concat([Buffer.alloc(5, 0xff), payload, Buffer.alloc(5, 0xff)])
  const decoded = decodeSnapshotPayload(larger.subarray(5, 5 + payload.length)) as SnapshotPayload
  expect(toHex(encodeSnapshotPayload(decoded))).toBe(toHex(payload))
  expect(decoded.update.buffer).toBe(larger.buffer)
})

it('is named by the first 16 bytes of SHA-256', () => {
  const payload = Uint8Array.of(1, 2, 3)
  const hash = createHash('sha256').update(payload).digest('hex')
  expect(toHex(snapshotIdOf(payload))).toBe(hash.slice(0, 32))
})

it.each<[string, Partial<SnapshotPayload>]>([
  ['mark', { mark: new Uint8Array(97) }],
  ['deepDigest', { deepDigest: new Uint8Array(15) }],
  ['held.pushId', { held: [{ pushId: new Uint8Array(17), format: 1, payload: new Uint8Array(0) }] }],
])('is not encoded with a %s of another length', (field, change) => {
  const fields = bytesFromHex(snapshots[0]!.snapshot) as SnapshotPayload
  expect(() => encodeSnapshotPayload({ ...fields, ...change })).toThrow(new RegExp(`^${field}: `))
})
