// A payload on its way to a relay: repeated with the same bytes until it is acknowledged or refused. One of more than a
// message is in the device store before its first piece leaves, and goes up in pieces, over several rounds and bursts.
import { LIMITS_BEFORE_WELCOME } from '@tidemark/protocol'
import { EMPTY } from './bytes.ts'
import type { ChangeSet } from './change-set.ts'
import type { IdentifiedPayload } from './payloads.ts'

export interface Outgoing {
  /** Push id or snapshot id. */
  readonly id: Uint8Array
  /** Of a push; of a snapshot it is of no account. */
  readonly format: number
  readonly payload: Uint8Array
  /** What a push carries; null: it is a snapshot. */
  readonly changes: ChangeSet | null
  /** Under which a snapshot was made; of a push empty. */
  readonly mark: Uint8Array
  /** Its row in the device store; null: none yet, or it is small, and derived anew after a restart. */
  rowId: number | null
  /** Bytes that the relay is known to hold; null: it is to be asked. */
  staged: number | null
  /** Bytes that were sent on this connection, from the beginning of the payload. */
  sent: number
}

export function newOutgoing(
  { id, format, payload }: IdentifiedPayload,
  changes: ChangeSet | null,
  { mark = EMPTY, rowId = null }: { mark?: Uint8Array; rowId?: number | null } = {},
): Outgoing {
  return { id, format, payload, changes, mark, rowId, staged: 0, sent: 0 }
}

/** Would not fit the first message of a connection whole. */
export function isLarge({ payload }: Outgoing): boolean {
  return payload.length > LIMITS_BEFORE_WELCOME.pieceBytesMax
}

/** Goes up in rounds of its own, where a frame may carry so many bytes of payload. */
export function goesInPieces(outgoing: Outgoing, pieceBytesMax: number): boolean {
  return outgoing.changes === null || isLarge(outgoing) || outgoing.payload.length > pieceBytesMax
}

/** A large one has to be in the device store before anything of it leaves. */
export function mayLeave(outgoing: Outgoing): boolean {
  return outgoing.rowId !== null || !isLarge(outgoing)
}

/** The relay's answer: what it holds counts, whatever was sent. @returns whether it holds more than before */
export function noteStaged(outgoing: Outgoing, staged: number): boolean {
  const before = outgoing.staged ?? 0
  outgoing.staged = Math.min(staged, outgoing.payload.length)
  outgoing.sent = Math.max(outgoing.sent, outgoing.staged)
  return outgoing.staged > before
}

/** The connection is another one: what was under way is lost, and the relay is to be asked what it holds. */
export function beginConnection(outgoing: Outgoing): void {
  outgoing.staged = null
  outgoing.sent = 0
}
