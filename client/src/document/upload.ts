// The large payloads of one exchange, piece by piece: first the relay is asked what it holds, then pieces follow each other
// without waiting, never further ahead of the relay's last word than a window.
import { LIMITS_BEFORE_WELCOME } from '@tidemark/protocol'
import type { Compaction } from './compaction.ts'
import { beginConnection, goesInPieces, mayLeave, type Outgoing } from './outgoing.ts'
import type { RelayView } from './relay-view.ts'

export interface UploadPiece {
  readonly outgoing: Outgoing
  /** Of the lease, for a snapshot; 0 for a push. */
  readonly fence: number
  readonly offset: number
  /** Empty: it asks what the relay holds. */
  readonly bytes: Uint8Array
  readonly isLast: boolean
}

/** 32 KiB, less what LMDB puts before a value in whole pages. */
const PIECE_BYTES = 32_752
/** So many answers without a byte more, and the relay is not taken for one that takes it. */
const STALLS_MAX = 16
/** So many times its bytes, and a relay that loses what it holds again and again is given no more. */
const SENT_AGAIN_MAX = 4
const NOTHING = new Uint8Array(0)

/** What a document says in a round of nothing but pieces. */
export interface UploadPart<OpenFields> {
  readonly open: OpenFields
  readonly pieces: readonly UploadPiece[]
}

export class Upload {
  readonly #view: RelayView
  readonly #compaction: Compaction
  readonly #windowBytes: number
  #stagedBefore = 0
  #stalls = 0
  /** Of the payload that is under way. */
  #sentBytes = 0
  #sentOf: Outgoing | null = null
  #isHalted = false
  /** Of one frame: what goes whole, and what in pieces. */
  #pieceBytesMax: number = LIMITS_BEFORE_WELCOME.pieceBytesMax

  /** @param windowBytes what may be under way beyond what the relay said it holds */
  constructor(view: RelayView, compaction: Compaction, windowBytes: number) {
    this.#windowBytes = windowBytes
    this.#view = view
    this.#compaction = compaction
    for (const outgoing of view.outgoing) beginConnection(outgoing)
  }

  /** Something is, or is to be, sent in pieces. */
  get isDue(): boolean {
    return this.#view.outgoing.some((outgoing) => this.#isSendable(outgoing))
  }

  /** Pushes wait that go whole. */
  get isWholeDue(): boolean {
    return this.#view.outgoing.some((outgoing) => !goesInPieces(outgoing, this.#pieceBytesMax))
  }

  /** Payloads that go whole, in one frame each. */
  whole(pieceBytesMax: number): readonly Outgoing[] {
    this.#pieceBytesMax = pieceBytesMax
    return this.#view.outgoing.filter((outgoing) => !goesInPieces(outgoing, pieceBytesMax))
  }

  /** The relay cannot take it now: what it holds of it is gone on with by a later burst. */
  halt(): void {
    this.#isHalted = true
  }

  /** The relay was asked, and pieces may follow. */
  get isUnderWay(): boolean {
    return this.#current !== undefined
  }

  /** One empty piece for each whose place is not known. */
  asks(): readonly UploadPiece[] {
    return this.#view.outgoing
      .filter((outgoing) => this.#isSendable(outgoing) && mayLeave(outgoing) && outgoing.staged === null)
      .map((outgoing) => {
        return { outgoing, fence: this.#fenceOf(outgoing), offset: 0, bytes: NOTHING, isLast: false }
      })
  }

  /** @param pieceBytesMax of one frame of the message that they are for */
  next(payloadBytes: number, pieceBytesMax: number): readonly UploadPiece[] {
    const pieces: UploadPiece[] = []
    let bytes = 0
    do {
      const piece = this.#next(Math.min(PIECE_BYTES, pieceBytesMax))
      if (piece === null) break
      pieces.push(piece)
      bytes += piece.bytes.length
      if (piece.isLast) break
    } while (bytes + PIECE_BYTES <= payloadBytes)
    return pieces
  }

  #next(pieceBytesMax: number): UploadPiece | null {
    const outgoing = this.#current
    if (outgoing === undefined) return null
    const { payload, staged, sent } = outgoing
    // A relay that holds all bytes but did not answer is asked with the last piece again.
    const offset = sent < payload.length || staged === null || staged < payload.length ? sent : 0
    const length = Math.min(pieceBytesMax, payload.length - offset)
    if (length === 0 || offset + length - (staged ?? 0) > this.#windowBytes) return null
    outgoing.sent = offset + length
    this.#sentBytes = (this.#sentOf === outgoing ? this.#sentBytes : 0) + length
    this.#sentOf = outgoing
    const bytes = payload.subarray(offset, offset + length)
    return { outgoing, fence: this.#fenceOf(outgoing), offset, bytes, isLast: outgoing.sent === payload.length }
  }

  /**
   * All that was sent is answered; false: the relay takes none of it.
   * @param hasPulled the answer gave entries: an acknowledgement stands at its place among them, and may be far off
   */
  answered(hasPulled: boolean): boolean {
    const outgoing = this.#current
    if (outgoing === undefined) return true
    const staged = outgoing.staged ?? 0
    if (this.#sentOf === outgoing && this.#sentBytes > SENT_AGAIN_MAX * outgoing.payload.length) return false
    if (hasPulled && outgoing.changes !== null && outgoing.sent === outgoing.payload.length) {
      // The relay has all of it, unless it says otherwise: from now on it is asked, and nothing is sent again for that.
      beginConnection(outgoing)
      return true
    }
    outgoing.sent = staged
    this.#stalls = hasPulled || staged > this.#stagedBefore ? 0 : this.#stalls + 1
    this.#stagedBefore = staged
    return this.#stalls < STALLS_MAX
  }

  /** The last piece of every large push was sent. */
  get isComplete(): boolean {
    return this.#view.outgoing.every(
      (outgoing) =>
        outgoing.changes === null ||
        !goesInPieces(outgoing, this.#pieceBytesMax) ||
        outgoing.sent === outgoing.payload.length,
    )
  }

  get #current(): Outgoing | undefined {
    return this.#view.outgoing.find(
      (outgoing) => this.#isSendable(outgoing) && mayLeave(outgoing) && outgoing.staged !== null,
    )
  }

  /** A snapshot goes up only while its lease is held. */
  #isSendable(outgoing: Outgoing): boolean {
    if (this.#isHalted || !goesInPieces(outgoing, this.#pieceBytesMax)) return false
    return outgoing.changes !== null || this.#compaction.fence !== null
  }

  #fenceOf({ changes }: Outgoing): number {
    return changes === null ? (this.#compaction.fence ?? 0) : 0
  }
}
