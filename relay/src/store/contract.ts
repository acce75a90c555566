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
 * the data cannot be read or written, and with RangeError for arguments that no store takes.
 *
 * A log is its entries, indexed densely from 1 to the head. A snapshot stands for all entries up to its base; these are
 * hidden: still served to whoever has a mark among them, until the sweep drops them. The oldest retained index is that of
 * the first entry that is still there. What changes a document does so in one transaction, durable when the call
 * resolves, and nothing of it is readable before.
 */
export interface RelayStore {
  /** Drawn at random when the data began, or was restored. */
  readonly epoch: Bytes

  /** Resolves, never rejects, with the reason once durability can no longer be promised; every later append rejects. */
  readonly failed: Promise<Error>

  /**
   * Judges the bookmarks of an OPEN against what is durable now. Never creates anything.
   * OK: there is a log, and every bookmark presented (there may be none) is of it: same incarnation, index within the
   * log, same chain there. RESET: a bookmark is not of this log, or too old to be checked (its chain went with the entry
   * that held it; that before the oldest retained entry stays, for a snapshot has its base there), or there is no log at
   * all. NEW: no log, and no bookmark was presented. `incarnation` alone is no bookmark: where it is not the log's, the
   * answer says which is. A receipt at or below a valid mark of the same incarnation needs no check of its own.
   * DELETED: a tombstone of the incarnation that the request knows (from `incarnation` or a bookmark) stands here, also
   * where the document was begun anew since; or the document is deleted, and the request has no mark and does not say
   * create. A tombstone that is not known, and no longer in the way, is answered as no log.
   */
  judge(request: JudgeRequest): Promise<Judgement>

  /**
   * Appends payloads to their logs, creating a log (with a fresh random incarnation) where there is none, or where a
   * deleted one is to be begun anew (`create`). Resolves when all of them are on disk, flushed; nothing is readable
   * before. Calls that arrive while a flush is under way share the next one. Results stand in the order of `pushes`;
   * pushes of one document are appended in call order. One push that is refused does not disturb the others. A call is
   * stored whole or not at all: an unexpected throw inside leaves nothing of it behind, rejects it with what was thrown,
   * and does not disturb other calls.
   * A push whose id is in the log above the base is not stored again: it resolves with its index, once that is durable.
   * One whose id stands only at or below the base is stored again: a snapshot may have missed it.
   * An upload that a push takes is gone afterwards; where the push was refused or known already it is dropped.
   * @throws RelayStoreError STORAGE (disk full or a failed commit: nothing of this call is stored, though after
   * `failed` a commit that was under way may yet prove to be) or CLOSED.
   */
  append(pushes: readonly StorePush[]): Promise<readonly Appended[]>

  /**
   * One bounded page of entries after an index, from what is durable now. At least one entry when there is any, then
   * as many as fit both limits (`bytesMax` counts the payloads on it). No read transaction outlives the call. A payload
   * longer than `inlineBytesMax` is not on the page (null), counts nothing there, and does not end it: read it with
   * `readPayload`.
   * `moved` when the log's incarnation is not the one given, the log ends before `after`, or the entry after `after` is
   * no longer retained: judge again.
   */
  read(request: ReadRequest): Promise<ReadPage | 'moved'>

  /**
   * Bytes `offset` to `offset + bytesMax` of an entry's payload or of a snapshot, current or replaced, as long as it is
   * retained; fewer at its end. `gone`: it is not there (any more), or not in this incarnation.
   */
  readPayload(request: PayloadRequest): Promise<Bytes | 'gone'>

  /**
   * Adds a piece to an upload where it continues what is staged; any other, an empty one included, only asks how far it
   * is. Uploads are named by their `key`, of up to 1,200 bytes of UTF-8, which is the caller's; a piece with another
   * total begins that upload anew. Staged bytes outlive a restart, and are dropped by the sweep once no piece has come for
   * `uploadIdleMs`. `full`: all uploads together would pass `uploadBytesMax`, counting 512 bytes for each piece beside its own.
   */
  stage(piece: StagedPiece): Promise<Staged | 'full'>

  /** SHA-256 (32 bytes) of a whole upload behind a prefix, read in bounded steps; `gone` where it is not whole. */
  hashUpload(key: string, prefix: Bytes): Promise<Bytes | 'gone'>

  /** Forgets an upload, if it is there. */
  dropUpload(key: string): Promise<void>

  /**
   * The swap: a whole upload becomes the snapshot that stands for all entries up to `mark`. In one transaction, if the
   * base is still `baseExpected` and the mark's incarnation, index (above the base, within the log) and chain are those of
   * this log; the head may have moved. Otherwise CHANGED, and nothing is done. What it hides, and the snapshot that it
   * replaces, are retained: see `sweep`. Claims and the feed row stay. GONE: the upload is not there whole.
   */
  install(request: InstallRequest): Promise<'OK' | 'CHANGED' | 'GONE'>

  /**
   * What a device asserts of a document's state at a mark. Kept: the newest 8 of a document, one for each device and
   * profile. `differs`: another claim of the same profile at the same index has another digest; nothing is stored then.
   * `agrees`: another device's has the same digest. `stale`: the mark is not valid, or the claim was made before the
   * newest repair; it is thrown away. `kept`: nothing to compare it with.
   */
  claim(request: ClaimRequest): Promise<'kept' | 'agrees' | 'differs' | 'stale'>

  /**
   * Draws a new repair generation, drops the claims and moves the feed row; once for each (base chain, fingerprint), of
   * which the newest 64 are remembered. The next has to wait: `repairWaitMs` after the first, and twice as long after each
   * one that follows within a day, or that follows one which changed nothing (no entry was appended between them), up to
   * a week. `known`: this fingerprint has had its repair. `later`: the wait is not over.
   */
  repair(request: RepairRequest): Promise<'drawn' | 'known' | 'later' | 'moved'>

  /**
   * Deletes the document: a tombstone with its incarnation, listed in the feed; its rows are trash. CHANGED: the log has
   * moved past the mark, or the mark is not of it. Where there is no log and no tombstone of the mark's incarnation, that
   * tombstone is made: devices hand it back to a relay that has lost it. Deleting what is deleted already is OK, also
   * where the document was begun anew since.
   */
  delete(request: DeleteRequest): Promise<'OK' | 'CHANGED'>

  /**
   * Documents of a vault that changed after a feed mark (empty: all), least recently changed first, one row per
   * document, at most `documentsMax` (one at least). `reset`: the mark is not of this feed, and the page begins from the
   * start. Feed marks are valid across vaults of one store, up to where the term (one start of the store) that issued
   * them ended; a store remembers its last 1,024 terms or more. A vault that holds nothing has an empty page with a mark.
   * The tag of a deleted document is 8 zero bytes.
   */
  feed(request: FeedRequest): Promise<StoreFeedPage>

  /**
   * What a vault takes up: of each document that is not deleted the payload bytes of its current snapshot and of the
   * entries above its base, without what is only retained; and the number of these documents. Zeros for an unknown vault.
   */
  usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }>

  /**
   * Does a bounded part of what is due, in commits that never hold appends up for long; `more`: call it again soon.
   * - What a compaction hid or replaced is dropped `retentionMs` after it, once claims of two devices at one index at or
   *   above its base have agreed since; without such claims `retentionMaxMs` after it.
   * - The rows of a deleted document are dropped `retentionMs` after its deletion, its tombstone after `tombstoneMs`: then
   *   the feed no longer lists it, unless it was begun anew.
   * - Uploads without a piece for `uploadIdleMs` are dropped.
   * - What nobody can ask for any more waits for nothing: also the push ids of what a compaction hid.
   */
  sweep(): Promise<{ readonly more: boolean }>

  /**
   * Finishes what was begun, then releases the data; later calls reject. Idempotent. Where a commit hangs (`failed`),
   * it resolves all the same, and only the end of the process releases the data.
   */
  close(): Promise<void>
}

/** What a store is told when it is opened; all in milliseconds or bytes. */
export interface StoreLimits {
  readonly retentionMs: number
  readonly retentionMaxMs: number
  readonly tombstoneMs: number
  readonly uploadIdleMs: number
  readonly uploadBytesMax: number
  readonly repairWaitMs: number
}

const DAY_MS: number = 24 * 60 * 60 * 1000

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  retentionMs: 7 * DAY_MS,
  retentionMaxMs: 30 * DAY_MS,
  tombstoneMs: 365 * DAY_MS,
  uploadIdleMs: DAY_MS,
  uploadBytesMax: 4 * 1024 * 1024 * 1024,
  repairWaitMs: 60_000,
}

/** The wait between repairs that change nothing grows no further. */
export const REPAIR_WAIT_MS_MAX: number = 7 * DAY_MS
export const CLAIMS_KEPT_MAX = 8
export const FINGERPRINTS_KEPT_MAX = 64

export interface JudgeRequest {
  readonly documentId: string
  /** 16 bytes or empty. */
  readonly incarnation: Bytes
  /** A bookmark, at most 96 bytes, or empty. */
  readonly mark: Bytes
  readonly receipt: Bytes
  readonly create: boolean
  /** Id of a snapshot of which the asker has the first bytes, or empty: one that is still retained is referred to again. */
  readonly partial: Bytes
}

export interface Judgement {
  readonly status: 'OK' | 'NEW' | 'RESET' | 'DELETED'
  /** Empty where there is no log. */
  readonly incarnation: Bytes
  /** Index of a valid mark; null: none was presented, or it is not valid. */
  readonly markIndex: number | null
  /** Index of a receipt of this incarnation; 0 where there is none. */
  readonly receiptIndex: number
  /**
   * What is to be given: first this snapshot, then the entries after `after`, its base; or (null) only the entries after
   * `after`: that of a valid mark, else 0. A mark among the retained entries is served from these, hidden ones included,
   * unless snapshot and tail are fewer bytes.
   */
  readonly snapshot: SnapshotReference | null
  readonly after: number
  readonly head: number
  /** 8 bytes. */
  readonly generation: Bytes
  /** Between `after` and `head`. */
  readonly entriesToCome: number
  /** Payload bytes of these, and of the snapshot. */
  readonly bytesToCome: number
  /** What a compaction would be for. */
  readonly tail: LogTail
  /** The newest claim, if there is one. */
  readonly lastClaim: { readonly index: number; readonly atMs: number; readonly device: Bytes } | null
  /** The highest index at which claims of two devices agreed; 0: none yet. */
  readonly agreedIndex: number
  /** When the log was begun, in milliseconds since 1970; 0 where there is none. */
  readonly createdAtMs: number
}

export interface SnapshotReference {
  readonly id: Bytes
  readonly totalBytes: number
  /** Index of the last entry that it stands for, and the bookmark there. */
  readonly base: number
  readonly mark: Bytes
}

export interface LogTail {
  readonly base: number
  readonly entriesAfterBase: number
  readonly bytesAfterBase: number
  /** 0: there is no snapshot. */
  readonly snapshotBytes: number
}

export interface StorePush {
  readonly documentId: string
  /** Of format and payload; the store takes the caller's word for it. */
  readonly pushId: Bytes
  /** One byte. */
  readonly format: number
  /** The payload, or the key of the whole upload that is it. */
  readonly payload: Bytes | { readonly upload: string }
  /** Begins a deleted document anew. Default false: refused DELETED. */
  readonly create?: boolean
  /** Bytes that the document's vault may hold (`usage`) with this payload; beyond: refused QUOTA. Default: no bound. */
  readonly vaultBytesMax?: number
}

export type Appended =
  | {
      readonly index: number
      /** Bookmark at this entry; the same bytes for all devices. */
      readonly receipt: Bytes
      readonly incarnation: Bytes
    }
  | { readonly refused: 'DELETED' | 'QUOTA' | 'GONE' }

export interface ReadRequest {
  readonly documentId: string
  readonly incarnation: Bytes
  readonly after: number
  readonly entriesMax: number
  readonly bytesMax: number
  /** Default: no bound. */
  readonly inlineBytesMax?: number
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
  readonly totalBytes: number
  /** Null: longer than `inlineBytesMax`. */
  readonly payload: Bytes | null
}

export interface PayloadRequest {
  readonly documentId: string
  readonly incarnation: Bytes
  readonly of: { readonly index: number } | { readonly snapshotId: Bytes }
  readonly offset: number
  readonly bytesMax: number
}

export interface StagedPiece {
  readonly key: string
  readonly total: number
  readonly offset: number
  readonly bytes: Bytes
}

export interface Staged {
  /** Bytes from the beginning that are there; `total`: the upload is whole. */
  readonly staged: number
}

export interface InstallRequest {
  readonly documentId: string
  readonly mark: Bytes
  readonly baseExpected: number
  readonly snapshotId: Bytes
  readonly upload: string
}

export interface ClaimRequest {
  readonly documentId: string
  readonly mark: Bytes
  /** The repair generation under which it was made, 8 bytes. */
  readonly generation: Bytes
  readonly device: Bytes
  readonly profile: string
  readonly digest: Bytes
}

export interface RepairRequest {
  readonly documentId: string
  readonly incarnation: Bytes
  readonly fingerprint: Bytes
}

export interface DeleteRequest {
  readonly documentId: string
  readonly mark: Bytes
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
