// Carries out the wishes of one session: asks store and tokens, encodes frames and packs them into messages.
// Decides nothing; whatever goes wrong here becomes an event of the session.
import {
  type Code,
  type DecodeLimits,
  decodeMessage,
  type Frame,
  LIMITS_AFTER_WELCOME,
  LIMITS_BEFORE_WELCOME,
  type MessageWriter,
} from '@tidemark/protocol'
import type { Logger, SparingLog } from '../logger.ts'
import { type RelayStore, RelayStoreError } from '../store/contract.ts'
import { TokenError, type TokenVerifier, type VerifiedToken } from '../token/tokens.ts'
import type { Member } from './audience.ts'
import type { SessionContext } from './context.ts'
import type { Effect, Failed, SessionEvent, StoreWish } from './effects.ts'
import { FRAME_BYTES } from './outlet.ts'
import type { Postponed } from './postponed.ts'
import { Session, type SessionOptions } from './session.ts'
import { announce, fulfil } from './store-wishes.ts'

/** The device's end of a connection, as a session needs it: a WebSocket, an HTTP response, or nothing but memory. */
export interface Carrier {
  /** Bytes that were sent and have not left yet. */
  readonly bufferedBytes: number
  /** One message, whose bytes are the carrier's from now on. Never throws, also after the other side has gone. */
  send(bytes: Uint8Array): void
  /** Nothing more is sent. `retryAfterMs` 0: no matter. */
  close(code: Code, reason: string, retryAfterMs: number): void
  /** Reads nothing more from the device until `resume`; what has been read may still be told. */
  pause?(): void
  resume?(): void
}

/** What a carrier tells. Nothing here throws. */
export interface Connection {
  /** One whole message, whose bytes nobody else changes from now on. */
  receive(bytes: Uint8Array): void
  /** What came is no message; the device is told why. */
  reject(code: Code, message: string): void
  /** `bufferedBytes` has gone down. */
  writable(): void
  /** The device has gone. */
  closed(): void
}

/** What the connections of one relay share. */
export interface ConnectionContext extends SessionContext {
  readonly store: RelayStore
  readonly postponed: Postponed
  readonly tokens: TokenVerifier
  readonly logger: Logger
  /** A full disk is met by every connection. */
  readonly storageLog: SparingLog
  readonly now: () => number
  readonly steadyNow: () => number
  /** One for all: a message is written from beginning to end without a pause. */
  readonly writer: MessageWriter
}

export class DrivenConnection implements Connection, Member {
  readonly #context: ConnectionContext
  readonly #carrier: Carrier
  readonly #ended: (connection: DrivenConnection) => void
  readonly #session: Session
  /** What is to leave with the next message. Encoded as late as that: then a waiting connection holds no buffer. */
  #frames: Frame[] = []
  #frameBytes = 0
  readonly #events: SessionEvent[] = []
  #running = false
  #awaitingWritable = false

  /** `ended` is called once, when the session is over. */
  constructor(
    context: ConnectionContext,
    carrier: Carrier,
    options: SessionOptions,
    ended: (connection: DrivenConnection) => void,
  ) {
    this.#context = context
    this.#carrier = carrier
    this.#ended = ended
    this.#session = new Session(context, options, context.steadyNow())
  }

  get deadlineAtMs(): number {
    return this.#session.deadlineAtMs
  }

  receive(bytes: Uint8Array): void {
    if (this.#session.ended) return
    const decoded = decodeMessage(bytes, this.#decodeLimits())
    if (decoded.ok) this.tell({ type: 'frames', frames: decoded.frames, bytes: bytes.length })
    else this.reject(decoded.code, decoded.message)
  }

  reject(code: Code, message: string): void {
    this.tell({ type: 'undecodable', code, message })
  }

  writable(): void {
    if (!this.#awaitingWritable || this.#carrier.bufferedBytes > this.#context.limits.sendBufferBytesMax) return
    this.#awaitingWritable = false
    this.tell({ type: 'writable' })
  }

  closed(): void {
    this.tell({ type: 'closed' })
  }

  news(documentId: string, index: number): void {
    this.tell({ type: 'news', documentId, index })
  }

  /** Events that arise while effects are carried out wait for their turn, so that the session never overtakes itself. */
  tell(first: SessionEvent): void {
    if (this.#session.ended) return
    this.#events.push(first)
    if (this.#running) return
    this.#running = true
    for (let event = this.#events.shift(); event !== undefined; event = this.#events.shift()) {
      for (const effect of this.#handle(event)) this.#carryOut(effect)
    }
    this.#running = false
    if (this.#session.ended) this.#ended(this)
  }

  /** What the session cannot bear is our own mistake, or the store's: this connection ends, and no other. */
  #handle(event: SessionEvent): readonly Effect[] {
    try {
      return this.#session.handle(event, this.#context.steadyNow())
    } catch (error) {
      this.#context.logger.error({ err: error, event: event.type }, 'a session failed')
      return this.#session.handle({ type: 'fault' }, this.#context.steadyNow())
    }
  }

  #decodeLimits(): DecodeLimits {
    if (!this.#session.welcomed) return LIMITS_BEFORE_WELCOME
    const { messageBytesMax, pieceBytesMax, channelsMax } = this.#context.limits
    return { messageBytesMax, framesMax: LIMITS_AFTER_WELCOME.framesMax, opensMax: channelsMax, pieceBytesMax }
  }

  #carryOut(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#gather(effect.frame, effect.bytes)
        return
      case 'acknowledge': {
        const { pushId, receipt } = effect.durable
        this.#gather({ type: 'ACK', channel: effect.channel, pushId, receipt }, FRAME_BYTES)
        return
      }
      case 'flush':
        this.#flush()
        return
      case 'verify':
        this.#verify(effect.token)
        return
      case 'awaitWritable':
        this.#awaitingWritable = true
        this.writable()
        return
      case 'join':
        this.#context.audience.join(effect.documentId, effect.deviceKey, this)
        return
      case 'leave':
        this.#context.audience.leave(effect.documentId, effect.deviceKey, this)
        return
      case 'stopReading':
        this.#carrier.pause?.()
        return
      case 'goOnReading':
        this.#carrier.resume?.()
        return
      case 'close':
        this.#sayEnd(effect.code, effect.reason)
        this.#carrier.close(effect.code, effect.reason, effect.retryAfterMs)
        return
      default:
        this.#ask(effect)
    }
  }

  /** For who wants to know why a device of theirs does not sync. At another level devices could fill the log. */
  #sayEnd(code: Code, reason: string): void {
    if (code !== 'OK') this.#context.logger.debug({ code, reason }, 'a connection was ended')
  }

  #gather(frame: Frame, bytes: number): void {
    this.#frames.push(frame)
    this.#frameBytes += bytes
    if (this.#frameBytes >= this.#context.limits.messageBytesTarget) this.#flush()
  }

  #flush(): void {
    if (this.#frames.length === 0) return
    const frames = this.#frames
    this.#frames = []
    this.#frameBytes = 0
    const { writer, logger } = this.#context
    try {
      for (const frame of frames) writer.write(frame)
    } catch (error) {
      // A frame that cannot be said is our own mistake, or the store's. Nothing of its message leaves.
      writer.take()
      logger.error({ err: error, frames: frames.map(({ type }) => type) }, 'a message could not be encoded')
      this.tell({ type: 'fault' })
      return
    }
    this.#carrier.send(writer.take())
  }

  #verify(token: string): void {
    let verified: VerifiedToken | Promise<VerifiedToken>
    try {
      verified = this.#context.tokens.verify(token, this.#context.now())
    } catch (error) {
      this.#failed('verify', 0, error)
      return
    }
    if (!(verified instanceof Promise)) {
      this.tell(this.#verified(verified))
      return
    }
    verified.then(
      (known) => this.tell(this.#verified(known)),
      (error: unknown) => this.#failed('verify', 0, error),
    )
  }

  /** The session counts by the steady clock, a token by the machine's. */
  #verified(token: VerifiedToken): SessionEvent {
    const { now, steadyNow } = this.#context
    const relayTimeMs = now()
    const expiresAtMs = token.expiresAtMs + steadyNow() - relayTimeMs
    return { type: 'verified', token: { ...token, expiresAtMs }, relayTimeMs }
  }

  #ask(wish: StoreWish): void {
    fulfil(this.#context.store, wish, this.#context.postponed).then(
      (answer) => {
        this.tell(answer)
        announce(this.#context.audience, wish, answer)
      },
      (error: unknown) => this.#failed(wish.type, wish.of, error),
    )
  }

  #failed(wish: Failed['wish'], of: number, error: unknown): void {
    const { code, message } = explain(error)
    const { logger, storageLog, steadyNow } = this.#context
    if (code === 'FAULT') logger.error({ err: error, wish }, 'the store failed')
    if (code === 'STORAGE') storageLog.error(steadyNow(), wish, { err: error, wish }, 'the store failed')
    this.tell({ type: 'failed', wish, of, code, message })
  }
}

/** For the device: nothing of the machine that the relay runs on. */
function explain(error: unknown): { code: Code; message: string } {
  if (error instanceof TokenError) return { code: 'TOKEN', message: error.message }
  if (!(error instanceof RelayStoreError)) return { code: 'FAULT', message: 'The relay failed' }
  if (error.code === 'CLOSED') return { code: 'RESTARTING', message: 'The relay is restarting' }
  return { code: 'STORAGE', message: 'The relay cannot store or read at the moment' }
}
