// The FEEDs of one round, one page at a time: only what the token's grants cover is ever listed.
import { type Feed, parseDocumentId } from '@tidemark/protocol'
import type { Limits } from '../limits.ts'
import type { StoreFeedPage } from '../store/contract.ts'
import { coversVault, type Grant, rightOn } from '../token/grants.ts'
import type { Outlet } from './outlet.ts'

/** What a row costs beside its document id, about. */
const ROW_BYTES = 16

export class Feeding {
  readonly #feeds: readonly Feed[]
  readonly #grants: readonly Grant[]
  readonly #limits: Limits
  readonly #outlet: Outlet
  #answered = 0
  /** Where the feed under way goes on; null: at the mark that the device gave. */
  #mark: Uint8Array | null = null
  /** A RESET whose first pages held nothing that may be shown. */
  #reset = false
  #bytes = 0
  #cut = false

  constructor(feeds: readonly Feed[], grants: readonly Grant[], limits: Limits, outlet: Outlet) {
    this.#feeds = feeds
    this.#grants = grants
    this.#limits = limits
    this.#outlet = outlet
  }

  /** An HTTP response was long enough: the device asks on from the last feed mark. */
  get cut(): boolean {
    return this.#cut
  }

  /** Wishes for the next page; false when every FEED is answered. */
  wish(): boolean {
    for (let feed = this.#feeds[this.#answered]; feed !== undefined; feed = this.#feeds[this.#answered]) {
      if (this.#cut) return false
      const { vault } = feed
      if (coversVault(this.#grants, vault)) {
        const request = { vault, mark: this.#mark ?? feed.mark, documentsMax: this.#limits.feedDocumentsMax }
        this.#outlet.wish({ type: 'feed', of: 0, request })
        return true
      }
      const mark = new Uint8Array(0)
      this.#outlet.send({ type: 'FEED_PAGE', vault, status: 'DENIED', documents: [], mark, more: false })
      this.#answered += 1
    }
    return false
  }

  take(page: StoreFeedPage): void {
    const feed = this.#feeds[this.#answered]
    if (feed === undefined) return
    const documents = page.documents.filter(({ documentId }) => this.#mayRead(documentId))
    const reset = page.reset || this.#reset
    this.#reset = reset && documents.length === 0 && page.more
    if (documents.length > 0 || !page.more) {
      const bytes = documents.reduce((sum, { documentId }) => sum + documentId.length + ROW_BYTES, 0)
      const { mark, more } = page
      const status = reset ? 'RESET' : 'OK'
      this.#outlet.send({ type: 'FEED_PAGE', vault: feed.vault, status, documents, mark, more }, bytes)
      this.#bytes += bytes
    }
    this.#mark = page.more ? page.mark : null
    if (!page.more) this.#answered += 1
    const unanswered = this.#answered < this.#feeds.length
    this.#cut = this.#outlet.oneRound && unanswered && this.#bytes >= this.#limits.httpResponseBytesTarget
  }

  #mayRead(documentId: string): boolean {
    const parsed = parseDocumentId(documentId)
    return parsed.ok && rightOn(this.#grants, parsed.vault, parsed.name) !== null
  }
}
