// One device: its opened store, its library, and the documents that are in memory, each for as long as somebody holds it.
import type { KeyRing } from '../crypto/key-ring.ts'
import { documentStatus } from '../document/document-status.ts'
import { LiveDocument } from '../document/live-document.ts'
import { documentRecordKey, encodeDocumentRecord, type RelayViewRecord } from '../document/record.ts'
import { DELETED_THERE } from '../document/relay-view.ts'
import { TidemarkError } from '../errors.ts'
import { Library } from '../library/library.ts'
import { DEVICE_KEY, relayKey } from '../library/records.ts'
import type { Platform } from '../platform.ts'
import type { DocumentStatus, RelayState } from '../status.ts'
import type { DeviceStore, OpenDeviceStore, StoreWrite } from '../store/contract.ts'
import { storeError } from '../store/errors.ts'
import { Pace } from '../sync/pace.ts'

export interface DeviceOptions {
  readonly store: DeviceStore
  readonly relays: readonly string[]
  readonly mirror: readonly string[]
  /** Null: nothing is encrypted. */
  readonly keys: KeyRing | null
  readonly platform: Platform
  readonly isScheduled: boolean
  /** What a status shows of this document may have changed. */
  changed(documentId: string): void
  edited(documentId: string): void
  rebuilt(documentId: string): void
}

const DEVICE_ID_BYTES = 16

interface Holding {
  readonly loading: Promise<LiveDocument>
  document: LiveDocument | null
  holders: number
}

export class Device {
  readonly id: Uint8Array
  readonly library: Library
  readonly store: OpenDeviceStore
  /** What keeps a relay from being reached at all. */
  readonly relayProblems: Map<string, TidemarkError> = new Map<string, TidemarkError>()
  /** When a burst of all documents was last complete with a relay, in this run; milliseconds since 1970. */
  readonly relaySyncedAt: Map<string, number> = new Map<string, number>()
  readonly #options: DeviceOptions
  /** By relay and document id. */
  readonly #documentProblems = new Map<string, TidemarkError>()
  readonly #holdings = new Map<string, Holding>()
  /** By document id: rows that are being removed. */
  readonly #removals = new Map<string, Promise<void>>()
  readonly #paces = new Map<string, Pace>()
  /** Of documents that are not in memory, by their ids: why something of them is held. */
  readonly #heldProblems = new Map<string, TidemarkError | null>()
  /** Ends the subscription to the keys. */
  readonly #forgetKeys: () => void

  /** @throws TidemarkError STORE_IN_USE, STORE_FAILED */
  static async open(options: DeviceOptions): Promise<Device> {
    try {
      const store = await options.store.open()
      const stored = (await store.records(DEVICE_KEY)).find(({ key }) => key === DEVICE_KEY)?.bytes
      const id = stored ?? options.platform.randomBytes(DEVICE_ID_BYTES)
      if (stored === undefined) await store.commit({ records: [{ key: DEVICE_KEY, bytes: id }] })
      const library = await Library.load(store, options.relays, options.mirror)
      return new Device(options, store, id, library)
    } catch (error) {
      throw storeError(error)
    }
  }

  private constructor(options: DeviceOptions, store: OpenDeviceStore, id: Uint8Array, library: Library) {
    this.#options = options
    this.store = store
    this.id = id
    this.library = library
    for (const id of library.deletedElsewhere()) {
      for (const { relay, deleted } of library.record(id)?.views ?? [])
        if (deleted) this.noteProblem(relay, id, new TidemarkError('DELETED', DELETED_THERE, { relay, documentId: id }))
    }
    const { keys } = options
    this.#forgetKeys =
      keys?.subscribe(() => {
        for (const document of this.inMemory()) document.keysChanged()
        this.#unlock(keys)
        void this.#readHeld()
      }) ?? (() => undefined)
    void this.#readHeld()
  }

  /** What could not be sent for want of a key now can: it goes with the next burst. */
  #unlock(keys: KeyRing): void {
    for (const [key, { code, documentId }] of this.#documentProblems) {
      if (code !== 'UNKNOWN_KEY' || documentId === null || keys.current(documentId) === null) continue
      this.#documentProblems.delete(key)
      this.#options.changed(documentId)
      this.#options.edited(documentId)
    }
  }

  /** Loads the document, or takes the one in memory. Every `acquire` wants a `release`. @throws TidemarkError STORE_FAILED */
  async acquire(documentId: string): Promise<LiveDocument> {
    let holding = this.#holdings.get(documentId)
    if (holding === undefined) {
      holding = { loading: this.#load(documentId), document: null, holders: 0 }
      this.#holdings.set(documentId, holding)
    }
    holding.holders++
    try {
      holding.document = await holding.loading
      this.library.add(documentId)
      return holding.document
    } catch (error) {
      this.#holdings.delete(documentId)
      throw error
    }
  }

  /** A document that nobody holds leaves memory, once all of it is in the store. @throws TidemarkError STORE_FULL, … */
  async release(document: LiveDocument): Promise<void> {
    const holding = this.#holdings.get(document.id)
    if (holding?.document !== document) return
    holding.holders--
    await this.letGo(document)
  }

  /** What `release` could not finish: the store was full. @throws TidemarkError STORE_FULL, … */
  async letGo(document: LiveDocument): Promise<void> {
    const holding = this.#holdings.get(document.id)
    if (holding?.document !== document) return
    // Half applied, it alone knows which entry is to be held.
    if (holding.holders > 0 || document.needsRebuild) return
    if (document.isUnsent) document.touch() // So that its status is true while it is not in memory.
    // Whoever held it meanwhile may have written, and have let it go before the flush has ended.
    do await document.flush()
    while (holding.holders === 0 && !document.isSaved)
    if (holding.holders > 0 || this.#holdings.get(document.id) !== holding) return
    this.#holdings.delete(document.id)
    this.#heldProblems.set(document.id, document.held.problem)
    document.destroy()
  }

  inMemory(): readonly LiveDocument[] {
    return [...this.#holdings.values()].flatMap(({ document }) => (document === null ? [] : [document]))
  }

  /** Removes the document from this device only, whoever holds it: what is not in the store yet never will be. */
  async forget(documentId: string): Promise<void> {
    const document = await this.#holdings.get(documentId)?.loading.catch(() => null)
    await document?.abandon()
    this.#holdings.delete(documentId)
    await this.#removeRows(documentId, [{ key: documentRecordKey(documentId), bytes: null }])
    this.library.remove(documentId)
    this.#heldProblems.delete(documentId)
    for (const relay of this.#options.relays) this.noteProblem(relay, documentId, null)
  }

  /** The document is to be deleted everywhere: relays are told in the bursts to come. Where it is refused, it is not. */
  async markDeleted(documentId: string): Promise<void> {
    const document = await this.acquire(documentId)
    const wasDeleting = document.deleting
    document.deleting = true
    document.touch()
    try {
      await this.release(document)
    } catch (error) {
      document.deleting = wasDeleting
      document.touch()
      throw error
    }
    await this.finishDeletion(document)
  }

  /** Every relay has been told: what is left on this device goes, but for the tombstone in the record. */
  async finishDeletion(document: LiveDocument): Promise<void> {
    const isToldEverywhere = [...document.views.values()].every(({ deleted }) => deleted)
    if (!document.deleting || !isToldEverywhere || this.#holdings.has(document.id)) return
    const record = this.library.record(document.id)
    if (record === null) return
    // In one write: what is said to be gone is gone, and a crash before it leaves the deletion to a later burst.
    const gone = { ...record, gone: true }
    await this.#removeRows(document.id, [{ key: documentRecordKey(document.id), bytes: encodeDocumentRecord(gone) }])
    this.library.recorded(document.id, gone)
  }

  /** Whoever opens the document meanwhile waits, and finds nothing: what it read would be on no disk. */
  async #removeRows(documentId: string, records: NonNullable<StoreWrite['records']>): Promise<void> {
    const remove = async (): Promise<void> => {
      const rows = await this.store.rows(documentId)
      await this.store.commit({ records, remove: [{ documentId, ids: rows.map(({ id }) => id) }] })
    }
    const removal = remove().finally(() => this.#removals.delete(documentId))
    this.#removals.set(documentId, removal)
    await removal
  }

  paceOf(relay: string): Pace {
    const pace = this.#paces.get(relay) ?? new Pace()
    this.#paces.set(relay, pace)
    return pace
  }

  status(documentId: string): DocumentStatus {
    const document = this.#holdings.get(documentId)?.document ?? null
    const { isScheduled } = this.#options
    if (document !== null) {
      const views = [...document.views.values()].map((view) => ({
        relay: view.relay,
        lacks: view.deleted || view.isLacking,
        confirmed: view.confirmed,
        unsentBytes: view.unsentBytes,
        lastSyncedAt: view.lastSyncedAt,
        problem: this.#problemOf(view.relay, documentId),
      }))
      const { unsentSince, hasPendingEdits } = document
      const isSaved = !hasPendingEdits
      const ofKeys = document.held.problem ?? document.lockedProblem
      const problem = document.storeProblem ?? ofKeys ?? conflictProblem(documentId, document.conflict)
      return documentStatus({ isSaved, isSyncing: document.exchanges > 0, isScheduled, unsentSince, problem, views })
    }
    const record = this.library.record(documentId)
    const views = this.#options.relays.map((relay) => {
      const view = record?.views.find((candidate) => candidate.relay === relay)
      return {
        relay,
        lacks: view === undefined || record === null || view.deleted || record.hasEdits || isLacking(view),
        confirmed: view?.confirmed ?? false,
        unsentBytes: view?.unsentBytes ?? 0,
        lastSyncedAt: view?.lastSyncedAt ?? null,
        problem: this.#problemOf(relay, documentId),
      }
    })
    const unsentSince = record?.unsentSince ?? null
    const held = this.#heldProblems.get(documentId) ?? null
    const problem = held ?? conflictProblem(documentId, record?.conflict ?? '')
    return documentStatus({ isSaved: true, isSyncing: false, isScheduled, unsentSince, problem, views })
  }

  relayStates(): readonly RelayState[] {
    return this.#options.relays.map((relay) => ({
      relay,
      lastSyncedAt: this.relaySyncedAt.get(relay) ?? null,
      problem: this.relayProblems.get(relay) ?? null,
    }))
  }

  /** So many exchanges of this document more, or less, are under way. */
  countExchanges(document: LiveDocument, difference: 1 | -1): void {
    document.exchanges += difference
    this.#options.changed(document.id)
  }

  /** Why the newest exchange of this document with this relay failed; null: it did not. */
  noteProblem(relay: string, documentId: string, problem: TidemarkError | null): void {
    const key = `${relay}\n${documentId}`
    if (problem === null) this.#documentProblems.delete(key)
    else this.#documentProblems.set(key, problem)
  }

  /** The epoch that the relay had when this device last met it. */
  async epochOf(relay: string): Promise<Uint8Array | null> {
    const key = relayKey(relay)
    return (await this.store.records(key)).find((record) => record.key === key)?.bytes ?? null
  }

  /** All of every document in memory is in the store. @throws TidemarkError STORE_FULL, STORE_FAILED */
  async flush(): Promise<void> {
    await Promise.all(this.inMemory().map((document) => document.flush()))
  }

  /** The same, and what they lack is in the records: their statuses are true while they are not in memory. @throws as flush() */
  async settle(): Promise<void> {
    for (const document of this.inMemory()) if (document.isUnsent) document.touch()
    await this.#flushAll()
  }

  /** Where it is refused, nothing is given up. @throws as flush() */
  async close(): Promise<void> {
    await this.#flushAll()
    this.#forgetKeys()
    for (const document of this.inMemory()) document.destroy()
    this.#holdings.clear()
    await this.store.close()
  }

  /** Somebody may write to one while another one is flushed. */
  async #flushAll(): Promise<void> {
    do await this.flush()
    while (this.inMemory().some(({ isSaved }) => !isSaved))
  }

  #problemOf(relay: string, documentId: string): TidemarkError | null {
    return this.#documentProblems.get(`${relay}\n${documentId}`) ?? this.relayProblems.get(relay) ?? null
  }

  /** Loading a document tries what it holds: keys may have come. */
  async #readHeld(): Promise<void> {
    for (const id of [...this.library.holding()]) {
      if (this.#holdings.has(id)) continue
      try {
        await this.release(await this.acquire(id))
        this.#options.changed(id)
      } catch {
        // The store does not give it out now. It is held on, and tried again whenever it is opened or takes part in a burst.
      }
    }
  }

  async #load(documentId: string): Promise<LiveDocument> {
    await this.#removals.get(documentId)?.catch(() => undefined) // Then the rows are still there.
    const { platform, relays, keys, changed, edited, rebuilt } = this.#options
    return LiveDocument.load({
      id: documentId,
      store: this.store,
      relays,
      keys,
      randomBytes: (length) => platform.randomBytes(length),
      now: () => platform.now(),
      random: () => platform.random(),
      changed: () => changed(documentId),
      edited: () => edited(documentId),
      rebuilt: () => rebuilt(documentId),
      recorded: (record) => this.library.recorded(documentId, record),
    })
  }
}

function isLacking({ unsent, owed }: RelayViewRecord): boolean {
  return !unsent.isEmpty || !owed.isEmpty
}

/** Ids that were given twice: no sync can mend that, since each device takes its own content for the other's. */
function conflictProblem(documentId: string, conflict: string): TidemarkError | null {
  if (conflict === '') return null
  const message = `Another device has other content under the same id (${conflict}): was a device cloned, or a client id kept?`
  return new TidemarkError('DIVERGED', message, { documentId })
}
