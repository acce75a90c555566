// A status as state of a component: of all documents, or of one.
import { useCallback, useSyncExternalStore } from 'react'
import type { TidemarkDocument } from '../document.ts'
import { type DocumentStatus, nothingKnown, type SyncStatus } from '../status.ts'
import type { Tidemark } from '../tidemark.ts'

/** Where a page is rendered on a server, and while it is hydrated: nothing is known yet. */
const UNKNOWN: SyncStatus = nothingKnown([])

/** The component renders again whenever the status changes; the object is the same until then. */
export function useSyncStatus(source: Tidemark): SyncStatus
export function useSyncStatus(source: TidemarkDocument): DocumentStatus
export function useSyncStatus(source: Tidemark | TidemarkDocument): DocumentStatus {
  const subscribe = useCallback((changed: () => void) => source.subscribe(changed), [source])
  return useSyncExternalStore(
    subscribe,
    () => source.status,
    () => UNKNOWN,
  )
}
