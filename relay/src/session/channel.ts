// One document's part in a round: what was asked, what was judged and stored, and the answers that come before serving.
import type { Code, Have, Open, Opened, Push, Refused } from '@tidemark/protocol'
import { RETRYABLE, zeroTag } from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import type { Judgement, JudgeRequest } from '../store/contract.ts'
import type { Right } from '../token/grants.ts'
import type { Durable } from './durable.ts'
import type { Outlet } from './outlet.ts'
import type { ChannelRequest } from './request.ts'

const NOTHING = new Uint8Array(0)

/** Why a channel ends in ERROR. */
export interface ChannelFault {
  readonly code: Code
  readonly message: string
}

export class Channel {
  readonly open: Open
  readonly pushes: readonly Push[]
  fault: ChannelFault | null = null
  right: Right | null = null
  /** OPENED was sent. */
  opened = false
  /** How often the log turned out to be another one than was judged. */
  moves = 0
  #judgement: Judgement | null = null
  /** By index. */
  readonly #durables = new Map<number, Durable>()
  readonly #have = new Map<string, Have>()
  #refused: Refused[] = []
  #unserved: readonly string[]

  constructor(request: ChannelRequest) {
    this.open = request.open
    this.pushes = request.pushes
    this.#unserved = request.open.linger ? ['linger', ...request.unserved] : request.unserved
  }

  get judgeRequest(): JudgeRequest {
    const { documentId, incarnation, mark, receipt, create } = this.open
    return { documentId, incarnation, mark, receipt, create }
  }

  get judgement(): Judgement | null {
    return this.#judgement
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

  judged(judgement: Judgement): void {
    this.#judgement = judgement
    if (this.moves > 0) this.#forgetStoredElsewhere(judgement)
  }

  stored(durable: Durable): void {
    this.#durables.set(durable.index, durable)
  }

  refuse(pushId: Uint8Array, code: Code, message: string, retryAfterMs = 0): void {
    this.#refused.push({ type: 'REFUSED', channel: this.open.channel, pushId, code, retryAfterMs, message })
  }

  /** The last word about one unfinished payload. */
  have(key: string, pushId: Uint8Array, staged: number): void {
    this.#have.set(key, { type: 'HAVE', channel: this.open.channel, id: pushId, staged })
  }

  /** The payload turned out whole, or wrong: how much of it is staged matters no more. */
  haveNoMore(key: string): void {
    this.#have.delete(key)
  }

  sendOpened(outlet: Outlet, judgement: Judgement): void {
    // A device that was told the state of one log and is now on another has to begin again.
    const status: Opened['status'] = this.opened && judgement.status !== 'DELETED' ? 'RESET' : judgement.status
    const { channel, pull } = this.open
    outlet.send({
      type: 'OPENED',
      channel,
      status,
      incarnation: this.incarnation,
      entriesToCome: pull ? judgement.entriesToCome : 0,
      bytesToCome: pull ? judgement.bytesToCome : 0,
      generation: judgement.generation,
      urgency: 'NONE',
      claimWanted: false,
      turn: 'NONE',
      turnWaitMs: 0,
    })
    this.opened = true
    for (const what of this.#unserved) sendUnsupported(outlet, channel, what)
    for (const refused of this.#refused) outlet.send(refused)
    for (const have of this.#have.values()) outlet.send(have)
    this.#unserved = []
    this.#refused = []
    this.#have.clear()
  }

  /** Ends a channel on which nothing was pulled, or where there is no log. */
  sendNothingPulled(outlet: Outlet): void {
    const { channel } = this.open
    for (const durable of this.durables) outlet.acknowledge(channel, durable)
    outlet.send({ type: 'SYNCED', channel, mark: NOTHING, tag: zeroTag(), confirmed: false, otherDevices: 0 })
  }

  /** Ends the channel; a push that was not stored for it is refused with the same code. */
  sendFault(outlet: Outlet, retryAfterMs: number): void {
    const { code, message } = this.fault ?? { code: 'FAULT', message: 'The document was not judged' }
    const { channel } = this.open
    const retryable = RETRYABLE.has(code)
    const waitMs = retryable ? retryAfterMs : 0
    if (!this.opened && this.#durables.size === 0 && this.#refused.length === 0) {
      for (const { pushId } of this.pushes) this.refuse(pushId, code, message, waitMs)
    }
    for (const refused of this.#refused) outlet.send(refused)
    outlet.send({ type: 'ERROR', channel, code, retryable, retryAfterMs: waitMs, message })
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
