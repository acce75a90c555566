// One document's part in a round: what was asked, what was judged and stored, and the answers that come before serving.
import type { Code, Compacted, Deleted, Have, Leased, Open, Opened, Push, Refused } from '@tidemark/protocol'
import { RETRYABLE, zeroTag } from '@tidemark/protocol'
import { bytesKey, equalBytes } from '../bytes.ts'
import type { Judgement, JudgeRequest } from '../store/contract.ts'
import { includesRight, type Right } from '../token/grants.ts'
import type { Durable } from './durable.ts'
import type { Place } from './lingering.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'
import type { ChannelRequest } from './request.ts'
import { NO_TURN, type TurnAnswer, type Turns } from './turns.ts'

const NOTHING = new Uint8Array(0)

/** Why a channel ends in ERROR. */
export interface ChannelFault {
  readonly code: Code
  readonly message: string
}

/** What OPENED says beside the judgement. */
export interface Advice {
  readonly urgency: Opened['urgency']
  readonly claimWanted: boolean
}

/** What SYNCED says beside where it ends. */
export interface SyncedAdvice {
  /** Whether another device holds what this one pushed. */
  readonly confirmed: boolean
  readonly otherDevices: number
}

/** How far a channel was served. */
export interface ServedTo {
  readonly mark: Uint8Array
  readonly index: number
  /** There was no more. */
  readonly isHead: boolean
}

export class Channel {
  readonly request: ChannelRequest
  fault: ChannelFault | null = null
  right: Right | null = null
  turn: TurnAnswer = NO_TURN
  /** The OPEN carried a claim that counted. */
  claimed = false
  /** DELETE was OK: nothing is served. */
  isDeleted = false
  /** OPENED was sent. */
  opened = false
  /** Everything was given up to here; null: nothing was pulled, or not all that a round promises. */
  servedTo: ServedTo | null = null
  /** How often the log turned out to be another one than was judged. */
  moves = 0
  #judgement: Judgement | null = null
  /** By index. */
  readonly #durables = new Map<number, Durable>()
  readonly #refused = new Map<string, Refused>()
  #have: Have[] = []
  #leased: Leased | null = null
  #compacted: Compacted | null = null
  #deleted: Deleted | null = null
  /** What of the OPEN is not served; null: nothing. */
  #unserved: string | null = null
  /** A channel that lingers: what its device knows. Null: it was opened in this round. */
  readonly known: Place | null

  constructor(request: ChannelRequest, known: Place | null = null) {
    this.request = request
    this.known = known
  }

  /** One that lingers, and goes on at its place. */
  static live(place: Place): Channel {
    const { channel, documentId, incarnation, mark } = place
    const asked = { pull: true, push: false, linger: true, create: false, reseeding: false }
    const rest = { incarnation, mark, receipt: NOTHING, claim: null, partial: null }
    const nothing = { pushes: [], repairs: [], lease: null, snapshotPuts: [], deletion: null }
    return new Channel({ open: { type: 'OPEN', channel, documentId, ...asked, ...rest }, ...nothing }, place)
  }

  /** Where it goes on lingering; null: it does not. */
  get place(): Place | null {
    const { servedTo, open, newestPushed } = this
    if (servedTo === null || this.fault !== null || this.status === 'DELETED' || this.isDeleted) return null
    const { channel, documentId } = open
    // Copies, since they outlive message and page; a slice of a Buffer is a view.
    const incarnation = new Uint8Array(this.incarnation)
    const generation = new Uint8Array(this.#judgement?.generation ?? NOTHING)
    const mark = new Uint8Array(servedTo.mark)
    return {
      channel,
      documentId,
      incarnation,
      generation,
      mark,
      index: servedTo.index,
      isBehind: !servedTo.isHead,
      newestPushed,
    }
  }

  /** The device of a lingering channel knows this log, and what it lacks of it stands in entries. */
  get isAsKnown(): boolean {
    const { known } = this
    const judgement = this.#judgement
    if (known === null || judgement === null || judgement.status !== 'OK' || judgement.snapshot !== null) return false
    return equalBytes(known.incarnation, this.incarnation) && equalBytes(known.generation, judgement.generation)
  }

  get open(): Open {
    return this.request.open
  }

  get pushes(): readonly Push[] {
    return this.request.pushes
  }

  get judgeRequest(): JudgeRequest {
    const { documentId, incarnation, mark, receipt, create, partial } = this.open
    if (!this.opened) return { documentId, incarnation, mark, receipt, create, partial: partial?.id ?? NOTHING }
    // The device was told of this log, and is to begin again: whatever it has of it counts no more.
    return { documentId, incarnation: this.incarnation, mark: NOTHING, receipt: NOTHING, create, partial: NOTHING }
  }

  get judgement(): Judgement | null {
    return this.#judgement
  }

  /** As OPENED says it: a device that was told the state of one log and is now on another has to begin again. */
  get status(): Opened['status'] {
    const status = this.#judgement?.status ?? 'NEW'
    return this.opened && status !== 'DELETED' ? 'RESET' : status
  }

  get mayWrite(): boolean {
    return includesRight(this.right, 'write')
  }

  /** What the store has flushed for this channel in this round, in log order, each index once. */
  get durables(): readonly Durable[] {
    return [...this.#durables.values()].sort((one, other) => one.index - other.index)
  }

  /** Of the log that this channel is on; empty where there is none. */
  get incarnation(): Uint8Array {
    const [durable] = this.#durables.values()
    return durable?.incarnation ?? this.#judgement?.incarnation ?? NOTHING
  }

  /** The log in which the pushes were stored is not the one that was judged before. */
  get moved(): boolean {
    const judged = this.#judgement?.incarnation ?? NOTHING
    return judged.length > 0 && !equalBytes(judged, this.incarnation)
  }

  /** Index of the newest push of this device that is known to be in the log; 0: none is. */
  get newestPushed(): number {
    return Math.max(this.known?.newestPushed ?? 0, this.#judgement?.receiptIndex ?? 0, ...this.#durables.keys())
  }

  /** Something that its OPEN asks for is not served, and the rest is: says so in the words of a person. */
  notServed(what: string | null): void {
    this.#unserved = what
  }

  judged(judgement: Judgement): void {
    this.#judgement = judgement
    if (this.moves > 0) this.#forgetStoredElsewhere(judgement)
  }

  /** Before anything is read: then whoever gets the turn is served what the one before it gave. */
  askTurn(turns: Turns, { deviceKey, connection }: Peer, nowMs: number): void {
    const { status } = this
    const asks = this.open.reseeding || status === 'RESET'
    // Who may not give anything back would only keep the others waiting.
    const isGiven = asks && status !== 'DELETED' && this.mayWrite && this.fault === null
    this.turn = isGiven ? turns.ask(this.open.documentId, deviceKey, connection, nowMs) : NO_TURN
  }

  /** After the pushes of the round are stored: who does not ask for the turn owes nothing any more. */
  endTurn(turns: Turns, { deviceKey }: Peer): void {
    if (this.turn.turn === 'NONE' && this.fault === null) turns.end(this.open.documentId, deviceKey)
  }

  stored(durable: Durable): void {
    this.#durables.set(durable.index, durable)
  }

  /** Once for each push id, however many pieces of it came. */
  refuse(pushId: Uint8Array, code: Code, message: string, retryAfterMs = 0): void {
    const waitMs = RETRYABLE.has(code) ? retryAfterMs : 0
    const { channel } = this.open
    this.#refused.set(bytesKey(pushId), { type: 'REFUSED', channel, pushId, code, retryAfterMs: waitMs, message })
  }

  /** The last word about one unfinished payload. */
  have(id: Uint8Array, staged: number): void {
    this.#have.push({ type: 'HAVE', channel: this.open.channel, id, staged })
  }

  leased(code: Code, fence = 0, deadlineMs = 0): void {
    this.#leased = { type: 'LEASED', channel: this.open.channel, code, fence, deadlineMs }
  }

  compacted(code: Code): void {
    this.#compacted = { type: 'COMPACTED', channel: this.open.channel, code }
  }

  deleted(code: Code): void {
    this.#deleted = { type: 'DELETED', channel: this.open.channel, code }
    this.isDeleted = code === 'OK'
  }

  /** OPENED, and all answers that have no place in the log. */
  sendOpened(outlet: Outlet, judgement: Judgement, advice: Advice): void {
    const { channel, pull } = this.open
    outlet.send({
      type: 'OPENED',
      channel,
      status: this.status,
      incarnation: this.incarnation,
      entriesToCome: pull ? judgement.entriesToCome : 0,
      bytesToCome: pull ? judgement.bytesToCome : 0,
      generation: judgement.generation,
      ...advice,
      ...this.turn,
    })
    this.opened = true
    if (this.#unserved !== null) sendUnsupported(outlet, channel, this.#unserved)
    this.#unserved = null
    this.#sendAnswers(outlet)
  }

  /** All that there is to say where nothing was pulled, or where there is no log. */
  sendNothingPulled(outlet: Outlet, advice: SyncedAdvice): void {
    const { channel } = this.open
    for (const durable of this.durables) outlet.acknowledge(channel, durable)
    outlet.send({ type: 'SYNCED', channel, mark: NOTHING, tag: zeroTag(), ...advice })
  }

  /** Ends the channel; a push that was not stored for it is refused with the same code. */
  sendFault(outlet: Outlet, retryAfterMs: number): void {
    const { code, message } = this.fault ?? { code: 'FAULT', message: 'The document was not judged' }
    const { channel } = this.open
    const retryable = RETRYABLE.has(code)
    const waitMs = retryable ? retryAfterMs : 0
    if (!this.opened && this.#durables.size === 0 && this.#refused.size === 0) {
      for (const { pushId } of this.pushes) this.refuse(pushId, code, message, waitMs)
    }
    for (const refused of this.#refused.values()) outlet.send(refused)
    outlet.send({ type: 'ERROR', channel, code, retryable, retryAfterMs: waitMs, message })
  }

  #sendAnswers(outlet: Outlet): void {
    for (const refused of this.#refused.values()) outlet.send(refused)
    for (const have of this.#have) outlet.send(have)
    for (const answer of [this.#leased, this.#compacted, this.#deleted]) if (answer !== null) outlet.send(answer)
    this.#refused.clear()
    this.#have = []
    this.#leased = null
    this.#compacted = null
    this.#deleted = null
  }

  /** What was stored in a log that is gone is not acknowledged: the log that is there now does not hold it. */
  #forgetStoredElsewhere({ status, incarnation }: Judgement): void {
    for (const [index, durable] of this.#durables) {
      if (status !== 'DELETED' && equalBytes(durable.incarnation, incarnation)) continue
      this.#durables.delete(index)
      this.refuse(durable.pushId, 'DELETED', 'The document was deleted meanwhile')
    }
  }
}

function sendUnsupported(outlet: Outlet, channel: number, what: string): void {
  const message = `This relay does not serve ${what}`
  outlet.send({ type: 'ERROR', channel, code: 'UNSUPPORTED', retryable: false, retryAfterMs: 0, message })
}
