// Numbers of enumerations and bits of flags, as docs/protocol.md lists them. A name's place in a list is its number:
// new names go to the end.
import { CODE, type Code } from './codes.ts'
import { type FeedPage, FRAME_TYPE, type FrameName, type Opened, type Repair } from './frames.ts'

export const ID_BYTES = 16
export const TAG_BYTES = 8

/** A frame type with this bit set is skipped by a reader that does not know it. */
export const IGNORABLE_BIT = 0x40

export const FEED_PAGE_STATUS: readonly FeedPage['status'][] = ['OK', 'RESET', 'DENIED']
export const OPENED_STATUS: readonly Opened['status'][] = ['OK', 'NEW', 'RESET', 'DELETED']
export const URGENCY: readonly Opened['urgency'][] = ['NONE', 'LOW', 'HIGH']
export const TURN: readonly Opened['turn'][] = ['NONE', 'YOURS', 'WAIT']
export const REPAIR_REASON: readonly Repair['reason'][] = ['CANNOT_DECRYPT', 'CANNOT_APPLY', 'GAP', 'DIGEST']
export const CODE_NAMES: readonly Code[] = Object.keys(CODE) as Code[]

export const OPEN_FLAG = {
  PULL: 1,
  PUSH: 2,
  LINGER: 4,
  CREATE: 8,
  RESEEDING: 16,
  /** A claim follows the receipt. */
  CLAIM: 32,
  /** A partial follows the claim or its place. */
  PARTIAL: 64,
} as const
export const FEED_PAGE_FLAG_MORE = 1
export const FEED_DOCUMENT_FLAG_DELETED = 1
export const OPENED_FLAG_CLAIM_WANTED = 1
export const SYNCED_FLAG_CONFIRMED = 1
export const ERROR_FLAG_RETRYABLE = 1
export const DONE_FLAG_MORE = 1

/** Frame names by type number; undefined where version 1 has none. */
export const FRAME_NAMES: readonly (FrameName | undefined)[] = frameNames()

function frameNames(): (FrameName | undefined)[] {
  const names: (FrameName | undefined)[] = []
  for (const name of Object.keys(FRAME_TYPE) as FrameName[]) names[FRAME_TYPE[name]] = name
  return names
}
