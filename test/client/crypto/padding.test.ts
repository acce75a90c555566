import fc from 'fast-check'
import { expect, it } from 'vitest'
import { pad, paddedLength, unpad } from '../../../client/src/crypto/padding.ts'
import { type EncryptionVectors, readVectors } from '../../protocol/vectors.ts'

const { padding } = readVectors<EncryptionVectors>('encryption.json')

it.each(padding)('makes $padded of $length', ({ length, padded }) => {
  expect(paddedLength(length)).toBe(padded)
})

it('never shortens, never falls, and adds a bucket or an eighth at most', () => {
  fc.assert(
    fc.property(fc.oneof(fc.nat(10_000), fc.nat(2 ** 30)), (length) => {
      const padded = paddedLength(length)
      expect(padded).toBeGreaterThanOrEqual(Math.max(128, length))
      expect(padded - length).toBeLessThanOrEqual(Math.max(128, length / 8))
      expect(paddedLength(length + 1)).toBeGreaterThanOrEqual(padded)
      expect(paddedLength(padded)).toBe(padded)
    }),
  )
})

it('leaves few lengths: one for every edit of a line, some hundreds up to 100 MB', () => {
  const lengths = new Set<number>()
  for (let length = 1; length < 126; length++) lengths.add(paddedLength(length))
  expect(lengths).toEqual(new Set([128]))
  for (let length = 126; length < 1e8; length = paddedLength(length) + 1) lengths.add(paddedLength(length))
  expect(lengths.size).toBeLessThan(500)
})

it('gives back what it padded, to the byte', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (content) => {
      expect(unpad(pad(content))).toEqual(content)
    }),
  )
})

it.each([
  ['nothing', []],
  ['a length beyond the end', [5, 1, 2]],
  ['a length that is not the shortest', [0x81, 0x00, 7, 7]],
])('takes no content out of %s', (_name, bytes) => {
  expect(unpad(Uint8Array.from(bytes))).toBeNull()
})
