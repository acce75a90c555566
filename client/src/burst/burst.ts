// One burst with one relay as a pure state machine: rounds of one message up and any number down, until nothing is left
// to ask. Knows no socket, no timer and no store; exchanges account for their documents.
import {
  type AnnouncedLimits,
  decodeRelayMessage,
  deviceVerdict,
  encodeDeviceFrames,
  type FeedPage,
  type FrameOf,
  type Hello,
  LIMITS_AFTER_WELCOME,
  LIMITS_HTTP_RESPONSE,
  PROTOCOL_VERSION,
  type RelayFrame,
  ROUNDS_UNDER_WAY_MAX,
  type Verdict,
} from '@tidemark/protocol'
import type { Exchange } from '../document/exchange.ts'
import { ERROR_CODE_OF, type ErrorCode, TidemarkError } from '../errors.ts'
import { retryAfterOf } from '../retry-after.ts'
import { Conduct } from './conduct.ts'
import { Listing } from './listing.ts'
import type { Risk } from './risk.ts'
import {
  composeRound,
  composeUpload,
  type FeedRequest,
  FIRST_ROUND_LIMITS,
  holdsDocument,
  type RoundLimits,
  UPLOAD_CHANNEL,
} from './round.ts'
import { Transfer } from './transfer.ts'

export interface BurstOptions {
  readonly relay: string
  readonly deviceId: Uint8Array
  readonly token: string
  readonly clientName: string
  /** HTTP: every round is a session of its own. */
  readonly helloEveryRound: boolean
  readonly risk: Risk
  readonly feeds: readonly FeedRequest[]
  readonly exchanges: readonly Exchange[]
}

export type BurstEvent =
  | { readonly type: 'connected' }
  | { readonly type: 'message'; readonly bytes: Uint8Array }
  /** What the carrier ended with, or why the burst is to end now. */
  | { readonly type: 'closed'; readonly error: TidemarkError }
  /** The answer to `plan`. Feeds are those of all vaults, to be listed anew from their beginnings; none: those that are left go on. */
  | { readonly type: 'planned'; readonly exchanges: readonly Exchange[]; readonly feeds: readonly FeedRequest[] }

export type BurstEffect =
  | { readonly type: 'send'; readonly bytes: Uint8Array }
  /**
   * A round ended: what else is to be opened, going by the feed? `goingOn` take part in the next round: what they
   * took in is to be in the device store before. Answered by `planned`.
   */
  | {
      readonly type: 'plan'
      readonly epoch: Uint8Array
      readonly pages: readonly FeedPage[]
      readonly goingOn: readonly Exchange[]
    }
  /** The last effect. The connection is to be closed. */
  | { readonly type: 'finished'; readonly error: TidemarkError | null }

/** A relay that may send little at once is to hear early that some of it has come. */
const CREDITS_PER_WINDOW = 4

type State = 'CONNECTING' | 'ROUND' | 'PLANNING' | 'FINISHED'

/** Exchanges by channel, of one round that is not answered yet. */
type RoundUnderWay = Map<number, Exchange>

export class Burst {
  readonly #options: BurstOptions
  #state: State = 'CONNECTING'
  #queue: Exchange[]
  #feeds: readonly FeedRequest[]
  /** Answered one after the other. More than one only while a large payload goes up. */
  #underWay: RoundUnderWay[] = []
  /** Channels of the round that is being answered which have had their OPENED. */
  readonly #opened = new Set<number>()
  /** The relay has answered the newest HELLO. */
  #isWelcome = false
  readonly #listing = new Listing()
  readonly #conduct = new Conduct()
  #epoch: Uint8Array | null = null
  #limits: AnnouncedLimits | null = null
  /** That the relay was granted, in all that is not credited yet. */
  #windowBytes = 0
  #uncreditedBytes = 0
  returnAfterMs = 0
  readonly #transfers = new Map<Exchange, Transfer>()

  constructor(options: BurstOptions) {
    this.#options = options
    this.#queue = [...options.exchanges]
    this.#feeds = options.feeds
  }

  /** Whether the relay verified the token and answered. */
  get wasLetIn(): boolean {
    return this.#epoch !== null
  }

  /** Something was sent that is not answered: it is lost if the burst ends now. */
  get isUnderWay(): boolean {
    return this.#state !== 'FINISHED' && this.#underWay.length > 0
  }

  /** Some payload came further in this burst, and stays so. */
  get hasMoved(): boolean {
    return [...this.#transfers.values()].some(({ hasMoved }) => hasMoved)
  }

  /** What this exchange has moved, and is to move. */
  transferOf(exchange: Exchange): Transfer {
    const transfer = this.#transfers.get(exchange) ?? new Transfer(exchange)
    this.#transfers.set(exchange, transfer)
    return transfer
  }

  handle(event: BurstEvent, nowMs: number): readonly BurstEffect[] {
    if (this.#state === 'FINISHED') return []
    switch (event.type) {
      case 'connected':
        return this.#sendRound(nowMs)
      case 'message':
        return this.#receive(event.bytes, nowMs)
      case 'planned':
        this.#queue.push(...event.exchanges)
        if (event.feeds.length > 0) this.#askAnew(event.feeds)
        return this.#queue.length + this.#feeds.length > 0 ? this.#sendRound(nowMs) : this.#finish(null)
      case 'closed':
        return this.#finish(event.error)
    }
  }

  /** The relay's data is another: what it listed so far says nothing, nor does the rest of it. */
  #askAnew(feeds: readonly FeedRequest[]): void {
    this.#listing.takePages()
    this.#feeds = feeds
  }

  #sendRound(nowMs: number): readonly BurstEffect[] {
    this.#state = 'ROUND'
    const limits = this.#roundLimits
    if (!holdsDocument(limits)) {
      const what = `The relay takes messages of ${limits.messageBytesMax} bytes at most: no document fits`
      return this.#finish(this.#error('UNSUPPORTED', what))
    }
    const pieces = this.#beginUpload()
    if (pieces.length > 0) return pieces
    if (!this.#conduct.beginRound()) return this.#finish(this.#error('MALFORMED', 'The relay never comes to an end'))
    const round = composeRound({
      hello: limits === FIRST_ROUND_LIMITS ? this.#hello() : null,
      feeds: this.#feeds,
      exchanges: this.#queue,
      limits,
      bundleBytes: this.#options.risk.bundleBytes,
      nowMs,
    })
    this.#listing.asked(this.#feeds.slice(0, round.feedsWritten))
    this.#feeds = this.#feeds.slice(round.feedsWritten)
    this.#queue = this.#queue.slice(round.channels.size)
    this.#underWay.push(round.channels)
    return [{ type: 'send', bytes: round.bytes }]
  }

  /** One large payload at a time, and nothing else meanwhile; what the relay did not say it holds is sent again. */
  #beginUpload(): readonly BurstEffect[] {
    const uploading = this.#limits === null ? undefined : this.#queue.find(({ isUploading }) => isUploading)
    if (uploading === undefined) return []
    uploading.uploadAnswered()
    const effects = this.#sendPieces(uploading)
    if (effects.length > 0) this.#queue = this.#queue.filter((exchange) => exchange !== uploading)
    return effects
  }

  /** As many rounds as may be under way, of one piece each; over HTTP one, of as many pieces as may be lost with it. */
  #sendPieces(exchange: Exchange): readonly BurstEffect[] {
    const { helloEveryRound, risk } = this.#options
    const effects: BurstEffect[] = []
    while (this.#underWay.length < (helloEveryRound ? 1 : ROUNDS_UNDER_WAY_MAX)) {
      const hello = helloEveryRound ? this.#hello() : null
      const payloadBytes = helloEveryRound ? risk.upBytes : 0
      const bytes = composeUpload({ hello, exchange, limits: this.#roundLimits, payloadBytes })
      if (bytes === null) break
      this.#underWay.push(new Map([[UPLOAD_CHANNEL, exchange]]))
      effects.push({ type: 'send', bytes })
    }
    return effects
  }

  #receive(bytes: Uint8Array, nowMs: number): readonly BurstEffect[] {
    const decoded = decodeRelayMessage(
      bytes,
      this.#options.helloEveryRound ? LIMITS_HTTP_RESPONSE : LIMITS_AFTER_WELCOME,
    )
    if (!decoded.ok) return this.#finish(this.#error('MALFORMED', `The relay sent ${decoded.message}`))
    const effects: BurstEffect[] = []
    for (const frame of decoded.frames) {
      effects.push(...this.#handleFrame(frame, nowMs))
      if (this.#state === 'FINISHED') return effects
    }
    if (this.#state === 'ROUND') effects.push(...this.#creditDue())
    return effects
  }

  #handleFrame(frame: RelayFrame, nowMs: number): readonly BurstEffect[] {
    // Between rounds the relay may still say why it ends the connection.
    if (frame.type === 'ERROR' && frame.channel === 0) return this.#receiveError(frame)
    const verdict = this.#state === 'ROUND' ? this.#verdictOn(frame) : 'malformed'
    if (verdict === 'ignore') return []
    if (verdict !== 'accept') return this.#unexpected(frame)
    switch (frame.type) {
      case 'WELCOME':
        return this.#welcome(frame)
      case 'FEED_PAGE':
        return this.#takePage(frame)
      case 'DONE':
        return this.#endRound(frame)
      case 'ERROR':
        return this.#receiveError(frame)
      default:
        return this.#handleChannelFrame(frame, nowMs)
    }
  }

  #welcome({ version, epoch, limits }: FrameOf<'WELCOME'>): readonly BurstEffect[] {
    if (version !== PROTOCOL_VERSION) return this.#finish(this.#error('VERSION', `The relay speaks version ${version}`))
    if (!this.#conduct.met(epoch)) {
      return this.#finish(this.#error('RELAY_FAULT', "The relay's data becomes another again and again"))
    }
    this.#isWelcome = true
    this.#epoch = epoch.slice()
    this.#limits = limits
    return []
  }

  #verdictOn(frame: RelayFrame): Verdict {
    const channel = 'channel' in frame ? frame.channel : 0
    const isKnown = this.#underWay[0]?.has(channel) === true
    const state = this.#opened.has(channel) ? 'OPEN' : 'OPENING'
    return deviceVerdict(this.#isWelcome ? 'READY' : 'AWAITING_WELCOME', frame.type, isKnown ? state : 'CLOSED')
  }

  #handleChannelFrame(frame: RelayFrame, nowMs: number): readonly BurstEffect[] {
    const channel = 'channel' in frame ? frame.channel : 0
    const channels = this.#underWay[0]
    const exchange = channels?.get(channel)
    if (channels === undefined || exchange === undefined) return this.#unexpected(frame)
    if (!this.#conduct.takes(frame, exchange)) return this.#unexpected(frame)
    if (frame.type === 'OPENED') {
      this.#opened.add(channel)
      this.transferOf(exchange).opened(frame.bytesToCome)
    }
    if (frame.type === 'MARK' || frame.type === 'SYNCED') this.transferOf(exchange).marked()
    if (frame.type === 'SYNCED') {
      channels.delete(channel)
      const again = exchange.synced(frame, nowMs)
      this.returnAfterMs = Math.max(this.returnAfterMs, exchange.isSettled ? exchange.returnAfterMs : 0)
      if (again && !this.#queue.includes(exchange)) this.#queue.push(exchange)
      return []
    }
    if (frame.type === 'ENTRIES') for (const { bytes } of frame.entries) this.#countBytes(exchange, bytes.length)
    if (frame.type === 'SNAPSHOT') this.#countBytes(exchange, frame.bytes.length)
    return tell(exchange, frame) ? [] : this.#unexpected(frame)
  }

  #receiveError({ channel, code, message, retryAfterMs }: FrameOf<'ERROR'>): readonly BurstEffect[] {
    const waitMs = retryAfterOf(retryAfterMs)
    if (channel === 0) return this.#finish(this.#error(ERROR_CODE_OF[code], message, waitMs))
    const channels = this.#underWay[0]
    const exchange = channels?.get(channel)
    // It answers one frame, and the relay serves the channel on.
    if (code !== 'UNSUPPORTED') channels?.delete(channel)
    exchange?.fail(ERROR_CODE_OF[code], message, waitMs)
    return []
  }

  #takePage(page: FeedPage): readonly BurstEffect[] {
    this.#conduct.listed()
    const wrong = this.#listing.take(page)
    return wrong === null ? [] : this.#finish(this.#error('MALFORMED', `The relay ${wrong}`))
  }

  #endRound({ more, returnAfterMs }: FrameOf<'DONE'>): readonly BurstEffect[] {
    this.returnAfterMs = Math.max(this.returnAfterMs, returnAfterMs)
    const epoch = this.#epoch
    if (epoch === null) return this.#finish(this.#error('MALFORMED', 'The relay sent DONE before WELCOME'))
    this.#opened.clear()
    if (!this.#conduct.endRound(more)) {
      return this.#finish(this.#error('MALFORMED', 'The relay has more to say, and says nothing'))
    }
    if (this.#options.helloEveryRound) this.#isWelcome = false
    for (const exchange of this.#underWay.shift()?.values() ?? []) {
      exchange.roundEnded()
      if (!more) exchange.fail('MALFORMED', 'The relay ended the round without answering for this document')
      else if (!exchange.isSettled && !this.#queue.includes(exchange)) this.#queue.push(exchange)
    }
    const uploading = this.#underWay[0]?.get(UPLOAD_CHANNEL)
    if (uploading !== undefined) return this.#sendPieces(uploading)
    if (!this.#listing.isWhole && !more) {
      return this.#finish(this.#error('MALFORMED', 'The relay ended the round without listing every vault'))
    }
    this.#feeds = [...this.#listing.takeUnlisted(), ...this.#feeds]
    const pages = this.#feeds.length > 0 ? [] : this.#listing.takePages()
    // A round that was sent ahead may have settled what an earlier one had go on.
    this.#queue = this.#queue.filter(({ isSettled }) => !isSettled)
    this.#state = 'PLANNING'
    return [{ type: 'plan', epoch, pages, goingOn: this.#queue }]
  }

  /** Of the next message, which begins with HELLO unless the relay has said what it takes. */
  get #roundLimits(): RoundLimits {
    return this.#options.helloEveryRound ? FIRST_ROUND_LIMITS : (this.#limits ?? FIRST_ROUND_LIMITS)
  }

  #countBytes(exchange: Exchange, byteLength: number): void {
    this.#uncreditedBytes += byteLength
    if (!exchange.isSettled) this.transferOf(exchange).received(byteLength)
  }

  #creditDue(): readonly BurstEffect[] {
    const { helloEveryRound, risk } = this.#options
    if (helloEveryRound || this.#uncreditedBytes < this.#windowBytes / CREDITS_PER_WINDOW) return []
    const growth = Math.max(0, risk.receiveWindowBytes - this.#windowBytes)
    const bytes = encodeDeviceFrames([{ type: 'CREDIT', bytes: this.#uncreditedBytes + growth }])
    this.#windowBytes += growth
    this.#uncreditedBytes = 0
    return [{ type: 'send', bytes }]
  }

  #hello(): Hello {
    const { deviceId, token, helloEveryRound, risk, clientName } = this.#options
    this.#windowBytes = helloEveryRound ? risk.downBytes : risk.receiveWindowBytes
    const versions = { versionMax: PROTOCOL_VERSION, versionMin: PROTOCOL_VERSION }
    return { type: 'HELLO', ...versions, deviceId, token, receiveWindowBytes: this.#windowBytes, clientName }
  }

  #unexpected(frame: RelayFrame): readonly BurstEffect[] {
    return this.#finish(this.#error('MALFORMED', `The relay sent ${frame.type} where it has no place`))
  }

  #error(code: ErrorCode, message: string, retryAfterMs: number | null = null): TidemarkError {
    return new TidemarkError(code, message, { relay: this.#options.relay, retryAfterMs })
  }

  #finish(error: TidemarkError | null): readonly BurstEffect[] {
    this.#state = 'FINISHED'
    return [{ type: 'finished', error }]
  }
}

/** False: a relay does not send that. */
function tell(exchange: Exchange, frame: RelayFrame): boolean {
  switch (frame.type) {
    case 'OPENED':
      exchange.opened(frame)
      return true
    case 'ACK':
      exchange.acknowledged(frame)
      return true
    case 'REFUSED':
      exchange.refused(frame)
      return true
    case 'HAVE':
      exchange.have(frame)
      return true
    case 'ENTRIES':
      exchange.entries(frame)
      return true
    case 'SNAPSHOT':
      exchange.snapshot(frame)
      return true
    case 'MARK':
      exchange.mark(frame.mark.slice())
      return true
    case 'LEASED':
      exchange.leased(frame)
      return true
    case 'COMPACTED':
      exchange.compacted(frame.code)
      return true
    case 'DELETED':
      exchange.deletedThere(frame.code)
      return true
    default:
      return false
  }
}
