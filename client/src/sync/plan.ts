// Which documents take part in a burst with one relay, and when: the open ones and the unsent ones at once, those that
// the feed names afterwards, all in batches that fit in memory.
import type { FeedPage } from '@tidemark/protocol'
import type { FeedRequest } from '../burst/round.ts'
import type { Device } from '../device/device.ts'
import { Exchange } from '../document/exchange.ts'
import type { LiveDocument } from '../document/live-document.ts'
import { EMPTY, sameBytes } from '../document/relay-view.ts'
import { relayKey } from '../library/records.ts'
import { storeError } from '../store/errors.ts'

export interface SyncScope {
  /** Only these; null: whatever is open, unsent or stale. */
  readonly documents: readonly string[] | null
  /** Beside those of the device's own documents. */
  readonly vaults: readonly string[]
  /** Documents that the app holds open. */
  readonly open: ReadonlySet<string>
}

/** Documents in memory at once for the sake of a burst. */
const BATCH_DOCUMENTS_MAX = 64
/** Up to so many open documents are asked for in the first message; of more, the feed says which have changed. */
const EAGER_DOCUMENTS_MAX = 16

export class BurstPlan {
  readonly #device: Device
  readonly #relay: string
  readonly #scope: SyncScope
  readonly #waiting: Set<string>
  readonly #taken = new Set<string>()
  readonly #exchanges: Exchange[] = []
  /** Those whose documents are still held in memory. */
  #held: Exchange[] = []
  #preparing: Promise<unknown> = Promise.resolve()
  #isFinished = false

  constructor(device: Device, relay: string, scope: SyncScope) {
    this.#device = device
    this.#relay = relay
    this.#scope = scope
    const eager = scope.open.size <= EAGER_DOCUMENTS_MAX ? [...scope.open] : []
    this.#waiting = new Set(scope.documents ?? [...eager, ...device.library.lacking()])
  }

  /** Documents that are still to be taken. */
  get documentsLeft(): number {
    return this.#waiting.size
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
    for (const id of this.#waiting) {
      if (batch.length === BATCH_DOCUMENTS_MAX || this.#isFinished) break
      this.#waiting.delete(id)
      this.#taken.add(id)
      const exchange = await this.#begin(id)
      if (!exchange.isSettled) batch.push(exchange)
    }
    return batch
  }

  /** All that took part, or failed before they could. */
  get exchanges(): readonly Exchange[] {
    return this.#exchanges
  }

  async #begin(documentId: string): Promise<Exchange> {
    const document = await this.#device.acquire(documentId)
    const view = document.views.get(this.#relay)
    if (view === undefined) throw new Error(`${documentId} has no view of ${this.#relay}`)
    const exchange = new Exchange(document, view)
    this.#exchanges.push(exchange)
    this.#held.push(exchange)
    document.exchanges++
    try {
      if (document.needsRebuild) await document.rebuild()
      await document.flush()
      if (view.deleted) exchange.fail('DELETED', 'The document was deleted on the relay')
    } catch (error) {
      const { code, message } = storeError(error)
      exchange.fail(code, message)
    }
    return exchange
  }

  /** Takes in what a round brought; the feeds that are to be asked anew. */
  async learn(epoch: Uint8Array, pages: readonly FeedPage[]): Promise<readonly FeedRequest[]> {
    const { library, store } = this.#device
    const known = await this.#device.epochOf(this.#relay)
    const isNewEpoch = known === null || !sameBytes(known, epoch)
    const write = library.listed(this.#relay, pages)
    const records = [...(write.records ?? []), ...(isNewEpoch ? [{ key: relayKey(this.#relay), bytes: epoch }] : [])]
    if (records.length > 0) {
      await store.commit({ records }).catch((error) => {
        library.forgetMarks(this.#relay)
        throw error
      })
    }
    if (this.#scope.documents !== null) return []
    for (const page of pages) if (page.status === 'DENIED') this.#askForOpenDocumentsOf(page.vault)
    for (const id of library.stale(this.#relay)) if (!this.#taken.has(id)) this.#waiting.add(id)
    return isNewEpoch && known !== null ? this.feeds().map(({ vault }) => ({ vault, mark: EMPTY })) : []
  }

  /** Every exchange's document is in the store, marks and all, and out of memory if nobody else holds it. No batch follows. */
  async finish(): Promise<void> {
    this.#isFinished = true
    try {
      // A burst that was cut while the next batch was prepared must not leave documents behind.
      await this.#preparing
    } finally {
      const held = this.#held
      this.#held = []
      await this.#release(held)
    }
  }

  #askForOpenDocumentsOf(vault: string): void {
    for (const id of this.#scope.open) if (id.startsWith(`${vault}/`) && !this.#taken.has(id)) this.#waiting.add(id)
  }

  async #releaseSettled(): Promise<void> {
    const settled = this.#held.filter(({ isSettled }) => isSettled)
    this.#held = this.#held.filter(({ isSettled }) => !isSettled)
    await this.#release(settled)
  }

  async #release(exchanges: readonly Exchange[]): Promise<void> {
    let failure: unknown = null
    for (const { document } of exchanges) {
      document.exchanges--
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
  }
}
