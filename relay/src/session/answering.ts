// The last part of a round: channel by channel OPENED and what it pulls, then the FEEDs, then DONE. Between two rounds: a page
// of what is new for each lingering channel, and no more, since a round may wait. One channel, and one answer of the store,
// at a time. Pure: it asks through its outlet and is told the answers.
import type { Judgement, ReadPage } from '../store/contract.ts'
import type { Advice, Channel, SyncedAdvice } from './channel.ts'
import { claimWanted } from './claim-wanted.ts'
import { compactionUrgency } from './compaction-urgency.ts'
import type { SessionContext } from './context.ts'
import type { RoundEvent } from './effects.ts'
import type { Feeding } from './feeding.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'
import { Serving, type ServingState } from './serving.ts'

/** store: an answer is under way. credit, writable: the device has to give credit, or to read. done: DONE was sent. */
export type AnsweringState = 'store' | 'credit' | 'writable' | 'done'

const NOTHING = new Uint8Array(0)
const NO_ADVICE: Advice = { urgency: 'NONE', claimWanted: false }

/** A log that is replaced this often within one round is not followed any further. */
const MOVES_MAX = 3

export class Answering {
  readonly #context: SessionContext
  readonly #outlet: Outlet
  readonly #peer: Peer
  readonly channels: readonly Channel[]
  /** Null: between rounds, where neither FEED_PAGE nor DONE has a place. */
  readonly #feeding: Feeding | null
  #state: AnsweringState = 'store'
  #answered = 0
  #serving: Serving | null = null
  #servingState: ServingState = 'page'
  /** OPENED was sent for what is being served. */
  #isOpened = false
  /** A channel was left unfinished because the receive window of the HTTP response is used up. */
  #more = false

  constructor(
    context: SessionContext,
    outlet: Outlet,
    peer: Peer,
    channels: readonly Channel[],
    feeding: Feeding | null,
  ) {
    this.#context = context
    this.#outlet = outlet
    this.#peer = peer
    this.channels = channels
    this.#feeding = feeding
  }

  get state(): AnsweringState {
    return this.#state
  }

  begin(nowMs: number): void {
    this.#advance(nowMs)
  }

  take(event: RoundEvent, nowMs: number): void {
    if (event.type === 'feedRead') {
      this.#feeding?.take(event.page)
    } else {
      const channel = this.channels[this.#answered]
      if (channel === undefined || this.#isAskedAgain(channel, event, nowMs)) return
    }
    this.#advance(nowMs)
  }

  /** The device has read, or given credit. */
  resume(nowMs: number): void {
    this.#state = 'store'
    const stopped = this.#servingState === 'credit' || this.#servingState === 'writable'
    if (this.#serving !== null && stopped) this.#servingState = this.#serving.resume()
    this.#advance(nowMs)
  }

  /** True: the document is being judged again. */
  #isAskedAgain(channel: Channel, event: RoundEvent, nowMs: number): boolean {
    const serving = this.#serving
    switch (event.type) {
      case 'judged':
        channel.judged(event.judgement)
        channel.askTurn(this.#context.turns, this.#peer, nowMs)
        return false
      case 'pageRead':
        if (event.page === 'moved') return this.#isJudgedAgain(channel)
        if (serving !== null) this.#servingState = this.#takePage(channel, serving, event.page, nowMs)
        return false
      case 'partRead':
        if (event.bytes === 'gone' || event.bytes.length === 0) return this.#isJudgedAgain(channel)
        if (serving !== null) this.#servingState = serving.takePart(event.bytes)
        return false
      case 'failed':
        channel.fault = event
        return false
      default:
        return false
    }
  }

  /** Goes on until the store or the device has to answer, or everything is said. */
  #advance(nowMs: number): void {
    while (!this.#outlet.full) {
      const channel = this.channels[this.#answered]
      if (channel !== undefined) {
        if (!this.#isAnswered(channel, nowMs)) return
        this.#serving = null
        this.#answered += 1
      } else if (this.#feeding?.wish()) {
        return
      } else {
        this.#end()
        return
      }
    }
    this.#awaitWritable()
  }

  #end(): void {
    if (this.#feeding !== null) {
      this.#outlet.send({ type: 'DONE', more: this.#more || this.#feeding.cut, returnAfterMs: 0 })
    }
    this.#outlet.wish({ type: 'flush' })
    this.#state = 'done'
  }

  /** True: nothing more is to be said on this channel. False: the store or the device has to answer first. */
  #isAnswered(channel: Channel, nowMs: number): boolean {
    const { judgement } = channel
    if (channel.known !== null && judgement === null && channel.fault === null) {
      this.#outlet.wish({ type: 'judge', of: channel.open.channel, request: channel.judgeRequest })
      return false
    }
    if (channel.fault !== null || judgement === null) {
      channel.sendFault(this.#outlet, this.#context.limits.retryAfterMs)
      return true
    }
    if (this.#serving !== null) return this.#isServed(channel, this.#serving)
    if (channel.known !== null && !channel.isAsKnown) {
      // The device has to open it again, whatever is new: a round says it better.
      channel.sendOpened(this.#outlet, judgement, NO_ADVICE)
      channel.sendNothingPulled(this.#outlet, this.#synced(channel, judgement, judgement.head))
      return true
    }
    if (channel.moved) return !this.#isJudgedAgain(channel) && this.#isAnswered(channel, nowMs)
    if (judgement.status === 'DELETED' || channel.isDeleted || !channel.open.pull || channel.incarnation.length === 0) {
      channel.sendOpened(this.#outlet, judgement, this.#advice(channel, judgement, nowMs))
      channel.sendNothingPulled(this.#outlet, this.#synced(channel, judgement, judgement.head))
      channel.servedTo = { mark: NOTHING, index: 0, isHead: true }
      return true
    }
    return this.#isServed(channel, this.#beginServing(channel, judgement, nowMs))
  }

  #beginServing(channel: Channel, judgement: Judgement, nowMs: number): Serving {
    const { limits } = this.#context
    // What the device had of another log, or of what was served before, counts no more.
    const open = channel.opened ? { ...channel.open, partial: null } : channel.open
    const serving = new Serving(
      open,
      {
        incarnation: channel.incarnation,
        snapshot: judgement.snapshot,
        after: judgement.after,
        acknowledged: channel.durables,
        isLive: channel.known !== null,
        synced: (index) => this.#synced(channel, judgement, index),
      },
      limits,
      this.#outlet,
    )
    this.#serving = serving
    this.#servingState = 'page'
    this.#isOpened = channel.known !== null
    // Otherwise the first page tells whether the log is still the one that was judged.
    if (judgement.snapshot !== null) {
      this.#open(channel, serving, nowMs)
      this.#servingState = serving.resume()
    }
    return serving
  }

  #takePage(channel: Channel, serving: Serving, page: ReadPage, nowMs: number): ServingState {
    if (!this.#isOpened) this.#open(channel, serving, nowMs)
    return serving.take(page)
  }

  #open(channel: Channel, serving: Serving, nowMs: number): void {
    this.#isOpened = true
    const { judgement } = channel
    if (judgement !== null) channel.sendOpened(this.#outlet, judgement, this.#advice(channel, judgement, nowMs))
    serving.begin()
  }

  #isServed(channel: Channel, serving: Serving): boolean {
    switch (this.#servingState) {
      case 'page':
        this.#outlet.wish({ type: 'page', of: serving.channel, request: serving.pageRequest })
        return false
      case 'part':
        this.#outlet.wish({ type: 'part', of: serving.channel, request: serving.partRequest })
        return false
      case 'credit':
        this.#state = 'credit'
        this.#outlet.wish({ type: 'flush' })
        return false
      case 'writable':
        this.#awaitWritable()
        return false
      case 'more':
        this.#more = true
        return true
      case 'synced':
        channel.servedTo = serving.servedTo
        return true
    }
  }

  #awaitWritable(): void {
    this.#state = 'writable'
    this.#outlet.wish({ type: 'flush' })
    this.#outlet.wish({ type: 'awaitWritable' })
  }

  /** The log is another one than was judged, or no longer holds what was to be served. False: that is given up. */
  #isJudgedAgain(channel: Channel): boolean {
    this.#serving = null
    channel.moves += 1
    if (channel.moves <= MOVES_MAX) {
      this.#outlet.wish({ type: 'judge', of: channel.open.channel, request: channel.judgeRequest })
      return true
    }
    channel.fault = { code: 'FAULT', message: 'The document is deleted and begun anew all the time' }
    return false
  }

  #advice({ open, status, mayWrite, claimed, isDeleted }: Channel, judgement: Judgement, nowMs: number): Advice {
    const { limits, leases } = this.#context
    const { documentId, pull } = open
    const mayClaim = pull && status === 'OK' && judgement.snapshot === null && !claimed && !isDeleted
    return {
      urgency: mayWrite ? compactionUrgency(judgement.tail, leases.isHeld(documentId, nowMs), limits) : 'NONE',
      claimWanted: mayClaim && claimWanted(judgement, this.#peer.deviceId, nowMs, limits),
    }
  }

  /** `end`: index of the last entry that was served, for a device that has pushed nothing and holds no mark yet. */
  #synced({ open, incarnation, newestPushed }: Channel, { markIndex }: Judgement, end: number): SyncedAdvice {
    const { witnesses, audience } = this.#context
    const { deviceKey } = this.#peer
    const index = newestPushed > 0 ? newestPushed : (markIndex ?? end)
    return {
      confirmed: witnesses.confirm(open.documentId, incarnation, deviceKey, index),
      otherDevices: audience.othersOn(open.documentId, deviceKey),
    }
  }
}
