// A document in memory: its Y.Doc, the queue of rows on their way to the device store, and a view per relay.
// It never talks to a relay; an Exchange does, through the views.
import * as Y from 'yjs'
import { TidemarkError } from '../errors.ts'
import type { OpenDeviceStore } from '../store/contract.ts'
import { storeError } from '../store/errors.ts'
import { reportUncaught } from '../uncaught.ts'
import { ChangeSet } from './change-set.ts'
import { FORMAT_YJS_1 } from './format.ts'
import { type DocumentRecord, decodeDocumentRecord, documentRecordKey, encodeDocumentRecord } from './record.ts'
import { RelayView } from './relay-view.ts'
import { type PendingRow, RowQueue } from './row-queue.ts'
import { decodeRow, type HeldEntry, type Row } from './rows.ts'
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

interface LoadedRow {
  readonly id: number
  readonly byteLength: number
  readonly row: Row
}

/** A push of nothing but Yjs's own clean-up waits up to this long for another device's. */
const ECHO_DELAY_MS_MAX = 10_000

export class LiveDocument {
  readonly id: string
  readonly views: ReadonlyMap<string, RelayView>
  /** Milliseconds since 1970 of the oldest edit that the best relay lacks. */
  unsentSince: number | null
  /** Exchanges under way. */
  exchanges = 0
  readonly #options: LiveDocumentOptions
  readonly #queue: RowQueue
  /** Origin of our own transactions, so that their updates are not taken for edits. */
  readonly #relayOrigin: object = { tidemark: 'relay' }
  #doc = new Y.Doc()
  #applying = false
  #missing = ''
  #held: ReadonlyMap<number, HeldEntry>
  /** Entries that threw while they were integrated, by their push ids as text. */
  readonly #unappliable = new Set<string>()
  #needsRebuild = false
  #rebuilding: Promise<void> | null = null
  #storedMayLack: boolean

  /** Reads the document from the device store. @throws TidemarkError STORE_FAILED */
  static async load(options: LiveDocumentOptions): Promise<LiveDocument> {
    try {
      const key = documentRecordKey(options.id)
      const rows = await readRows(options)
      const records = await options.store.records(key)
      return new LiveDocument(options, rows, records.find((record) => record.key === key)?.bytes)
    } catch (error) {
      throw storeError(error, options.id)
    }
  }

  private constructor(options: LiveDocumentOptions, rows: readonly LoadedRow[], recordBytes: Uint8Array | undefined) {
    this.id = options.id
    this.#options = options
    this.#held = heldEntries(rows)
    fill(this.#doc, rows)
    const record = recordBytes === undefined ? undefined : decodeDocumentRecord(recordBytes)
    this.#storedMayLack = record?.mayLack ?? false
    this.unsentSince = record?.unsentSince ?? null
    this.views = new Map(
      options.relays.map((relay) => {
        const stored = record?.views.find((view) => view.relay === relay)
        const view = new RelayView(relay, stored?.unsent ?? this.#given(), stored)
        if (stored !== undefined) addLaterRows(view, rows, stored.unsentThroughRow)
        return [relay, view]
      }),
    )
    this.#queue = new RowQueue({
      store: options.store,
      documentId: options.id,
      rows: rows.filter(({ row }) => row.kind !== 'held'),
      record: (throughRow, pending) => this.#record(throughRow, pending),
      base: () => (this.#needsRebuild ? null : Y.encodeStateAsUpdate(this.#doc)),
      committed: (pending, byteLength, id) => this.#committed(pending, byteLength, id),
      changed: options.changed,
    })
    this.#nudgePending()
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

  /** Whether some relay lacks something of what is in the device store. */
  get isUnsent(): boolean {
    return [...this.views.values()].some(({ unsent }) => !unsent.isEmpty)
  }

  get storeProblem(): TidemarkError | null {
    return this.#queue.problem
  }

  get heldCount(): number {
    return this.#held.size
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

  /**
   * Applies what `view`'s relay gave, in one transaction, and queues the rows beside the record that says so.
   * What cannot be applied is held. @throws TidemarkError CANNOT_APPLY: an entry was half applied; rebuild, then ask again.
   */
  apply(view: RelayView, entries: readonly HeldEntry[]): void {
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
    // What the document has already is accounted for at every other relay: to count it again would be an echo.
    const fresh = changesNewTo(this.#doc, given)
    this.#integrate(good)
    const byteLength = good.reduce((sum, { payload }) => sum + payload.length, 0)
    view.known(given, byteLength)
    if (!fresh.isEmpty) for (const other of this.views.values()) if (other !== view) other.lacks(fresh, byteLength)
    const relay = view.relay
    if (good.length > 0) {
      this.#queue.append({ kind: 'relay', relay, updates: good.map(({ payload }) => payload) }, given)
    }
    const known = new Set([...this.#held.values()].map(({ pushId }) => pushId.join()))
    for (const entry of bad.filter(({ pushId }) => !known.has(pushId.join())))
      this.#queue.append({ kind: 'held', relay, entry }, new ChangeSet())
    this.#queue.touch()
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
    let rows: readonly LoadedRow[]
    try {
      await this.flush()
      rows = await readRows(this.#options)
    } finally {
      before.off('update', note)
    }
    before.off('update', this.#onUpdate)
    this.#doc = new Y.Doc()
    fill(this.#doc, rows)
    for (const update of meanwhile) Y.applyUpdate(this.#doc, update)
    this.#needsRebuild = false
    this.#nudgePending()
    this.#doc.on('update', this.#onUpdate)
    this.#options.rebuilt()
    before.destroy()
  }

  destroy(): void {
    this.#doc.off('update', this.#onUpdate)
    this.#doc.destroy()
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
    if (this.#storedMayLack) this.#queue.appendAlone(row, changes)
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
    this.#nudgePending()
  }

  #failApply({ entry, error }: { readonly entry: HeldEntry; readonly error: unknown }): never {
    this.#unappliable.add(entry.pushId.join())
    this.#needsRebuild = true
    throw new TidemarkError('CANNOT_APPLY', `An entry cannot be applied: ${String(error)}`, {
      documentId: this.id,
      cause: error,
    })
  }

  /** What a 'beforeTransaction' listener of the app's did inside our transaction would bear our origin. */
  #saveEditsOfHooks(transaction: Y.Transaction): void {
    const structs = [...Y.decodeStateVector(Y.encodeStateVector(this.#doc))]
    const isUntouched =
      transaction.deleteSet.clients.size === 0 &&
      structs.every(([client, clock]) => clock === (transaction.beforeState.get(client) ?? 0))
    if (isUntouched) return
    const changes = new ChangeSet()
    for (const [client, clock] of structs) {
      changes.structs.add(client, transaction.beforeState.get(client) ?? 0, clock)
    }
    for (const [client, ranges] of transaction.deleteSet.clients) {
      for (const { clock, len } of ranges) changes.deletes.add(client, clock, clock + len)
    }
    const update = encodeChanges(this.#doc, changes)
    if (update !== null) this.#queueLocal(update, changes)
  }

  /**
   * Yjs 13 can keep complete content pending for ever, because it notes only the first gap of a stack. When the set of
   * missing pairs changed, applying the document's own state once frees what is complete; what still pends is a true gap.
   */
  #nudgePending(): void {
    const missing = missingPairs(this.#doc)
    if (missing === this.#missing) return
    if (missing !== '') Y.applyUpdate(this.#doc, Y.encodeStateAsUpdate(this.#doc), this.#relayOrigin)
    this.#missing = missingPairs(this.#doc)
  }

  /** Entries of an earlier run: a newer program may be able to apply them. Tried on a copy first. */
  #retryHeld(): void {
    for (const [id, entry] of this.#held) {
      const changes = this.#inspect(entry)
      if (changes === null) continue
      const scratch = new Y.Doc()
      try {
        Y.applyUpdate(scratch, Y.encodeStateAsUpdate(this.#doc))
        Y.applyUpdate(scratch, entry.payload)
      } catch {
        continue // Still held; the status goes on saying so.
      } finally {
        scratch.destroy()
      }
      this.#integrate([entry])
      this.#queue.append({ kind: 'local', updates: [entry.payload] }, changes, [id])
    }
  }

  #committed({ row, changes, replaces }: PendingRow, byteLength: number, id: number): void {
    if (row.kind === 'held') this.#held = new Map([...this.#held, [id, row.entry]])
    if (replaces.length > 0) this.#held = new Map([...this.#held].filter(([held]) => !replaces.includes(held)))
    if (row.kind === 'local') for (const view of this.views.values()) view.lacks(changes, byteLength)
  }

  #record(throughRow: number, pending: readonly PendingRow[]): Uint8Array {
    const views = [...this.views.values()]
    const hasEdits = pending.some(({ row }) => row.kind === 'local')
    const lacks = (view: RelayView): boolean => hasEdits || !view.unsent.isEmpty
    this.#storedMayLack = views.some(lacks)
    const isSomewhere = views.length > 0 && !views.every(lacks)
    this.unsentSince = isSomewhere ? null : (this.unsentSince ?? (views.length > 0 ? this.#options.now() : null))
    const record: DocumentRecord = {
      mayLack: this.#storedMayLack,
      unsentSince: this.unsentSince,
      views: views.map((view) => view.toRecord(throughRow)),
    }
    this.#options.recorded(record)
    return encodeDocumentRecord(record)
  }
}

async function readRows({ store, id }: LiveDocumentOptions): Promise<LoadedRow[]> {
  const rows = await store.rows(id)
  return rows.map((row) => ({ id: row.id, byteLength: row.bytes.length, row: decodeRow(row.bytes) }))
}

function fill(doc: Y.Doc, rows: readonly LoadedRow[]): void {
  doc.transact(() => {
    for (const { row } of rows) {
      if (row.kind !== 'held') for (const update of row.updates) Y.applyUpdate(doc, update)
    }
  })
}

function heldEntries(rows: readonly LoadedRow[]): ReadonlyMap<number, HeldEntry> {
  return new Map(rows.flatMap(({ id, row }) => (row.kind === 'held' ? [[id, row.entry] as const] : [])))
}

/** Edits whose rows came after the record. A row that a relay gave is in the record that was written with it. */
function addLaterRows(view: RelayView, rows: readonly LoadedRow[], throughRow: number): void {
  for (const { id, byteLength, row } of rows) {
    if (id <= throughRow || row.kind !== 'local') continue
    for (const update of row.updates) {
      const changes = inspectUpdate(update)
      if (!('reason' in changes)) view.lacks(changes, 0)
    }
    view.unsentBytes += byteLength
  }
}

function missingPairs(doc: Y.Doc): string {
  const pending = doc.store.pendingStructs
  return pending === null ? '' : JSON.stringify([...pending.missing].sort(([a], [b]) => a - b))
}
