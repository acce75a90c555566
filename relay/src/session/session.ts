// The relay's side of one connection, as a pure state machine: told what happened and when, it returns what is to be
// done. It never awaits, never reads a clock, and never throws on what a device sent.
import {
  type Code,
  type Frame,
  type Hello,
  LIMITS_BEFORE_WELCOME,
  negotiateVersion,
  PROTOCOL_VERSION,
  RETRYABLE,
  type RelaySessionState,
  ROUNDS_UNDER_WAY_MAX,
  relayVerdict,
  VERIFYING_BYTES_MAX,
} from '@tidemark/protocol'
import { bytesKey } from '../bytes.ts'
import type { VerifiedToken } from '../token/tokens.ts'
import { Answering } from './answering.ts'
import { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import type { Effect, RoundEvent, SessionEvent } from './effects.ts'
import { Lingering } from './lingering.ts'
import { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'
import { readCredit, readRound } from './request.ts'
import { Round } from './round.ts'
import { WaitingRounds } from './waiting-rounds.ts'

export interface SessionOptions {
  /** HTTP: one POST is one session and holds one round. */
  readonly oneRound: boolean
  /** The token of an Authorization header; empty where there is none. */
  readonly headerToken: string
}

/** What is known of the device once its token is verified. */
interface Admitted {
  readonly peer: Peer
  readonly expiresAtMs: number
  readonly lingering: Lingering
}

/** A round that awaits CREDIT is read on for, since that may stand behind rounds sent ahead: so far, and no further. */
const WAITING_FACTOR_MAX = 4

export class Session {
  readonly #context: SessionContext
  readonly #options: SessionOptions
  readonly #outlet: Outlet
  #state: RelaySessionState = 'AWAITING_HELLO'
  #deadlineAtMs: number
  #roundDeadlineAtMs = 0
  /** Between rounds. */
  #restsUntilMs = 0
  #restarting = false
  #deviceId: Uint8Array = new Uint8Array(0)
  #admitted: Admitted | null = null
  /** What came after the first message, and before WELCOME. */
  #verifyingBytes = 0
  readonly #waiting = new WaitingRounds()
  /** The round under way, or what lingering channels are being given between two. */
  #round: Round | Answering | null = null
  #isReading = true

  constructor(context: SessionContext, options: SessionOptions, nowMs: number) {
    this.#context = context
    this.#options = options
    this.#outlet = new Outlet(options.oneRound, context.limits.sendBufferBytesMax)
    this.#deadlineAtMs = nowMs + context.limits.verifyTimeoutMs
  }

  get state(): RelaySessionState {
    return this.#state
  }

  /** Nothing will come of any further event. */
  get ended(): boolean {
    return this.#state === 'CLOSED'
  }

  /** When `deadline` is to be told, in milliseconds of the same clock as `nowMs`. */
  get deadlineAtMs(): number {
    return this.#deadlineAtMs
  }

  /** The first message is held to other limits than the later ones. */
  get welcomed(): boolean {
    return this.#admitted !== null
  }

  handle(event: SessionEvent, nowMs: number): readonly Effect[] {
    if (this.#state === 'CLOSED') return []
    switch (event.type) {
      case 'frames':
        this.#frames(event.frames, event.bytes, nowMs)
        break
      case 'undecodable':
        this.#fail(event.code, event.message)
        break
      case 'verified':
        this.#verified(event.token, event.relayTimeMs, nowMs)
        break
      case 'writable':
        this.#outlet.writable()
        this.#resume('writable', nowMs)
        break
      case 'news':
        this.#admitted?.lingering.news(event.documentId, event.index)
        if (this.#state === 'READY') this.#goOn(nowMs)
        break
      case 'deadline':
        this.#deadline(nowMs)
        break
      case 'overloaded':
        this.#fail('OVERLOADED', 'Too many connections')
        break
      case 'restarting':
        this.#restarting = true
        // What lingers is owed nothing.
        if (event.atOnce || !(this.#round instanceof Round)) this.#restart()
        break
      case 'fault':
        this.#fail('FAULT', 'The relay failed')
        break
      case 'closed':
        this.#end()
        break
      default:
        this.#roundEvent(event, nowMs)
    }
    this.#boundWaiting()
    return this.#outlet.take()
  }

  #frames(frames: readonly Frame[], bytes: number, nowMs: number): void {
    if (this.#state === 'AWAITING_HELLO') {
      this.#hello(frames, bytes, nowMs)
      return
    }
    const creditBytes = readCredit(frames)
    if (creditBytes === null) this.#receiveRound(frames, bytes, nowMs)
    else this.#credit(creditBytes, nowMs)
    // Only a device that lingers may have nothing to ask for.
    if (this.#state === 'READY' && this.#lingers) this.#restUntil(nowMs)
  }

  #hello(frames: readonly Frame[], bytes: number, nowMs: number): void {
    const [hello] = frames
    const verdict = hello === undefined ? 'malformed' : relayVerdict('AWAITING_HELLO', hello.type, 'CLOSED')
    if (verdict !== 'accept' || hello?.type !== 'HELLO') {
      this.#fail('MALFORMED', `${hello?.type ?? 'message'}: the first frame of a connection must be HELLO`)
      return
    }
    if (negotiateVersion(hello.versionMax, hello.versionMin) === null) {
      const offered = `${hello.versionMin} to ${hello.versionMax}`
      this.#fail('VERSION', `This relay speaks version ${PROTOCOL_VERSION}; the device offers ${offered}`)
      return
    }
    if (!this.#isWaiting(frames.slice(1), bytes, nowMs)) return
    const token = this.#tokenOf(hello)
    if (token === null) {
      this.#fail('TOKEN', 'The tokens of HELLO and of the Authorization header differ')
      return
    }
    // A copy: it outlives the message.
    this.#deviceId = new Uint8Array(hello.deviceId)
    this.#outlet.credit(this.#windowOf(hello))
    this.#state = 'VERIFYING'
    this.#outlet.wish({ type: 'verify', token })
  }

  #tokenOf({ token }: Hello): string | null {
    const { headerToken } = this.#options
    if (token !== '' && headerToken !== '' && token !== headerToken) return null
    return token === '' ? headerToken : token
  }

  #windowOf({ receiveWindowBytes }: Hello): number {
    return this.#options.oneRound
      ? Math.min(receiveWindowBytes, this.#context.limits.httpResponseBytesTarget)
      : receiveWindowBytes
  }

  /** Whether sent ahead or not, a round is read when it comes, and begun once the one before it is answered. */
  #receiveRound(frames: readonly Frame[], bytes: number, nowMs: number): void {
    const underWay = this.#waiting.count + (this.#round instanceof Round ? 1 : 0)
    if (underWay >= (this.#options.oneRound ? 1 : ROUNDS_UNDER_WAY_MAX)) {
      this.#fail('MALFORMED', `There are ${underWay} rounds before this one that were not answered with DONE`)
      return
    }
    if (this.#state === 'VERIFYING') this.#verifyingBytes += bytes
    if (this.#verifyingBytes > VERIFYING_BYTES_MAX) {
      this.#fail('TOO_LARGE', `message: more than ${VERIFYING_BYTES_MAX} bytes before WELCOME, besides the first`)
      return
    }
    if (!this.#isWaiting(frames, bytes, nowMs)) return
    const { limits } = this.#context
    if (this.#state === 'READY') {
      this.#goOn(nowMs)
    } else if (this.#waiting.count > 1 && this.#waiting.bytes > WAITING_FACTOR_MAX * limits.waitingBytesMax) {
      this.#fail('OVERLOADED', 'Too much was sent ahead')
    }
  }

  /** False: it is no round, and the connection has ended. */
  #isWaiting(frames: readonly Frame[], bytes: number, nowMs: number): boolean {
    const { limits } = this.#context
    const channelsMax = this.welcomed ? limits.channelsMax : LIMITS_BEFORE_WELCOME.opensMax
    const request = readRound(frames, { ...limits, channelsMax })
    if ('code' in request) {
      this.#fail(request.code, request.message)
      return false
    }
    this.#waiting.add(request, bytes, frames.length)
    // At once, as any CREDIT: the round before may be waiting for it. Over HTTP there is none.
    if (request.creditBytes > 0 && !this.#options.oneRound) this.#credit(request.creditBytes, nowMs)
    return true
  }

  /** Also between rounds: DONE may have crossed a CREDIT on its way. */
  #credit(bytes: number, nowMs: number): void {
    this.#outlet.credit(bytes)
    this.#resume('credit', nowMs)
  }

  #verified(token: VerifiedToken, relayTimeMs: number, nowMs: number): void {
    if (this.#state !== 'VERIFYING') return
    this.#verifyingBytes = 0
    const { limits, epoch, audience } = this.#context
    const deviceId = this.#deviceId
    const deviceKey = bytesKey(deviceId)
    this.#admitted = {
      peer: { deviceId, deviceKey, grants: token.grants, connection: this.#options.oneRound ? null : this },
      expiresAtMs: token.expiresAtMs,
      lingering: new Lingering(this.#outlet, audience, limits.channelsMax, deviceKey),
    }
    const { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax } = limits
    this.#outlet.send({
      type: 'WELCOME',
      version: PROTOCOL_VERSION,
      epoch,
      limits: { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax },
      relayTimeMs,
    })
    this.#goOn(nowMs)
  }

  get #lingers(): boolean {
    return this.#admitted?.lingering.isEmpty === false
  }

  /** Begins the oldest round that waits; if there is none, gives lingering channels what is new. */
  #goOn(nowMs: number): void {
    const admitted = this.#admitted
    if (admitted === null) return
    const { peer, lingering } = admitted
    const request = this.#waiting.next()
    const due = request === null ? lingering.takeDue() : []
    if (request === null && due.length === 0) return
    if (admitted.expiresAtMs <= nowMs) {
      this.#fail('TOKEN', 'The token has expired')
      return
    }
    this.#state = 'ANSWERING'
    this.#roundDeadlineAtMs = nowMs + this.#context.limits.roundTimeoutMs
    this.#round =
      request === null
        ? new Answering(this.#context, this.#outlet, peer, due.map(Channel.live), null)
        : new Round(this.#context, this.#outlet, request, peer, lingering)
    this.#round.begin(nowMs)
    this.#settle(nowMs)
  }

  #roundEvent(event: RoundEvent, nowMs: number): void {
    if (event.type === 'failed' && (event.wish === 'verify' || event.wish === 'feed')) {
      this.#fail(event.code, event.message)
      return
    }
    this.#round?.take(event, nowMs)
    this.#settle(nowMs)
  }

  /** Only what the round waits for moves it, and its deadline. */
  #resume(awaited: 'credit' | 'writable', nowMs: number): void {
    if (this.#round?.state !== awaited) return
    this.#round.resume(nowMs)
    this.#settle(nowMs)
  }

  /** What the round's new state means for the connection: its deadline, the next round, or its end. */
  #settle(nowMs: number): void {
    const round = this.#round
    if (round === null) return
    const { limits } = this.#context
    if (round.state !== 'done') {
      const stalledAtMs = round.state === 'store' ? this.#roundDeadlineAtMs : nowMs + limits.stallTimeoutMs
      this.#deadlineAtMs = Math.min(stalledAtMs, this.#roundDeadlineAtMs)
      return
    }
    const wasLingering = this.#lingers
    this.#admitted?.lingering.settle(round.channels)
    this.#round = null
    this.#state = 'READY'
    // What a lingering device is given says nothing of whether anybody is there to read it.
    if (round instanceof Round || wasLingering !== this.#lingers) this.#restUntil(nowMs)
    else this.#deadlineAtMs = this.#restsUntilMs
    if (this.#options.oneRound) this.#close('OK', 'done', 0)
    else if (this.#restarting) this.#restart()
    else this.#goOn(nowMs)
  }

  /** The device may be silent from now on, for so long. */
  #restUntil(nowMs: number): void {
    const { idleTimeoutMs, lingerTimeoutMs } = this.#context.limits
    const expiresAtMs = this.#lingers ? (this.#admitted?.expiresAtMs ?? 0) : Number.POSITIVE_INFINITY
    this.#restsUntilMs = Math.min(nowMs + (this.#lingers ? lingerTimeoutMs : idleTimeoutMs), expiresAtMs)
    this.#deadlineAtMs = this.#restsUntilMs
  }

  /** Reading stops while too much waits, but for a round that awaits CREDIT. */
  #boundWaiting(): void {
    const isFull = this.#waiting.bytes > this.#context.limits.waitingBytesMax
    const isReading = !isFull || this.#state !== 'ANSWERING' || this.#round?.state === 'credit'
    if (isReading === this.#isReading) return
    this.#isReading = isReading
    this.#outlet.wish({ type: isReading ? 'goOnReading' : 'stopReading' })
  }

  #deadline(nowMs: number): void {
    if (nowMs < this.#deadlineAtMs) return
    if (this.#state === 'READY') {
      if ((this.#admitted?.expiresAtMs ?? 0) <= nowMs) this.#fail('TOKEN', 'The token has expired')
      else this.#fail('DEADLINE', 'Nothing was asked for too long')
      return
    }
    const round = this.#round
    if (round === null) {
      this.#fail('DEADLINE', 'No token was verified in time')
      return
    }
    const isStalled = round.state === 'credit' || round.state === 'writable'
    this.#fail('DEADLINE', isStalled ? 'The device reads too slowly, or gives no credit' : 'The round took too long')
  }

  #restart(): void {
    this.#fail('RESTARTING', 'The relay is restarting')
  }

  /** The whole connection ends: says why, and closes. */
  #fail(code: Code, message: string): void {
    const retryable = RETRYABLE.has(code)
    // A device that was too slow need not be slower.
    const retryAfterMs = retryable && code !== 'DEADLINE' ? this.#context.limits.retryAfterMs : 0
    this.#outlet.send({ type: 'ERROR', channel: 0, code, retryable, retryAfterMs, message })
    this.#outlet.wish({ type: 'flush' })
    this.#close(code, message, retryAfterMs)
  }

  #close(code: Code, reason: string, retryAfterMs: number): void {
    this.#end()
    this.#outlet.wish({ type: 'close', code, reason, retryAfterMs })
  }

  #end(): void {
    this.#state = 'CLOSED'
    this.#round = null
    this.#waiting.clear()
    this.#admitted?.lingering.clear()
    this.#context.turns.closed(this)
  }
}
