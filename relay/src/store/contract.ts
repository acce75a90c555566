// What a relay's store promises. The drivers carry no contract of their own: store/conformance.ts holds each of
// them to this page. A store never decodes a payload.

/**
 * 16 bytes unless said otherwise. All byte arrays passed in are copied before the call returns; all returned are the
 * caller's to keep. Some of those share memory with others of the same answer: to be read, not written to.
 */
export type Bytes = Uint8Array

/**
 * Document ids have 1 to 1,024 bytes of UTF-8 and are compared as such, never normalised; the vault is what stands
 * before the first slash. Every method rejects with RelayStoreError CLOSED after `close` was called, with STORAGE when
 * the data cannot be read, and with RangeError for arguments that no store takes.
 */
export interface RelayStore {
  /** Drawn at random when the data began, or was restored. */
  readonly epoch: Bytes

  /** Resolves, never rejects, with the reason once durability can no longer be promised; every later append rejects. */
  readonly failed: Promise<Error>

  /**
   * Judges the bookmarks of an OPEN against what is durable now. Never creates anything.
   * OK: there is a log, and every bookmark presented (there may be none) is of it: same incarnation, index within the
   * log, same chain there. RESET: a bookmark is not of this log (also when there is no log at all). NEW: no log, and no
   * bookmark was presented. `incarnation` alone is no bookmark: where it is not the log's, the answer says which is.
   * A receipt at or below a valid mark of the same incarnation needs no check of its own.
   * DELETED: a tombstone stands here and the request knew its incarnation (from `incarnation` or a bookmark), or has
   * no mark and does not say create. A tombstone that is not known, and no longer in the way, is answered as no log.
   */
  judge(request: JudgeRequest): Promise<Judgement>

  /**
   * Appends payloads to their logs, creating a log (with a fresh random incarnation) where there is none. Resolves when
   * all of them are on disk, flushed; nothing is readable before. Calls that arrive while a flush is under way share
   * the next one. Results stand in the order of `pushes`; pushes of one document are appended in call order. One push
   * that is refused does not disturb the others. A call is stored whole or not at all: an unexpected throw inside
   * leaves nothing of it behind, rejects it with what was thrown, and does not disturb other calls.
   * A push whose id is in the log above the base is not stored again: it resolves with its index, once that is durable.
   * @throws RelayStoreError STORAGE (disk full or a failed commit: nothing of this call is stored, though after
   * `failed` a commit that was under way may yet prove to be) or CLOSED.
   */
  append(pushes: readonly StorePush[]): Promise<readonly Appended[]>

  /**
   * One bounded page of entries after an index, from what is durable now. At least one entry when there is any, then
   * as many as fit both limits (`bytesMax` counts payloads). No read transaction outlives the call.
   * `moved` when the log's incarnation is not the one given, or the log ends before `after`: judge again.
   */
  read(request: ReadRequest): Promise<ReadPage | 'moved'>

  /**
   * Documents of a vault that changed after a feed mark (empty: all), least recently changed first, one row per
   * document, at most `documentsMax` (one at least). `reset`: the mark is not of this feed, and the page begins from the
   * start. Feed marks are valid across vaults of one store, up to where the term (one start of the store) that issued
   * them ended; a store remembers its last 1,024 terms or more. A vault that holds nothing has an empty page with a mark.
   */
  feed(request: FeedRequest): Promise<StoreFeedPage>

  /** What a vault takes up: payload bytes of its logs, and documents without tombstones. Zeros for an unknown vault. */
  usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }>

  /**
   * Finishes what was begun, then releases the data; later calls reject. Idempotent. Where a commit hangs (`failed`),
   * it resolves all the same, and only the end of the process releases the data.
   */
  close(): Promise<void>
}

export interface JudgeRequest {
  readonly documentId: string
  /** 16 bytes or empty. */
  readonly incarnation: Bytes
  /** A bookmark, at most 96 bytes, or empty. */
  readonly mark: Bytes
  readonly receipt: Bytes
  readonly create: boolean
}

export interface Judgement {
  readonly status: 'OK' | 'NEW' | 'RESET' | 'DELETED'
  /** Empty where there is no log. */
  readonly incarnation: Bytes
  /** Index after which serving starts: that of a valid mark, else 0. Entry indexes are dense, from 1. */
  readonly after: number
  readonly head: number
  /** 8 bytes. */
  readonly generation: Bytes
  /** Between `after` and `head`. */
  readonly entriesToCome: number
  /** Payload bytes of these. */
  readonly bytesToCome: number
}

export interface StorePush {
  readonly documentId: string
  /** Of format and payload; the store takes the caller's word for it. */
  readonly pushId: Bytes
  /** One byte. */
  readonly format: number
  readonly payload: Bytes
}

export type Appended =
  | {
      readonly index: number
      /** Bookmark at this entry; the same bytes for all devices. */
      readonly receipt: Bytes
      readonly incarnation: Bytes
    }
  | { readonly refused: 'DELETED' }

export interface ReadRequest {
  readonly documentId: string
  readonly incarnation: Bytes
  readonly after: number
  readonly entriesMax: number
  readonly bytesMax: number
}

export interface ReadPage {
  readonly entries: readonly StoredEntry[]
  /** Index of the last entry on the page, or `after`. */
  readonly through: number
  /** Bookmark at `through`. */
  readonly mark: Bytes
  /** The log ended at `through` when this page was read. */
  readonly atHead: boolean
  /** 8 bytes: SHA-256(head chain, generation) cut; of the head at the time of this page. */
  readonly tag: Bytes
}

export interface StoredEntry {
  readonly index: number
  readonly pushId: Bytes
  readonly format: number
  readonly payload: Bytes
}

export interface FeedRequest {
  readonly vault: string
  readonly mark: Bytes
  readonly documentsMax: number
}

export interface StoreFeedPage {
  readonly reset: boolean
  readonly documents: readonly { readonly documentId: string; readonly tag: Bytes; readonly deleted: boolean }[]
  readonly mark: Bytes
  readonly more: boolean
}

export type RelayStoreErrorCode = 'STORAGE' | 'CLOSED' | 'IN_USE' | 'UNKNOWN_FORMAT'

export class RelayStoreError extends Error {
  readonly code: RelayStoreErrorCode

  constructor(code: RelayStoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'RelayStoreError'
    this.code = code
  }
}
