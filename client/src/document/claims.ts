// One document's claim in one exchange: made only when the document is exactly the log at a mark, presented in a round after
// the mark was stored, and never twice for one mark.
import type { Claim } from '@tidemark/protocol'
import { EMPTY, hexOf, sameBytes } from './bytes.ts'
import { canonOf, gapFingerprintOf, missingPairsOf } from './canon.ts'
import { claimOf, claimProfile } from './claim.ts'
import type { LiveDocument } from './live-document.ts'
import type { RelayView } from './relay-view.ts'

/** Of one exchange: a claim reads the whole document, and only a relay that wants no end of them wants more. */
const CLAIMS_MAX = 8

export class Claims {
  readonly #document: LiveDocument
  readonly #view: RelayView
  #isWanted = false
  #claim: Claim | null = null
  #claims = 0

  constructor(document: LiveDocument, view: RelayView) {
    this.#document = document
    this.#view = view
  }

  get isDue(): boolean {
    return this.#claim !== null
  }

  wanted(isWanted: boolean): void {
    this.#isWanted = isWanted
  }

  /** The document is not the log, or no longer. */
  spoil(): void {
    this.#isWanted = false
    this.#claim = null
  }

  /** All up to the view's mark was given. */
  synced(): void {
    const { mark, generation, claimedMark } = this.#view
    const { id: documentId, doc, payloads } = this.#document
    const digestKey = payloads.digestKey
    if (!this.#isWanted || mark.length === 0 || sameBytes(mark, claimedMark) || digestKey === null) return
    if (this.#claims === CLAIMS_MAX || !this.#isTheLog()) return
    this.#claims++
    const digest = claimOf({ documentId, mark, canon: canonOf(doc), key: digestKey.key })
    const held = this.#document.held.of(this.#view.relay).map(({ pushId }) => pushId)
    this.#claim = { digest, profile: claimProfile(held, digestKey.id), generation }
    this.#view.claimedMark = mark
  }

  /** For the OPEN of the next round, whose mark is the one that it is made for. */
  take(): Claim | null {
    const claim = this.#claim
    this.#claim = null
    const isOfMark = claim !== null && sameBytes(this.#view.mark, this.#view.claimedMark)
    if (claim !== null && !isOfMark) this.#view.claimedMark = EMPTY
    return isOfMark ? claim : null
  }

  #isTheLog(): boolean {
    const view = this.#view
    const document = this.#document
    if (view.isLacking || view.outgoing.some(({ changes }) => changes !== null)) return false
    if (document.hasPendingEdits || document.needsRebuild || document.held.hasSealed) return false
    // What is missing for good is part of the claim; what may still come is not.
    const missing = missingPairsOf(document.doc)
    return missing.length === 0 || view.isGapPermanent(hexOf(gapFingerprintOf(missing)))
  }
}
