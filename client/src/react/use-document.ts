// A document as state of a component: open as long as some component shows it.
import { useMemo, useSyncExternalStore } from 'react'
import type { Tidemark } from '../tidemark.ts'
import { type DocumentState, OPENING, sharedDocument } from './shared-document.ts'

export type { DocumentState } from './shared-document.ts'

/**
 * Opens the document with the first component that shows it, and closes it with the last one: an app that opens the same
 * document itself too must not take it for its own. Renders again when it is opened, when its status changes, and when `doc`
 * is another object. On a server nothing is opened.
 */
export function useDocument(tidemark: Tidemark, id: string): DocumentState {
  const shared = useMemo(() => sharedDocument(tidemark, id), [tidemark, id])
  return useSyncExternalStore(
    shared.subscribe,
    () => shared.state,
    () => OPENING,
  )
}
