// Nothing that was typed is lost when the page goes: the browser, or the desktop app around it, waits for the device store.
import { type Tidemark, TidemarkError } from '@tidemark/client'
import { helpWords } from './status-words.ts'

declare global {
  interface Window {
    /** What the preload script of a desktop app gives (examples/novel-electron); absent in a browser. */
    readonly closing?: { waitFor(flush: () => Promise<string | null>): void }
  }
}

/** What does not get through goes at the next start. */
const LAST_SYNC_MS = 2_000

export function holdUntilStored(tidemark: Tidemark): void {
  // In Electron a page that prevents its unloading is kept open without a word: there the desktop app asks.
  if (window.closing === undefined) {
    addEventListener('beforeunload', (event) => {
      if (tidemark.status.safety === 'unsaved') event.preventDefault()
    })
  }
  window.closing?.waitFor(async () => {
    const problem = await flush(tidemark)
    if (problem === null) await syncOnce(tidemark)
    return problem
  })
  // A phone may end the page at any moment from here on.
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') void flush(tidemark).then(() => syncOnce(tidemark))
  })
}

/** Null: everything is in the store. Else why it is not, in the words of the status. */
async function flush(tidemark: Tidemark): Promise<string | null> {
  try {
    await tidemark.flush()
    return null
  } catch (error) {
    return error instanceof TidemarkError ? helpWords(error) : String(error)
  }
}

async function syncOnce(tidemark: Tidemark): Promise<void> {
  try {
    await tidemark.sync({ budgetMs: LAST_SYNC_MS })
  } catch {
    // Offline, say. The status says what is wrong, and everything is in the store.
  }
}
