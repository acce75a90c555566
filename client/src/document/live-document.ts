// A document in memory: its Y.Doc, the queue of rows on their way to the device store, and a view per relay.
// It never talks to a relay; an Exchange does, through the views.
import * as Y from 'yjs'
import type { TidemarkError } from '../errors.ts'
import { storeError } from '../store/errors.ts'
import { ChangeSet } from './change-set.ts'
import { FORMAT_SNAPSHOT } from './format.ts'
import {
  CANNOT_APPLY,
  entriesOfHeld,
  type GivenEntry,
  type Inspected,
  inspectGiven,
  proveKeys,
  type Refusal,
  type Taken,
} from './given.ts'
import { HeldEntries } from './held-entries.ts'
import { editsOfHooks, errorOf, type Failure, integrate, nudgePending, Trial } from './integration.ts'
import type { LiveDocumentOptions } from './live-document-options.ts'
import type { Obstacle } from './obstacle.ts'
import { OwnedDoc } from './owned-doc.ts'
import { Payloads } from './payloads.ts'
import { ECHO_WAIT, LEARNED_WAIT, waitOf } from './put-off.ts'
import { encodeDocumentRecord } from './record.ts'
import { documentRecord } from './recording.ts'
import type { RelayView } from './relay-view.ts'
import { type PendingRow, RowQueue } from './row-queue.ts'
import { type HeldEntry, isUpdatesRow, NO_RELAY, type Row } from './rows.ts'
import {
  fill,
  heldRows,
  loadView,
  readRows,
  readStoredDocument,
  type StoredDocument,
  type StoredRow,
} from './stored-document.ts'
import { Transfers } from './transfers.ts'
import { changesGivenTo, changesNewTo, changesOfTransaction, encodeChanges } from './update.ts'

export class LiveDocument {
  readonly id: string
  readonly views: ReadonlyMap<string, RelayView>
  readonly transfers: Transfers
  readonly payloads: Payloads
  readonly held: HeldEntries
  /** Milliseconds since 1970 of the oldest edit that the best relay lacks. */
  unsentSince: number | null
  /** The app deleted it: relays are to be told. */
  deleting: boolean
  /** Where another device wrote something else under the same id; empty: nowhere that is known. */
  conflict: string
  readonly #options: LiveDocumentOptions
  readonly #queue: RowQueue
  /** Origin of our own transactions, so that their updates are not taken for edits. */
  readonly #relayOrigin: object = { tidemark: 'relay' }
  #doc: OwnedDoc = new OwnedDoc()
  #applying = false
  #exchanges = 0
  /** A key came while entries were on their way to the device store, or while an exchange was under way. */
  #isRetryDue = false
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

  private constructor(options: LiveDocumentOptions, stored: StoredDocument) {
    const { rows, record } = stored
    this.id = options.id
    this.#options = options
    this.payloads = new Payloads(options.id, options.keys, options.randomBytes)
    fill(this.#doc, rows)
    this.#storedHasEdits = record?.hasEdits ?? false
    this.unsentSince = record?.unsentSince ?? null
    this.deleting = record?.deleting ?? false
    this.conflict = record?.conflict ?? ''
    const useless: number[] = []
    this.views = new Map(
      options.relays.map((relay) => [relay, loadView(relay, stored, () => changesGivenTo(this.#doc), useless)]),
    )
    this.#queue = new RowQueue({
      store: options.store,
      documentId: options.id,
      rows: rows.filter(({ row }) => isUpdatesRow(row)),
      record: (throughRow, pending) => this.#record(throughRow, pending),
      base: () => (this.#needsRebuild ? null : Y.encodeStateAsUpdate(this.#doc)),
      committed: (pending, byteLength, id) => this.#committed(pending, byteLength, id),
      changed: () => this.#rowsChanged(),
    })
    this.held = new HeldEntries(options.id, this.payloads, heldRows(rows), () => this.#queue.pending)
    this.transfers = new Transfers(this.#queue, this.views)
    this.#queue.remove(useless)
    nudgePending(this.#doc, this.#relayOrigin)
    this.#doc.on('update', this.#onUpdate)
    this.#retryHeld()
  }

  get doc(): OwnedDoc {
    return this.#doc
  }

  /** Those under way. */
  get exchanges(): number {
    return this.#exchanges
  }

  set exchanges(count: number) {
    this.#exchanges = count
    if (count === 0 && this.#isRetryDue) this.#retryHeld()
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

  /** Nothing of what is new here can be sent, for want of a key; null: it can, or there is nothing. */
  get lockedProblem(): TidemarkError | null {
    return this.isUnsent || this.hasPendingEdits ? this.payloads.lockedProblem : null
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
    const changes = changesGivenTo(this.#doc)
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
        this.disownHeld(view.relay)
        view.createAnew(everything.copy(), Y.encodeStateAsUpdate(this.#doc).length)
      } else {
        view.creating ||= view.mark.length === 0
      }
    }
    this.touch()
  }

  /** What stands in the way of taking this in, as far as can be told beforehand; null: nothing. */
  obstacleTo(entry: GivenEntry): Obstacle | null {
    const inspected = this.#inspect(entry)
    return 'cause' in inspected ? inspected : null
  }

  /**
   * Applies what `view`'s relay gave, in one transaction, and queues the rows beside the record that says so. What cannot
   * be applied is held.
   * @throws TidemarkError CANNOT_APPLY: an entry was half applied; rebuild, then ask again.
   */
  apply(view: RelayView, entries: readonly GivenEntry[]): Taken {
    const good: Inspected[] = []
    const refused: Refusal[] = []
    for (const entry of entries) {
      const inspected = this.#inspect(entry)
      if ('cause' in inspected) refused.push({ entry, obstacle: inspected })
      else good.push(inspected)
    }
    this.#take(view.relay, good)
    for (const { entry, obstacle } of refused) this.hold(view.relay, entry, obstacle)
    this.#queue.touch()
    return { updates: good.map(({ update }) => update), refused }
  }

  /** Keeps what cannot be taken in now, once. */
  hold(relay: string, { pushId, format, payload }: HeldEntry, obstacle: Obstacle): void {
    const entry = { pushId, format, payload }
    this.held.note(entry, obstacle)
    if (!this.held.has(relay, entry)) this.#queue.append(this.held.queued(relay, entry), new ChangeSet())
  }

  /** A snapshot was given, and what it stands for needs not be held any more. */
  dropHeldBefore(relay: string, wasRead: boolean): void {
    this.#queue.remove(this.held.replaceBySnapshot(relay, wasRead))
  }

  /** The relay gave its log anew, and of what is held only these: the rest it may have lost, and is owed once it is read. */
  disownHeld(relay: string, given: ReadonlySet<string> = new Set()): void {
    for (const [id, { entry }] of this.held.sealedBut(given, relay)) {
      this.held.removed([id])
      this.#queue.append(this.held.queued(NO_RELAY, entry), new ChangeSet(), [id])
    }
  }

  /** Keys came, or others are current: what is held may be readable, and what is unsent may leave. */
  keysChanged(): void {
    if (!this.#needsRebuild) this.#retryHeld()
    this.#options.changed()
    if (this.isUnsent) this.#options.edited()
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
    this.#doc = new OwnedDoc()
    fill(this.#doc, rows)
    for (const update of meanwhile) Y.applyUpdate(this.#doc, update)
    this.#needsRebuild = false
    nudgePending(this.#doc, this.#relayOrigin)
    this.#doc.on('update', this.#onUpdate)
    this.#retryHeld()
    this.#options.rebuilt()
    before.end(this.#doc)
  }

  /** It leaves memory: whoever was given `doc` keeps it, and nobody else does. */
  destroy(): void {
    this.#doc.off('update', this.#onUpdate)
    this.#doc.end()
    this.#doc = new OwnedDoc()
  }

  /** The same; nothing more of it goes into the store, and nothing is on its way there. */
  async abandon(): Promise<void> {
    this.destroy()
    await this.#queue.abandon()
  }

  /** Every origin but our own is an edit: also those of observers, of clean-up, and of another provider. */
  readonly #onUpdate = (update: Uint8Array, origin: unknown, _doc: Y.Doc, transaction: Y.Transaction): void => {
    if (origin === this.#relayOrigin) return
    const changes = changesOfTransaction(transaction)
    if (this.#applying && changes.structs.isEmpty) {
      const wait = waitOf(ECHO_WAIT, this.#options)
      for (const view of this.views.values()) view.deferEcho(changes.deletes, wait)
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

  #inspect(entry: GivenEntry): Inspected | Obstacle {
    return this.#unappliable.has(entry.pushId.join()) ? CANNOT_APPLY : inspectGiven(this.payloads, entry)
  }

  /** @param replaces rows that they take the place of, in the same commit */
  #take(relay: string, entries: readonly Inspected[], replaces: readonly number[] = []): void {
    const given = new ChangeSet()
    for (const { changes } of entries) given.addAll(changes)
    // What the document has already is accounted for at every other relay: to count it again would be an echo.
    const fresh = changesNewTo(this.#doc, given)
    proveKeys(this.payloads, this.#doc, entries)
    this.#integrate(entries)
    const byteLength = entries.reduce((sum, { update }) => sum + update.length, 0)
    this.views.get(relay)?.known(given, byteLength)
    const others = fresh.isEmpty ? [] : [...this.views.values()].filter((view) => view.relay !== relay)
    for (const view of others) view.owes(fresh, byteLength, waitOf(LEARNED_WAIT, this.#options))
    if (entries.length === 0) return
    const updates = entries.map(({ update }) => update)
    this.#queue.append({ kind: 'relay', relay, updates }, given, replaces)
  }

  #integrate(entries: readonly Inspected[]): void {
    if (entries.length === 0) return
    this.#applying = true
    const failure = integrate(this.#doc, this.#relayOrigin, entries, (transaction) =>
      this.#saveEditsOfHooks(transaction),
    )
    this.#applying = false
    if (failure !== null) this.#failApply(failure)
    nudgePending(this.#doc, this.#relayOrigin)
  }

  #failApply(failure: Failure): never {
    this.#unappliable.add(failure.entry.pushId.join())
    this.#needsRebuild = true
    throw errorOf(failure, this.id)
  }

  /** They would bear our origin. */
  #saveEditsOfHooks(transaction: Y.Transaction): void {
    const changes = editsOfHooks(this.#doc, transaction)
    const update = changes === null ? null : encodeChanges(this.#doc, changes)
    if (changes !== null && update !== null) this.#queueLocal(update, changes)
  }

  /** A newer program may be able to apply what an earlier one held, and keys may have come. */
  #retryHeld(): void {
    this.#isRetryDue = this.held.hasPending
    const trial = new Trial(this.#doc)
    for (const [id, { relay, entry }] of [...this.held.stored]) {
      const given = entriesOfHeld(this.payloads, entry)
      const isSnapshot = entry.format === FORMAT_SNAPSHOT
      if ('cause' in given && !(isSnapshot && given.cause === 'CANNOT_APPLY')) this.held.note(entry, given)
      else if (!isSnapshot) this.#retry(relay, entry, trial, [id])
      else if (this.#exchanges > 0) this.#isRetryDue = true
      else this.#takeHeldSnapshot(id, relay, 'cause' in given ? [] : given, trial)
    }
    trial.end()
  }

  /** The relay has what the snapshot holds, and what it gives after it: that is found out anew. */
  #takeHeldSnapshot(id: number, relay: string, given: readonly GivenEntry[], trial: Trial): void {
    this.held.removed([id])
    this.#queue.remove([id])
    for (const entry of given) this.#retry(relay, entry, trial)
    this.views.get(relay)?.resync(this.committedChanges(), Y.encodeStateAsUpdate(this.#doc).length)
    this.touch()
  }

  /** Takes it in where that would not fail; else it is held on, unless it is the state of a snapshot. */
  #retry(relay: string, entry: GivenEntry, trial: Trial, replaces: readonly number[] = []): void {
    const inspected = this.#inspect(entry)
    // In a resync the relay has what it gives from now on: this may be lost there.
    const owner = this.views.get(relay)?.resyncing ? NO_RELAY : relay
    if (!('cause' in inspected) && trial.takes(inspected.update)) this.#take(owner, [inspected], replaces)
    else if (entry.opened === undefined) this.hold(relay, entry, 'cause' in inspected ? inspected : CANNOT_APPLY)
  }

  /** A commit has ended. */
  #rowsChanged(): void {
    if (this.#isRetryDue && !this.held.hasPending) this.#retryHeld()
    this.#options.changed()
  }

  #committed({ row, changes, replaces }: PendingRow, byteLength: number, id: number): void {
    this.held.removed(replaces)
    if (row.kind === 'held') this.held.committed(id, row)
    else if (row.kind === 'local') for (const view of this.views.values()) view.lacks(changes, byteLength)
    else if (row.kind === 'partial' || row.kind === 'outgoing') this.transfers.committed(row, id)
  }

  #record(throughRow: number, pending: readonly PendingRow[]): Uint8Array {
    this.#storedHasEdits = pending.some(({ row }) => row.kind === 'local')
    const [hasEdits, holds] = [this.#storedHasEdits, this.held.holdsWith(pending)]
    const record = documentRecord(this, { hasEdits, holds, throughRow, nowMs: this.#options.now() })
    this.unsentSince = record.unsentSince
    this.#options.recorded(record)
    return encodeDocumentRecord(record)
  }
}
