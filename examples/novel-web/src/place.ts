// Which chapter is shown: the fragment of the address, so that the browser's back button, bookmarks and reloads work.
import { useSyncExternalStore } from 'react'

/** The list of chapters, and none of them: on a phone there is room for one of the two. */
export const CHAPTERS = '#chapters'

/** The id of a chapter; '' where none is shown. */
export function useShownChapter(): string {
  return useSyncExternalStore(subscribe, shownChapter)
}

export function showChapter(id: string): void {
  location.hash = id
}

export function showChapters(): void {
  location.hash = CHAPTERS
}

function shownChapter(): string {
  return location.hash === CHAPTERS ? '' : location.hash.slice(1)
}

function subscribe(changed: () => void): () => void {
  addEventListener('hashchange', changed)
  return () => removeEventListener('hashchange', changed)
}
