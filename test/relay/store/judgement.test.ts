// The judgement of bookmarks on its own: tombstones, and receipts that a mark covers.
import { describe, expect, it } from 'vitest'
import { encodeBookmark } from '../../../relay/src/store/bookmark.ts'
import type { JudgeRequest } from '../../../relay/src/store/contract.ts'
import { type JudgedLog, judgeLog } from '../../../relay/src/store/judgement.ts'

const EMPTY = new Uint8Array()
const INCARNATION = new Uint8Array(16).fill(1)
const OTHER = new Uint8Array(16).fill(2)

function chain(index: number): Uint8Array {
  return new Uint8Array(16).fill(100 + index)
}

function log(deleted: boolean): JudgedLog {
  return {
    incarnation: INCARNATION,
    generation: new Uint8Array(8),
    deleted,
    head: 3,
    chainAt: (index) => (index <= 3 ? chain(index) : undefined),
    bytesAfter: (index) => (3 - index) * 10,
  }
}

function request(presented: Partial<JudgeRequest>): JudgeRequest {
  return { documentId: 'a/b', incarnation: EMPTY, mark: EMPTY, receipt: EMPTY, create: false, ...presented }
}

describe('a tombstone', () => {
  const known = encodeBookmark(INCARNATION, 2, chain(2))
  const foreign = encodeBookmark(OTHER, 2, chain(2))
  const status = (presented: Partial<JudgeRequest>): string => judgeLog(log(true), request(presented)).status

  it('is DELETED for whoever knew its incarnation, with or without a mark, whatever it asks', () => {
    for (const create of [false, true]) {
      expect(status({ incarnation: INCARNATION, create })).toBe('DELETED')
      expect(status({ mark: known, create })).toBe('DELETED')
      expect(status({ receipt: known, create })).toBe('DELETED')
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
    expect(judgeLog(log(true), request({}))).toMatchObject({
      incarnation: INCARNATION,
      entriesToCome: 0,
      bytesToCome: 0,
    })
    expect(judgeLog(log(true), request({ create: true }))).toMatchObject({ incarnation: EMPTY, head: 0 })
  })
})

describe('a receipt', () => {
  const mark = encodeBookmark(INCARNATION, 2, chain(2))
  const judge = (receipt: Uint8Array): unknown => {
    const { status, after, entriesToCome, bytesToCome } = judgeLog(log(false), request({ mark, receipt }))
    return { status, after, entriesToCome, bytesToCome }
  }
  const served = { status: 'OK', after: 2, entriesToCome: 1, bytesToCome: 10 }
  const reset = { status: 'RESET', after: 0, entriesToCome: 3, bytesToCome: 30 }

  it('at or below a valid mark of its incarnation needs no check', () => {
    expect(judge(encodeBookmark(INCARNATION, 1, chain(9)))).toEqual(served)
    expect(judge(encodeBookmark(INCARNATION, 2, chain(9)))).toEqual(served)
  })

  it('above the mark, or of another incarnation, is checked', () => {
    expect(judge(encodeBookmark(INCARNATION, 3, chain(3)))).toEqual(served)
    expect(judge(encodeBookmark(INCARNATION, 3, chain(9)))).toEqual(reset)
    expect(judge(encodeBookmark(INCARNATION, 4, chain(4)))).toEqual(reset)
    expect(judge(encodeBookmark(OTHER, 1, chain(1)))).toEqual(reset)
  })

  it('is not covered by a mark that is itself not of the log', () => {
    const wrong = encodeBookmark(INCARNATION, 2, chain(9))
    const receipt = encodeBookmark(INCARNATION, 1, chain(1))
    expect(judgeLog(log(false), request({ mark: wrong, receipt })).status).toBe('RESET')
  })
})
