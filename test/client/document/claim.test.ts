import { createHmac } from 'node:crypto'
import { FIELD_LIMITS } from '@tidemark/protocol'
import { expect, it } from 'vitest'
import yjs from 'yjs/package.json' with { type: 'json' }
import { type ClaimedState, claimOf, claimProfile } from '../../../client/src/document/claim.ts'
import { bytesFromHex, type ClaimVectors, readVectors, toHex } from '../../protocol/vectors.ts'

const { claims, profiles } = readVectors<ClaimVectors>('claims.json')
const STATE: ClaimedState = { documentId: 'v/d', mark: Uint8Array.of(1, 2), canon: Uint8Array.of(0, 0, 0) }

it.each(claims)('digests the vector $name', (vector) => {
  expect(toHex(claimOf(bytesFromHex(vector) as ClaimedState))).toBe(vector.digest)
})

it('is HMAC-SHA-256 with zeros for a key, cut to 16 bytes', () => {
  const hmac = createHmac('sha256', Buffer.alloc(32)).update('\x06claim1\x03v/d\x02\x01\x02\0\0\0')
  expect(toHex(claimOf(STATE))).toBe(hmac.digest('hex').slice(0, 32))
})

it.each<[string, Partial<ClaimedState>]>([
  ['document', { documentId: 'v/e' }],
  ['mark', { mark: Uint8Array.of(1, 3) }],
  ['canon', { canon: Uint8Array.of(0, 0, 1) }],
  ['key', { key: new Uint8Array(32).fill(1) }],
  ['boundary between mark and canon', { mark: Uint8Array.of(1), canon: Uint8Array.of(2, 0, 0, 0) }],
  ['boundary between document and mark', { documentId: 'v/d\x02\x01', mark: new Uint8Array(0) }],
])('differs by its %s', (_what, change) => {
  expect(claimOf({ ...STATE, ...change })).not.toEqual(claimOf(STATE))
})

it.each(profiles)('is of profile $profile', ({ digestKeyId, profile }) => {
  expect(claimProfile([], digestKeyId)).toBe(profile)
  expect(profile.length).toBeLessThanOrEqual(FIELD_LIMITS.profileBytesMax)
})

it('names what is held, in whatever order it came', () => {
  const [one, other] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)]
  expect(claimProfile([one, other])).toBe(claimProfile([other, one, other]))
  expect(new Set([claimProfile(), claimProfile([one]), claimProfile([one, other])]).size).toBe(3)
  expect(claimProfile([one])).toMatch(/^1\/13\.6\/\/[0-9a-f]{16}$/)
})

it('names the Yjs that is installed, and no key by default', () => {
  expect(claimProfile()).toBe(`1/${yjs.version.replace(/\.\d+$/, '')}/`)
})
