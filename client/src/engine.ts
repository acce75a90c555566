// A device at work: composes device, sync and schedule, and keeps their statuses. Has its store to itself; where several tabs
// share one, it runs in one of them.
import { Device } from './device/device.ts'
import type { TidemarkDocument } from './document.ts'
import { TidemarkError } from './errors.ts'
import type { DocumentListing } from './library/library.ts'
import { Listeners } from './listeners.ts'
import { OpenDocument } from './open-document.ts'
import type { CheckedOptions } from './options.ts'
import type { SyncProgress, SyncReport } from './report.ts'
import { type BurstEnded, Scheduler } from './schedule/schedule.ts'
import {
  type DocumentStatus,
  frozenStatus,
  nothingKnown,
  type SyncStatus,
  sumOfStatuses,
  withProblem,
} from './status.ts'
import { storeError } from './store/errors.ts'
import { Syncer, type SyncOptions } from './sync/syncer.ts'
import type { TidemarkLike } from './tidemark-like.ts'
import { reportUncaught } from './uncaught.ts'

export class Engine implements TidemarkLike {
  readonly #options: CheckedOptions
  readonly #relays: readonly string[]
  readonly #opened: Promise<Opened>
  readonly #documents = new Map<string, OpenDocument>()
  /** Those that other tabs have open. */
  readonly #documentsOfTabs = new Map<string, OpenDocument>()
  /** By document id: the end of what opens it or takes it away, one after another. Never rejects. */
  readonly #turns = new Map<string, Promise<void>>()
  readonly #listeners = new Listeners<SyncStatus>()
  #parts: Opened | null = null
  /** Of the bursts under way. */
  #progress: SyncProgress | null = null
  #status: SyncStatus
  #statusTold: SyncStatus
  /** By document id; what is missing is out of date. */
  readonly #statuses = new Map<string, DocumentStatus>()
  /** Documents whose listeners are to be told. */
  readonly #untold = new Set<string>()
  #notifying = false
  #closing: Promise<void> | null = null

  /** Nothing is awaited: the store is opened in the background. */
  constructor(options: CheckedOptions) {
    this.#options = options
    this.#relays = this.#options.relays.map(({ url }) => url)
    this.#status = nothingKnown(this.#relays)
    this.#statusTold = this.#status
    this.#opened = this.#open()
    // Whoever calls a method gets the error, too.
    this.#opened.catch((error) => this.#cannotOpen(storeError(error)))
  }

  get status(): SyncStatus {
    // An edit of this very task must not read as safe.
    this.#status = this.#sum()
    return this.#status
  }

  subscribe(listener: (status: SyncStatus) => void): () => void {
    return this.#listeners.add(listener)
  }

  async open(id: string, { create = false }: { create?: boolean } = {}): Promise<TidemarkDocument> {
    const { device } = await this.#ready()
    return this.#inTurn(id, async () => {
      if (!create) assertNotDeleted(device, id)
      const open = this.#documents.get(id) ?? (await this.#load(device, id))
      if (create) open.createAnew()
      return open
    })
  }

  /** For other tabs: another object than the app's, closed apart from it. Once until it is `closed`, by whomever. */
  async openForTabs(id: string, create: boolean, closed: () => void): Promise<OpenDocument> {
    const { device } = await this.#ready()
    return this.#inTurn(id, async () => {
      if (!create) assertNotDeleted(device, id)
      const document = await device.acquire(id)
      const open: OpenDocument = new OpenDocument(document, device, () => {
        // Another one may have been opened by now.
        if (this.#documentsOfTabs.get(id) === open) this.#documentsOfTabs.delete(id)
        closed()
      })
      this.#documentsOfTabs.set(id, open)
      if (create) open.createAnew()
      return open
    })
  }

  /** Whoever opens a document that is being forgotten or deleted finds it gone, not half there. */
  #inTurn<Result>(id: string, task: () => Promise<Result>): Promise<Result> {
    const result = (this.#turns.get(id) ?? Promise.resolve()).then(task)
    const turn = result.then(noop, noop).then(() => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id)
    })
    this.#turns.set(id, turn)
    return result
  }

  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    const { syncer } = await this.#ready()
    const { report, failure } = await syncer.sync(options)
    if (failure !== null) throw failure
    return report
  }

  async list(vault: string): Promise<readonly DocumentListing[]> {
    const { device } = await this.#ready()
    return device.library.list(vault)
  }

  async forget(id: string, options: { discardUnsent?: boolean } = {}): Promise<void> {
    const { syncer } = await this.#ready()
    await syncer.between(() => this.#inTurn(id, () => this.#forget(id, options.discardUnsent ?? false)))
  }

  async #forget(id: string, discardUnsent: boolean): Promise<void> {
    const { device } = await this.#opened
    if (discardUnsent) {
      for (const document of this.#openOf(id)) document.abandon()
    } else {
      // Where it is refused, whoever types into the document types on.
      await assertSent(device, id)
      await this.#closeAll(id)
      await assertSent(device, id)
    }
    await device.forget(id).catch((error) => {
      throw storeError(error, id)
    })
    this.#changed()
  }

  async delete(id: string): Promise<void> {
    const { syncer, device } = await this.#ready()
    await syncer.between(() =>
      this.#inTurn(id, async () => {
        await this.#closeAll(id)
        await device.markDeleted(id).catch((error) => {
          throw storeError(error, id)
        })
      }),
    )
    this.#changed()
  }

  /** False: the store cannot be opened, and every call says why. */
  isOpen(): Promise<boolean> {
    return this.#opened.then(
      () => true,
      () => false,
    )
  }

  async #closeAll(id: string): Promise<void> {
    for (const document of this.#openOf(id)) await document.close()
  }

  #openOf(id: string): readonly OpenDocument[] {
    return [this.#documents, this.#documentsOfTabs].flatMap((documents) => documents.get(id) ?? [])
  }

  /** The network came back to another tab, or that one became visible. */
  wake(): void {
    this.#parts?.scheduler?.wake()
  }

  async flush(): Promise<void> {
    const { device } = await this.#ready()
    await device.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error) => {
      // A full store, say: nothing is given up, and the app may close again when there is room.
      this.#closing = null
      throw error
    })
    return this.#closing
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
      rebuilt: (id) => {
        for (const document of this.#openOf(id)) document.noteRebuilt()
      },
    })
    const syncer = new Syncer({
      device,
      platform,
      relays,
      compaction,
      openDocuments: () => new Set([...this.#documents.keys(), ...this.#documentsOfTabs.keys()]),
      begin: (due) => this.#begin(due),
      progressed: (progress) => {
        this.#progress = progress
        this.#notify()
      },
    })
    const scheduler =
      schedule === null || relays.length === 0
        ? null
        : new Scheduler({
            schedule,
            platform,
            relays: this.#relays,
            run: (due) => void this.#runScheduled(syncer, due),
          })
    this.#parts = { device, syncer, scheduler }
    this.#changed()
    return this.#parts
  }

  /** An app that only watches must not take a device that does nothing for one that has nothing to do. */
  #cannotOpen(error: TidemarkError): void {
    this.#status = frozenStatus(this.#status, withProblem(this.#status, error))
    this.#statusTold = this.#status
    this.#listeners.call(this.#status)
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

  async #runScheduled(syncer: Syncer, relays: readonly string[]): Promise<void> {
    try {
      await syncer.sync({}, relays)
    } catch (error) {
      // Closed, or the device store failed: the status says so, and the schedule tries again.
      if (!(error instanceof TidemarkError)) reportUncaught(error)
    }
  }

  #begin(relays: readonly string[]): BurstEnded {
    const ended = this.#parts?.scheduler?.begin(relays)
    return (relay, outcome) => {
      ended?.(relay, outcome)
      this.#changed()
    }
  }

  /** Told once per task, however much changed in it. Without an id: all documents may have. */
  #changed(documentId?: string): void {
    if (documentId === undefined) this.#statuses.clear()
    else this.#statuses.delete(documentId)
    const open = [...this.#documents.keys(), ...this.#documentsOfTabs.keys()]
    for (const id of documentId === undefined ? open : [documentId]) this.#untold.add(id)
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
    for (const id of this.#untold) for (const document of this.#openOf(id)) document.refresh()
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
    await parts.device.settle() // Before anything stops: where it fails, everything goes on.
    parts.scheduler?.stop()
    await parts.syncer.close()
    await parts.device.close()
    this.#refresh()
    this.#documents.clear()
    this.#documentsOfTabs.clear()
  }
}

function noop(): void {}

interface Opened {
  readonly device: Device
  readonly syncer: Syncer
  readonly scheduler: Scheduler | null
}

async function assertSent(device: Device, documentId: string): Promise<void> {
  const { safety, problem } = device.status(documentId)
  const mayBeUnsent = safety === 'unsaved' || safety === 'on-device'
  // What was never edited, nor taken in, has no rows.
  if (!mayBeUnsent || (safety === 'on-device' && (await device.store.rows(documentId)).length === 0)) return
  const why =
    problem?.code === 'DELETED'
      ? 'was deleted by another device, and is only here; say discardUnsent, or open it with create'
      : 'has edits that no relay has; sync first, or say discardUnsent'
  throw new TidemarkError('UNSENT', `${documentId} ${why}`, { documentId })
}

function assertNotDeleted(device: Device, documentId: string): void {
  if (!device.library.record(documentId)?.deleting) return
  const what = `${documentId} was deleted on this device: open it with create to begin it anew`
  throw new TidemarkError('DELETED', what, { documentId })
}
