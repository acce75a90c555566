// The terms of a store's feed: one for each start, from the first feed index that it could assign to where the next
// term began. A feed mark is of this feed only if its term is known and its index lies within that term's end.
import { equalBytes } from '../bytes.ts'
import { decodeFeedMark, encodeFeedMark } from './bookmark.ts'
import type { Bytes } from './contract.ts'

export interface FeedTerm {
  /** 8 random bytes. */
  readonly term: Bytes
  /** One above the feed's head when the term was drawn. */
  readonly firstIndex: number
}

/** Terms remembered: a device that was away for more starts of its relay than this lists its vault from the start. */
export const TERMS_MAX = 1_024

export class FeedTerms {
  readonly #terms: readonly FeedTerm[]
  readonly #current: FeedTerm

  /** @param terms oldest first; the last is the current one. */
  constructor(terms: readonly FeedTerm[]) {
    const current = terms.at(-1)
    if (current === undefined) throw new RangeError('A feed has at least its current term')
    this.#terms = terms
    this.#current = current
  }

  /** A mark of the current term. */
  issue(index: number): Bytes {
    return encodeFeedMark(this.#current.term, index)
  }

  /** The feed index that a mark stands for, or undefined when it is not of this feed, whose head is given. */
  judge(mark: Bytes, head: number): number | undefined {
    const decoded = decodeFeedMark(mark)
    if (decoded === undefined) return undefined
    const at = this.#terms.findIndex(({ term }) => equalBytes(term, decoded.term))
    if (at < 0) return undefined
    const next = this.#terms[at + 1]
    const end = next === undefined ? head : next.firstIndex - 1
    return decoded.index <= end ? decoded.index : undefined
  }
}
