// What a Tidemark does, whoever does it: the engine of this tab, or another tab's. Ids have been checked.
import type { TidemarkDocument } from './document.ts'
import type { DocumentListing } from './library/library.ts'
import type { SyncReport } from './report.ts'
import type { SyncStatus } from './status.ts'
import type { SyncOptions } from './sync/syncer.ts'

export interface TidemarkLike {
  readonly status: SyncStatus
  subscribe(listener: (status: SyncStatus) => void): () => void
  open(id: string, options: { create?: boolean }): Promise<TidemarkDocument>
  sync(options: SyncOptions): Promise<SyncReport>
  list(vault: string): Promise<readonly DocumentListing[]>
  forget(id: string, options: { discardUnsent?: boolean }): Promise<void>
  delete(id: string): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
}
