// What is sealed, what is opened, and what is said of what is not.
import { randomBytes } from 'node:crypto'
import { keyRing } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { Payloads } from '../../../client/src/document/payloads.ts'
import { bytesFromHex, type EncryptionVectors, readVectors } from '../../protocol/vectors.ts'
import { key } from '../../support/encrypted.ts'

const { rejects, rejectsAreGivenTo } = bytesFromHex(readVectors('encryption.json')) as EncryptionVectors
const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length))
const UPDATE = Uint8Array.of(0, 0)

describe('encryption.json', () => {
  const keys = rejectsAreGivenTo.keys.map((one) => ({ id: one.keyId, key: one.key }))
  const payloads = new Payloads(rejectsAreGivenTo.documentId, keyRing(keys), random)

  it.each(rejects)('does not open $name: $cause', ({ cause, payload }) => {
    expect(payloads.open({ format: 17, payload })).toMatchObject({ cause })
  })
})

it('holds a plain document to be plain, and what is sealed for sealed', () => {
  const [k1] = [key('k1')]
  const plain = new Payloads('alice/novel', null, random)
  const sealing = new Payloads('alice/novel', keyRing([k1]), random)
  const sealed = sealing.seal(UPDATE)
  expect(plain.seal(UPDATE)).toMatchObject({ format: 1, payload: UPDATE })
  expect(plain.open(plain.seal(UPDATE))).toEqual({ content: UPDATE, keyId: null })
  expect(plain.open(sealed)).toEqual({ cause: 'UNKNOWN_KEY', keyId: 'k1' })
  expect(sealed.format).toBe(17)
  expect(sealing.open(sealed)).toEqual({ content: UPDATE, keyId: 'k1' })
  expect(sealing.open(plain.seal(UPDATE))).toEqual({ cause: 'NOT_ENCRYPTED' })
  expect(sealing.open({ format: 1, payload: sealed.payload })).toEqual({ cause: 'NOT_ENCRYPTED' })
  expect(sealing.open({ format: 99, payload: UPDATE })).toEqual({ cause: 'CANNOT_APPLY' })
})

it('seals with the current key of the moment, and opens with each that there was', () => {
  const keys = keyRing([key('k1')])
  const payloads = new Payloads('alice/novel', keys, random)
  const [before, digest] = [payloads.seal(UPDATE), payloads.digestKey]
  keys.rotate(key('k2'))
  const after = payloads.seal(UPDATE)
  expect([before, after].map((sealed) => payloads.open(sealed))).toEqual([
    { content: UPDATE, keyId: 'k1' },
    { content: UPDATE, keyId: 'k2' },
  ])
  expect([digest?.id, payloads.digestKey?.id]).toEqual(['k1', 'k2'])
  expect(digest?.key).not.toEqual(payloads.digestKey?.key)
})

it('is locked without a current key, and seals nothing then', () => {
  const k1 = key('k1')
  const keys = keyRing()
  keys.add(k1)
  const payloads = new Payloads('alice/novel', keys, random)
  expect(payloads).toMatchObject({ isLocked: true, digestKey: null, lockedProblem: { code: 'UNKNOWN_KEY' } })
  expect(() => payloads.seal(UPDATE)).toThrow('alice/novel is locked')
  expect(payloads.open(new Payloads('alice/novel', keyRing([k1]), random).seal(UPDATE))).toEqual({
    content: UPDATE,
    keyId: 'k1',
  })
  keys.rotate(k1)
  expect(payloads).toMatchObject({ isLocked: false, lockedProblem: null })
})

it('takes a key that was replaced under its id for the one that it is now', () => {
  const [wrong, right] = [key('k1'), key('k1')]
  const keys = keyRing([wrong])
  const payloads = new Payloads('alice/novel', keys, random)
  const sealed = new Payloads('alice/novel', keyRing([right]), random).seal(UPDATE)
  expect(payloads.open(sealed)).toEqual({ cause: 'NOT_AUTHENTIC', keyId: 'k1' })
  payloads.prove('k1')
  keys.replace(right)
  expect(payloads.open(sealed)).toEqual({ content: UPDATE, keyId: 'k1' })
  expect(payloads.isProven('k1')).toBe(false)
})
