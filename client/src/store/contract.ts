// What a device's store promises. The drivers carry no contract of their own: store/conformance.ts holds each of
// them to this page. A store knows nothing of Yjs: it keeps rows (appended, per document) and records (small, by key).
import type { TabSharing } from '../tabs/sharing.ts'

/** A store that has not been opened, or has been closed. One of them can be given to one Tidemark at a time. */
export interface DeviceStore {
  /**
   * Where several tabs may be given the same store: `sharedByTabs(name)`. One of them opens it at a time, and the others work
   * through that one. Absent: whoever opens it has it alone.
   */
  readonly sharing?: TabSharing

  /**
   * @throws DeviceStoreError IN_USE: another Tidemark, tab or process has it, where it cannot be shared.
   * @throws DeviceStoreError FAILED: it cannot be read; the message says what and where.
   */
  open(): Promise<OpenDeviceStore>
}

/**
 * Keys and document ids are any strings, compared code unit by code unit and never normalised. A read shows every commit
 * that had resolved when it was called, each whole; it may show later ones, each whole and none without those before
 * it, and never one that rejects. The bytes it gives must not be changed. Reads throw FAILED (what is stored cannot be
 * read; the message says where) or CLOSED.
 */
export interface OpenDeviceStore {
  /** All records whose key begins with `prefix`, in the order of their keys (compared as UTF-16 code units). */
  records(prefix: string): Promise<readonly StoredRecord[]>

  /** The rows of a document, in the order in which they were appended; empty for an unknown one. */
  rows(documentId: string): Promise<readonly StoredRow[]>

  /**
   * Applies the whole write or nothing of it. Resolves when it is durable, as far as the platform can promise that
   * (IndexedDB: `durability: 'strict'`; files: fsync). Commits take effect in call order; a commit that rejects leaves
   * nothing behind and later ones go on. The ids of `append` are assigned in order, above every id that the document
   * has or had, and resolved. The write and its bytes belong to the store from the call on: they must not be changed.
   * @throws DeviceStoreError FULL (disk or quota; may be tried again), CLOSED, or FAILED. After a failure that leaves
   *   unknown what is on the disk, a store refuses every later commit with FAILED until it is opened again.
   */
  commit(write: StoreWrite): Promise<CommittedRows>

  /** Waits for the commits under way and refuses later calls with CLOSED. Idempotent; afterwards open() works again. */
  close(): Promise<void>
}

export interface StoreWrite {
  /** `bytes` null deletes the record. At most one per key. */
  readonly records?: readonly { readonly key: string; readonly bytes: Uint8Array | null }[]
  readonly append?: readonly NewRow[]
  /** Deletes exactly these rows; one that is not there (any more) is passed over. Deletes come before appends. */
  readonly remove?: readonly { readonly documentId: string; readonly ids: readonly number[] }[]
}

export interface NewRow {
  readonly documentId: string
  readonly bytes: Uint8Array
}

export interface StoredRow {
  /** A positive integer that grows within a document and is never used again. */
  readonly id: number
  readonly bytes: Uint8Array
}

export interface StoredRecord {
  readonly key: string
  readonly bytes: Uint8Array
}

/** The id of each appended row, in the order of `append`. */
export type CommittedRows = readonly number[]

export type DeviceStoreErrorCode = 'IN_USE' | 'FULL' | 'FAILED' | 'CLOSED'

export class DeviceStoreError extends Error {
  readonly code: DeviceStoreErrorCode

  constructor(code: DeviceStoreErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'DeviceStoreError'
    this.code = code
  }
}
