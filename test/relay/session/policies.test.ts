// When OPENED asks for a compaction, and for a claim: two tables.
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../relay/src/limits.ts'
import { type ClaimedLog, claimWanted } from '../../../relay/src/session/claim-wanted.ts'
import { compactionUrgency } from '../../../relay/src/session/compaction-urgency.ts'
import type { LogTail } from '../../../relay/src/store/contract.ts'
import { payloadOf } from '../device.ts'

const KIB = 1024
const DAY_MS = 24 * 60 * 60 * 1000

describe('the urgency of a compaction', () => {
  const cases: readonly (readonly [string, Partial<LogTail>, 'NONE' | 'LOW' | 'HIGH'])[] = [
    ['nothing', { entriesAfterBase: 0 }, 'NONE'],
    ['much in 15 entries', { entriesAfterBase: 15, bytesAfterBase: 1e9 }, 'NONE'],
    ['much in 63 entries', { entriesAfterBase: 63, bytesAfterBase: 1e9 }, 'LOW'],
    ['499 entries', { entriesAfterBase: 499 }, 'NONE'],
    ['500 entries', { entriesAfterBase: 500 }, 'LOW'],
    ['1,999 entries', { entriesAfterBase: 1_999 }, 'LOW'],
    ['2,000 entries', { entriesAfterBase: 2_000 }, 'HIGH'],
    ['64 KiB without a snapshot, less a byte', { bytesAfterBase: 64 * KIB - 1 }, 'NONE'],
    ['64 KiB without a snapshot', { bytesAfterBase: 64 * KIB }, 'LOW'],
    ['256 KiB without a snapshot', { bytesAfterBase: 256 * KIB }, 'HIGH'],
    ['twice the snapshot', { bytesAfterBase: 200 * KIB, snapshotBytes: 100 * KIB }, 'NONE'],
    ['a byte more than that', { bytesAfterBase: 200 * KIB + 1, snapshotBytes: 100 * KIB }, 'LOW'],
    ['eight times the snapshot', { bytesAfterBase: 800 * KIB, snapshotBytes: 100 * KIB }, 'LOW'],
    ['a byte more than that', { bytesAfterBase: 800 * KIB + 1, snapshotBytes: 100 * KIB }, 'HIGH'],
    ['many times a small snapshot', { bytesAfterBase: 60 * KIB, snapshotBytes: 100 }, 'NONE'],
    ['a large snapshot and many entries', { entriesAfterBase: 600, bytesAfterBase: 1, snapshotBytes: 1e9 }, 'LOW'],
  ]
  const empty = { base: 0, entriesAfterBase: 64, bytesAfterBase: 0, snapshotBytes: 0 }

  it.each(cases)('above the base %s: %o is %s', (_name, tail, urgency) => {
    expect(compactionUrgency({ ...empty, ...tail }, false, DEFAULT_LIMITS)).toBe(urgency)
    expect(compactionUrgency({ ...empty, ...tail }, true, DEFAULT_LIMITS)).toBe('NONE')
  })
})

describe('a claim', () => {
  const NOW_MS = 100 * DAY_MS
  const own = payloadOf('o', 16)
  const other = payloadOf('x', 16)
  const log = { head: 50, lastClaim: null, agreedIndex: 0, createdAtMs: NOW_MS - 1_000, tail: { base: 0 } }
  const claimed = (device: Uint8Array, index: number, ageMs = 1_000): ClaimedLog['lastClaim'] => {
    return { device, index, atMs: NOW_MS - ageMs }
  }
  const cases: readonly (readonly [string, Partial<ClaimedLog>, boolean])[] = [
    ['where there is no log', { head: 0, createdAtMs: 0 }, false],
    ['of a young log', {}, false],
    ['of a log of 100 entries', { head: 100 }, true],
    ['of a log that is a day old', { createdAtMs: NOW_MS - DAY_MS }, true],
    ['99 entries after the newest', { head: 149, lastClaim: claimed(own, 50) }, false],
    ['100 entries after the newest', { head: 150, lastClaim: claimed(own, 50) }, true],
    ['a day after the newest', { lastClaim: claimed(own, 50, DAY_MS) }, true],
    ['less than a day after the newest, of an old log', { lastClaim: claimed(own, 40), createdAtMs: 0 }, false],
    ['where another claimed at the head', { lastClaim: claimed(other, 50) }, true],
    [
      'where another claimed at the head, and somebody agreed',
      { lastClaim: claimed(other, 50), agreedIndex: 50 },
      true,
    ],
    ['where another claimed below the head', { lastClaim: claimed(other, 49) }, false],
    ['where the asker claimed at the head', { lastClaim: claimed(own, 50) }, false],
    ['where nobody claimed since the newest snapshot', { tail: { base: 40 } }, true],
    ['where another claimed before the newest snapshot', { tail: { base: 40 }, lastClaim: claimed(other, 39) }, true],
    ['where another claimed since the newest snapshot', { tail: { base: 40 }, lastClaim: claimed(other, 40) }, true],
    ['where the asker claimed before the newest snapshot', { tail: { base: 40 }, lastClaim: claimed(own, 39) }, true],
    ['where only the asker claimed since', { tail: { base: 40 }, lastClaim: claimed(own, 45) }, false],
    ['where only the asker did, at the head', { tail: { base: 40 }, lastClaim: claimed(own, 50) }, false],
    ['where two agreed since', { tail: { base: 40 }, lastClaim: claimed(own, 45), agreedIndex: 45 }, false],
  ]

  it.each(cases)('%s: %o is wanted: %s', (_name, given, wanted) => {
    expect(claimWanted({ ...log, ...given }, own, NOW_MS, DEFAULT_LIMITS)).toBe(wanted)
  })
})
