// One burst with one relay, run for real: a carrier, a token, the clock and the store around the Burst machine.
import { Burst, type BurstEffect, type BurstEvent } from '../burst/burst.ts'
import type { Carrier, CarrierEvents } from '../carrier/carrier.ts'
import { connectHttp } from '../carrier/http.ts'
import { connectWebSocket } from '../carrier/websocket.ts'
import type { Device } from '../device/device.ts'
import type { Exchange } from '../document/exchange.ts'
import { TidemarkError } from '../errors.ts'
import { LISTINGS_MAX } from '../library/library.ts'
import type { CompactionPolicy, RelayTarget, TokenSource } from '../options.ts'
import type { Platform, Timer } from '../platform.ts'
import type { DocumentReport, RelayReport } from '../report.ts'
import { storeError } from '../store/errors.ts'
import type { Pace } from './pace.ts'
import { Patience } from './patience.ts'
import { BurstPlan, type SyncScope } from './plan.ts'
import type { RelayProgress } from './progress.ts'
import { SlowStart } from './slow-start.ts'

export interface RelaySyncOptions {
  readonly device: Device
  readonly platform: Platform
  readonly target: Required<RelayTarget>
  readonly scope: SyncScope
  readonly compaction: CompactionPolicy
  /** When the budget is used up, in milliseconds since 1970; null: there is none. */
  readonly endsAtMs: number | null
  /** Of this relay, in this sync(). */
  readonly progress: RelayProgress
  /** Something moved. */
  progressed(): void
}

export interface RelaySyncResult {
  readonly report: RelayReport
  /** Whether the relay verified the token and answered. */
  readonly wasLetIn: boolean
  /** Something of a payload came further, and stays so. */
  readonly hasMoved: boolean
  /** A document was half applied: once it has been rebuilt, another burst comes further. */
  readonly isRepeatDue: boolean
  /** The relay asked not to be called sooner; 0: no wish. */
  readonly returnAfterMs: number
}

/** Without a byte from the relay for so long, the connection counts as dead: half-open sockets say nothing. */
const SILENCE_MS_MAX = 20_000
const CLOSE_WAIT_MS_MAX = 2_000
const TOKEN_MS_MAX = 20_000
const CLIENT_NAME = 'tidemark/0.1'

type AskedTokenSource = Exclude<TokenSource, string>

export class RelaySync {
  readonly #options: RelaySyncOptions
  #carrier: Carrier | null = null
  #carrierName: RelayReport['carrier'] = null
  #burst: Burst | null = null
  #plan: BurstPlan
  #silence: Timer | null = null
  readonly #patience: Patience
  /** Null: the burst has all the time that it takes. */
  readonly #slowStart: SlowStart | null
  /** Tries the other carrier; null once a connection was made, or where there is no other. */
  #fallBack: (() => void) | null = null
  /** So many of the plan's exchanges are in the progress of this connection. */
  #expected = 0
  #bytesSent = 0
  #bytesReceived = 0
  #end: (error: TidemarkError | null) => void = () => undefined
  #stopped = false
  #rejectStopped: (error: TidemarkError) => void = () => undefined
  /** Rejects at `stop()`: what the app takes its time for is not waited for. */
  readonly #whenStopped: Promise<never>

  constructor(options: RelaySyncOptions) {
    this.#whenStopped = new Promise((_resolve, reject) => {
      this.#rejectStopped = reject
    })
    this.#whenStopped.catch(() => undefined)
    this.#options = options
    this.#slowStart = options.endsAtMs === null ? null : new SlowStart(options.endsAtMs, () => options.platform.now())
    this.#plan = this.#newPlan()
    this.#patience = new Patience(
      options.platform,
      () => this.#bytesSent + this.#bytesReceived,
      (why) => this.#lost(this.#error('TIMEOUT', `The burst with ${options.target.url} ${why}`)),
    )
  }

  /** Never rejects: what went wrong is in the report. */
  async run(): Promise<RelaySyncResult> {
    let error = await this.#attempt(false)
    if (error?.code === 'TOKEN' && typeof this.#options.target.token === 'function' && !this.#stopped) {
      error = await this.#attempt(true)
    }
    try {
      await this.#plan.finish()
    } catch (failure) {
      error ??= storeError(failure)
    }
    const { device, target, scope, platform } = this.#options
    // What is beyond is missing: such a burst must not be called complete.
    if (device.library.isOverfull(target.url))
      error ??= this.#error('MALFORMED', `The relay lists more than ${LISTINGS_MAX} documents`)
    this.#noteProblems(error)
    const result = this.#result(error)
    if (result.report.complete && scope.documents === null) device.relaySyncedAt.set(target.url, platform.now())
    return result
  }

  /** Ends the burst now; what arrived is kept. */
  stop(): void {
    const error = this.#error('TIMEOUT', 'The burst was stopped before it was done')
    this.#stopped = true
    this.#rejectStopped(error)
    this.#plan.stop()
    // Lost with it is what a cut would have lost.
    if (this.#burst?.isUnderWay) this.#pace.cut()
    this.#dispatch({ type: 'closed', error })
  }

  async #attempt(wasRefused: boolean): Promise<TidemarkError | null> {
    const { target } = this.#options
    try {
      const token = await this.#token(wasRefused)
      if (wasRefused) {
        // A second attempt gets its documents anew; what the first one settled stays settled.
        await this.#plan.finish()
        this.#plan = this.#newPlan()
      }
      const exchanges = await this.#plan.next()
      return await new Promise((resolve) => {
        this.#end = resolve
        this.#connect(token, exchanges, target.carrier === 'http')
      })
    } catch (failure) {
      return storeError(failure)
    } finally {
      await this.#hangUp()
    }
  }

  /** An app's own backend may never answer. */
  async #token(wasRefused: boolean): Promise<string> {
    const { target, platform } = this.#options
    if (typeof target.token === 'string') return target.token
    let timer: Timer | null = null
    const late = new Promise<never>((_resolve, reject) => {
      const message = `token: the app's token source has given none for ${TOKEN_MS_MAX / 1000} s`
      timer = platform.setTimeout(() => reject(this.#error('TIMEOUT', message)), TOKEN_MS_MAX)
    })
    try {
      return await Promise.race([tokenFrom(target.token, target.url, wasRefused), late, this.#whenStopped])
    } finally {
      if (timer !== null) platform.clearTimeout(timer)
    }
  }

  #connect(token: string, exchanges: readonly Exchange[], overHttp: boolean): void {
    if (this.#stopped) {
      this.#end(this.#error('TIMEOUT', 'The burst was stopped before it began'))
      return
    }
    const { platform, target, device } = this.#options
    const isHttp = overHttp || platform.WebSocket === null
    this.#burst = new Burst({
      relay: target.url,
      deviceId: device.id,
      token,
      clientName: CLIENT_NAME,
      helloEveryRound: isHttp,
      risk: this.#slowStart ?? this.#pace,
      feeds: this.#plan.feeds(),
      exchanges,
    })
    this.#expected = 0
    this.#expect(this.#burst)
    const events: CarrierEvents = {
      connected: () => {
        this.#fallBack = null
        if (!isHttp) this.#carrierName = 'websocket'
        this.#dispatch({ type: 'connected' })
      },
      message: (bytes) => this.#receive(bytes),
      closed: (error) => this.#lost(error),
    }
    const mayFallBack = !isHttp && target.carrier === 'auto' && platform.fetch !== null
    this.#fallBack = mayFallBack ? () => this.#connect(token, exchanges, true) : null
    this.#watchSilence()
    this.#patience.start()
    try {
      this.#carrier = openCarrier(platform, target.url, isHttp, events)
    } catch (cause) {
      this.#end(this.#error('BAD_OPTION', `relays: ${target.url} cannot be connected to: ${String(cause)}`))
    }
  }

  #newPlan(): BurstPlan {
    const { device, target, scope, compaction, platform } = this.#options
    return new BurstPlan({ device, relay: target.url, scope, compaction, now: () => platform.now() })
  }

  /** The connection ended, or says nothing: where none was ever made, a proxy may let the other carrier through. */
  #lost(error: TidemarkError): void {
    const fallBack = this.#fallBack
    this.#fallBack = null
    if (this.#burst?.isUnderWay) this.#pace.cut()
    if (fallBack === null || this.#stopped) {
      this.#dispatch({ type: 'closed', error })
    } else {
      void this.#carrier?.close()
      fallBack()
    }
  }

  #receive(bytes: Uint8Array): void {
    this.#bytesReceived += bytes.length
    this.#pace.moved(bytes.length)
    this.#slowStart?.received(bytes.length)
    this.#carrierName = this.#carrier?.name ?? this.#carrierName
    this.#watchSilence()
    this.#dispatch({ type: 'message', bytes })
  }

  #dispatch(event: BurstEvent): void {
    const effects = this.#burst?.handle(event, this.#options.platform.now()) ?? []
    for (const effect of effects) this.#run(effect)
    this.#options.progressed()
  }

  #run(effect: BurstEffect): void {
    switch (effect.type) {
      case 'send':
        this.#bytesSent += effect.bytes.length
        this.#pace.moved(effect.bytes.length)
        this.#slowStart?.sent(effect.bytes.length)
        this.#carrier?.send(effect.bytes)
        return
      case 'plan':
        this.#answerPlan(effect).catch((failure) => this.#dispatch({ type: 'closed', error: storeError(failure) }))
        return
      case 'finished':
        this.#end(effect.error)
    }
  }

  async #answerPlan({ epoch, pages, goingOn }: Extract<BurstEffect, { type: 'plan' }>): Promise<void> {
    this.#slowStart?.roundEnded()
    this.#endWatch() // The relay is silent because it is asked nothing.
    const feeds = await this.#plan.learn(epoch, pages)
    const exchanges = await this.#plan.next()
    if (this.#burst !== null) this.#expect(this.#burst)
    // A mark that is presented again is one that this device has stored, with all that it covers.
    await Promise.all(goingOn.map(({ document }) => document.flush()))
    if (this.#carrier !== null) this.#watchSilence()
    this.#dispatch({ type: 'planned', exchanges, feeds })
  }

  get #pace(): Pace {
    const { device, target } = this.#options
    return device.paceOf(target.url)
  }

  #watchSilence(): void {
    const { platform, target } = this.#options
    this.#endWatch()
    this.#silence = platform.setTimeout(() => {
      this.#lost(this.#error('TIMEOUT', `Nothing came from ${target.url} for ${SILENCE_MS_MAX / 1000} s`))
    }, SILENCE_MS_MAX)
  }

  #endWatch(): void {
    if (this.#silence !== null) this.#options.platform.clearTimeout(this.#silence)
    this.#silence = null
  }

  /** A relay that does not answer the close is not waited for. */
  async #hangUp(): Promise<void> {
    const { platform } = this.#options
    this.#patience.stop()
    this.#endWatch()
    const closed = this.#carrier?.close()
    this.#carrier = null
    if (closed === undefined) return
    let timer: Timer | null = null
    const waited = new Promise<void>((resolve) => {
      timer = platform.setTimeout(resolve, CLOSE_WAIT_MS_MAX)
    })
    // Whoever stopped the burst has no time left.
    await Promise.race([closed, waited, this.#whenStopped.catch(() => undefined)])
    if (timer !== null) platform.clearTimeout(timer)
  }

  /** Those that failed before they could take part are counted too. */
  #expect(burst: Burst): void {
    const { progress } = this.#options
    const { waiting, unloadable, exchanges } = this.#plan
    progress.expect(waiting)
    progress.expect(unloadable.keys())
    for (const exchange of exchanges.slice(this.#expected)) progress.begin(exchange, burst.transferOf(exchange))
    this.#expected = exchanges.length
  }

  #noteProblems(error: TidemarkError | null): void {
    const { device, target } = this.#options
    if (error === null) device.relayProblems.delete(target.url)
    else if (!this.#stopped) device.relayProblems.set(target.url, error)
    for (const { documentId, error: problem, isSettled } of this.#plan.exchanges) {
      // What was not got to says nothing of what was wrong before.
      if (isSettled) device.noteProblem(target.url, documentId, problem)
    }
    for (const [documentId, problem] of this.#plan.unloadable) device.noteProblem(target.url, documentId, problem)
  }

  #result(error: TidemarkError | null): RelaySyncResult {
    const unloadable = [...this.#plan.unloadable].map(([id, problem]): DocumentReport => {
      return { id, outcome: 'failed', error: problem, entriesPushed: 0, entriesPulled: 0, reseeded: false }
    })
    const documents = [...this.#plan.exchanges.map((exchange) => exchange.report()), ...unloadable]
    const isComplete = documents.every(({ outcome }) => outcome === 'synced') && this.#plan.waiting.size === 0
    const report: RelayReport = {
      relay: this.#options.target.url,
      carrier: this.#carrierName,
      complete: error === null && isComplete,
      bytesSent: this.#bytesSent,
      bytesReceived: this.#bytesReceived,
      error: this.#stopped ? null : error,
      documents,
    }
    return {
      report,
      wasLetIn: this.#burst?.wasLetIn ?? false,
      hasMoved: this.#burst?.hasMoved ?? false,
      isRepeatDue: this.#plan.exchanges.some(({ isRepeatDue }) => isRepeatDue),
      returnAfterMs: this.#burst?.returnAfterMs ?? 0,
    }
  }

  #error(code: TidemarkError['code'], message: string): TidemarkError {
    return new TidemarkError(code, message, { relay: this.#options.target.url })
  }
}

function openCarrier(platform: Platform, relay: string, overHttp: boolean, events: CarrierEvents): Carrier {
  if (!overHttp && platform.WebSocket !== null) return connectWebSocket(platform.WebSocket, relay, events)
  if (platform.fetch === null) throw new Error('the platform has neither WebSocket nor fetch')
  return connectHttp(platform.fetch, relay, events)
}

async function tokenFrom(source: AskedTokenSource, relay: string, refused: boolean): Promise<string> {
  let token: unknown
  try {
    token = await source({ relay, refused })
  } catch (cause) {
    // Mostly because the app's own backend is out of reach, as the relay would be. Who has no token to give returns ''.
    throw new TidemarkError('OFFLINE', `The app's token source failed: ${String(cause)}`, { relay, cause })
  }
  if (typeof token === 'string') return token
  const what = `token: the app's token source gave ${token === null ? 'null' : `a value of type ${typeof token}`}, and must give a text`
  throw new TidemarkError('BAD_OPTION', what, { relay })
}
