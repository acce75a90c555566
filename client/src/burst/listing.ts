// What the feeds of one burst list, until all of it is there: only a whole list tells which documents a relay has lost.
// Bounded, and takes nothing that was not asked for.
import type { FeedPage } from '@tidemark/protocol'
import type { FeedRequest } from './round.ts'

/** Documents and pages of one list. Beyond it the relay makes them up, or has more than a device can look after. */
const LISTED_MAX = 250_000

export class Listing {
  #pages: FeedPage[] = []
  /** By vault: what is still to be listed, from which mark on. */
  readonly #unlisted = new Map<string, FeedRequest>()
  #listed = 0

  asked(feeds: readonly FeedRequest[]): void {
    for (const feed of feeds) this.#unlisted.set(feed.vault, feed)
  }

  /** Another page of the vault may come in this round, or, where the window was used up, in the next. @returns what is wrong */
  take(page: FeedPage): string | null {
    if (!this.#unlisted.has(page.vault)) return 'listed a vault that nobody asked for'
    this.#listed += 1 + page.documents.length
    if (this.#listed > LISTED_MAX) return `listed more than ${LISTED_MAX} documents`
    this.#pages.push(page)
    if (page.more) this.#unlisted.set(page.vault, { vault: page.vault, mark: page.mark.slice() })
    else this.#unlisted.delete(page.vault)
    return null
  }

  get isWhole(): boolean {
    return this.#unlisted.size === 0
  }

  /** What the round that ended left out, to be asked again. */
  takeUnlisted(): readonly FeedRequest[] {
    const unlisted = [...this.#unlisted.values()]
    this.#unlisted.clear()
    return unlisted
  }

  takePages(): readonly FeedPage[] {
    const pages = this.#pages
    this.#pages = []
    this.#listed = 0
    return pages
  }
}
