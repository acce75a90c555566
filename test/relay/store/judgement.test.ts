// The judgement of bookmarks on its own: tombstones, receipts that a mark covers, and what is given where a snapshot
// stands.
import { describe, expect, it } from 'vitest'
import { encodeBookmark } from '../../../relay/src/store/bookmark.ts'
import type { JudgeRequest, SnapshotReference } from '../../../relay/src/store/contract.ts'
import { type JudgedLog, judgeLog, validIndex } from '../../../relay/src/store/judgement.ts'

const EMPTY = new Uint8Array()
const INCARNATION = new Uint8Array(16).fill(1)
const OTHER = new Uint8Array(16).fill(2)
const BURIED = new Uint8Array(16).fill(3)
const HEAD = 10

function chain(index: number): Uint8Array {
  return new Uint8Array(16).fill(100 + index)
}

function mark(index: number, incarnation: Uint8Array = INCARNATION): Uint8Array {
  return encodeBookmark(incarnation, index, chain(index))
}

function reference(base: number, totalBytes: number): SnapshotReference {
  return { id: new Uint8Array(16).fill(base), totalBytes, base, mark: mark(base) }
}

/** Ten entries of ten bytes, from `oldest` on; snapshots, the current one last. */
function log(given: { deleted?: boolean; oldest?: number; snapshots?: readonly SnapshotReference[] } = {}): JudgedLog {
  const { deleted = false, oldest = 1, snapshots = [] } = given
  return {
    incarnation: INCARNATION,
    generation: new Uint8Array(8),
    deleted,
    head: HEAD,
    oldest,
    createdAtMs: 7,
    lastClaim: null,
    agreedIndex: 4,
    snapshot: snapshots.at(-1) ?? null,
    chainAt: (index) => (index === 0 || (index >= oldest - 1 && index <= HEAD) ? chain(index) : undefined),
    bytesAfter: (index) => (HEAD - index) * 10,
    retainedSnapshot: (id) => snapshots.find((snapshot) => snapshot.id[0] === id[0]),
  }
}

function request(presented: Partial<JudgeRequest>): JudgeRequest {
  const nothing = { incarnation: EMPTY, mark: EMPTY, receipt: EMPTY, create: false, partial: EMPTY }
  return { documentId: 'a/b', ...nothing, ...presented }
}

const noTombstone = (): boolean => false

describe('a tombstone', () => {
  const foreign = encodeBookmark(OTHER, 2, chain(2))
  const status = (presented: Partial<JudgeRequest>): string =>
    judgeLog(log({ deleted: true }), request(presented), noTombstone).status

  it('is DELETED for whoever knew its incarnation, with or without a mark, whatever it asks', () => {
    for (const create of [false, true]) {
      expect(status({ incarnation: INCARNATION, create })).toBe('DELETED')
      expect(status({ mark: mark(2), create })).toBe('DELETED')
      expect(status({ receipt: mark(2), create })).toBe('DELETED')
      expect(status({ incarnation: INCARNATION, mark: foreign, create })).toBe('DELETED')
      expect(status({ mark: encodeBookmark(INCARNATION, 99, chain(0)), create })).toBe('DELETED')
    }
  })

  it('is DELETED without a mark, unless the document is to be created', () => {
    expect(status({})).toBe('DELETED')
    expect(status({ incarnation: OTHER })).toBe('DELETED')
    expect(status({ create: true })).toBe('NEW')
    expect(status({ incarnation: OTHER, create: true })).toBe('NEW')
  })

  it('resets the bookmarks of another log', () => {
    expect(status({ mark: foreign })).toBe('RESET')
    expect(status({ receipt: foreign, create: true })).toBe('RESET')
  })

  it('serves nothing, and says which log it was', () => {
    expect(judgeLog(log({ deleted: true }), request({}), noTombstone)).toMatchObject({
      incarnation: INCARNATION,
      head: 0,
      snapshot: null,
      entriesToCome: 0,
      bytesToCome: 0,
      createdAtMs: 0,
    })
    expect(judgeLog(log({ deleted: true }), request({ create: true }), noTombstone)).toMatchObject({
      incarnation: EMPTY,
      head: 0,
    })
  })
})

describe('a tombstone beside the log', () => {
  const isTombstone = (incarnation: Uint8Array): boolean => incarnation[0] === BURIED[0]
  const judge = (presented: Partial<JudgeRequest>, judged: JudgedLog | undefined = log()): unknown => {
    const { status, incarnation } = judgeLog(judged, request(presented), isTombstone)
    return { status, incarnation }
  }
  const dead = { status: 'DELETED', incarnation: BURIED }

  it('is DELETED for whoever knows it, and says which incarnation it was', () => {
    for (const create of [false, true]) {
      expect(judge({ incarnation: BURIED, create })).toEqual(dead)
      expect(judge({ mark: mark(2, BURIED), create })).toEqual(dead)
      expect(judge({ receipt: mark(2, BURIED), create })).toEqual(dead)
      expect(judge({ incarnation: OTHER, mark: mark(2, BURIED), create })).toEqual(dead)
      expect(judge({ mark: mark(2, BURIED), create }, log({ deleted: true }))).toEqual(dead)
    }
  })

  it('is nothing to whoever knows the log that stands there', () => {
    expect(judge({ incarnation: INCARNATION, mark: mark(2, BURIED) })).toEqual({
      status: 'RESET',
      incarnation: INCARNATION,
    })
    expect(judge({ incarnation: BURIED, mark: mark(2) })).toEqual({ status: 'OK', incarnation: INCARNATION })
    expect(judge({})).toEqual({ status: 'OK', incarnation: INCARNATION })
    expect(judge({ incarnation: OTHER })).toEqual({ status: 'OK', incarnation: INCARNATION })
  })

  it('is DELETED where no log stands at all', () => {
    expect(judgeLog(undefined, request({ mark: mark(2, BURIED), create: true }), isTombstone).status).toBe('DELETED')
    expect(judgeLog(undefined, request({ mark: mark(2) }), isTombstone).status).toBe('RESET')
    expect(judgeLog(undefined, request({ incarnation: OTHER }), isTombstone).status).toBe('NEW')
  })

  it('gives bytes of its own, not those of the request', () => {
    const asked = request({ mark: mark(2, BURIED) })
    const { incarnation } = judgeLog(log(), asked, isTombstone)
    asked.mark.fill(255)
    expect(incarnation).toEqual(BURIED)
  })
})

describe('a receipt', () => {
  const judge = (receipt: Uint8Array, judged: JudgedLog = log()): unknown => {
    const { status, markIndex, receiptIndex, after } = judgeLog(
      judged,
      request({ mark: mark(5), receipt }),
      noTombstone,
    )
    return { status, markIndex, receiptIndex, after }
  }
  const reset = { status: 'RESET', markIndex: null, receiptIndex: 0, after: 0 }
  const served = (receiptIndex: number): unknown => ({ status: 'OK', markIndex: 5, receiptIndex, after: 5 })

  it('at or below a valid mark of its incarnation needs no check', () => {
    expect(judge(encodeBookmark(INCARNATION, 1, chain(9)))).toEqual(served(1))
    expect(judge(encodeBookmark(INCARNATION, 5, chain(9)))).toEqual(served(5))
    expect(judge(mark(1), log({ oldest: 4 }))).toEqual(served(1))
  })

  it('above the mark, or of another incarnation, is checked', () => {
    expect(judge(mark(6))).toEqual(served(6))
    expect(judge(encodeBookmark(INCARNATION, 6, chain(9)))).toEqual(reset)
    expect(judge(mark(HEAD + 1))).toEqual(reset)
    expect(judge(mark(1, OTHER))).toEqual(reset)
    expect(judge(Uint8Array.of(1))).toEqual(reset)
  })

  it('is not covered by a mark that is itself not of the log, or too old to be checked', () => {
    const receipt = mark(1)
    const wrong = encodeBookmark(INCARNATION, 2, chain(9))
    expect(judgeLog(log(), request({ mark: wrong, receipt }), noTombstone).status).toBe('RESET')
    const old = log({ oldest: 5, snapshots: [reference(4, 10)] })
    expect(judgeLog(old, request({ mark: mark(3), receipt }), noTombstone).status).toBe('RESET')
  })

  it('may come alone, where it can be checked', () => {
    const judged = log({ oldest: 5, snapshots: [reference(4, 10)] })
    const alone = (receipt: Uint8Array): unknown => judgeLog(judged, request({ receipt }), noTombstone).status
    expect([2, 3, 4, 5, HEAD, HEAD + 1].map((index) => alone(mark(index)))).toEqual([
      'RESET',
      'RESET',
      'OK',
      'OK',
      'OK',
      'RESET',
    ])
  })
})

describe('validIndex', () => {
  it('is the index of a bookmark of the log, and undefined for any other', () => {
    const judged = log({ oldest: 5 })
    expect([0, 3, 4, 5, HEAD, HEAD + 1].map((index) => validIndex(judged, mark(index)))).toEqual([
      0,
      undefined,
      4,
      5,
      HEAD,
      undefined,
    ])
    for (const bytes of [EMPTY, mark(5).subarray(1), mark(5, OTHER), encodeBookmark(INCARNATION, 5, chain(6))]) {
      expect(validIndex(judged, bytes)).toBeUndefined()
    }
  })
})

describe('where a snapshot stands', () => {
  const given = (judged: JudgedLog, presented: Partial<JudgeRequest>): unknown => {
    const { status, snapshot, after, entriesToCome, bytesToCome } = judgeLog(judged, request(presented), noTombstone)
    return [status, snapshot?.base ?? null, after, entriesToCome, bytesToCome]
  }

  it('is given where it saves bytes; else the retained entries are', () => {
    // Base 6, snapshot 15 bytes: 55 with the tail, less than six entries.
    const judged = log({ snapshots: [reference(6, 15)] })
    expect(given(judged, {})).toEqual(['OK', 6, 6, 4, 55])
    expect(given(judged, { mark: mark(4) })).toEqual(['OK', 6, 6, 4, 55])
    expect(given(judged, { mark: mark(5) })).toEqual(['OK', null, 5, 5, 50])
    expect(given(judged, { mark: mark(6) })).toEqual(['OK', null, 6, 4, 40])
    expect(given(log({ snapshots: [reference(6, 20)] }), { mark: mark(4) })).toEqual(['OK', null, 4, 6, 60])
    expect(given(log({ snapshots: [reference(6, 61)] }), {})).toEqual(['OK', null, 0, 10, 100])
    expect(given(log({ snapshots: [reference(HEAD, 15)] }), {})).toEqual(['OK', HEAD, HEAD, 0, 15])
    expect(given(log({ snapshots: [reference(HEAD, 15)] }), { mark: mark(HEAD) })).toEqual(['OK', null, HEAD, 0, 0])
  })

  it('is given where the entries are no longer there, however long it is', () => {
    const judged = log({ oldest: 4, snapshots: [reference(3, 5), reference(6, 500)] })
    expect(given(judged, {})).toEqual(['OK', 6, 6, 4, 540])
    expect(given(judged, { mark: mark(2) })).toEqual(['RESET', 6, 6, 4, 540])
    expect(given(judged, { mark: mark(3) })).toEqual(['OK', null, 3, 7, 70])
    expect(given(judged, { mark: mark(4) })).toEqual(['OK', null, 4, 6, 60])
  })

  it('goes on with the one of which the asker has a part, though it was replaced, and though it is longer', () => {
    const judged = log({ oldest: 4, snapshots: [reference(3, 500), reference(6, 15)] })
    const partial = new Uint8Array(16).fill(3)
    expect(given(judged, { partial })).toEqual(['OK', 3, 3, 7, 570])
    expect(given(judged, { partial, mark: mark(2) })).toEqual(['RESET', 3, 3, 7, 570])
    expect(given(judged, { partial, mark: mark(3) })).toEqual(['OK', 6, 6, 4, 55])
    expect(given(judged, { partial, mark: mark(7) })).toEqual(['OK', null, 7, 3, 30])
    expect(given(judged, { partial: new Uint8Array(16).fill(9) })).toEqual(['OK', 6, 6, 4, 55])
    // Not where the entries behind it are dropped.
    expect(given({ ...judged, oldest: 7 }, { partial })).toEqual(['OK', 6, 6, 4, 55])
  })

  it('says what a compaction would be for, whatever is given', () => {
    const tail = (judged: JudgedLog): unknown => judgeLog(judged, request({}), noTombstone).tail
    expect(tail(log())).toEqual({ base: 0, entriesAfterBase: 10, bytesAfterBase: 100, snapshotBytes: 0 })
    const compacted = { base: 6, entriesAfterBase: 4, bytesAfterBase: 40, snapshotBytes: 15 }
    expect(tail(log({ snapshots: [reference(6, 15)] }))).toEqual(compacted)
    const whole = { base: HEAD, entriesAfterBase: 0, bytesAfterBase: 0, snapshotBytes: 15 }
    expect(tail(log({ snapshots: [reference(HEAD, 15)] }))).toEqual(whole)
  })
})
