// One round: the device's message up to END, answered until DONE. Judges every OPEN, stores every push in one append,
// then serves channel by channel and answers the FEEDs. Pure: it asks through its outlet and is told the answers.
import { type Code, type Push, parseDocumentId } from '@tidemark/protocol'
import type { Judgement, ReadPage, StoreFeedPage, StorePush } from '../store/contract.ts'
import { rightOn } from '../token/grants.ts'
import type { VerifiedToken } from '../token/tokens.ts'
import { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import { type AppendOutcome, Durable } from './durable.ts'
import { Feeding } from './feeding.ts'
import { takePush } from './intake.ts'
import type { Outlet } from './outlet.ts'
import type { RoundRequest } from './request.ts'
import { Serving, type ServingState } from './serving.ts'

/** store: an answer is under way. device: nothing can be sent until it reads, or gives credit. done: DONE was sent. */
export type RoundState = 'store' | 'device' | 'done'

/** A document that is deleted and begun anew this often within one round is not followed any further. */
const MOVES_MAX = 3

export class Round {
  readonly #context: SessionContext
  readonly #outlet: Outlet
  readonly #token: VerifiedToken
  readonly #deviceKey: string
  readonly #channels: readonly Channel[]
  readonly #byNumber: ReadonlyMap<number, Channel>
  readonly #feeding: Feeding
  #state: RoundState = 'store'
  #judging = 0
  /** In the order of the append under way. */
  #appending: { readonly channel: Channel; readonly push: Push; readonly stagingKey: string }[] = []
  #channelsServed = 0
  #serving: Serving | null = null
  #servingState: ServingState = 'read'
  /** A channel was left unfinished because the receive window of the HTTP response is used up. */
  #more = false

  constructor(context: SessionContext, outlet: Outlet, request: RoundRequest, token: VerifiedToken, deviceKey: string) {
    this.#context = context
    this.#outlet = outlet
    this.#token = token
    this.#deviceKey = deviceKey
    this.#channels = request.channels.map((channel) => new Channel(channel))
    this.#byNumber = new Map(this.#channels.map((channel) => [channel.open.channel, channel]))
    this.#feeding = new Feeding(request.feeds, token.grants, context.limits, outlet)
  }

  get state(): RoundState {
    return this.#state
  }

  begin(nowMs: number): void {
    for (const channel of this.#channels) {
      this.#grant(channel)
      if (channel.fault !== null) continue
      this.#judging += 1
      this.#outlet.wish({ type: 'judge', channel: channel.open.channel, request: channel.judgeRequest })
    }
    if (this.#judging === 0) this.#append(nowMs)
  }

  judged(number: number, judgement: Judgement, nowMs: number): void {
    const channel = this.#byNumber.get(number)
    if (channel === undefined) return
    channel.judged(judgement)
    this.#judgementArrived(channel, nowMs)
  }

  appended(outcomes: readonly AppendOutcome[]): void {
    for (const [position, { channel, push, stagingKey }] of this.#appending.entries()) {
      const outcome = outcomes[position]
      this.#context.staging.drop(stagingKey)
      if (outcome !== undefined && Durable.is(outcome)) channel.stored(outcome)
      else channel.refuse(push.pushId, 'DELETED', 'The document was deleted')
    }
    this.#appending = []
    this.#advance()
  }

  page(page: ReadPage | 'moved'): void {
    const serving = this.#serving
    const channel = this.#channels[this.#channelsServed]
    if (serving === null || channel === undefined) return
    if (page === 'moved') {
      this.#judgeAgain(channel)
      return
    }
    if (!serving.begun && channel.judgement !== null) {
      channel.sendOpened(this.#outlet, channel.judgement)
      serving.begin()
    }
    this.#servingState = serving.take(page)
    this.#advance()
  }

  feedPage(page: StoreFeedPage): void {
    this.#feeding.take(page)
    this.#advance()
  }

  /** One document, or the pushes, could not be handled: the rest of the round goes on. */
  failed(wish: 'judge' | 'append' | 'read', number: number, code: Code, message: string, nowMs: number): void {
    if (wish === 'append') {
      const { retryAfterMs } = this.#context.limits
      for (const { channel, push } of this.#appending) channel.refuse(push.pushId, code, message, retryAfterMs)
      this.#appending = []
      this.#advance()
      return
    }
    const channel = wish === 'judge' ? this.#byNumber.get(number) : this.#channels[this.#channelsServed]
    if (channel === undefined) return
    channel.fault = { code, message }
    if (wish === 'judge') this.#judgementArrived(channel, nowMs)
    else this.#advance()
  }

  /** The device has read, or given credit. */
  resume(): void {
    if (this.#state !== 'device') return
    this.#state = 'store'
    const stopped = this.#servingState === 'credit' || this.#servingState === 'writable'
    if (this.#serving !== null && stopped) this.#servingState = this.#serving.resume()
    this.#advance()
  }

  #grant(channel: Channel): void {
    const { documentId } = channel.open
    const parsed = parseDocumentId(documentId)
    if (!parsed.ok) {
      channel.fault = { code: 'MALFORMED', message: parsed.message }
      return
    }
    channel.right = rightOn(this.#token.grants, parsed.vault, parsed.name)
    if (channel.right === null) channel.fault = { code: 'DENIED', message: `The token has no grant for ${documentId}` }
  }

  #judgementArrived(channel: Channel, nowMs: number): void {
    if (channel.moves > 0) {
      this.#advance()
      return
    }
    this.#judging -= 1
    if (this.#judging === 0) this.#append(nowMs)
  }

  /** One append for all documents of the round, so that they share a flush. */
  #append(nowMs: number): void {
    const pushes: StorePush[] = []
    for (const channel of this.#channels) {
      if (channel.fault !== null) continue
      for (const push of channel.pushes) {
        const whole = takePush(this.#context, channel, push, this.#deviceKey, nowMs)
        if (whole === null) continue
        const { pushId, format } = push
        pushes.push({ documentId: channel.open.documentId, pushId, format, payload: whole.payload })
        this.#appending.push({ channel, push, stagingKey: whole.stagingKey })
      }
    }
    if (pushes.length > 0) this.#outlet.wish({ type: 'append', pushes })
    else this.#advance()
  }

  /** Goes on until the store or the device has to answer, or everything is said. */
  #advance(): void {
    while (!this.#outlet.full) {
      const channel = this.#channels[this.#channelsServed]
      if (channel !== undefined) {
        if (!this.#serve(channel)) return
        this.#serving = null
        this.#channelsServed += 1
      } else if (this.#feeding.wish()) {
        return
      } else {
        this.#outlet.send({ type: 'DONE', more: this.#more || this.#feeding.cut, returnAfterMs: 0 })
        this.#outlet.wish({ type: 'flush' })
        this.#state = 'done'
        return
      }
    }
    this.#awaitDevice()
    this.#outlet.wish({ type: 'awaitWritable' })
  }

  /** True: nothing more is to be said on this channel. False: the store or the device has to answer first. */
  #serve(channel: Channel): boolean {
    const { judgement } = channel
    if (channel.fault !== null || judgement === null) {
      channel.sendFault(this.#outlet, this.#context.limits.retryAfterMs)
      return true
    }
    if (this.#serving !== null) return this.#goOn(this.#serving)
    if (channel.moved) {
      this.#judgeAgain(channel)
      return false
    }
    const { incarnation, open } = channel
    if (judgement.status === 'DELETED' || !open.pull || incarnation.length === 0) {
      channel.sendOpened(this.#outlet, judgement)
      channel.sendNothingPulled(this.#outlet)
      return true
    }
    const { limits } = this.#context
    this.#serving = new Serving(open, judgement.after, incarnation, channel.durables, limits, this.#outlet)
    this.#servingState = 'read'
    return this.#goOn(this.#serving)
  }

  #goOn(serving: Serving): boolean {
    switch (this.#servingState) {
      case 'read':
        this.#outlet.wish({ type: 'read', request: serving.request })
        return false
      case 'credit':
        this.#awaitDevice()
        return false
      case 'writable':
        this.#awaitDevice()
        this.#outlet.wish({ type: 'awaitWritable' })
        return false
      case 'more':
        this.#more = true
        return true
      case 'synced':
        return true
    }
  }

  #awaitDevice(): void {
    this.#state = 'device'
    this.#outlet.wish({ type: 'flush' })
  }

  /** The log is another one than was judged: it was deleted and begun anew in between. */
  #judgeAgain(channel: Channel): void {
    this.#serving = null
    channel.moves += 1
    if (channel.moves <= MOVES_MAX) {
      this.#outlet.wish({ type: 'judge', channel: channel.open.channel, request: channel.judgeRequest })
    } else {
      channel.fault = { code: 'FAULT', message: 'The document is deleted and begun anew all the time' }
      this.#advance()
    }
  }
}
