// One document's part in a burst with one relay: what to open, push and ask, and what to make of the answers.
// Takes frames, changes the document and its view; knows no socket, no channel numbers and no clock.
import type { Ack, Code, Entries, FrameOf, Leased, Opened, Snapshot, Synced } from '@tidemark/protocol'
import * as Y from 'yjs'
import { ERROR_CODE_OF, type ErrorCode, TidemarkError } from '../errors.ts'
import type { DocumentReport } from '../report.ts'
import { retryAfterOf } from '../retry-after.ts'
import { sameBytes } from './bytes.ts'
import { Claims } from './claims.ts'
import { Compaction } from './compaction.ts'
import type { ExchangeOptions } from './exchange-options.ts'
import { GivingBack } from './giving-back.ts'
import type { LiveDocument } from './live-document.ts'
import { isSealed, type Obstacle } from './obstacle.ts'
import { isLarge, noteStaged, type Outgoing } from './outgoing.ts'
import { Pulling, partialOf } from './pulling.ts'
import { DELETED_THERE, type RelayView } from './relay-view.ts'
import { Repairs } from './repairs.ts'
import type { OpenFields, RoundPart } from './round-part.ts'
import { Stalls } from './stalls.ts'
import { Upload, type UploadPart } from './upload.ts'

/** A relay that loses its data again and again must not keep one burst going for ever. */
const RESYNCS_MAX = 8
/** A document that others write to all the time is deleted by another burst. */
const DELETIONS_MAX = 8

export class Exchange {
  readonly document: LiveDocument
  readonly view: RelayView
  readonly handsBack: boolean
  /** It ended while the document was half applied, by whichever relay's entry. */
  isRepeatDue = false
  readonly #pulling: Pulling
  readonly #compaction: Compaction
  readonly #claims: Claims
  readonly #upload: Upload
  readonly #givingBack: GivingBack
  readonly #repairs: Repairs
  /** The marks of the OPENs that were sent and not answered, in order. */
  #marksAsked: Uint8Array[] = []
  /** The first of them has had an OPENED; another begins the answer anew. */
  #isOpened = false
  #resyncs = 0
  /** Nothing has come in this exchange after which the document may hold more than the log. */
  #isClean = true
  readonly #stalls = new Stalls()
  #hasAskedDeletion = false
  #deletions = 0
  #deletedThere = false
  #outcome: DocumentReport['outcome'] = 'unfinished'
  #isOver = false
  #error: TidemarkError | null = null
  /** The newest REFUSED. What the relay gives is taken in all the same. */
  #refusal: TidemarkError | null = null
  #entriesPushed = 0

  constructor({ document, view, compaction, windowBytes, handsBack, isHeldElsewhere }: ExchangeOptions) {
    this.document = document
    this.view = view
    this.handsBack = handsBack
    this.#compaction = new Compaction(document, view, compaction)
    this.#claims = new Claims(document, view)
    this.#givingBack = new GivingBack(view, isHeldElsewhere)
    this.#repairs = new Repairs(view)
    this.#upload = new Upload(view, this.#compaction, windowBytes)
    this.#pulling = new Pulling({
      document,
      view,
      fail: (error) => this.#settle('failed', error),
      refused: (id, obstacle) => this.#noteRefusal(id, obstacle),
      tookSnapshot: () => this.#resync(),
      took: (updates) => {
        this.#stalls.moved()
        this.#compaction.given(updates)
      },
    })
  }

  get documentId(): string {
    return this.document.id
  }

  get error(): TidemarkError | null {
    return this.#error ?? this.#refusal
  }

  /** Takes part in no further round. */
  get isSettled(): boolean {
    return this.#isOver
  }

  get #deletes(): boolean {
    return this.document.deleting || this.handsBack
  }

  /** Milliseconds after which what is owed may be given back; 0: no wish. */
  get returnAfterMs(): number {
    return this.#givingBack.isWaiting ? this.#givingBack.returnAfterMs : 0
  }

  /** Derives what there is to push; may be called without `begin` following. @returns bytes that go whole, at most */
  prepare(nowMs: number, pieceBytesMax: number): number {
    const { view, document } = this
    if (this.#deletes || document.needsRebuild) return 0
    if (document.payloads.isLocked) this.#refusal ??= document.lockedProblem
    else view.derivePushes(document.doc, nowMs, this.#givingBack.leave, (update) => document.payloads.seal(update))
    document.transfers.keepOutgoing(view)
    return this.#upload.whole(pieceBytesMax).reduce((sum, { payload }) => sum + payload.length, 0)
  }

  /** For each round in which the document takes part, anew, after `prepare`. */
  begin(pieceBytesMax: number): RoundPart {
    const { view } = this
    const pushes = this.#deletes ? [] : this.#upload.whole(pieceBytesMax)
    const asks = this.#deletes ? [] : this.#upload.asks()
    const lease = this.#deletes || this.#pulling.isVoid ? null : this.#compaction.begin()
    const repairs = this.#repairs.begin()
    this.#givingBack.begin(view.outgoing.length > 0)
    const open = this.#open(!this.handsBack, pushes.length + asks.length > 0)
    const deletion = this.#deletes && view.mark.length > 0 ? view.mark : null
    this.#hasAskedDeletion ||= deletion !== null
    return { open: { ...open, claim: this.#claims.take() }, pushes, asks, repairs, lease, deletion }
  }

  /**
   * The next pieces of a large payload, in a round of their own that may be sent ahead; null: none, or not now.
   * @param payloadBytes about how many; one piece at least
   */
  beginUpload(payloadBytes: number, pieceBytesMax: number): UploadPart<OpenFields> | null {
    const pieces = this.#isOver ? [] : this.#upload.next(payloadBytes, pieceBytesMax)
    if (pieces.length === 0) return null
    // The round that completes a push pulls: there the acknowledgement stands for the entry, which is not given back.
    const isLast = pieces.some((piece) => piece.isLast)
    return { open: { ...this.#open(isLast, true), claim: null }, pieces }
  }

  /** Goes up in pieces, and there is more to send. */
  get isUploading(): boolean {
    return !this.#isOver && this.#upload.isUnderWay
  }

  /** The rounds that were sent ahead are answered: what the relay did not say it holds is sent again. */
  uploadAnswered(): void {
    if (!this.#upload.answered(this.#pulling.takeMoved()))
      this.fail('RELAY_FAULT', 'The relay does not take the pieces of a large payload')
  }

  opened(frame: Opened): void {
    if (this.#isOver) return
    this.#pulling.begin()
    this.#givingBack.opened(frame)
    this.#repairs.opened()
    const { view } = this
    // The OPEN left before the answer after which the log is to be given anew: what answers it goes on from what is void.
    const isOvertaken = !this.#isOpened && !sameBytes(this.#marksAsked[0] ?? view.mark, view.mark)
    this.#isOpened = true
    switch (frame.status) {
      case 'DELETED':
        this.#wasDeleted()
        return
      case 'RESET':
        if (!this.handsBack) this.#beginResync(frame)
        return
      default:
        if (isOvertaken) {
          this.#pulling.isVoid = true
          return
        }
        if (this.document.deleting && frame.status === 'NEW') this.#noteDeleted()
        if (view.isRepaired(frame.generation) || (!this.#deletes && view.isDenied(frame))) {
          this.#beginResync(frame)
          this.#pulling.isVoid = true
        }
        view.incarnation = frame.incarnation.slice()
        view.generation = frame.generation.slice()
        this.#compaction.consider(this.#isClean ? frame.urgency : 'NONE')
        this.#claims.wanted(frame.claimWanted)
    }
  }

  acknowledged({ pushId, receipt }: Ack): void {
    // It is what tells later that the relay has lost the push.
    if (receipt.length === 0) return this.fail('MALFORMED', 'The relay acknowledged a push without a receipt')
    const push = this.view.acknowledged(pushId, receipt.slice())
    if (push !== undefined) {
      if (this.#pulling.isNoting || this.#compaction.isNoting) this.#noteGiven(push)
      this.document.transfers.dropOutgoing(push)
      this.#entriesPushed++
      this.#stalls.moved()
    }
    this.document.touch()
  }

  refused({ pushId, code, message, retryAfterMs }: FrameOf<'REFUSED'>): void {
    // What it holds of a large one a later burst goes on with: derived anew, all of it would go up again.
    if (this.view.outgoing.some((one) => isLarge(one) && sameBytes(one.id, pushId))) this.#upload.halt()
    else this.#drop(pushId)
    if (code === 'READ_ONLY') this.view.readOnly = true
    const waitMs = retryAfterOf(retryAfterMs)
    this.#compaction.spoil()
    this.#refusal = this.#toError(ERROR_CODE_OF[code], `The relay refused the edits: ${message}`, waitMs)
  }

  have({ id, staged }: FrameOf<'HAVE'>): void {
    const outgoing = this.view.outgoing.find((candidate) => sameBytes(candidate.id, id))
    if (outgoing !== undefined && noteStaged(outgoing, staged)) this.#stalls.uploaded()
  }

  entries(frame: Entries): void {
    if (!this.#isOver) this.#pulling.entries(frame)
  }

  snapshot(frame: Snapshot): void {
    if (!this.#isOver) this.#pulling.snapshot(frame)
  }

  mark(mark: Uint8Array): void {
    if (!this.#isOver) this.#pulling.mark(mark)
  }

  leased(frame: Leased): void {
    this.#compaction.leased(frame)
  }

  /** A snapshot is in place, or cannot be: the relay asks again when it wants one. */
  compacted(code: Code): void {
    this.#compaction.giveUp(code !== 'LEASE_LOST' && code !== 'OVERLOADED' && code !== 'STORAGE')
  }

  deletedThere(code: Code): void {
    if (!this.#hasAskedDeletion) this.fail('MALFORMED', 'The relay deleted a document that nobody asked it to')
    else if (code === 'OK') this.#noteDeleted()
    else if (code !== 'CHANGED' && !this.handsBack)
      this.fail(ERROR_CODE_OF[code], 'The relay does not delete the document')
  }

  /** Whether the document is to take part in another round of this burst. */
  synced(frame: Synced, nowMs: number): boolean {
    this.roundEnded()
    if (this.#isOver) return false
    const { view } = this
    if (frame.mark.length > 0) this.mark(frame.mark.slice())
    if (this.#error !== null) return false
    if (this.document.needsRebuild) {
      this.#settle('unfinished', null)
      return false
    }
    if (this.#deletes) return this.#goOnDeleting()
    const isPulled = frame.mark.length > 0 || view.incarnation.length === 0
    if (isPulled && !this.#pulling.isVoid) this.#pulled(frame, nowMs)
    this.document.touch()
    this.#stalls.roundEnded()
    const again = this.#isMoreDue(isPulled)
    if (again && !this.#stalls.isStuck) return true
    if (again) this.fail('RELAY_FAULT', 'The relay asks for more rounds again and again, and gets no further')
    else if (this.#refusal !== null) this.#settle('failed', this.#refusal)
    else this.#settle(this.#givingBack.isWaiting ? 'unfinished' : 'synced', null)
    return false
  }

  /** The round has ended, whether or not all of it was answered. */
  roundEnded(): void {
    this.#marksAsked.shift()
    this.#isOpened = false
  }

  /** There is nothing to do with this relay. */
  skip(): void {
    this.#settle('synced', null)
  }

  fail(code: ErrorCode, message: string, retryAfterMs: number | null = null): void {
    this.#settle('failed', this.#toError(code, message, retryAfterMs))
  }

  report(): DocumentReport {
    return {
      id: this.document.id,
      outcome: this.#outcome,
      error: this.error,
      entriesPushed: this.#entriesPushed,
      entriesPulled: this.#pulling.entriesPulled,
      reseeded: this.#givingBack.hasReseeded,
    }
  }

  #open(pull: boolean, push: boolean): Omit<OpenFields, 'claim'> {
    const { view, document, documentId } = this
    const reseeding = !this.#deletes && !document.payloads.isLocked && this.#givingBack.asks(this.#upload.isComplete)
    const { incarnation, mark, receipt, creating } = view
    const partial = pull ? partialOf(view) : null
    this.#marksAsked.push(mark)
    return { documentId, pull, push, linger: false, create: creating, reseeding, incarnation, mark, receipt, partial }
  }

  /** The mark, what it covers and what follows from it are on this device, and on their way to its store. */
  #pulled(frame: Synced, nowMs: number): void {
    const { view, document } = this
    // In a resync the relay does not know what this device pushed before: what it confirms is an older mark.
    const isConfirmed = frame.confirmed && !view.resyncing
    this.#pulling.finishResync()
    view.tag = frame.tag.slice()
    view.deleted = false
    view.confirmed = isConfirmed && !view.isLacking
    if (this.#refusal === null) view.lastSyncedAt = nowMs
    this.#givingBack.pulled()
    this.#compaction.synced(frame.mark)
    for (const outgoing of view.landArrived()) document.transfers.dropOutgoing(outgoing)
    document.transfers.keepOutgoing(view)
    // What is held for want of a key leaves gaps that no repair brings.
    if (!document.held.hasSealed) this.#repairs.noteGap(document.doc, this.#isClean)
    if (this.#isClean) this.#claims.synced()
  }

  #isMoreDue(isPulled: boolean): boolean {
    if (this.#pulling.isVoid || !isPulled || this.#upload.isWholeDue) return true
    if (this.#upload.isDue || this.#repairs.isDue || this.#claims.isDue || this.#compaction.isDue) return true
    return this.#givingBack.isDue && this.#refusal === null
  }

  #beginResync({ incarnation, generation }: Opened): void {
    const { view, document } = this
    if (++this.#resyncs > RESYNCS_MAX) this.fail('RELAY_FAULT', 'The relay begins the log anew again and again')
    view.resync(document.committedChanges(), Y.encodeStateAsUpdate(document.doc).length)
    view.incarnation = incarnation.slice()
    view.generation = generation.slice()
    this.#pulling.beginResync()
    this.#resync()
    document.touch()
  }

  #resync(): void {
    this.#isClean = false
    this.#givingBack.restart()
    this.#compaction.spoil()
    this.#claims.spoil()
  }

  /** It counts as given. */
  #noteGiven(push: Outgoing): void {
    const opened = this.document.payloads.open(push)
    if ('content' in opened) {
      this.#pulling.acknowledged(opened.content)
      this.#compaction.given([opened.content])
    } else {
      this.#compaction.spoil() // Its key has gone since it was sealed.
    }
  }

  #noteRefusal(id: Uint8Array, obstacle: Obstacle): void {
    const { cause } = obstacle
    if (cause === 'CANNOT_APPLY') this.#repairs.add('CANNOT_APPLY', id)
    else if (cause === 'NOT_AUTHENTIC') this.#repairs.add('CANNOT_DECRYPT', id)
    // What is held may be taken in at any time from now on, behind the back of this exchange.
    if (isSealed(obstacle)) this.#compaction.spoil()
  }

  #wasDeleted(): void {
    if (this.#deletes) {
      this.#noteDeleted()
      return
    }
    this.view.deleted = true
    this.document.touch()
    this.fail('DELETED', DELETED_THERE)
  }

  #noteDeleted(): void {
    this.#deletedThere = true
    this.view.deleted = true
    if (this.#deletes) this.document.touch()
    else this.document.createAnew() // The app has begun it anew meanwhile.
  }

  /** What others wrote meanwhile was given in this round: the next one names the mark after it. */
  #goOnDeleting(): boolean {
    if (this.#deletedThere || this.handsBack) {
      this.#settle('synced', null)
      return false
    }
    this.#deletions++
    if (this.#deletions < DELETIONS_MAX) return true
    this.fail('RELAY_FAULT', 'The document was not deleted: others write to it all the time')
    return false
  }

  #drop(id: Uint8Array): void {
    const outgoing = this.view.land(id)
    if (outgoing !== undefined) this.document.transfers.dropOutgoing(outgoing)
  }

  #toError(code: ErrorCode, message: string, retryAfterMs: number | null): TidemarkError {
    return new TidemarkError(code, message, { relay: this.view.relay, documentId: this.document.id, retryAfterMs })
  }

  #settle(outcome: DocumentReport['outcome'], error: TidemarkError | null): void {
    this.#outcome = outcome
    this.#error = error
    this.#isOver = true
    this.isRepeatDue = this.document.needsRebuild
  }
}
