// What one exchange is about, and how it is to go.
import type { CompactionPolicy } from '../options.ts'
import type { LiveDocument } from './live-document.ts'
import type { RelayView } from './relay-view.ts'

export interface ExchangeOptions {
  readonly document: LiveDocument
  readonly view: RelayView
  readonly compaction: CompactionPolicy
  /** Payload bytes that may be under way beyond what the relay said it holds. */
  readonly windowBytes: number
  /** A tombstone is given back to a relay that lost it, and nothing else happens. */
  readonly handsBack: boolean
  /** When the burst began, another relay had all that this one is to get: others may have carried it over. */
  readonly isHeldElsewhere: boolean
}
