// The judgement of an OPEN's bookmarks against one log, the same for every driver that keeps a chain. Pure.
import { equalBytes } from '../bytes.ts'
import { decodeBookmark, GENERATION_BYTES } from './bookmark.ts'
import type { Bytes, Judgement, JudgeRequest } from './contract.ts'

/** One document as its store holds it, at one moment. */
export interface JudgedLog {
  readonly incarnation: Bytes
  readonly generation: Bytes
  readonly deleted: boolean
  readonly head: number
  /** The chain at an index from 0 to the head; undefined where it can no longer be checked. */
  chainAt(index: number): Bytes | undefined
  /** Payload bytes of the entries after an index. */
  bytesAfter(index: number): number
}

const EMPTY: Bytes = new Uint8Array()

export function judgeLog(log: JudgedLog | undefined, request: JudgeRequest): Judgement {
  const bookmarked = request.mark.length > 0 || request.receipt.length > 0
  if (log === undefined) return noLog(bookmarked ? 'RESET' : 'NEW')
  if (log.deleted) {
    if (knowsIncarnation(log, request) || (request.mark.length === 0 && !request.create)) return tombstone(log)
    return noLog(bookmarked ? 'RESET' : 'NEW')
  }
  const after = placeOf(log, request)
  return after === undefined ? served(log, 'RESET', 0) : served(log, 'OK', after)
}

/** Index after which serving starts, or undefined when a bookmark is not of this log. */
function placeOf(log: JudgedLog, request: JudgeRequest): number | undefined {
  let after = 0
  if (request.mark.length > 0) {
    const mark = validIndex(log, request.mark)
    if (mark === undefined) return undefined
    after = mark
  }
  if (request.receipt.length > 0 && !isCovered(log, request, after)) {
    if (validIndex(log, request.receipt) === undefined) return undefined
  }
  return after
}

/** What a valid mark covers is of the log that gave the mark: a receipt at or below it proves nothing more. */
function isCovered(log: JudgedLog, request: JudgeRequest, markIndex: number): boolean {
  if (request.mark.length === 0) return false
  const receipt = decodeBookmark(request.receipt)
  return receipt !== undefined && receipt.index <= markIndex && equalBytes(receipt.incarnation, log.incarnation)
}

function validIndex(log: JudgedLog, bytes: Bytes): number | undefined {
  const bookmark = decodeBookmark(bytes)
  if (bookmark === undefined || bookmark.index > log.head) return undefined
  if (!equalBytes(bookmark.incarnation, log.incarnation)) return undefined
  const chain = log.chainAt(bookmark.index)
  return chain !== undefined && equalBytes(chain, bookmark.chain) ? bookmark.index : undefined
}

function knowsIncarnation(log: JudgedLog, request: JudgeRequest): boolean {
  if (equalBytes(request.incarnation, log.incarnation)) return true
  return [request.mark, request.receipt].some((bytes) => {
    const bookmark = decodeBookmark(bytes)
    return bookmark !== undefined && equalBytes(bookmark.incarnation, log.incarnation)
  })
}

function noLog(status: 'NEW' | 'RESET'): Judgement {
  const generation = new Uint8Array(GENERATION_BYTES)
  return { status, incarnation: EMPTY, after: 0, head: 0, generation, entriesToCome: 0, bytesToCome: 0 }
}

function tombstone(log: JudgedLog): Judgement {
  const { incarnation, generation, head } = log
  return { status: 'DELETED', incarnation, after: head, head, generation, entriesToCome: 0, bytesToCome: 0 }
}

function served(log: JudgedLog, status: 'OK' | 'RESET', after: number): Judgement {
  const { incarnation, generation, head } = log
  const bytesToCome = after === head ? 0 : log.bytesAfter(after)
  return { status, incarnation, after, head, generation, entriesToCome: head - after, bytesToCome }
}
