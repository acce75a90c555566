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
  relayVerdict,
} from '@tidemark/protocol'
import { bytesKey } from '../bytes.ts'
import type { VerifiedToken } from '../token/tokens.ts'
import type { SessionContext } from './context.ts'
import type { Effect, SessionEvent } from './effects.ts'
import { Outlet } from './outlet.ts'
import { type RoundRequest, readRound, readWhileAnswering } from './request.ts'
import { Round } from './round.ts'

export interface SessionOptions {
  /** HTTP: one POST is one session and holds one round. */
  readonly oneRound: boolean
  /** The token of an Authorization header; empty where there is none. */
  readonly headerToken: string
}

export class Session {
  readonly #context: SessionContext
  readonly #options: SessionOptions
  readonly #outlet: Outlet
  #state: RelaySessionState = 'AWAITING_HELLO'
  #deadlineAtMs: number
  #roundDeadlineAtMs = 0
  #restarting = false
  #deviceKey = ''
  #token: VerifiedToken | null = null
  /** Waits for its token to be verified. */
  #request: RoundRequest | null = null
  #round: Round | null = null

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
    return this.#token !== null
  }

  handle(event: SessionEvent, nowMs: number): readonly Effect[] {
    if (this.#state === 'CLOSED') return []
    switch (event.type) {
      case 'frames':
        this.#frames(event.frames, nowMs)
        break
      case 'undecodable':
        this.#fail(event.code, event.message)
        break
      case 'verified':
        this.#verified(event.token, event.relayTimeMs, nowMs)
        break
      case 'deadline':
        this.#deadline(nowMs)
        break
      case 'overloaded':
        this.#fail('OVERLOADED', 'Too many connections', this.#context.limits.retryAfterMs)
        break
      case 'restarting':
        this.#restarting = true
        if (event.atOnce || this.#state !== 'ANSWERING') this.#restart()
        break
      case 'fault':
        this.#fail('FAULT', 'The relay failed', this.#context.limits.retryAfterMs)
        break
      case 'closed':
        this.#state = 'CLOSED'
        break
      default:
        this.#roundEvent(event, nowMs)
    }
    return this.#outlet.take()
  }

  #frames(frames: readonly Frame[], nowMs: number): void {
    if (this.#state === 'AWAITING_HELLO') {
      this.#hello(frames)
      return
    }
    const creditBytes = readWhileAnswering(frames)
    if (creditBytes !== null) {
      // Also between rounds: DONE may have crossed a CREDIT on its way.
      this.#outlet.credit(creditBytes)
      this.#round?.resume()
      this.#settle(nowMs)
    } else if (this.#state === 'READY') {
      this.#nextRound(frames, nowMs)
    } else {
      // What comes while the token is verified would meet the round that this begins: the same row of the table.
      this.#fail('MALFORMED', 'A message came before the one before it was answered with DONE')
    }
  }

  #hello(frames: readonly Frame[]): void {
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
    const request = readRound(frames.slice(1), { ...this.#context.limits, channelsMax: LIMITS_BEFORE_WELCOME.opensMax })
    if ('code' in request) {
      this.#fail(request.code, request.message)
      return
    }
    const token = this.#tokenOf(hello)
    if (token === null) {
      this.#fail('TOKEN', 'The tokens of HELLO and of the Authorization header differ')
      return
    }
    this.#deviceKey = bytesKey(hello.deviceId)
    this.#request = request
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

  #verified(token: VerifiedToken, relayTimeMs: number, nowMs: number): void {
    const request = this.#request
    if (this.#state !== 'VERIFYING' || request === null) return
    this.#token = token
    this.#request = null
    const { limits, epoch } = this.#context
    const { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax } = limits
    this.#outlet.send({
      type: 'WELCOME',
      version: PROTOCOL_VERSION,
      epoch,
      limits: { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax },
      relayTimeMs,
    })
    this.#begin(request, token, nowMs)
  }

  #nextRound(frames: readonly Frame[], nowMs: number): void {
    const token = this.#token
    if (token === null) return
    if (token.expiresAtMs <= nowMs) {
      this.#fail('TOKEN', 'The token has expired')
      return
    }
    const request = readRound(frames, this.#context.limits)
    if ('code' in request) {
      this.#fail(request.code, request.message)
      return
    }
    this.#begin(request, token, nowMs)
  }

  #begin(request: RoundRequest, token: VerifiedToken, nowMs: number): void {
    this.#state = 'ANSWERING'
    this.#roundDeadlineAtMs = nowMs + this.#context.limits.roundTimeoutMs
    if (!this.#options.oneRound) this.#outlet.credit(request.creditBytes)
    this.#round = new Round(this.#context, this.#outlet, request, token, this.#deviceKey)
    this.#round.begin(nowMs)
    this.#settle(nowMs)
  }

  #roundEvent(event: Extract<SessionEvent, { type: RoundEventType }>, nowMs: number): void {
    if (event.type === 'writable') this.#outlet.writable()
    if (event.type === 'failed' && (event.wish === 'verify' || event.wish === 'feed')) {
      this.#fail(event.code, event.message, retryAfterMsOf(event.code, this.#context.limits.retryAfterMs))
      return
    }
    const round = this.#round
    if (round === null) return
    switch (event.type) {
      case 'judged':
        round.judged(event.channel, event.judgement, nowMs)
        break
      case 'appended':
        round.appended(event.outcomes)
        break
      case 'page':
        round.page(event.page)
        break
      case 'feedPage':
        round.feedPage(event.page)
        break
      case 'writable':
        round.resume()
        break
      case 'failed':
        if (event.wish === 'verify' || event.wish === 'feed') return
        round.failed(event.wish, event.channel, event.code, event.message, nowMs)
    }
    this.#settle(nowMs)
  }

  /** What the round's new state means for the connection: its deadline, or its end. */
  #settle(nowMs: number): void {
    const round = this.#round
    if (round === null) return
    const { limits } = this.#context
    if (round.state !== 'done') {
      const stalledAtMs = round.state === 'device' ? nowMs + limits.stallTimeoutMs : this.#roundDeadlineAtMs
      this.#deadlineAtMs = Math.min(stalledAtMs, this.#roundDeadlineAtMs)
      return
    }
    this.#round = null
    this.#state = 'READY'
    this.#deadlineAtMs = nowMs + limits.idleTimeoutMs
    if (this.#options.oneRound) this.#close('OK', 'done', 0)
    else if (this.#restarting) this.#restart()
  }

  #deadline(nowMs: number): void {
    if (nowMs < this.#deadlineAtMs) return
    if (this.#state === 'READY') {
      this.#fail('DEADLINE', 'Nothing was asked for too long')
      return
    }
    const round = this.#round
    if (round === null) {
      this.#fail('DEADLINE', 'No token was verified in time')
      return
    }
    if (round.state === 'device') {
      this.#fail('DEADLINE', 'The device reads too slowly, or gives no credit')
      return
    }
    this.#fail('DEADLINE', 'The round took too long')
  }

  #restart(): void {
    this.#fail('RESTARTING', 'The relay is restarting', this.#context.limits.retryAfterMs)
  }

  /** The whole connection ends: says why, and closes. */
  #fail(code: Code, message: string, retryAfterMs = 0): void {
    this.#outlet.send({ type: 'ERROR', channel: 0, code, retryable: RETRYABLE.has(code), retryAfterMs, message })
    this.#outlet.wish({ type: 'flush' })
    this.#close(code, message, retryAfterMs)
  }

  #close(code: Code, reason: string, retryAfterMs: number): void {
    this.#state = 'CLOSED'
    this.#round = null
    this.#outlet.wish({ type: 'close', code, reason, retryAfterMs })
  }
}

type RoundEventType = 'judged' | 'appended' | 'page' | 'feedPage' | 'failed' | 'writable'

function retryAfterMsOf(code: Code, retryAfterMs: number): number {
  return RETRYABLE.has(code) ? retryAfterMs : 0
}
