// What is read from the LMDB store: each answer comes from one synchronous stretch of gets, so from one committed
// state, and no read transaction outlives it. Never sees what is not on disk.
import { chainSeed, tagOf } from '@tidemark/protocol'
import { equalBytes } from '../../bytes.ts'
import { encodeBookmark } from '../bookmark.ts'
import type {
  Bytes,
  FeedRequest,
  Judgement,
  JudgeRequest,
  ReadPage,
  ReadRequest,
  StoredEntry,
  StoreFeedPage,
} from '../contract.ts'
import { vaultOf } from '../contract-checks.ts'
import type { FeedTerms } from '../feed-terms.ts'
import { judgeLog } from '../judgement.ts'
import { sha256 } from '../sha256.ts'
import { DocumentRow } from './document-row.ts'
import { blobKey, getRow, HEAD_KEY, numbersKey, type Tables } from './environment.ts'
import { decodeEntry, decodeHead, decodeVault, type EntryRow, type RecentChange, type VaultRow } from './records.ts'

export class Reader {
  readonly #tables: Tables
  readonly #terms: FeedTerms

  constructor(tables: Tables, terms: FeedTerms) {
    this.#tables = tables
    this.#terms = terms
  }

  judge(request: JudgeRequest): Judgement {
    const row = this.#document(request.documentId)
    if (row === undefined) return judgeLog(undefined, request)
    const { incarnation, generation, deleted, head } = row
    return judgeLog(
      {
        incarnation,
        generation,
        deleted,
        head,
        chainAt: (index) => this.#chainAt(request.documentId, row, index),
        bytesAfter: (index) => row.bytes - (index === 0 ? 0 : this.#entry(row, index).bytesThrough),
      },
      request,
    )
  }

  read(request: ReadRequest): ReadPage | 'moved' {
    const { documentId, incarnation, after, entriesMax, bytesMax } = request
    const row = this.#document(documentId)
    if (row === undefined || row.deleted || !equalBytes(row.incarnation, incarnation)) return 'moved'
    if (after > row.head) return 'moved'
    const entries: StoredEntry[] = []
    let through = after
    let throughChain: Bytes | undefined
    let bytes = 0
    while (through < row.head) {
      const entry = this.#entry(row, through + 1)
      bytes += entry.payloadLength
      if (entries.length > 0 && (entries.length >= entriesMax || bytes > bytesMax)) break
      through += 1
      throughChain = entry.chain
      entries.push({ index: through, pushId: entry.pushId, format: entry.format, payload: this.#payload(entry) })
    }
    return {
      entries,
      through,
      mark: encodeBookmark(row.incarnation, through, throughChain ?? this.#chainAt(documentId, row, through)),
      atHead: through === row.head,
      tag: tagOf(sha256, row.headChain, row.generation),
    }
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

  #entry(document: DocumentRow, index: number): EntryRow {
    const row = getRow(this.#tables.entry, numbersKey(document.serial, index))
    if (row === undefined) throw new Error(`Entry ${index} of the document with serial ${document.serial} is missing`)
    return decodeEntry(row)
  }

  #chainAt(documentId: string, document: DocumentRow, index: number): Bytes {
    if (index === document.head) return document.headChain
    if (index === 0) return chainSeed(sha256, document.incarnation, documentId)
    return this.#entry(document, index).chain
  }

  #payload(entry: EntryRow): Bytes {
    if ('inline' in entry.payload) return entry.payload.inline
    const payload = Buffer.allocUnsafe(entry.payloadLength)
    let at = 0
    for (let chunk = 0; at < payload.length; chunk += 1) {
      const bytes = getRow(this.#tables.blob, blobKey(entry.payload.blobId, chunk))
      if (bytes === undefined) throw new Error(`Chunk ${chunk} of blob ${entry.payload.blobId} is missing`)
      payload.set(bytes, at)
      at += bytes.length
    }
    return payload
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
    return { documentId, tag: tagOf(sha256, row.headChain, row.generation), deleted: row.deleted }
  }
}
