// What is read from the LMDB store: each answer comes from one synchronous stretch of gets, so from one committed
// state, and no read transaction outlives it. Never sees what is not on disk.
import { tagOf, zeroTag } from '@tidemark/protocol'
import { equalBytes } from '../../bytes.ts'
import { encodeBookmark, INCARNATION_BYTES } from '../bookmark.ts'
import type {
  Bytes,
  FeedRequest,
  Judgement,
  JudgeRequest,
  PayloadRequest,
  ReadPage,
  ReadRequest,
  SnapshotReference,
  StoredEntry,
  StoreFeedPage,
} from '../contract.ts'
import { vaultOf } from '../contract-checks.ts'
import type { FeedTerms } from '../feed-terms.ts'
import { type JudgedLog, judgeLog } from '../judgement.ts'
import { sha256 } from '../sha256.ts'
import { readBlob } from './blobs.ts'
import { DocumentRow, type DocumentSnapshot } from './document-row.ts'
import { getRow, HEAD_KEY, numbersKey, type Tables, tombstoneKey } from './environment.ts'
import { type Blob, decodeHead, decodeVault, type RecentChange, type VaultRow } from './records.ts'
import { StoredLog } from './stored-log.ts'
import { decodeUpload, isWhole, type UploadRow } from './upload-row.ts'

export class Reader {
  readonly #tables: Tables
  readonly #terms: FeedTerms

  constructor(tables: Tables, terms: FeedTerms) {
    this.#tables = tables
    this.#terms = terms
  }

  judge(request: JudgeRequest): Judgement {
    const { documentId } = request
    const row = this.#document(documentId)
    const isTombstone = (incarnation: Bytes): boolean =>
      incarnation.length === INCARNATION_BYTES &&
      getRow(this.#tables.tombstone, tombstoneKey(Buffer.from(documentId), incarnation)) !== undefined
    return judgeLog(row && judgedLog(new StoredLog(this.#tables, documentId, row)), request, isTombstone)
  }

  read(request: ReadRequest): ReadPage | 'moved' {
    const { after, entriesMax, bytesMax, inlineBytesMax = Number.POSITIVE_INFINITY } = request
    const log = this.#log(request)
    if (log === undefined || after < log.row.dropped || after > log.head) return 'moved'
    const entries: StoredEntry[] = []
    let through = after
    let throughChain: Bytes | undefined
    let bytes = 0
    while (through < log.head) {
      const entry = log.entry(through + 1, inlineBytesMax)
      const isInline = entry.payloadLength <= inlineBytesMax
      bytes += isInline ? entry.payloadLength : 0
      if (entries.length > 0 && (entries.length >= entriesMax || bytes > bytesMax)) break
      through += 1
      throughChain = entry.chain
      const { pushId, format, payloadLength: totalBytes } = entry
      const payload = isInline ? log.payload(entry, 0, totalBytes) : null
      entries.push({ index: through, pushId, format, totalBytes, payload })
    }
    return {
      entries,
      through,
      mark: encodeBookmark(log.incarnation, through, throughChain ?? log.chainAt(through) ?? unknown(log, through)),
      atHead: through === log.head,
      tag: tagOf(sha256, log.row.headChain, log.row.generation),
    }
  }

  readPayload(request: PayloadRequest): Bytes | 'gone' {
    const { of, offset, bytesMax } = request
    const log = this.#log(request)
    if (log === undefined) return 'gone'
    if ('index' in of) {
      if (of.index <= log.row.dropped || of.index > log.head) return 'gone'
      return log.payload(log.entry(of.index), offset, bytesMax)
    }
    const snapshot = log.retainedSnapshot(of.snapshotId)
    if (snapshot === undefined) return 'gone'
    return readBlob(this.#tables.blob, blobOf(snapshot), offset, bytesMax)
  }

  /** Undefined: it is not there whole. */
  wholeUpload(key: string): UploadRow | undefined {
    const row = getRow(this.#tables.upload, Buffer.from(key))
    const upload = row === undefined ? undefined : decodeUpload(row)
    return upload !== undefined && isWhole(upload) ? upload : undefined
  }

  /** A part of an upload as it was found; undefined: it is not there any more. */
  partOfUpload(key: string, found: UploadRow, offset: number, bytesMax: number): Buffer | undefined {
    const { blobId, total } = found
    if (this.wholeUpload(key)?.blobId !== blobId) return undefined
    return readBlob(this.#tables.blob, { blobId, bytes: total, isNumbered: false }, offset, bytesMax)
  }

  feed(request: FeedRequest): StoreFeedPage {
    const { feedHead } = this.#head()
    const judged = request.mark.length === 0 ? 0 : this.#terms.judge(request.mark, feedHead)
    const row = getRow(this.#tables.vault, Buffer.from(request.vault))
    const documentsMax = Math.max(1, request.documentsMax)
    const changes = row === undefined ? [] : this.#changes(decodeVault(row), judged ?? 0, documentsMax + 1)
    const more = changes.length > documentsMax
    const page = more ? changes.slice(0, documentsMax) : changes
    return {
      reset: judged === undefined,
      documents: page.map(({ documentId }) => this.#feedDocument(documentId)),
      mark: this.#terms.issue(more ? (page.at(-1)?.feedIndex ?? 0) : feedHead),
      more,
    }
  }

  usage(vault: string): { readonly bytes: number; readonly documents: number } {
    const row = getRow(this.#tables.vault, Buffer.from(vault))
    if (row === undefined) return { bytes: 0, documents: 0 }
    const { bytes, documents } = decodeVault(row)
    return { bytes, documents }
  }

  #document(documentId: string): DocumentRow | undefined {
    const row = getRow(this.#tables.document, Buffer.from(documentId))
    return row === undefined ? undefined : new DocumentRow(row)
  }

  /** The log of this incarnation, unless it is deleted. */
  #log({
    documentId,
    incarnation,
  }: {
    readonly documentId: string
    readonly incarnation: Bytes
  }): StoredLog | undefined {
    const row = this.#document(documentId)
    if (row === undefined || row.deleted || !equalBytes(row.incarnation, incarnation)) return undefined
    return new StoredLog(this.#tables, documentId, row)
  }

  #head(): { readonly feedHead: number } {
    const row = getRow(this.#tables.meta, HEAD_KEY)
    if (row === undefined) throw new Error('The head of the store is missing')
    return decodeHead(row)
  }

  /** What is in the vault row comes after all that lies in the feed table. */
  #changes(vault: VaultRow, after: number, most: number): RecentChange[] {
    const recent = vault.recent.filter(({ feedIndex }) => feedIndex > after)
    if (recent.length === vault.recent.length) {
      const older = this.#olderChanges(vault, after, most)
      return [...older, ...recent].slice(0, most)
    }
    return recent.slice(0, most)
  }

  #olderChanges(vault: VaultRow, after: number, most: number): RecentChange[] {
    const changes: RecentChange[] = []
    const start = numbersKey(vault.serial, after + 1)
    const end = numbersKey(vault.serial + 1, 0)
    // Exhausted here and now: an iterator left open would hold its read transaction.
    for (const { key, value } of this.#tables.feed.getRange({ start, end, limit: most })) {
      changes.push({ feedIndex: Buffer.from(key).readUIntBE(6, 6), documentId: Buffer.from(value) })
    }
    return changes
  }

  #feedDocument(id: Buffer): StoreFeedPage['documents'][number] {
    const documentId = id.toString()
    const row = this.#document(documentId)
    if (row === undefined) throw new Error(`The feed of ${vaultOf(documentId)} lists a document that is missing`)
    const { deleted, headChain, generation } = row
    return { documentId, tag: deleted ? zeroTag() : tagOf(sha256, headChain, generation), deleted }
  }
}

function judgedLog(log: StoredLog): JudgedLog {
  const { row, state, head, incarnation } = log
  const { snapshot, dropped, lastClaim, agreedIndex } = state
  const referenceTo = ({ id, bytes, base, baseChain }: DocumentSnapshot): SnapshotReference => {
    return { id, totalBytes: bytes, base, mark: encodeBookmark(incarnation, base, baseChain) }
  }
  return {
    incarnation,
    generation: row.generation,
    deleted: row.deleted,
    head,
    oldest: dropped + 1,
    createdAtMs: row.createdAtMs,
    lastClaim,
    agreedIndex,
    snapshot: snapshot === null ? null : referenceTo(snapshot),
    chainAt: (index) => log.chainAt(index),
    bytesAfter: (index) => row.bytes - log.bytesThrough(index),
    retainedSnapshot: (id) => {
      const retained = log.retainedSnapshot(id)
      return retained === undefined ? undefined : referenceTo(retained)
    },
  }
}

function blobOf({ blobId, bytes }: DocumentSnapshot): Blob {
  return { blobId, bytes, isNumbered: false }
}

function unknown({ documentId }: StoredLog, index: number): never {
  throw new Error(`Nothing is known at ${index} of ${documentId}`)
}
