// What others may give to a relay as well in one exchange, and when it is this device's turn to: docs/protocol.md, "RESET and
// turns" and "Several relays". Nothing of it leaves before all that they gave has come.
import type { Opened } from '@tidemark/protocol'
import type { Leave, RelayView } from './relay-view.ts'

export class GivingBack {
  readonly #view: RelayView
  readonly #isHeldElsewhere: boolean
  /** Of the newest OPENED. */
  #turn: Opened['turn'] = 'NONE'
  #asked = false
  #isAllowed = false
  #isDone = false
  #isResynced = false
  /** The log was given anew, and some of what it lacks given back. */
  hasReseeded = false
  /** Milliseconds after which the turn may be this device's. */
  returnAfterMs = 0

  /** @param isHeldElsewhere another relay has had all that is unsent: others may have carried it over, so it is treated as owed */
  constructor(view: RelayView, isHeldElsewhere: boolean) {
    this.#view = view
    this.#isHeldElsewhere = isHeldElsewhere && !view.readOnly
    view.withdraw(this.#isHeldElsewhere)
  }

  /** What pushes may carry. */
  get leave(): Leave {
    return { unsent: this.#isAllowed || !this.#isHeldElsewhere, owed: this.#isAllowed }
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
    // Also where the token only read: whoever may not write is answered NONE, and so a token that may is noticed.
    const asks = this.#view.resyncing || (this.#lacks && !(this.#isAllowed && carriesAll))
    this.#asked ||= asks
    return asks
  }

  /** A round begins, in which something is on its way or nothing is. */
  begin(isPushing: boolean): void {
    this.#isDone = this.#isAllowed
    this.hasReseeded ||= this.#isAllowed && this.#isResynced && isPushing
  }

  opened({ turn, turnWaitMs }: Opened): void {
    this.#turn = turn
    if (turn !== 'NONE') this.#view.readOnly = false // It is given to who may write.
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
    return this.#lacks && !this.#view.readOnly
  }

  get #lacks(): boolean {
    const { isOwedDue, unsent } = this.#view
    return isOwedDue || (this.#isHeldElsewhere && !unsent.isEmpty)
  }

  /** The log is given anew: what is owed will be known after that. */
  restart(): void {
    this.#isResynced = true
    this.#isAllowed = false
    this.#isDone = false
    this.#asked = false
  }
}

/** Another relay has all that was made here and is unsent at this one. */
export function isHeldElsewhere({ relay, unsent }: RelayView, views: Iterable<RelayView>): boolean {
  if (unsent.isEmpty) return false
  const has = (other: RelayView): boolean =>
    other.mark.length > 0 && !other.deleted && !other.unsent.intersects(unsent) && !other.owed.intersects(unsent)
  return [...views].some((other) => other.relay !== relay && has(other))
}
