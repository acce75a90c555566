// The class that an app holds. The work is done by the engine, in this tab or in another one of the same store.
// Apps compile with the library of ES2022 too, which has no Symbol.asyncDispose.
/// <reference lib="esnext.disposable" preserve="true" />
import { isVault, parseDocumentId } from '@tidemark/protocol'
import type { TidemarkDocument } from './document.ts'
import { Engine } from './engine.ts'
import { TidemarkError } from './errors.ts'
import type { DocumentListing } from './library/library.ts'
import { checkOptions, checkSyncOptions, type TidemarkOptions } from './options.ts'
import type { SyncReport } from './report.ts'
import type { SyncStatus } from './status.ts'
import type { SyncOptions } from './sync/syncer.ts'
import type { TidemarkLike } from './tidemark-like.ts'

export class Tidemark {
  readonly #inner: TidemarkLike

  /** Nothing is awaited: the store is opened in the background. @throws TidemarkError BAD_OPTION, naming the option */
  constructor(options: TidemarkOptions) {
    const checked = checkOptions(options)
    this.#inner = checked.store.sharing?.join(checked) ?? new Engine(checked)
  }

  /** Frozen; the same object until something changes. */
  get status(): SyncStatus {
    return this.#inner.status
  }

  /** @returns the function that ends the subscription */
  subscribe(listener: (status: SyncStatus) => void): () => void {
    return this.#inner.subscribe(listener)
  }

  /**
   * From the device store at once, no network. The same id gives the same object until its close(). `create`: where the
   * document was deleted, it begins anew, with what this device still has of it; default false.
   * @throws TidemarkError BAD_ID, CLOSED, STORE_IN_USE, STORE_FAILED; DELETED: `delete` was called for it here, and `create` is not set
   */
  async open(id: string, options: { create?: boolean } = {}): Promise<TidemarkDocument> {
    checkId(id)
    return this.#inner.open(id, options)
  }

  /**
   * One burst with every relay, now, or as soon as the one under way with that relay has ended.
   * @throws TidemarkError only if no relay let us in (its `report` says more), or CLOSED, BAD_ID, BAD_OPTION, STORE_IN_USE, STORE_FAILED
   */
  async sync(options: SyncOptions = {}): Promise<SyncReport> {
    checkSyncOptions(options)
    options.documents?.forEach(checkId)
    return this.#inner.sync(options)
  }

  /** What this device knows of a vault; `sync({ vaults })` refreshes it. @throws TidemarkError BAD_ID, CLOSED, STORE_IN_USE, STORE_FAILED */
  async list(vault: string): Promise<readonly DocumentListing[]> {
    if (typeof vault !== 'string' || !isVault(vault))
      throw new TidemarkError('BAD_ID', `${JSON.stringify(vault)} is no vault, such as alice`)
    return this.#inner.list(vault)
  }

  /**
   * Removes the document from this device only, and closes it.
   * @throws TidemarkError UNSENT when it has edits that no relay has, unless `discardUnsent`; BAD_ID, CLOSED, STORE_IN_USE, STORE_FULL,
   * STORE_FAILED
   */
  async forget(id: string, options: { discardUnsent?: boolean } = {}): Promise<void> {
    checkId(id)
    await this.#inner.forget(id, options)
  }

  /**
   * Closes the document, and deletes it everywhere at the next burst; its token needs a grant of delete. Other devices keep
   * what they have, and their statuses say DELETED.
   * @throws TidemarkError BAD_ID, CLOSED, STORE_FULL, STORE_FAILED
   */
  async delete(id: string): Promise<void> {
    checkId(id)
    await this.#inner.delete(id)
  }

  /** Every edit so far is in the device store; no network. @throws TidemarkError CLOSED, STORE_IN_USE, STORE_FULL, STORE_FAILED */
  async flush(): Promise<void> {
    await this.#inner.flush()
  }

  /**
   * Ends the bursts under way, stops the schedule, flushes, and gives the store back. Idempotent.
   * @throws TidemarkError STORE_FULL, STORE_FAILED: nothing was given up, and it may be called again
   */
  close(): Promise<void> {
    return this.#inner.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

function checkId(id: string): void {
  if (typeof id !== 'string')
    throw new TidemarkError('BAD_ID', `A document id is a text such as alice/novel, not ${id}`)
  const parsed = parseDocumentId(id)
  if (!parsed.ok) throw new TidemarkError('BAD_ID', `${parsed.message}, in ${JSON.stringify(id)}`, { documentId: id })
}
