// Which documents take part in a burst with one relay, and when: the open ones and the unsent ones at once, those that
// the feed names afterwards, all in batches that fit in memory.
import type { FeedPage } from '@tidemark/protocol'
import type { FeedRequest } from '../burst/round.ts'
import type { Device } from '../device/device.ts'
import { sameBytes } from '../document/bytes.ts'
import { Exchange } from '../document/exchange.ts'
import { isHeldElsewhere } from '../document/giving-back.ts'
import type { LiveDocument } from '../document/live-document.ts'
import { DELETED_THERE } from '../document/relay-view.ts'
import type { TidemarkError } from '../errors.ts'
import { relayKey } from '../library/records.ts'
import type { CompactionPolicy } from '../options.ts'
import type { StoreWrite } from '../store/contract.ts'
import { storeError } from '../store/errors.ts'

export interface SyncScope {
  /** Only these; null: whatever is open, unsent or stale. */
  readonly documents: readonly string[] | null
  /** Beside those of the device's own documents. */
  readonly vaults: readonly string[]
  /** Documents that the app holds open. */
  readonly open: ReadonlySet<string>
}

export interface BurstPlanOptions {
  readonly device: Device
  readonly relay: string
  readonly scope: SyncScope
  readonly compaction: CompactionPolicy
  now(): number
}

/** Documents in memory at once for the sake of a burst. */
const BATCH_DOCUMENTS_MAX = 64
/** Large ones take long to load, and a relay does not wait long for the next round: those that are left take the one after it. */
const BATCH_MS_MAX = 5_000
/** Up to so many open documents are asked for in the first message; of more, the feed says which have changed. */
const EAGER_DOCUMENTS_MAX = 16

export class BurstPlan {
  readonly #device: Device
  readonly #relay: string
  readonly #scope: SyncScope
  readonly #compaction: CompactionPolicy
  readonly #now: () => number
  readonly #waiting: Set<string>
  readonly #taken = new Set<string>()
  /** Of the documents in memory, those of which another relay had all when the burst began. */
  readonly #heldElsewhere = new Map<string, boolean>()
  readonly #exchanges: Exchange[] = []
  /** Documents that the device store does not give out, and why. */
  readonly unloadable: Map<string, TidemarkError> = new Map()
  /** Those whose documents are still held in memory. */
  #inMemory: Exchange[] = []
  #preparing: Promise<unknown> = Promise.resolve()
  #isFinished = false

  constructor({ device, relay, scope, compaction, now }: BurstPlanOptions) {
    this.#device = device
    this.#relay = relay
    this.#scope = scope
    this.#compaction = compaction
    this.#now = now
    const eager = scope.open.size <= EAGER_DOCUMENTS_MAX ? [...scope.open] : []
    // What was stale may no longer be: only the feed says whether that was a push of this device.
    this.#waiting = new Set(scope.documents ?? [...eager, ...device.library.lacking()])
    for (const document of device.inMemory()) {
      const view = document.views.get(relay)
      if (view !== undefined) this.#heldElsewhere.set(document.id, isHeldElsewhere(view, document.views.values()))
    }
  }

  /** Documents that are still to be taken. */
  get waiting(): ReadonlySet<string> {
    return this.#waiting
  }

  feeds(): readonly FeedRequest[] {
    if (this.#scope.documents !== null) return []
    const { library } = this.#device
    return library.feedRequests(this.#relay, new Set([...library.vaults(), ...this.#scope.vaults]))
  }

  /** The next batch, each document loaded and all its edits in the device store. */
  next(): Promise<readonly Exchange[]> {
    const next = this.#next()
    this.#preparing = next
    return next
  }

  async #next(): Promise<readonly Exchange[]> {
    await this.#releaseSettled()
    const batch: Exchange[] = []
    const endsAt = this.#now() + BATCH_MS_MAX
    for (const id of this.#waiting) {
      const isFull = batch.length === BATCH_DOCUMENTS_MAX || (batch.length > 0 && this.#now() >= endsAt)
      if (isFull || this.#isFinished) break
      this.#waiting.delete(id)
      this.#taken.add(id)
      const exchange = await this.#begin(id)
      if (exchange !== null && !exchange.isSettled) batch.push(exchange)
    }
    return batch
  }

  /** All that took part, or failed before they could. */
  get exchanges(): readonly Exchange[] {
    return this.#exchanges
  }

  /** Null: the document cannot be loaded. It fails alone. */
  async #begin(documentId: string): Promise<Exchange | null> {
    const document = await this.#device.acquire(documentId).catch((error) => {
      this.unloadable.set(documentId, storeError(error, documentId))
      return null
    })
    if (document === null) return null
    const view = document.views.get(this.#relay)
    if (view === undefined) throw new Error(`${documentId} has no view of ${this.#relay}`)
    const handsBack = view.deleted && this.#device.library.isTombstoneLost(this.#relay, documentId)
    const { windowBytes } = this.#device.paceOf(this.#relay)
    const exchange = new Exchange({
      document,
      view,
      compaction: this.#compaction,
      windowBytes,
      handsBack,
      isHeldElsewhere: this.#heldElsewhere.get(documentId) ?? isHeldElsewhere(view, document.views.values()),
    })
    this.#exchanges.push(exchange)
    this.#inMemory.push(exchange)
    this.#device.countExchanges(document, 1)
    try {
      if (document.needsRebuild) await document.rebuild()
      await document.flush()
      if (view.deleted && !handsBack) {
        if (document.deleting) exchange.skip()
        else exchange.fail('DELETED', DELETED_THERE)
      }
    } catch (error) {
      const { code, message } = storeError(error)
      exchange.fail(code, message)
    }
    return exchange
  }

  /** Takes in what a round brought; the feeds that are to be asked anew. */
  async learn(epoch: Uint8Array, pages: readonly FeedPage[]): Promise<readonly FeedRequest[]> {
    if (this.#scope.documents !== null) return []
    const { library } = this.#device
    const known = await this.#device.epochOf(this.#relay)
    if (known === null || !sameBytes(known, epoch)) {
      // Data that was restored or begun anew: what was listed before says nothing.
      const again = known === null ? [] : library.forgetFeeds(this.#relay)
      await this.#store([...again, { key: relayKey(this.#relay), bytes: epoch }])
      if (known !== null) return this.feeds()
    }
    await this.#store(library.listed(this.#relay, pages))
    for (const page of pages) if (page.status === 'DENIED') this.#askForOpenDocumentsOf(page.vault)
    for (const id of library.stale(this.#relay)) if (!this.#taken.has(id)) this.#waiting.add(id)
    return []
  }

  /** No further document is loaded. */
  stop(): void {
    this.#isFinished = true
  }

  /** Every exchange's document is in the store, marks and all, and out of memory if nobody else holds it. No batch follows. */
  async finish(): Promise<void> {
    this.stop()
    try {
      // A burst that was cut while the next batch was prepared must not leave documents behind.
      await this.#preparing
    } finally {
      const held = this.#inMemory
      this.#inMemory = []
      await this.#release(held)
    }
  }

  async #store(records: NonNullable<StoreWrite['records']>): Promise<void> {
    if (records.length === 0) return
    try {
      await this.#device.store.commit({ records })
    } catch (error) {
      this.#device.library.forgetMarks(this.#relay) // What is not in the store is to be listed again.
      throw error
    }
  }

  #askForOpenDocumentsOf(vault: string): void {
    for (const id of this.#scope.open) if (id.startsWith(`${vault}/`) && !this.#taken.has(id)) this.#waiting.add(id)
  }

  async #releaseSettled(): Promise<void> {
    const settled = this.#inMemory.filter(({ isSettled }) => isSettled)
    this.#inMemory = this.#inMemory.filter(({ isSettled }) => !isSettled)
    await this.#release(settled)
  }

  async #release(exchanges: readonly Exchange[]): Promise<void> {
    let failure: unknown = null
    for (const { document, view, handsBack } of exchanges) {
      this.#device.countExchanges(document, -1)
      if (handsBack) this.#device.library.noteHandedBack(this.#relay, document.id)
      document.transfers.keepIncoming(view)
      try {
        await this.#settle(document)
      } catch (error) {
        failure ??= error
      }
    }
    if (failure !== null) throw failure
  }

  async #settle(document: LiveDocument): Promise<void> {
    try {
      await document.flush()
    } finally {
      await this.#device.release(document)
    }
    await this.#device.finishDeletion(document)
  }
}
