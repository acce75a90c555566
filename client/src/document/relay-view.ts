// One document as one relay has it, by what this device was told: bookmarks, and what the relay lacks.
// Pure state; the rows and the record that make it durable are LiveDocument's.
import type { Opened } from '@tidemark/protocol'
import type * as Y from 'yjs'
import { EMPTY, sameBytes } from './bytes.ts'
import { ChangeSet } from './change-set.ts'
import type { IdSet } from './id-set.ts'
import type { Incoming } from './incoming.ts'
import { isLarge, newOutgoing, type Outgoing } from './outgoing.ts'
import type { IdentifiedPayload } from './payloads.ts'
import { PutOff, type Wait } from './put-off.ts'
import type { RelayViewRecord } from './record.ts'
import { buildsOn, changesOfPending, encodeChanges, pendingUpdate, structsBeyond } from './update.ts'

/** An update as it goes out. */
type Seal = (update: Uint8Array) => IdentifiedPayload

/** Of what a relay lacks, what may leave now. */
export interface Leave {
  readonly unsent: boolean
  readonly owed: boolean
}

/** Causes of repairs that are remembered: of more, the oldest would be reported once again. */
const REPORTED_MAX = 64
/** A gap that was reported after two bursts, and outlived the repair that followed, is permanent. */
const GAP_BURSTS_PERMANENT = 3

/** Why a document takes no part any more. */
export const DELETED_THERE = 'The document was deleted on the relay; what this device has of it is kept'

export class RelayView {
  readonly relay: string
  incarnation: Uint8Array = EMPTY
  mark: Uint8Array = EMPTY
  receipt: Uint8Array = EMPTY
  tag: Uint8Array = EMPTY
  generation: Uint8Array = EMPTY
  deleted = false
  /** The document is to be begun anew where a tombstone stands. */
  creating = false
  /** The log is being given from its beginning, or from a snapshot: what is owed shrinks as it comes. */
  resyncing = false
  /** Another device has claimed a mark at or after this device's newest acknowledged push. */
  confirmed = false
  /** The relay refused a push because the token only reads, and has taken none since. */
  readOnly = false
  lastSyncedAt: number | null = null
  /** Made here, in the device store, and never acknowledged by this relay: goes first. */
  unsent: ChangeSet
  /** What the relay lacks besides: other devices may have it too, so it is given back in turn. */
  owed: ChangeSet
  /** About what pushing both would carry. */
  unsentBytes = 0
  outgoing: Outgoing[] = []
  /** The mark of this device's newest claim: none is made twice. */
  claimedMark: Uint8Array = EMPTY
  /** A payload of which the first bytes have come. */
  incoming: Incoming | null = null
  /** What was missing at the end of the last bursts, as fingerprint in hex, and for how many bursts. */
  gap = ''
  gapBursts = 0
  #reported: string[] = []
  /** Deletions that Yjs made while it cleaned up after a relay's entry: every device makes the same ones. */
  readonly #echoes = new PutOff()
  /** Of what is owed, what another relay gave lately: whoever made it is about to bring it, or did meanwhile. */
  readonly #learned = new PutOff()

  /** Without a record the relay is new to this device, and lacks `everything`; other devices may have it too. */
  constructor(relay: string, everything: () => ChangeSet, record?: RelayViewRecord) {
    this.relay = relay
    this.unsent = record?.unsent ?? new ChangeSet()
    this.owed = record?.owed ?? everything()
    if (record === undefined) return
    this.incarnation = record.incarnation
    this.mark = record.mark
    this.receipt = record.receipt
    this.tag = record.tag
    this.generation = record.generation
    this.deleted = record.deleted
    this.creating = record.creating
    this.resyncing = record.resyncing
    this.confirmed = record.confirmed
    this.readOnly = record.readOnly
    this.unsentBytes = record.unsentBytes
    this.lastSyncedAt = record.lastSyncedAt
    this.#reported = [...record.reported]
    this.gap = record.gap
    this.gapBursts = record.gapBursts
  }

  toRecord(unsentThroughRow: number): RelayViewRecord {
    const { relay, incarnation, mark, receipt, tag, generation, lastSyncedAt, gap, gapBursts } = this
    const { deleted, creating, resyncing, confirmed, readOnly, unsent, owed, unsentBytes } = this
    const bookmarks = { relay, incarnation, mark, receipt, tag, generation, lastSyncedAt }
    const flags = { deleted, creating, resyncing, confirmed, readOnly }
    const reported = this.#reported
    return { ...bookmarks, ...flags, unsent, owed, unsentThroughRow, unsentBytes, reported, gap, gapBursts }
  }

  /** The relay neither gave nor acknowledged all that is on this device. */
  get isLacking(): boolean {
    return !this.unsent.isEmpty || !this.owed.isEmpty
  }

  /** The relay names another generation than was met: what it gave is to be given anew. One that was never met differs from none. */
  isRepaired(generation: Uint8Array): boolean {
    const isOther = this.generation.length > 0 && !sameBytes(generation, this.generation)
    return isOther && (this.mark.length > 0 || this.resyncing)
  }

  /**
   * The bookmarks are of another log than the one that the relay says it serves, or it has none, and yet it does not say RESET:
   * nothing of what it is thought to have is there for sure.
   */
  isDenied({ status, incarnation }: Pick<Opened, 'status' | 'incarnation'>): boolean {
    if (this.mark.length === 0 && this.receipt.length === 0) return false
    return status === 'NEW' || (this.incarnation.length > 0 && !sameBytes(incarnation, this.incarnation))
  }

  /** These were made here, and this relay did not acknowledge them. */
  lacks(changes: ChangeSet, byteLength: number): void {
    this.unsent.addAll(changes)
    this.unsentBytes += byteLength
    this.confirmed = false
  }

  /** These are on this device, another relay gave them, and this one did not. */
  owes(changes: ChangeSet, byteLength: number, wait: Wait): void {
    const others = changes.without(this.unsent)
    // What is owed already is not put off by being learned again.
    this.#learned.add(others.without(this.owed), wait)
    this.owed.addAll(others)
    this.unsentBytes += byteLength
  }

  /** Something is owed that waits for nothing but the turn. */
  get isOwedDue(): boolean {
    return !this.#learned.changes.includes(this.owed)
  }

  /** Nothing that was put off waits any longer. */
  endWait(): void {
    this.#learned.end()
    this.#echoes.end() // An observer's deletions are among them, which nobody else may make.
  }

  /** The relay gave or acknowledged these: it has them. */
  known(changes: ChangeSet, byteLength: number): void {
    this.unsent.removeAll(changes)
    this.owed.removeAll(changes)
    this.unsentBytes = this.isLacking ? Math.max(1, this.unsentBytes - byteLength) : 0
    this.#learned.removeAll(changes)
    this.#echoes.removeAll(changes)
  }

  /** Puts off a push of nothing but `deletes`, in the hope that another device's arrives first. */
  deferEcho(deletes: IdSet, wait: Wait): void {
    this.#echoes.add(new ChangeSet(undefined, deletes), wait)
  }

  /**
   * The log is given anew, from its beginning or from a snapshot: the relay has what it gives from now on, and nothing
   * else. What was made here and never acknowledged stays unsent; the rest of `everything` is owed until it comes.
   */
  resync(everything: ChangeSet, byteLength: number): void {
    this.mark = EMPTY
    this.receipt = EMPTY
    this.tag = EMPTY
    this.owed = everything.without(this.unsent)
    this.unsentBytes = this.isLacking ? byteLength : 0
    this.resyncing = true
    this.confirmed = false
    this.claimedMark = EMPTY
  }

  /** The document is begun anew there: all of it is this device's to give. */
  createAnew(everything: ChangeSet, byteLength: number): void {
    this.resync(new ChangeSet(), 0)
    this.#learned.end()
    this.resyncing = false
    this.incarnation = EMPTY
    this.generation = EMPTY
    this.unsent = everything
    this.unsentBytes = byteLength
    this.deleted = false
    this.creating = true
  }

  /** Derives what is to be pushed beside what is on its way already. */
  derivePushes(doc: Y.Doc, nowMs: number, leave: Leave, seal: Seal): void {
    // What was made here on top of something is of no use to a reader who lacks that.
    const isEcho = this.#isDeferred(this.unsent, nowMs)
    if (this.#learned.isOver(nowMs) || (!isEcho && buildsOn(doc, this.unsent, this.#learned.changes)))
      this.#learned.end()
    const rest = leave.unsent ? this.unsent.copy() : new ChangeSet()
    if (leave.owed) rest.addAll(this.owed.without(this.#learned.changes))
    for (const { changes } of this.outgoing) if (changes !== null) rest.removeAll(changes)
    if (rest.isEmpty || this.#isDeferred(rest, nowMs)) return
    const pending = structsBeyond(doc, rest)
    rest.removeAll(pending)
    this.#launch(encodeChanges(doc, rest), rest, seal)
    if (pending.isEmpty) return
    // It goes in one piece, with what was not meant to leave yet.
    pending.addAll(changesOfPending(doc))
    this.#launch(pendingUpdate(doc), pending, seal)
  }

  /**
   * A burst begins: small pushes that were never acknowledged, of what others may have brought since, are taken back. What
   * is still missing later is derived anew.
   * @param isHeldElsewhere that goes for what was made here, too
   */
  withdraw(isHeldElsewhere: boolean): void {
    const stays = ({ changes }: Outgoing): boolean =>
      changes === null || (!isHeldElsewhere && changes.intersects(this.unsent))
    this.outgoing = this.outgoing.filter((outgoing) => isLarge(outgoing) || stays(outgoing))
  }

  /** What neither is on its way nor has arrived: a state that holds it is not the log's. */
  get isUncarried(): boolean {
    const rest = this.unsent.copy()
    rest.addAll(this.owed)
    for (const { changes } of this.outgoing) if (changes !== null) rest.removeAll(changes)
    return !rest.isEmpty
  }

  /** Undefined: it was acknowledged already. */
  acknowledged(pushId: Uint8Array, receipt: Uint8Array): Outgoing | undefined {
    this.receipt = receipt
    // The log has moved: a feed that names the state before has lost the push.
    this.tag = EMPTY
    this.creating = false
    this.readOnly = false
    const push = this.land(pushId)
    if (push?.changes) this.known(push.changes, push.payload.length)
    return push
  }

  /** It arrived, or was refused. */
  land(id: Uint8Array): Outgoing | undefined {
    const at = this.outgoing.findIndex((outgoing) => sameBytes(outgoing.id, id))
    return at < 0 ? undefined : this.outgoing.splice(at, 1)[0]
  }

  /** A repair was asked for this cause, and the relay answered. */
  isReported(fingerprint: string): boolean {
    return this.#reported.includes(fingerprint)
  }

  report(fingerprint: string): void {
    if (!this.isReported(fingerprint)) this.#reported = [...this.#reported, fingerprint].slice(-REPORTED_MAX)
  }

  /** Takes out the pushes of which the relay gave everything meanwhile. */
  landArrived(): readonly Outgoing[] {
    const lacking = this.unsent.copy()
    lacking.addAll(this.owed)
    const hasArrived = ({ changes }: Outgoing): boolean => changes?.without(changes.without(lacking)).isEmpty === true
    const arrived = this.outgoing.filter(hasArrived)
    this.outgoing = this.outgoing.filter((outgoing) => !arrived.includes(outgoing))
    return arrived
  }

  /** What is missing at the end of a burst (empty: nothing); whether it was missing at the end of the one before too. */
  noteGap(fingerprint: string): boolean {
    this.gapBursts = fingerprint === '' ? 0 : fingerprint === this.gap ? this.gapBursts + 1 : 1
    this.gap = fingerprint
    return this.gapBursts >= 2
  }

  /** This is what has been missing for so many bursts that nothing will bring it. */
  isGapPermanent(fingerprint: string): boolean {
    return fingerprint === this.gap && this.gapBursts >= GAP_BURSTS_PERMANENT
  }

  #launch(update: Uint8Array | null, changes: ChangeSet, seal: Seal): void {
    if (update === null) {
      this.known(changes, 0) // Nothing of it is in the document.
    } else {
      this.outgoing.push(newOutgoing(seal(update), changes))
    }
  }

  /** Nothing but Yjs's own clean-up: it waits for others', and for what it deletes. */
  #isDeferred(rest: ChangeSet, nowMs: number): boolean {
    if (!rest.structs.isEmpty || !this.#echoes.changes.deletes.includes(rest.deletes)) return false
    return !this.#echoes.isOver(nowMs) || this.#learned.changes.structs.intersects(rest.deletes)
  }
}
