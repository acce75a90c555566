// Suite 1 by its vectors, which are opened a second time by other means, as docs/protocol.md, "Encryption", says.
import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decodeEnvelope, encodeEnvelope } from '../../../client/src/crypto/envelope.ts'
import type { EnvelopeContext, SnapshotContext } from '../../../client/src/crypto/suite.ts'
import { suite1 } from '../../../client/src/crypto/suite-1.ts'
import { claimOf, claimProfile } from '../../../client/src/document/claim.ts'
import { payloadId } from '../../../client/src/document/payload-id.ts'
import {
  decodeSnapshotPayload,
  encodeSnapshotPayload,
  type SnapshotPayload,
  snapshotIdOf,
} from '../../../client/src/document/snapshot-payload.ts'
import { bytesFromHex, type EncryptionVectors, fromHex, readVectors, toHex } from '../../protocol/vectors.ts'
import { hkdf, openXChaCha } from '../../support/xchacha.ts'

const { keys, entries, snapshots, longSnapshot, claims } = bytesFromHex(
  readVectors('encryption.json'),
) as EncryptionVectors
const FORMAT = 17
const CONTENT = Uint8Array.of(1, 2, 3)
const CONTEXT: EnvelopeContext = { documentId: 'alice/novel', keyId: 'k1', format: FORMAT }
const SNAPSHOT: SnapshotContext = { ...CONTEXT, mark: Uint8Array.of(9) }
const KEYS = suite1.derive(new Uint8Array(32).fill(1), 'alice/novel')
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))

const text = (value: string): Buffer => Buffer.concat([Buffer.of(Buffer.byteLength(value)), Buffer.from(value)])

function sealedSnapshot(vector: EncryptionVectors['longSnapshot'], snapshot: SnapshotPayload): Uint8Array {
  const { key, keyId, documentId, prefix } = vector
  const derived = suite1.derive(key, documentId)
  const seal = (mark: Uint8Array, content: Uint8Array): { suite: number; sealed: Uint8Array } => {
    const context = { documentId, keyId, format: FORMAT, mark }
    return { suite: 1, sealed: suite1.sealSnapshot(derived, context, content, () => prefix) }
  }
  return encodeSnapshotPayload(snapshot, { keyId, seal })
}

function openedSnapshot({ key, documentId }: { key: Uint8Array; documentId: string }, payload: Uint8Array): unknown {
  return decodeSnapshotPayload(payload, ({ mark, format, envelope }) => {
    if (envelope === null) return { cause: 'NOT_ENCRYPTED' }
    const { keyId, sealed } = envelope
    const content = suite1.openSnapshot(suite1.derive(key, documentId), { documentId, keyId, format, mark }, sealed)
    return content === null ? { cause: 'NOT_AUTHENTIC', keyId } : { content, keyId: null }
  })
}

describe('encryption.json', () => {
  it.each(keys)('derives the keys of $documentId', ({ key, documentId, contentKey, digestKey }) => {
    expect(suite1.derive(key, documentId)).toEqual({ content: contentKey, digest: digestKey })
    expect(hkdf(key, Buffer.concat([text('content1'), text(documentId)]))).toEqual(contentKey)
    expect(hkdf(key, Buffer.concat([text('digest1'), text(documentId)]))).toEqual(digestKey)
  })

  it.each(entries)('seals and opens $name', ({ key, keyId, documentId, nonce, update, hex, pushId }) => {
    const derived = suite1.derive(key, documentId)
    const context = { documentId, keyId, format: FORMAT }
    const payload = encodeEnvelope({ suite: 1, keyId, sealed: suite1.sealEntry(derived, context, update, () => nonce) })
    expect(toHex(payload)).toBe(hex)
    expect(payloadId(payload, FORMAT)).toEqual(pushId)
    const envelope = decodeEnvelope(payload)
    expect(envelope).toMatchObject({ suite: 1, keyId })
    expect(suite1.openEntry(derived, context, envelope?.sealed as Uint8Array)).toEqual(update)
  })

  it.each(entries)('is opened by the page alone: $name', ({ key, keyId, documentId, nonce, update, hex }) => {
    const payload = fromHex(hex)
    const header = Buffer.concat([Buffer.of(1), text(keyId), nonce])
    expect(toHex(payload.subarray(0, header.length))).toBe(toHex(header))
    const data = Buffer.concat([text('tidemark'), Buffer.of(1, 1, 17), text(documentId), text(keyId)])
    const contentKey = hkdf(key, Buffer.concat([text('content1'), text(documentId)]))
    const padded = openXChaCha(contentKey, nonce, data, payload.subarray(header.length))
    expect(padded.length % 128).toBe(0)
    const lengthBytes = update.length < 128 ? 1 : 2
    expect(toHex(padded.subarray(lengthBytes, lengthBytes + update.length))).toBe(toHex(update))
    expect(padded.subarray(lengthBytes + update.length).every((byte) => byte === 0)).toBe(true)
  })

  it.each(snapshots)('seals and opens the snapshot $name', (vector) => {
    const payload = sealedSnapshot(vector as never, vector.snapshot as unknown as SnapshotPayload)
    expect(toHex(payload)).toBe(vector.hex)
    expect(snapshotIdOf(payload)).toEqual(vector.snapshotId)
    expect(openedSnapshot(vector, payload)).toEqual(vector.snapshot)
  })

  it('seals and opens a snapshot of several chunks, which the page alone opens too', () => {
    const { key, keyId, documentId, prefix, mark, deepDigest, updateLength, byteLength, snapshotId } = longSnapshot
    const update = Uint8Array.from({ length: updateLength }, (_, i) => i % 251)
    const payload = sealedSnapshot(longSnapshot, { mark, deepDigest, held: [], update })
    expect([payload.length, snapshotIdOf(payload)]).toEqual([byteLength, snapshotId])
    expect(openedSnapshot(longSnapshot, payload)).toEqual({ mark, deepDigest, held: [], update })
    const length = Buffer.of(0x80, 0xa0, 0x09) // 151,552: 150,023 bytes, padded to a multiple of 4,096
    const header = Buffer.concat([
      Buffer.of(1, mark.length),
      mark,
      Buffer.of(17),
      text(keyId),
      Buffer.of(1),
      length,
      prefix,
    ])
    expect(toHex(payload.subarray(0, header.length))).toBe(toHex(header))
    const of = Buffer.concat([Buffer.of(1, 2, 17), text(documentId), text(keyId), Buffer.of(mark.length), mark, length])
    const contentKey = hkdf(key, Buffer.concat([text('content1'), text(documentId)]))
    const chunks = [0, 1, 2].map((place) => {
      const nonce = Buffer.concat([prefix, Buffer.of(0, 0, 0, place, place === 2 ? 1 : 0)])
      const start = header.length + place * 65_552
      return openXChaCha(
        contentKey,
        nonce,
        Buffer.concat([text('tidemark'), of]),
        payload.subarray(start, start + 65_552),
      )
    })
    const content = Buffer.concat(chunks).subarray(3)
    expect(Buffer.concat(chunks).length).toBe(151_552)
    expect(content.subarray(20, 20 + updateLength).equals(update)).toBe(true)
  })

  it.each(claims)('claims with the digest key', ({ key, keyId, documentId, mark, canon, digest, profile }) => {
    expect(claimOf({ documentId, mark, canon, key: suite1.derive(key, documentId).digest })).toEqual(digest)
    expect(claimProfile([], keyId)).toBe(profile)
  })

  it('opens no prefix of a payload, and none of which a bit was changed', () => {
    const { key, keyId, documentId, hex, update } = entries[0] as EncryptionVectors['entries'][number]
    const whole = fromHex(hex)
    const derived = suite1.derive(key, documentId)
    const opens = (payload: Uint8Array): boolean => {
      const envelope = decodeEnvelope(payload)
      if (envelope === null || envelope.suite !== 1 || envelope.keyId !== keyId) return false
      return suite1.openEntry(derived, { documentId, keyId, format: FORMAT }, envelope.sealed) !== null
    }
    expect([opens(whole), update.length]).toEqual([true, 11])
    for (let length = 0; length < whole.length; length++) expect(opens(whole.subarray(0, length))).toBe(false)
    for (let bit = 0; bit < 8 * whole.length; bit++) {
      const changed = whole.slice()
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(opens(changed), `bit ${bit}`).toBe(false)
    }
  })
})

describe('an envelope', () => {
  const sealed = suite1.sealEntry(KEYS, CONTEXT, CONTENT, random)

  it('is another one each time', () => {
    expect(suite1.sealEntry(KEYS, CONTEXT, CONTENT, random)).not.toEqual(sealed)
  })

  it.each<[string, Partial<EnvelopeContext>]>([
    ['document', { documentId: 'alice/diary' }],
    ['key id', { keyId: 'k2' }],
    ['format', { format: 1 }],
    ['boundary between document and key id', { documentId: 'alice/novel\x02k', keyId: '1' }],
  ])('opens under no other %s', (_what, change) => {
    expect(suite1.openEntry(KEYS, CONTEXT, sealed)).toEqual(CONTENT)
    expect(suite1.openEntry(KEYS, { ...CONTEXT, ...change }, sealed)).toBeNull()
  })

  it('opens under no other key, and not as a snapshot', () => {
    expect(suite1.openEntry(suite1.derive(new Uint8Array(32).fill(2), 'alice/novel'), CONTEXT, sealed)).toBeNull()
    expect(suite1.openEntry(suite1.derive(new Uint8Array(32).fill(1), 'alice/diary'), CONTEXT, sealed)).toBeNull()
    expect(suite1.openSnapshot(KEYS, SNAPSHOT, sealed)).toBeNull()
  })
})

describe('a sealed snapshot', () => {
  const content = random(200_000)
  const sealed = suite1.sealSnapshot(KEYS, SNAPSHOT, content, random)
  const [header, chunk] = [3 + 19, 65_536 + 16]
  const at = (place: number): number => header + place * chunk

  it('opens, under its mark', () => {
    expect(suite1.openSnapshot(KEYS, SNAPSHOT, sealed)).toEqual(content)
    expect(suite1.openSnapshot(KEYS, { ...SNAPSHOT, mark: Uint8Array.of(8) }, sealed)).toBeNull()
    expect(suite1.openSnapshot(KEYS, { ...SNAPSHOT, keyId: 'k2' }, sealed)).toBeNull()
    expect(suite1.openEntry(KEYS, CONTEXT, sealed)).toBeNull()
  })

  it.each<[string, (bytes: Uint8Array) => Uint8Array]>([
    [
      'two chunks changed places',
      (bytes) =>
        Buffer.concat([
          bytes.subarray(0, at(0)),
          bytes.subarray(at(1), at(2)),
          bytes.subarray(at(0), at(1)),
          bytes.subarray(at(2)),
        ]),
    ],
    [
      'a chunk stands twice',
      (bytes) => Buffer.concat([bytes.subarray(0, at(1)), bytes.subarray(at(0), at(1)), bytes.subarray(at(2))]),
    ],
    ['the last chunk is left out', (bytes) => bytes.subarray(0, at(3))],
    [
      'it ends after a whole chunk, and says so',
      (bytes) => Buffer.concat([Buffer.of(0x80, 0x80, 0x04), bytes.subarray(3, at(1))]),
    ],
    ['something follows', (bytes) => Buffer.concat([bytes, Buffer.alloc(chunk)])],
    [
      'a chunk is that of another snapshot',
      (bytes) =>
        Buffer.concat([
          bytes.subarray(0, at(1)),
          suite1.sealSnapshot(KEYS, SNAPSHOT, content, random).subarray(at(1), at(2)),
          bytes.subarray(at(2)),
        ]),
    ],
    ['it is of no length', () => Buffer.concat([Buffer.of(0), Buffer.alloc(19)])],
    ['it is longer than anything', () => Buffer.concat([Buffer.of(0xff, 0xff, 0xff, 0xff, 0x0f), Buffer.alloc(19)])],
  ])('opens no more where %s', (_what, change) => {
    expect(suite1.openSnapshot(KEYS, SNAPSHOT, change(sealed))).toBeNull()
  })
})
