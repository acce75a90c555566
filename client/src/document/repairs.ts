// The repairs that one exchange asks for: once for each cause, ever, and forgotten only when the relay has answered.
import type { Repair } from '@tidemark/protocol'
import { REPAIRS_MAX } from '@tidemark/protocol'
import type * as Y from 'yjs'
import { EMPTY, hexOf, sameBytes } from './bytes.ts'
import { gapFingerprintOf, missingPairsOf } from './canon.ts'
import type { RelayView } from './relay-view.ts'

export type RepairFields = Omit<Repair, 'type' | 'channel'>

/** Of more, another burst asks. */
const WAITING_MAX = 64

export class Repairs {
  readonly #view: RelayView
  #waiting: RepairFields[] = []
  /** How many of them the round under way asks for. */
  #asked = 0
  #gapNoted = false

  constructor(view: RelayView) {
    this.#view = view
  }

  get isDue(): boolean {
    return this.#waiting.length > 0
  }

  /** For the next round. */
  begin(): readonly RepairFields[] {
    const repairs = this.#waiting.slice(0, REPAIRS_MAX)
    this.#asked = repairs.length
    return repairs
  }

  /** The round that asked is answered. */
  opened(): void {
    for (const { fingerprint } of this.#waiting.splice(0, this.#asked)) this.#view.report(hexOf(fingerprint))
    this.#asked = 0
  }

  add(reason: Repair['reason'], fingerprint: Uint8Array): void {
    const isWaiting = this.#waiting.some((repair) => sameBytes(repair.fingerprint, fingerprint))
    if (isWaiting || this.#waiting.length >= WAITING_MAX || this.#view.isReported(hexOf(fingerprint))) return
    this.#waiting.push({ reason, fingerprint: fingerprint.slice() })
  }

  /** Once a burst: what is missing at the end of two, a repair may bring. @param isClean the document is the log's */
  noteGap(doc: Y.Doc, isClean: boolean): void {
    if (this.#gapNoted) return
    this.#gapNoted = true
    const missing = missingPairsOf(doc)
    const fingerprint = missing.length === 0 ? EMPTY : gapFingerprintOf(missing)
    if (this.#view.noteGap(hexOf(fingerprint)) && isClean) this.add('GAP', fingerprint)
  }
}
