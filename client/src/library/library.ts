// What this device knows of its documents without loading them: their records, and what each relay's feed listed.
// A document is stale at a relay when the feed names another state of it than the one this device stored last.
import { type FeedPage, parseDocumentId } from '@tidemark/protocol'
import type { FeedRequest } from '../burst/round.ts'
import { EMPTY, sameBytes } from '../document/bytes.ts'
import { DOCUMENT_RECORDS, type DocumentRecord, decodeDocumentRecord, documentIdOfKey } from '../document/record.ts'
import type { OpenDeviceStore, StoreWrite } from '../store/contract.ts'
import {
  decodeListing,
  encodeListing,
  FEED_RECORDS,
  feedKey,
  feedOfKey,
  LISTING_RECORDS,
  type Listing,
  listingKey,
  listingOfKey,
} from './records.ts'

/** Documents of one relay that are kept in mind. One more is, which tells that there are others. */
export const LISTINGS_MAX = 250_000

export interface DocumentListing {
  readonly id: string
  /** Some of it is stored here, or no relay is known to have it. */
  readonly onDevice: boolean
  readonly deleted: boolean
}

export class Library {
  readonly #relays: readonly string[]
  readonly #mirror: ReadonlySet<string>
  readonly #documents = new Map<string, DocumentRecord | null>()
  readonly #feeds = new Map<string, RelayFeeds>()

  /** @throws DeviceStoreError, and Error when a record is of a newer version */
  static async load(store: OpenDeviceStore, relays: readonly string[], mirror: readonly string[]): Promise<Library> {
    const library = new Library(relays, mirror)
    for (const { key, bytes } of await store.records(DOCUMENT_RECORDS)) {
      library.#documents.set(documentIdOfKey(key), decodeDocumentRecord(bytes))
    }
    for (const { key, bytes } of await store.records(FEED_RECORDS)) {
      const { relay, name } = feedOfKey(key)
      library.#feeds.get(relay)?.marks.set(name, bytes)
    }
    for (const { key, bytes } of await store.records(LISTING_RECORDS)) {
      const { relay, name } = listingOfKey(key)
      library.#feeds.get(relay)?.listings.set(name, decodeListing(bytes))
    }
    for (const relay of relays) for (const id of library.#known(relay)) library.#check(relay, id)
    return library
  }

  private constructor(relays: readonly string[], mirror: readonly string[]) {
    this.#relays = relays
    this.#mirror = new Set(mirror)
    for (const relay of relays)
      this.#feeds.set(relay, { marks: new Map(), listings: new Map(), stale: new Set(), handedBack: new Set() })
  }

  /** Without those that were deleted everywhere. */
  *documentIds(): IterableIterator<string> {
    for (const [id, record] of this.#documents) if (!isGone(record)) yield id
  }

  /** Null: the document is on this device, and nothing of it is stored yet. */
  record(documentId: string): DocumentRecord | null {
    return this.#documents.get(documentId) ?? null
  }

  /** The document is on this device from now on. */
  add(documentId: string): void {
    if (!this.#documents.has(documentId)) this.recorded(documentId, null)
  }

  recorded(documentId: string, record: DocumentRecord | null): void {
    this.#documents.set(documentId, record)
    for (const relay of this.#relays) this.#check(relay, documentId)
  }

  remove(documentId: string): void {
    this.#documents.delete(documentId)
    for (const relay of this.#relays) this.#check(relay, documentId)
  }

  /** Vaults that this device has documents of, or mirrors. */
  vaults(): ReadonlySet<string> {
    const vaults = new Set(this.#mirror)
    for (const id of this.#documents.keys()) vaults.add(vaultOf(id))
    return vaults
  }

  list(vault: string): readonly DocumentListing[] {
    const listings = new Map<string, DocumentListing>()
    for (const [id, record] of this.#documents) {
      // Relays may still have to be told.
      const deleted = record?.deleting ?? false
      if (vaultOf(id) === vault) listings.set(id, { id, onDevice: !deleted, deleted })
    }
    for (const { listings: listed } of this.#feeds.values()) {
      for (const [id, { deleted }] of listed) {
        if (vaultOf(id) !== vault) continue
        // What is merely open, or about to be given, is not here yet.
        const onDevice = this.record(id) !== null && (listings.get(id)?.onDevice ?? false)
        listings.set(id, { id, onDevice, deleted: deleted || (listings.get(id)?.deleted ?? false) })
      }
    }
    return [...listings.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  feedRequests(relay: string, vaults: Iterable<string>): readonly FeedRequest[] {
    return [...vaults].map((vault) => ({ vault, mark: this.#feedsOf(relay).marks.get(vault) ?? EMPTY }))
  }

  /** Documents whose edits some relay may lack. */
  *lacking(): IterableIterator<string> {
    for (const [id, record] of this.#documents) {
      if (record === null || isGone(record)) continue
      const isKnownTo = (relay: string): boolean => record.views.some((view) => view.relay === relay)
      if (record.mayLack || record.deleting || !this.#relays.every(isKnownTo)) yield id
    }
  }

  /** Documents that a relay says another device has deleted, and that are kept here. */
  *deletedElsewhere(): IterableIterator<string> {
    for (const [id, record] of this.#documents)
      if (record !== null && !record.deleting && record.views.some(({ deleted }) => deleted)) yield id
  }

  /** Documents of which something is held that could not be taken in. */
  *holding(): IterableIterator<string> {
    for (const [id, record] of this.#documents) if (record?.holds && !isGone(record)) yield id
  }

  /** Everything is to be listed from the beginning. */
  forgetMarks(relay: string): void {
    this.#feedsOf(relay).marks.clear()
  }

  /** The relay's data is not what was listed before: forgets all of it; the records that say so. */
  forgetFeeds(relay: string): NonNullable<StoreWrite['records']> {
    const records = new Map<string, Uint8Array | null>()
    for (const vault of this.#feedsOf(relay).marks.keys()) {
      this.#forgetVault(relay, vault, records)
      records.set(feedKey(relay, vault), null)
    }
    this.forgetMarks(relay)
    return [...records].map(([key, bytes]) => ({ key, bytes }))
  }

  stale(relay: string): ReadonlySet<string> {
    return this.#feedsOf(relay).stale
  }

  /** The relay lists more documents than are kept in mind: those beyond are not looked at. */
  isOverfull(relay: string): boolean {
    return this.#feedsOf(relay).listings.size > LISTINGS_MAX
  }

  /** Takes in what the feed listed; the records are to be committed before the mark is handed back. */
  listed(relay: string, pages: readonly FeedPage[]): NonNullable<StoreWrite['records']> {
    const records = new Map<string, Uint8Array | null>()
    const begun = new Set<string>()
    for (const page of pages) {
      if (page.status === 'DENIED') continue
      if (page.status === 'RESET' && !begun.has(page.vault)) this.#forgetVault(relay, page.vault, records)
      begun.add(page.vault)
      this.#takePage(relay, page, records)
    }
    // Documents that a feed from its beginning does not name are lost there.
    for (const id of this.#documents.keys()) if (begun.has(vaultOf(id))) this.#check(relay, id)
    return [...records].map(([key, bytes]) => ({ key, bytes }))
  }

  #takePage(relay: string, page: FeedPage, records: Map<string, Uint8Array | null>): void {
    const feeds = this.#feedsOf(relay)
    for (const { documentId, tag, deleted } of page.documents) {
      // It would be asked for at every relay, also at those that tell the truth.
      const parsed = parseDocumentId(documentId)
      if (!parsed.ok || parsed.vault !== page.vault) continue
      if (this.isOverfull(relay) && !feeds.listings.has(documentId)) continue
      const listing: Listing = { tag: tag.slice(), deleted }
      feeds.listings.set(documentId, listing)
      records.set(listingKey(relay, documentId), encodeListing(listing))
      this.#check(relay, documentId)
    }
    const mark = page.mark.slice()
    const before = feeds.marks.get(page.vault)
    if (mark.length === 0 || (before !== undefined && sameBytes(before, mark))) return
    feeds.marks.set(page.vault, mark)
    records.set(feedKey(relay, page.vault), mark)
  }

  #forgetVault(relay: string, vault: string, records: Map<string, Uint8Array | null>): void {
    const { listings, handedBack } = this.#feedsOf(relay)
    for (const id of [...handedBack]) if (vaultOf(id) === vault) handedBack.delete(id)
    for (const id of [...listings.keys()]) {
      if (vaultOf(id) !== vault) continue
      listings.delete(id)
      records.set(listingKey(relay, id), null)
      this.#check(relay, id)
    }
  }

  /** The relay was told of the deletion, or told this device of it, and its feed does not know of it (any more). */
  isTombstoneLost(relay: string, documentId: string): boolean {
    const { listings, marks, handedBack } = this.#feedsOf(relay)
    const view = this.#documents.get(documentId)?.views.find((candidate) => candidate.relay === relay)
    if (!view?.deleted || view.mark.length === 0 || handedBack.has(documentId)) return false
    return marks.has(vaultOf(documentId)) && !listings.has(documentId)
  }

  /** Once for each feed: a token that does not delete must not try for ever. */
  noteHandedBack(relay: string, documentId: string): void {
    this.#feedsOf(relay).handedBack.add(documentId)
    this.#check(relay, documentId)
  }

  #check(relay: string, documentId: string): void {
    const { stale } = this.#feedsOf(relay)
    if (this.#isStale(relay, documentId)) stale.add(documentId)
    else stale.delete(documentId)
  }

  #isStale(relay: string, documentId: string): boolean {
    const { listings, marks } = this.#feedsOf(relay)
    const view = this.#documents.get(documentId)?.views.find((candidate) => candidate.relay === relay)
    const listing = listings.get(documentId)
    if (view?.deleted) return this.isTombstoneLost(relay, documentId)
    if (listing === undefined) return view !== undefined && view.mark.length > 0 && marks.has(vaultOf(documentId))
    if (listing.deleted) return view !== undefined
    const isWanted = this.#documents.has(documentId) || this.#mirror.has(vaultOf(documentId))
    return isWanted && (view === undefined || !sameBytes(view.tag, listing.tag))
  }

  *#known(relay: string): IterableIterator<string> {
    yield* this.#documents.keys()
    yield* this.#feedsOf(relay).listings.keys()
  }

  #feedsOf(relay: string): RelayFeeds {
    return this.#feeds.get(relay) as RelayFeeds
  }
}

interface RelayFeeds {
  /** By vault. */
  readonly marks: Map<string, Uint8Array>
  /** By document id. */
  readonly listings: Map<string, Listing>
  readonly stale: Set<string>
  /** Documents whose tombstones were given back since the feed was listed from its beginning. */
  readonly handedBack: Set<string>
}

/** Deleted by this device, and every relay has been told: only the tombstone is kept. */
function isGone(record: DocumentRecord | null): boolean {
  return record?.gone === true
}

function vaultOf(documentId: string): string {
  return documentId.slice(0, documentId.indexOf('/'))
}
