// A document in memory: its Y.Doc, the queue of rows on their way to the device store, and a view per relay.
// It never talks to a relay; an Exchange does, through the views.
import * as Y from 'yjs'
import { TidemarkError } from '../errors.ts'
import type { OpenDeviceStore } from '../store/contract.ts'
import { storeError } from '../store/errors.ts'
import { reportUncaught } from '../uncaught.ts'
import { sameBytes } from './bytes.ts'
import { ChangeSet } from './change-set.ts'
import { FORMAT_YJS_1 } from './format.ts'
import { canApply, editsOfHooks, nudgePending } from './integration.ts'
import { type DocumentRecord, encodeDocumentRecord } from './record.ts'
import { RelayView } from './relay-view.ts'
import { type PendingRow, RowQueue } from './row-queue.ts'
import { type HeldEntry, type HeldRow, isUpdatesRow, type Row } from './rows.ts'
import {
  addLaterRows,
  fill,
  heldRows,
  incomingOf,
  outgoingOf,
  readRows,
  readStoredDocument,
  type StoredDocument,
  type StoredRow,
} from './stored-document.ts'
import { Transfers } from './transfers.ts'
import {
  changesNewTo,
  changesOfDocument,
  changesOfPending,
  changesOfTransaction,
  encodeChanges,
  inspectUpdate,
} from './update.ts'

export interface LiveDocumentOptions {
  readonly id: string
  readonly store: OpenDeviceStore
  readonly relays: readonly string[]
  now(): number
  random(): number
  /** Something that a status shows may have changed. */
  changed(): void
  /** An edit was made on this device. */
  edited(): void
  /** This record is about to be written. */
  recorded(record: DocumentRecord): void
  /** `doc` is another object from now on. */
  rebuilt(): void
}

/** A push of nothing but Yjs's own clean-up waits up to this long for another device's. */
const ECHO_DELAY_MS_MAX = 10_000

export class LiveDocument {
  readonly id: string
  readonly views: ReadonlyMap<string, RelayView>
  readonly transfers: Transfers
  /** Milliseconds since 1970 of the oldest edit that the best relay lacks. */
  unsentSince: number | null
  /** The app deleted it: relays are to be told. */
  deleting: boolean
  /** Where another device wrote something else under the same id; empty: nowhere that is known. */
  conflict: string
  /** Exchanges under way. */
  exchanges = 0
  readonly #options: LiveDocumentOptions
  readonly #queue: RowQueue
  /** Origin of our own transactions, so that their updates are not taken for edits. */
  readonly #relayOrigin: object = { tidemark: 'relay' }
  #doc = new Y.Doc()
  #applying = false
  #held: ReadonlyMap<number, HeldRow>
  /** Entries that threw while they were integrated, by their push ids as text. */
  readonly #unappliable = new Set<string>()
  #needsRebuild = false
  #rebuilding: Promise<void> | null = null
  /** The record in the store says that rows may hold edits that no view accounts for. */
  #storedHasEdits: boolean

  /** Reads the document from the device store. @throws TidemarkError STORE_FAILED */
  static async load(options: LiveDocumentOptions): Promise<LiveDocument> {
    try {
      return new LiveDocument(options, await readStoredDocument(options.store, options.id))
    } catch (error) {
      throw storeError(error, options.id)
    }
  }

  private constructor(options: LiveDocumentOptions, { rows, record }: StoredDocument) {
    this.id = options.id
    this.#options = options
    this.#held = heldRows(rows)
    fill(this.#doc, rows)
    this.#storedHasEdits = record?.hasEdits ?? false
    this.unsentSince = record?.unsentSince ?? null
    this.deleting = record?.deleting ?? false
    this.conflict = record?.conflict ?? ''
    const useless: number[] = []
    this.views = new Map(options.relays.map((relay) => [relay, this.#loadView(relay, rows, record, useless)]))
    this.#queue = new RowQueue({
      store: options.store,
      documentId: options.id,
      rows: rows.filter(({ row }) => isUpdatesRow(row)),
      record: (throughRow, pending) => this.#record(throughRow, pending),
      base: () => (this.#needsRebuild ? null : Y.encodeStateAsUpdate(this.#doc)),
      committed: (pending, byteLength, id) => this.#committed(pending, byteLength, id),
      changed: options.changed,
    })
    this.transfers = new Transfers(this.#queue, this.views)
    this.#queue.remove(useless)
    nudgePending(this.#doc, this.#relayOrigin)
    this.#doc.on('update', this.#onUpdate)
    this.#retryHeld()
  }

  get doc(): Y.Doc {
    return this.#doc
  }

  /** Whether every edit is in the device store. */
  get isSaved(): boolean {
    return this.#queue.isEmpty
  }

  /** Whether an edit is on its way to the device store. */
  get hasPendingEdits(): boolean {
    return this.#queue.pending.some(({ row }) => row.kind === 'local')
  }

  /** Whether some relay lacks something of what is in the device store. */
  get isUnsent(): boolean {
    return [...this.views.values()].some(({ isLacking }) => isLacking)
  }

  get storeProblem(): TidemarkError | null {
    return this.#queue.problem
  }

  get heldCount(): number {
    return this.#heldRows().length
  }

  /** Entries of this relay's log that this device cannot apply. */
  heldOf(relay: string): readonly HeldEntry[] {
    return this.#heldRows()
      .filter((row) => row.relay === relay)
      .map(({ entry }) => entry)
  }

  /** An entry was half applied: `rebuild` comes before the next exchange. */
  get needsRebuild(): boolean {
    return this.#needsRebuild
  }

  /** Resolves when all that has happened so far is in the device store. @throws TidemarkError STORE_FULL, STORE_FAILED */
  flush(): Promise<void> {
    return this.#queue.flush()
  }

  /** A view changed: the record is to be written. */
  touch(): void {
    this.#queue.touch()
  }

  /** Everything that is in the device store: what a relay lacks that has lost it all. */
  committedChanges(): ChangeSet {
    const changes = this.#given()
    for (const { row, changes: pending } of this.#queue.pending) if (row.kind === 'local') changes.removeAll(pending)
    return changes
  }

  /** Where the document was deleted, and where no relay has been asked yet, it is begun anew with all that is here. */
  createAnew(): void {
    this.deleting = false
    const everything = this.committedChanges()
    for (const view of this.views.values()) {
      if (view.deleted) {
        this.transfers.dropAll(view)
        view.createAnew(everything.copy(), Y.encodeStateAsUpdate(this.#doc).length)
      } else {
        view.creating ||= view.mark.length === 0
      }
    }
    this.touch()
  }

  /** Whether this can be applied, as far as can be told beforehand. */
  canTake(entry: HeldEntry): boolean {
    return this.#inspect(entry) !== null
  }

  /**
   * Applies what `view`'s relay gave, in one transaction, and queues the rows beside the record that says so.
   * @returns those that cannot be applied, and are held
   * @throws TidemarkError CANNOT_APPLY: an entry was half applied; rebuild, then ask again.
   */
  apply(view: RelayView, entries: readonly HeldEntry[]): readonly HeldEntry[] {
    const given = new ChangeSet()
    const good: HeldEntry[] = []
    const bad: HeldEntry[] = []
    for (const entry of entries) {
      const changes = this.#inspect(entry)
      if (changes === null) {
        bad.push(entry)
      } else {
        good.push(entry)
        given.addAll(changes)
      }
    }
    this.#take(view.relay, good, given)
    const known = this.heldOf(view.relay)
    const fresh = bad.filter(({ pushId }) => !known.some((held) => sameBytes(held.pushId, pushId)))
    for (const entry of fresh) this.#queue.append({ kind: 'held', relay: view.relay, entry }, new ChangeSet())
    this.#queue.touch()
    return bad
  }

  /** Brings the document back from the device store after an entry was half applied; `doc` is a new object then. */
  rebuild(): Promise<void> {
    this.#rebuilding ??= this.#rebuild().finally(() => {
      this.#rebuilding = null
    })
    return this.#rebuilding
  }

  async #rebuild(): Promise<void> {
    const before = this.#doc
    const meanwhile: Uint8Array[] = []
    const note = (update: Uint8Array): void => void meanwhile.push(update)
    before.on('update', note)
    let rows: readonly StoredRow[]
    try {
      await this.flush()
      rows = await readRows(this.#options.store, this.id)
    } finally {
      before.off('update', note)
    }
    before.off('update', this.#onUpdate)
    this.#doc = new Y.Doc()
    fill(this.#doc, rows)
    for (const update of meanwhile) Y.applyUpdate(this.#doc, update)
    this.#needsRebuild = false
    nudgePending(this.#doc, this.#relayOrigin)
    this.#doc.on('update', this.#onUpdate)
    this.#options.rebuilt()
    before.destroy()
  }

  destroy(): void {
    this.#doc.off('update', this.#onUpdate)
    this.#doc.destroy()
  }

  #loadView(relay: string, rows: readonly StoredRow[], record: DocumentRecord | null, useless: number[]): RelayView {
    const stored = record?.views.find((view) => view.relay === relay)
    const view = new RelayView(relay, () => this.#given(), stored)
    if (stored !== undefined) addLaterRows(view, rows, stored.unsentThroughRow)
    view.outgoing = outgoingOf(rows, relay)
    const { incoming, useless: dropped } = incomingOf(rows, relay)
    view.incoming = incoming
    useless.push(...dropped)
    return view
  }

  /** Every origin but our own is an edit: also those of observers, of clean-up, and of another provider. */
  readonly #onUpdate = (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction): void => {
    if (origin === this.#relayOrigin) return
    const changes = changesOfTransaction(transaction)
    if (this.#applying && changes.structs.isEmpty) {
      const dueAtMs = this.#options.now() + this.#options.random() * ECHO_DELAY_MS_MAX
      for (const view of this.views.values()) view.deferEcho(changes.deletes, dueAtMs)
    }
    this.#queueLocal(update, changes)
    this.#options.edited()
  }

  #queueLocal(update: Uint8Array, changes: ChangeSet): void {
    this.unsentSince ??= this.#options.now()
    const row: Row = { kind: 'local', updates: [update] }
    if (this.#storedHasEdits) this.#queue.appendAlone(row, changes)
    else this.#queue.append(row, changes)
    this.#options.changed()
  }

  /** All that the document was ever given, also what it cannot integrate. */
  #given(): ChangeSet {
    const changes = changesOfDocument(this.#doc)
    changes.addAll(changesOfPending(this.#doc))
    return changes
  }

  #inspect({ pushId, format, payload }: HeldEntry): ChangeSet | null {
    if (format !== FORMAT_YJS_1 || this.#unappliable.has(pushId.join())) return null
    const changes = inspectUpdate(payload)
    return 'reason' in changes ? null : changes
  }

  /** @param given what the entries carry; rows that they take the place of go in the same commit */
  #take(relay: string, entries: readonly HeldEntry[], given: ChangeSet, replaces: readonly number[] = []): void {
    // What the document has already is accounted for at every other relay: to count it again would be an echo.
    const fresh = changesNewTo(this.#doc, given)
    this.#integrate(entries)
    const byteLength = entries.reduce((sum, { payload }) => sum + payload.length, 0)
    this.views.get(relay)?.known(given, byteLength)
    if (!fresh.isEmpty) for (const view of this.views.values()) if (view.relay !== relay) view.owes(fresh, byteLength)
    if (entries.length === 0) return
    const updates = entries.map(({ payload }) => payload)
    this.#queue.append({ kind: 'relay', relay, updates }, given, replaces)
  }

  #integrate(entries: readonly HeldEntry[]): void {
    if (entries.length === 0) return
    let failure: { readonly entry: HeldEntry; readonly error: unknown } | null = null
    this.#applying = true
    try {
      this.#doc.transact((transaction) => {
        this.#saveEditsOfHooks(transaction)
        for (const entry of entries) {
          try {
            Y.applyUpdate(this.#doc, entry.payload)
          } catch (error) {
            failure = { entry, error }
            return
          }
        }
      }, this.#relayOrigin)
    } catch (error) {
      // The document took the entries; what threw was an observer of the app's.
      reportUncaught(error)
    } finally {
      this.#applying = false
    }
    if (failure !== null) this.#failApply(failure)
    nudgePending(this.#doc, this.#relayOrigin)
  }

  #failApply({ entry, error }: { readonly entry: HeldEntry; readonly error: unknown }): never {
    this.#unappliable.add(entry.pushId.join())
    this.#needsRebuild = true
    throw new TidemarkError('CANNOT_APPLY', `An entry cannot be applied: ${String(error)}`, {
      documentId: this.id,
      cause: error,
    })
  }

  /** They would bear our origin. */
  #saveEditsOfHooks(transaction: Y.Transaction): void {
    const changes = editsOfHooks(this.#doc, transaction)
    const update = changes === null ? null : encodeChanges(this.#doc, changes)
    if (changes !== null && update !== null) this.#queueLocal(update, changes)
  }

  /** Those on their way to the device store too. */
  #heldRows(): readonly HeldRow[] {
    const queued = this.#queue.pending.flatMap(({ row }) => (row.kind === 'held' ? [row] : []))
    return [...this.#held.values(), ...queued]
  }

  /** Entries of an earlier run: a newer program may be able to apply them. */
  #retryHeld(): void {
    for (const [id, { relay, entry }] of this.#held) {
      const changes = this.#inspect(entry)
      if (changes === null || !canApply(this.#doc, entry.payload)) continue // Still held.
      this.#take(relay, [entry], changes, [id])
    }
  }

  #committed({ row, changes, replaces }: PendingRow, byteLength: number, id: number): void {
    if (replaces.length > 0) this.#held = new Map([...this.#held].filter(([held]) => !replaces.includes(held)))
    if (row.kind === 'held') this.#held = new Map([...this.#held, [id, row]])
    else if (row.kind === 'local') for (const view of this.views.values()) view.lacks(changes, byteLength)
    else if (row.kind === 'partial' || row.kind === 'outgoing') this.transfers.committed(row, id)
  }

  #record(throughRow: number, pending: readonly PendingRow[]): Uint8Array {
    const views = [...this.views.values()]
    const hasEdits = pending.some(({ row }) => row.kind === 'local')
    const lacks = (view: RelayView): boolean => hasEdits || view.isLacking
    this.#storedHasEdits = hasEdits
    const isSomewhere = views.length > 0 && !views.every(lacks)
    this.unsentSince = isSomewhere ? null : (this.unsentSince ?? (views.length > 0 ? this.#options.now() : null))
    const record: DocumentRecord = {
      mayLack: views.some(lacks),
      hasEdits,
      unsentSince: this.unsentSince,
      deleting: this.deleting,
      gone: false,
      conflict: this.conflict,
      views: views.map((view) => view.toRecord(throughRow)),
    }
    this.#options.recorded(record)
    return encodeDocumentRecord(record)
  }
}
