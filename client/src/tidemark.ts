// The class that an app holds: composes device, sync and schedule, and keeps their statuses.
import { parseDocumentId } from '@tidemark/protocol'
import { Device } from './device/device.ts'
import type { TidemarkDocument } from './document.ts'
import { TidemarkError } from './errors.ts'
import type { DocumentListing } from './library/library.ts'
import { Listeners } from './listeners.ts'
import { OpenDocument } from './open-document.ts'
import { type CheckedOptions, checkOptions, type TidemarkOptions } from './options.ts'
import type { SyncProgress, SyncReport } from './report.ts'
import { type BurstOutcomes, Scheduler } from './schedule/schedule.ts'
import { type DocumentStatus, frozenStatus, type SyncStatus, sumOfStatuses } from './status.ts'
import { storeError } from './store/errors.ts'
import { Syncer, type SyncOptions } from './sync/syncer.ts'
import { reportUncaught } from './uncaught.ts'

export class Tidemark {
  readonly #options: CheckedOptions
  readonly #relays: readonly string[]
  readonly #opened: Promise<Opened>
  readonly #documents = new Map<string, OpenDocument>()
  readonly #opening = new Map<string, Promise<OpenDocument>>()
  readonly #listeners = new Listeners<SyncStatus>()
  #parts: Opened | null = null
  /** Of the burst under way. */
  #progress: SyncProgress | null = null
  #status: SyncStatus
  #statusTold: SyncStatus
  /** By document id; what is missing is out of date. */
  readonly #statuses = new Map<string, DocumentStatus>()
  /** Documents whose listeners are to be told. */
  readonly #untold = new Set<string>()
  #notifying = false
  #closing: Promise<void> | null = null

  /** Nothing is awaited: the store is opened in the background. @throws TidemarkError BAD_OPTION, naming the option */
  constructor(options: TidemarkOptions) {
    this.#options = checkOptions(options)
    this.#relays = this.#options.relays.map(({ url }) => url)
    const relays = this.#relays.map((relay) => ({ relay, lastSyncedAt: null, problem: null }))
    const nothing = { statuses: [], relays, isScheduled: this.#options.schedule !== null, progress: null }
    this.#status = frozenStatus(null, sumOfStatuses(nothing))
    this.#statusTold = this.#status
    this.#opened = this.#open()
    // Whoever calls a method gets the error; without a call nobody has asked.
    this.#opened.catch(() => undefined)
  }

  /** Frozen; the same object until something changes. */
  get status(): SyncStatus {
    // An edit of this very task must not read as safe.
    this.#status = this.#sum()
    return this.#status
  }

  /** @returns the function that ends the subscription */
  subscribe(listener: (status: SyncStatus) => void): () => void {
    return this.#listeners.add(listener)
  }

  /**
   * From the device store at once, no network. The same id gives the same object until its close(). `create`: where the
   * document was deleted, it begins anew, with what this device still has of it; default false.
   * @throws TidemarkError BAD_ID, CLOSED, STORE_IN_USE, STORE_FAILED; DELETED: `delete` was called for it here, and `create` is not set
   */
  async open(id: string, { create = false }: { create?: boolean } = {}): Promise<TidemarkDocument> {
    checkId(id)
    const { device } = await this.#ready()
    if (!create && device.library.record(id)?.deleting) {
      throw new TidemarkError('DELETED', `${id} was deleted on this device: open it with create to begin it anew`, {
        documentId: id,
      })
    }
    const open = this.#documents.get(id) ?? (await this.#openOnce(device, id))
    if (create) open.createAnew()
    return open
  }

  async #openOnce(device: Device, id: string): Promise<OpenDocument> {
    const opening = this.#opening.get(id) ?? this.#load(device, id)
    this.#opening.set(id, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(id)
    }
  }

  /**
   * One burst with every relay, now. A call during a burst waits for it, then runs one more.
   * @throws TidemarkError only if no relay let us in (its `report` says more), or CLOSED, BAD_ID, BAD_OPTION, STORE_IN_USE
   */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    options.documents?.forEach(checkId)
    const { syncer, scheduler } = await this.#ready()
    const ended = scheduler?.begin()
    let outcomes: BurstOutcomes = new Map()
    try {
      const { report, failure, ...result } = await syncer.sync(options)
      outcomes = result.outcomes
      if (failure !== null) throw failure
      return report
    } finally {
      ended?.(outcomes)
      this.#changed()
    }
  }

  /** What this device knows of a vault; `sync({ vaults })` refreshes it. */
  async list(vault: string): Promise<readonly DocumentListing[]> {
    const { device } = await this.#ready()
    return device.library.list(vault)
  }

  /**
   * Removes the document from this device only, and closes it.
   * @throws TidemarkError UNSENT when it has edits that no relay has, unless `discardUnsent`; BAD_ID; STORE_FAILED
   */
  async forget(id: string, options: { discardUnsent?: boolean } = {}): Promise<void> {
    checkId(id)
    const { syncer } = await this.#ready()
    await syncer.between(() => this.#forget(id, options.discardUnsent ?? false))
  }

  async #forget(id: string, discardUnsent: boolean): Promise<void> {
    const { device } = await this.#opened
    await this.#documents.get(id)?.close()
    const { safety } = device.status(id)
    const isUnsent = safety !== 'on-relay' && safety !== 'confirmed' && (await device.store.rows(id)).length > 0
    if (isUnsent && !discardUnsent) {
      throw new TidemarkError('UNSENT', `${id} has edits that no relay has; sync first, or say discardUnsent`, {
        documentId: id,
      })
    }
    await device.forget(id).catch((error) => {
      throw storeError(error, id)
    })
    this.#changed()
  }

  /**
   * Closes the document, and deletes it everywhere at the next burst; its token needs a grant of delete. Other devices keep
   * what they have, and their statuses say DELETED.
   * @throws TidemarkError BAD_ID, CLOSED, STORE_FULL, STORE_FAILED
   */
  async delete(id: string): Promise<void> {
    checkId(id)
    const { syncer, device } = await this.#ready()
    await syncer.between(async () => {
      await this.#documents.get(id)?.close()
      await device.markDeleted(id).catch((error) => {
        throw storeError(error, id)
      })
    })
    this.#changed()
  }

  /** Every edit so far is in the device store; no network. @throws TidemarkError STORE_FULL, STORE_FAILED */
  async flush(): Promise<void> {
    const { device } = await this.#ready()
    await device.flush()
  }

  /** Ends the burst under way, stops the schedule, flushes, and gives the store back. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error) => {
      // A full store, say: nothing is given up, and the app may close again when there is room.
      this.#closing = null
      throw error
    })
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<Opened> {
    const { store, mirror, platform, relays, schedule, compaction } = this.#options
    const device = await Device.open({
      store,
      mirror,
      platform,
      relays: this.#relays,
      keys: this.#options.keys,
      isScheduled: schedule !== null,
      changed: (id) => this.#changed(id),
      edited: () => this.#parts?.scheduler?.edited(),
      rebuilt: (id) => this.#documents.get(id)?.noteRebuilt(),
    })
    const syncer = new Syncer({
      device,
      platform,
      relays,
      compaction,
      openDocuments: () => new Set(this.#documents.keys()),
      progressed: (progress) => {
        this.#progress = progress
        this.#notify()
      },
    })
    const scheduler =
      schedule === null || relays.length === 0
        ? null
        : new Scheduler({ schedule, platform, relays: this.#relays, run: (due) => this.#runScheduled(syncer, due) })
    this.#parts = { device, syncer, scheduler }
    this.#changed()
    return this.#parts
  }

  async #ready(): Promise<Opened> {
    if (this.#closing !== null) throw new TidemarkError('CLOSED', 'This Tidemark is closed')
    return this.#opened
  }

  async #load(device: Device, id: string): Promise<OpenDocument> {
    const document = await device.acquire(id)
    const open = new OpenDocument(document, device, () => this.#documents.delete(id))
    this.#documents.set(id, open)
    this.#changed(id)
    return open
  }

  async #runScheduled(syncer: Syncer, relays: readonly string[]): Promise<BurstOutcomes> {
    try {
      return (await syncer.sync({}, relays)).outcomes
    } catch (error) {
      // Closed, or the device store failed: the status says so, and the schedule tries again.
      if (!(error instanceof TidemarkError)) reportUncaught(error)
      return new Map(relays.map((relay) => [relay, { result: 'failed', retryAfterMs: 0 }]))
    } finally {
      this.#changed()
    }
  }

  /** Told once per task, however much changed in it. Without an id: all documents may have. */
  #changed(documentId?: string): void {
    if (documentId === undefined) this.#statuses.clear()
    else this.#statuses.delete(documentId)
    for (const id of documentId === undefined ? this.#documents.keys() : [documentId]) this.#untold.add(id)
    this.#notify()
  }

  #notify(): void {
    if (this.#notifying) return
    this.#notifying = true
    void Promise.resolve().then(() => {
      this.#notifying = false
      this.#refresh()
    })
  }

  #refresh(): void {
    if (this.#parts === null) return
    for (const id of this.#untold) this.#documents.get(id)?.refresh()
    this.#untold.clear()
    if (this.#listeners.isEmpty) return
    this.#status = this.#sum()
    if (this.#status === this.#statusTold) return
    this.#statusTold = this.#status
    this.#listeners.call(this.#status)
  }

  #sum(): SyncStatus {
    const device = this.#parts?.device
    if (device === undefined) return this.#status
    const statuses = function* (known: Map<string, DocumentStatus>): IterableIterator<DocumentStatus> {
      for (const id of device.library.documentIds()) {
        const status = known.get(id) ?? device.status(id)
        known.set(id, status)
        yield status
      }
    }
    const sum = sumOfStatuses({
      statuses: statuses(this.#statuses),
      relays: device.relayStates(),
      isScheduled: this.#options.schedule !== null,
      progress: this.#progress,
    })
    return frozenStatus(this.#status, sum)
  }

  async #close(): Promise<void> {
    const parts = await this.#opened.catch(() => null)
    if (parts === null) return
    await parts.device.flush() // Before anything stops: where it fails, everything goes on.
    parts.scheduler?.stop()
    await parts.syncer.close()
    await parts.device.close()
    this.#refresh()
    this.#documents.clear()
  }
}

interface Opened {
  readonly device: Device
  readonly syncer: Syncer
  readonly scheduler: Scheduler | null
}

function checkId(id: string): void {
  const parsed = parseDocumentId(id)
  if (!parsed.ok) throw new TidemarkError('BAD_ID', parsed.message, { documentId: id })
}
