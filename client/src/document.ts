// A document as the app holds it: from open() until close().
import type { Doc } from 'yjs'
import type { DocumentStatus } from './status.ts'

export interface TidemarkDocument {
  readonly id: string
  /**
   * Keeps its identity while the document is open, unless `onRebuilt` says otherwise. Bind any Yjs editor to it. Its `destroy()`
   * does nothing: `close()` ends it.
   */
  readonly doc: Doc
  /** Frozen; the same object until something changes. */
  readonly status: DocumentStatus
  /** @returns the function that ends the subscription */
  subscribe(listener: (status: DocumentStatus) => void): () => void
  /**
   * Called when `doc` had to be built anew from the device store, because an entry of another device broke it half-way.
   * Bind the editor to the new one.
   */
  onRebuilt(listener: (doc: Doc) => void): () => void
  /** Every edit so far is in the device store; no network. @throws TidemarkError STORE_FULL, STORE_FAILED */
  flush(): Promise<void>
  /**
   * Unsent edits stay in the store and still sync. What is typed into `doc` afterwards is stored nowhere: unbind the editor
   * first. `status` and `flush` then say CLOSED.
   * @throws TidemarkError STORE_FULL, STORE_FAILED
   */
  close(): Promise<void>
}
