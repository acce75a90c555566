// One document's part in a burst with one relay: what to open and push, and what to make of the answers.
// Takes frames, changes the document and its view; knows no socket, no channel numbers and no clock.
import type { Ack, Entries, FrameOf, Open, Opened, Synced } from '@tidemark/protocol'
import * as Y from 'yjs'
import { ERROR_CODE_OF, type ErrorCode, TidemarkError } from '../errors.ts'
import type { DocumentReport } from '../report.ts'
import type { LiveDocument } from './live-document.ts'
import { payloadId } from './payload-id.ts'
import { type PushInFlight, type RelayView, sameBytes } from './relay-view.ts'
import type { HeldEntry } from './rows.ts'
import { changesOfTransaction } from './update.ts'

export type OpenFields = Omit<Open, 'type' | 'channel'>

/** An entry of which only the first bytes have come. */
interface PartialEntry {
  readonly pushId: Uint8Array
  readonly format: number
  readonly payload: Uint8Array
  received: number
}

/** A relay that loses its data again and again must not keep one burst going for ever. */
const ROUNDS_MAX = 1_000

export class Exchange {
  readonly document: LiveDocument
  readonly view: RelayView
  #collected: HeldEntry[] = []
  #partial: PartialEntry | null = null
  /** All that the relay gave since it answered RESET; null: no RESET in this exchange. */
  #givenSinceReset: Uint8Array[] | null = null
  #rounds = 0
  #outcome: DocumentReport['outcome'] = 'unfinished'
  #error: TidemarkError | null = null
  /** The newest REFUSED. What the relay gives is taken in all the same. */
  #refusal: TidemarkError | null = null
  #entriesPushed = 0
  #entriesPulled = 0
  #reseeded = false
  #reseedDue = false
  #bytesToCome = 0

  constructor(document: LiveDocument, view: RelayView) {
    this.document = document
    this.view = view
  }

  get documentId(): string {
    return this.document.id
  }

  get error(): TidemarkError | null {
    return this.#error ?? this.#refusal
  }

  get isSettled(): boolean {
    return this.#outcome !== 'unfinished'
  }

  get bytesToCome(): number {
    return this.#bytesToCome
  }

  /** Whether an OPEN or PUSH is worth its bytes even where the feed says that nothing has changed. */
  get hasPushes(): boolean {
    return !this.view.unsent.isEmpty || this.view.inFlight.length > 0
  }

  /** For each round in which the document takes part, anew. */
  begin(nowMs: number): { readonly open: OpenFields; readonly pushes: readonly PushInFlight[] } {
    this.#rounds++
    this.#collected = []
    this.#partial = null
    const pushes = this.view.pushes(this.document.doc, nowMs, payloadId)
    const { incarnation, mark, receipt } = this.view
    const open: OpenFields = {
      documentId: this.document.id,
      pull: true,
      push: pushes.length > 0,
      linger: false,
      create: false,
      reseeding: this.#reseeded,
      incarnation,
      mark,
      receipt,
      claim: null,
      partial: null,
    }
    return { open, pushes }
  }

  opened(frame: Opened): void {
    this.#bytesToCome = frame.bytesToCome
    if (frame.status === 'DELETED') {
      this.view.deleted = true
      this.document.touch()
      this.fail('DELETED', 'The document was deleted on the relay; what this device has of it is kept')
    } else if (frame.status === 'RESET') {
      const everything = this.document.committedChanges()
      this.view.reset(frame.incarnation.slice(), everything, Y.encodeStateAsUpdate(this.document.doc).length)
      this.#givenSinceReset = []
      this.document.touch()
    } else {
      this.view.incarnation = frame.incarnation.slice()
    }
  }

  acknowledged({ pushId, receipt }: Ack): void {
    const payload = this.view.inFlight.find((push) => sameBytes(push.pushId, pushId))?.payload
    if (payload !== undefined) this.#givenSinceReset?.push(payload)
    if (this.view.acknowledged(pushId, receipt.slice())) this.#entriesPushed++
    this.document.touch()
  }

  refused({ pushId, code, message, retryAfterMs }: FrameOf<'REFUSED'>): void {
    this.view.refused(pushId)
    this.#refusal = this.#toError(ERROR_CODE_OF[code], `The relay refused the edits: ${message}`, retryAfterMs)
  }

  have({ id, staged }: FrameOf<'HAVE'>): void {
    const push = this.view.inFlight.find(({ pushId }) => sameBytes(pushId, id))
    if (push !== undefined) push.staged = Math.min(staged, push.payload.length)
  }

  entries({ entries }: Entries): void {
    for (const piece of entries) {
      const entry = this.#assemble(piece)
      if (entry === null || this.#error !== null) continue
      if (sameBytes(payloadId(entry.payload, entry.format), entry.pushId)) this.#collected.push(entry)
      else this.fail('BAD_HASH', 'An entry from the relay does not have the bytes that its push id names')
    }
  }

  /** Everything up to `mark` has been given: apply it, and store it with the mark. */
  mark(mark: Uint8Array): void {
    if (this.#error !== null) return
    try {
      this.document.apply(this.view, this.#collected)
    } catch (error) {
      // Nothing of this page is stored, so the mark stays where it was.
      const why = `What the relay gave cannot be taken in: ${String(error)}`
      this.#settle('failed', error instanceof TidemarkError ? error : this.#toError('CANNOT_APPLY', why, null))
      return
    }
    this.#entriesPulled += this.#collected.length
    for (const { payload } of this.#collected) this.#givenSinceReset?.push(payload)
    this.#collected = []
    this.view.mark = mark
    this.document.touch()
  }

  /** Whether the document is to take part in another round of this burst. */
  synced(frame: Synced, nowMs: number): boolean {
    if (this.#error !== null) return false
    if (frame.mark.length > 0) this.mark(frame.mark.slice())
    if (this.#error !== null) return false
    this.#finishReset()
    this.view.tag = frame.tag.slice()
    this.view.deleted = false
    if (this.#refusal === null) this.view.lastSyncedAt = nowMs
    this.document.touch()
    const isMoreDue = this.#reseedDue || this.view.inFlight.length > 0
    const again = isMoreDue && this.#rounds < ROUNDS_MAX
    this.#reseedDue = false
    if (isMoreDue && !again) this.fail('RELAY_FAULT', `The relay did not take the edits within ${ROUNDS_MAX} rounds`)
    else if (!again) this.#settle(this.#refusal === null ? 'synced' : 'failed', this.#refusal)
    return again
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
      entriesPulled: this.#entriesPulled,
      reseeded: this.#reseeded,
    }
  }

  #assemble(piece: Entries['entries'][number]): HeldEntry | null {
    const { pushId, format, total, offset, bytes } = piece
    if (offset === 0 && bytes.length === total) return { pushId: pushId.slice(), format, payload: bytes.slice() }
    if (offset === 0) {
      this.#partial = { pushId: pushId.slice(), format, payload: new Uint8Array(total), received: 0 }
    }
    const partial = this.#partial
    if (partial === null || partial.received !== offset || !sameBytes(partial.pushId, pushId)) {
      this.fail('MALFORMED', `ENTRIES: a piece at ${offset} does not follow the one before it`)
      return null
    }
    partial.payload.set(bytes, offset)
    partial.received += bytes.length
    if (partial.received < partial.payload.length) return null
    this.#partial = null
    return { pushId: partial.pushId, format, payload: partial.payload }
  }

  /**
   * What Yjs derives from the relay's own entries (an overwritten map key, say) the relay's readers derive too.
   * It can be told apart only with all of the log at hand; without, it is pushed once too often, and nothing is lost.
   */
  #finishReset(): void {
    if (!this.view.resyncing) return
    this.view.resyncing = false
    this.view.receipt = this.view.mark
    if (this.#givenSinceReset !== null) this.#knowDerived(this.#givenSinceReset)
    this.#givenSinceReset = null
    this.#reseedDue = !this.view.unsent.isEmpty
    this.#reseeded ||= this.#reseedDue
  }

  #knowDerived(given: readonly Uint8Array[]): void {
    const scratch = new Y.Doc()
    // Not what Yjs does by itself afterwards: that clean-up is no relay's yet.
    scratch.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) this.view.known(changesOfTransaction(transaction), 0)
    })
    for (const payload of given) {
      try {
        Y.applyUpdate(scratch, payload)
      } catch {
        // Held by the document as well; the scratch document only saves bytes.
      }
    }
    scratch.destroy()
  }

  #toError(code: ErrorCode, message: string, retryAfterMs: number | null): TidemarkError {
    return new TidemarkError(code, message, { relay: this.view.relay, documentId: this.document.id, retryAfterMs })
  }

  #settle(outcome: DocumentReport['outcome'], error: TidemarkError | null): void {
    this.#outcome = outcome
    this.#error = error
  }
}
