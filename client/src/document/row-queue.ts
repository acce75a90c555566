// The rows of one document on their way to the device store: one commit at a time, everything that has gathered
// meanwhile in the next. A commit carries rows and record together, so that a mark never outruns what it covers.
import type { TidemarkError } from '../errors.ts'
import type { NewRow, OpenDeviceStore, StoreWrite } from '../store/contract.ts'
import { storeError } from '../store/errors.ts'
import { ChangeSet } from './change-set.ts'
import { documentRecordKey } from './record.ts'
import { encodeRow, isUpdatesRow, type Row } from './rows.ts'

/** A row that is not in the store yet. */
export interface PendingRow {
  readonly row: Row
  readonly changes: ChangeSet
  /** Ids of rows that it takes the place of. */
  readonly replaces: readonly number[]
}

export interface RowQueueOptions {
  readonly store: OpenDeviceStore
  readonly documentId: string
  /** Those that a base may stand for, as they were loaded. */
  readonly rows: readonly { readonly id: number; readonly byteLength: number }[]
  /** The record as it is to stand beside `pending`, when rows up to `throughRow` were committed before. */
  record(throughRow: number, pending: readonly PendingRow[]): Uint8Array
  /** One update that stands for all rows; null: not now. Asked only when nothing is pending. */
  base(): Uint8Array | null
  committed(pending: PendingRow, byteLength: number, id: number): void
  changed(): void
}

/** A base is made when the rows after the last one are this many, or outweigh it. */
const ROWS_SINCE_BASE_MAX = 500
const BYTES_SINCE_BASE_MIN = 64 * 1024

export class RowQueue {
  readonly #options: RowQueueOptions
  #pending: PendingRow[] = []
  /** Ids of rows that are of no use any more. */
  #removals: number[] = []
  #underWay: readonly PendingRow[] = []
  #recordDue = false
  #running: Promise<void> | null = null
  #appended = 0
  #committed = 0
  #rowIds: number[]
  #throughRow: number
  #baseBytes = 0
  #bytesSinceBase: number
  #rowsSinceBase: number
  #problem: TidemarkError | null = null
  #isAbandoned = false

  constructor(options: RowQueueOptions) {
    this.#options = options
    this.#rowIds = options.rows.map(({ id }) => id)
    this.#throughRow = Math.max(0, ...this.#rowIds.slice(-1))
    this.#baseBytes = options.rows[0]?.byteLength ?? 0
    this.#bytesSinceBase = options.rows.slice(1).reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.#rowsSinceBase = Math.max(0, options.rows.length - 1)
  }

  get isEmpty(): boolean {
    return this.#isAbandoned || this.#appended === this.#committed
  }

  /** Why the newest commit failed; it is tried again at the next edit, flush or burst. */
  get problem(): TidemarkError | null {
    return this.#problem
  }

  /** All rows that are not in the store yet, those under way included. */
  get pending(): readonly PendingRow[] {
    return [...this.#underWay, ...this.#pending]
  }

  append(row: Row, changes: ChangeSet, replaces: readonly number[] = []): void {
    this.#pending.push({ row, changes, replaces })
    this.touch()
  }

  /** A row whose commit needs no new record. */
  appendAlone(row: Row, changes: ChangeSet): void {
    this.#pending.push({ row, changes, replaces: [] })
    this.#wake()
  }

  /** These rows are of no use any more; they go with the next commit, and with the rows that were appended before. */
  remove(ids: readonly number[]): void {
    if (ids.length === 0) return
    this.#removals.push(...ids)
    this.#wake()
  }

  /** The record is to be written. */
  touch(): void {
    this.#recordDue = true
    this.#wake()
  }

  /** No further commit begins; resolves when the one under way has ended. */
  async abandon(): Promise<void> {
    this.#isAbandoned = true
    await this.#running
  }

  /** @throws TidemarkError STORE_FULL, STORE_FAILED, CLOSED */
  async flush(): Promise<void> {
    const target = this.#appended
    while (!this.isEmpty && this.#committed < target) {
      this.#start()
      await this.#running
      if (this.#committed < target && this.#problem !== null) throw this.#problem
    }
  }

  #wake(): void {
    this.#appended++
    if (!this.#isAbandoned) this.#start()
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = null
      if (!this.isEmpty && this.#problem === null) this.#start()
    })
  }

  async #run(): Promise<void> {
    await Promise.resolve() // What one task does goes into one commit.
    while (!this.isEmpty) if (!(await this.#commit(this.#appended))) return
    if (!this.#isAbandoned && this.#isBaseDue()) await this.#commitBase()
  }

  async #commit(covers: number): Promise<boolean> {
    const pending = joinLocalRows(this.#pending)
    const recordDue = this.#recordDue
    const append = pending.map(({ row }) => ({ documentId: this.#options.documentId, bytes: encodeRow(row) }))
    const removals = this.#removals
    const replaced = [...removals, ...pending.flatMap(({ replaces }) => replaces)]
    const write = this.#write(append, replaced, recordDue ? this.#options.record(this.#throughRow, pending) : null)
    // Taken out before the wait, so that what comes meanwhile gathers for the next commit.
    this.#underWay = pending
    this.#pending = []
    this.#removals = []
    this.#recordDue = false
    try {
      const ids = await this.#options.store.commit(write)
      this.#problem = null
      this.#committed = covers
      this.#underWay = []
      pending.forEach((one, i) => {
        this.#noteRow(ids[i] as number, (append[i] as NewRow).bytes.length, one)
      })
    } catch (error) {
      this.#underWay = []
      this.#pending = [...pending, ...this.#pending]
      this.#removals = [...removals, ...this.#removals]
      this.#recordDue ||= recordDue
      this.#problem = storeError(error, this.#options.documentId)
    }
    this.#options.changed()
    return this.#problem === null
  }

  #noteRow(id: number, byteLength: number, pending: PendingRow): void {
    this.#throughRow = id
    if (isUpdatesRow(pending.row)) {
      this.#rowIds.push(id)
      this.#rowsSinceBase++
      this.#bytesSinceBase += byteLength
    }
    this.#options.committed(pending, byteLength, id)
  }

  #isBaseDue(): boolean {
    if (this.#rowsSinceBase > ROWS_SINCE_BASE_MAX) return true
    return this.#bytesSinceBase > Math.max(BYTES_SINCE_BASE_MIN, this.#baseBytes)
  }

  async #commitBase(): Promise<void> {
    const update = this.#options.base()
    if (update === null) return
    const bytes = encodeRow({ kind: 'base', updates: [update] })
    const append = [{ documentId: this.#options.documentId, bytes }]
    const merged = this.#rowIds
    try {
      const ids = await this.#options.store.commit(
        this.#write(append, merged, this.#options.record(this.#throughRow, [])),
      )
      this.#rowIds = [ids[0] as number]
      this.#throughRow = ids[0] as number
      this.#baseBytes = bytes.length
      this.#bytesSinceBase = 0
      this.#rowsSinceBase = 0
    } catch (error) {
      // The rows are still there; the next commit tries again.
      this.#problem = storeError(error, this.#options.documentId)
      this.#options.changed()
    }
  }

  #write(append: readonly NewRow[], remove: readonly number[], record: Uint8Array | null): StoreWrite {
    const { documentId } = this.#options
    return {
      append,
      remove: remove.length === 0 ? [] : [{ documentId, ids: remove }],
      records: record === null ? [] : [{ key: documentRecordKey(documentId), bytes: record }],
    }
  }
}

/** Keystrokes that gathered become one row. */
function joinLocalRows(pending: readonly PendingRow[]): PendingRow[] {
  const joined: PendingRow[] = []
  let open: { readonly updates: Uint8Array[]; readonly changes: ChangeSet } | null = null
  for (const one of pending) {
    if (one.row.kind !== 'local') {
      open = null
      joined.push(one)
      continue
    }
    if (open === null) {
      open = { updates: [], changes: new ChangeSet() }
      joined.push({ row: { kind: 'local', updates: open.updates }, changes: open.changes, replaces: [] })
    }
    for (const update of one.row.updates) open.updates.push(update)
    open.changes.addAll(one.changes)
  }
  return joined
}
