// What is owed to a relay in one exchange, and when it is this device's turn to give it back: docs/protocol.md, "RESET and
// turns". Other devices may owe the same, so nothing of it leaves before all that the others gave has come.
import type { Opened } from '@tidemark/protocol'
import type { RelayView } from './relay-view.ts'

export class GivingBack {
  readonly #view: RelayView
  /** Of the newest OPENED. */
  #turn: Opened['turn'] = 'NONE'
  #asked = false
  #isAllowed = false
  #isDone = false
  /** Milliseconds after which the turn may be this device's. */
  returnAfterMs = 0

  constructor(view: RelayView) {
    this.#view = view
  }

  /** Pushes may carry what is owed. */
  get isAllowed(): boolean {
    return this.#isAllowed
  }

  /** Another round is wanted, to ask for the turn or to push. What comes to be owed after that waits for the next burst. */
  get isDue(): boolean {
    return this.#owes && this.#turn !== 'WAIT' && !this.#isDone
  }

  /** It is another device's turn. */
  get isWaiting(): boolean {
    return this.#owes && this.#turn === 'WAIT'
  }

  /** Whether an OPEN asks for the turn, or keeps it. @param carriesAll the pushes of its message leave nothing owed */
  asks(carriesAll: boolean): boolean {
    const asks = (this.#view.resyncing && !this.#view.readOnly) || (this.#owes && !(this.#isAllowed && carriesAll))
    this.#asked ||= asks
    return asks
  }

  /** A round begins. */
  begin(): void {
    this.#isDone = this.#isAllowed
  }

  opened({ turn, turnWaitMs }: Opened): void {
    this.#turn = turn
    if (turn !== 'WAIT') return
    this.#isAllowed = false
    this.returnAfterMs = turnWaitMs
  }

  /** All was given that the log holds. A relay that answers NONE to who asks takes no turns. */
  pulled(): void {
    if (this.#view.readOnly) return
    if (this.#turn === 'YOURS' || (this.#turn === 'NONE' && this.#asked)) this.#isAllowed = true
  }

  /** A relay that takes nothing from this device is owed nothing by it. */
  get #owes(): boolean {
    return !this.#view.owed.isEmpty && !this.#view.readOnly
  }

  /** The log is given anew: what is owed will be known after that. */
  restart(): void {
    this.#isAllowed = false
    this.#isDone = false
    this.#asked = false
  }
}
