// The judgement of an OPEN's bookmarks against one log, the same for every driver that keeps a chain. Pure.
import { equalBytes } from '../bytes.ts'
import { decodeBookmark, GENERATION_BYTES } from './bookmark.ts'
import type { Bytes, Judgement, JudgeRequest, LogTail, SnapshotReference } from './contract.ts'

/** What a bookmark is checked against. */
export interface CheckedLog {
  readonly incarnation: Bytes
  readonly head: number
  /** The chain at an index from 0 to the head; undefined where it can no longer be checked. */
  chainAt(index: number): Bytes | undefined
}

/** One document as its store holds it, at one moment. */
export interface JudgedLog extends CheckedLog {
  readonly generation: Bytes
  readonly deleted: boolean
  /** Index of the first entry that is retained; one above the head: none is. */
  readonly oldest: number
  readonly createdAtMs: number
  readonly lastClaim: Judgement['lastClaim']
  readonly agreedIndex: number
  /** The current one. */
  readonly snapshot: SnapshotReference | null
  /** Payload bytes of the entries after an index whose chain can be checked. */
  bytesAfter(index: number): number
  /** A snapshot, current or replaced, that is still retained. */
  retainedSnapshot(id: Bytes): SnapshotReference | undefined
}

/** Whether a tombstone of this incarnation stands beside the log: the document was deleted, and begun anew. */
export type IsTombstone = (incarnation: Bytes) => boolean

const EMPTY: Bytes = new Uint8Array()
const NO_TAIL: LogTail = { base: 0, entriesAfterBase: 0, bytesAfterBase: 0, snapshotBytes: 0 }

export function judgeLog(log: JudgedLog | undefined, request: JudgeRequest, isTombstone: IsTombstone): Judgement {
  const known = incarnationsKnown(request)
  const isOfLog = log !== undefined && known.some((incarnation) => equalBytes(incarnation, log.incarnation))
  if (log?.deleted && (isOfLog || (request.mark.length === 0 && !request.create))) return tombstone(log.incarnation)
  const dead = isOfLog ? undefined : known.find(isTombstone)
  if (dead !== undefined) return tombstone(Uint8Array.from(dead))
  const isBookmarked = request.mark.length > 0 || request.receipt.length > 0
  if (log === undefined || log.deleted) return nothing(isBookmarked ? 'RESET' : 'NEW', EMPTY)
  const mark = request.mark.length === 0 ? null : validIndex(log, request.mark)
  const isValid = mark !== undefined && isReceiptValid(log, request, mark)
  return isValid ? served(log, request, 'OK', mark) : served(log, request, 'RESET', null)
}

/** What a valid mark covers is of the log that gave the mark: a receipt at or below it proves nothing more. */
function isReceiptValid(log: JudgedLog, { receipt }: JudgeRequest, mark: number | null): boolean {
  if (receipt.length === 0) return true
  if (mark !== null && isOf(log, receipt) && receiptIndexOf(log, receipt) <= mark) return true
  return validIndex(log, receipt) !== undefined
}

/** The index of a bookmark that is of this log; undefined: it is not, or can no longer be checked. */
export function validIndex(log: CheckedLog, bytes: Bytes): number | undefined {
  const bookmark = decodeBookmark(bytes)
  if (bookmark === undefined || bookmark.index > log.head) return undefined
  if (!equalBytes(bookmark.incarnation, log.incarnation)) return undefined
  const chain = log.chainAt(bookmark.index)
  return chain !== undefined && equalBytes(chain, bookmark.chain) ? bookmark.index : undefined
}

function isOf(log: JudgedLog, bytes: Bytes): boolean {
  const bookmark = decodeBookmark(bytes)
  return bookmark !== undefined && equalBytes(bookmark.incarnation, log.incarnation)
}

function receiptIndexOf(log: JudgedLog, receipt: Bytes): number {
  return isOf(log, receipt) ? (decodeBookmark(receipt)?.index ?? 0) : 0
}

function incarnationsKnown({ incarnation, mark, receipt }: JudgeRequest): readonly Bytes[] {
  const known = [mark, receipt].flatMap((bytes) => decodeBookmark(bytes)?.incarnation ?? [])
  return incarnation.length === 0 ? known : [incarnation, ...known]
}

function nothing(status: 'NEW' | 'RESET' | 'DELETED', incarnation: Bytes): Judgement {
  return {
    status,
    incarnation,
    markIndex: null,
    receiptIndex: 0,
    snapshot: null,
    after: 0,
    head: 0,
    generation: new Uint8Array(GENERATION_BYTES),
    entriesToCome: 0,
    bytesToCome: 0,
    tail: NO_TAIL,
    lastClaim: null,
    agreedIndex: 0,
    createdAtMs: 0,
  }
}

function tombstone(incarnation: Bytes): Judgement {
  return nothing('DELETED', incarnation)
}

function served(log: JudgedLog, request: JudgeRequest, status: 'OK' | 'RESET', markIndex: number | null): Judgement {
  const { incarnation, generation, head, createdAtMs, lastClaim, agreedIndex } = log
  const snapshot = snapshotFor(log, request, markIndex ?? 0)
  const after = snapshot?.base ?? markIndex ?? 0
  const entryBytes = after === head ? 0 : log.bytesAfter(after)
  return {
    status,
    incarnation,
    markIndex,
    receiptIndex: status === 'OK' ? receiptIndexOf(log, request.receipt) : 0,
    snapshot,
    after,
    head,
    generation,
    entriesToCome: head - after,
    bytesToCome: entryBytes + (snapshot?.totalBytes ?? 0),
    tail: tailOf(log),
    lastClaim,
    agreedIndex,
    createdAtMs,
  }
}

/** The snapshot to begin with; null: the entries after `start` are retained, and no more bytes. */
function snapshotFor(log: JudgedLog, { partial }: JudgeRequest, start: number): SnapshotReference | null {
  const held = partial.length === 0 ? undefined : log.retainedSnapshot(partial)
  if (held !== undefined && held.base > start && held.base + 1 >= log.oldest) return held
  const { snapshot } = log
  if (snapshot === null || start >= snapshot.base) return null
  const areRetained = start + 1 >= log.oldest
  return areRetained && log.bytesAfter(start) <= snapshot.totalBytes + log.bytesAfter(snapshot.base) ? null : snapshot
}

function tailOf(log: JudgedLog): LogTail {
  const base = log.snapshot?.base ?? 0
  return {
    base,
    entriesAfterBase: log.head - base,
    bytesAfterBase: base === log.head ? 0 : log.bytesAfter(base),
    snapshotBytes: log.snapshot?.totalBytes ?? 0,
  }
}
