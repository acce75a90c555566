// One document as one relay has it, by what this device was told: bookmarks, and what the relay lacks.
// Pure state; the rows and the record that make it durable are LiveDocument's.
import type * as Y from 'yjs'
import type { ChangeSet } from './change-set.ts'
import { IdSet } from './id-set.ts'
import type { RelayViewRecord } from './record.ts'
import { encodeChanges, pendingUpdate, structsBeyond } from './update.ts'

export const EMPTY: Uint8Array = new Uint8Array(0)

/** A payload on its way. It is repeated with the same bytes until it is acknowledged or refused. */
export interface PushInFlight {
  readonly pushId: Uint8Array
  readonly payload: Uint8Array
  readonly changes: ChangeSet
  /** Bytes that the relay said it holds of a payload that takes several messages. */
  staged: number
}

export class RelayView {
  readonly relay: string
  incarnation: Uint8Array = EMPTY
  mark: Uint8Array = EMPTY
  receipt: Uint8Array = EMPTY
  tag: Uint8Array = EMPTY
  deleted = false
  /** Between RESET and the SYNCED that ends it: nothing of `unsent` is pushed before it is known what the relay has. */
  resyncing = false
  lastSyncedAt: number | null = null
  /** Of edits that are in the device store, never of one that is not; and of what other relays gave. */
  unsent: ChangeSet
  /** About what pushing `unsent` would carry. */
  unsentBytes = 0
  inFlight: PushInFlight[] = []
  /** Deletions that Yjs made while it cleaned up after a relay's entry: every device makes the same ones. */
  #echoes = new IdSet()
  #echoesDueAt = 0

  constructor(relay: string, unsent: ChangeSet, record?: RelayViewRecord) {
    this.relay = relay
    this.unsent = unsent
    if (record === undefined) return
    this.incarnation = record.incarnation
    this.mark = record.mark
    this.receipt = record.receipt
    this.tag = record.tag
    this.deleted = record.deleted
    this.resyncing = record.resyncing
    this.unsentBytes = record.unsentBytes
    this.lastSyncedAt = record.lastSyncedAt
  }

  toRecord(unsentThroughRow: number): RelayViewRecord {
    const { relay, incarnation, mark, receipt, tag, deleted, resyncing, unsent, unsentBytes, lastSyncedAt } = this
    const bookmarks = { incarnation, mark, receipt, tag, deleted, resyncing }
    return { relay, ...bookmarks, unsent, unsentThroughRow, unsentBytes, lastSyncedAt }
  }

  /** These are on this device, and this relay neither gave nor acknowledged them. */
  lacks(changes: ChangeSet, byteLength: number): void {
    this.unsent.addAll(changes)
    this.unsentBytes += byteLength
  }

  /** The relay gave or acknowledged these: it has them. */
  known(changes: ChangeSet, byteLength: number): void {
    this.unsent.removeAll(changes)
    this.unsentBytes = this.unsent.isEmpty ? 0 : Math.max(1, this.unsentBytes - byteLength)
    this.#echoes.removeAll(changes.deletes)
  }

  /** Puts off a push of nothing but `deletes`, in the hope that another device's arrives first. */
  deferEcho(deletes: IdSet, dueAtMs: number): void {
    if (this.#echoes.isEmpty) this.#echoesDueAt = dueAtMs
    this.#echoes.addAll(deletes)
  }

  /** The bookmarks were not of this relay's log: it lacks all that it does not give again. */
  reset(incarnation: Uint8Array, everything: ChangeSet, byteLength: number): void {
    this.incarnation = incarnation
    this.mark = EMPTY
    this.receipt = EMPTY
    this.tag = EMPTY
    this.unsent = everything
    this.unsentBytes = everything.isEmpty ? 0 : byteLength
    this.resyncing = true
  }

  /** What is to be pushed now: what is in flight with the same bytes, then what is unsent beside it. */
  pushes(doc: Y.Doc, nowMs: number, pushIdOf: (payload: Uint8Array) => Uint8Array): readonly PushInFlight[] {
    if (this.resyncing) return this.inFlight
    const rest = this.unsent.copy()
    for (const { changes } of this.inFlight) rest.removeAll(changes)
    if (rest.isEmpty || this.#isDeferred(rest, nowMs)) return this.inFlight
    const pending = structsBeyond(doc, rest)
    rest.removeAll(pending)
    this.#launch(encodeChanges(doc, rest), rest, pushIdOf)
    if (!pending.isEmpty) this.#launch(pendingUpdate(doc), pending, pushIdOf)
    return this.inFlight
  }

  acknowledged(pushId: Uint8Array, receipt: Uint8Array): boolean {
    this.receipt = receipt
    const push = this.#land(pushId)
    if (push !== undefined) this.known(push.changes, push.payload.length)
    return push !== undefined
  }

  refused(pushId: Uint8Array): void {
    this.#land(pushId)
  }

  #launch(payload: Uint8Array | null, changes: ChangeSet, pushIdOf: (payload: Uint8Array) => Uint8Array): void {
    if (payload === null) {
      this.known(changes, 0) // Nothing of it is in the document.
    } else {
      this.inFlight.push({ pushId: pushIdOf(payload), payload, changes, staged: 0 })
    }
  }

  #land(pushId: Uint8Array): PushInFlight | undefined {
    const at = this.inFlight.findIndex((push) => sameBytes(push.pushId, pushId))
    return at < 0 ? undefined : this.inFlight.splice(at, 1)[0]
  }

  #isDeferred(rest: ChangeSet, nowMs: number): boolean {
    return rest.structs.isEmpty && nowMs < this.#echoesDueAt && this.#echoes.includes(rest.deletes)
  }
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
