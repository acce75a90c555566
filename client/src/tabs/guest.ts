// A tab that works through another tab, which has the store and the network: asks that one, and asks its successor again what
// was not answered. Has no device of its own.
import type { TidemarkDocument } from '../document.ts'
import { TidemarkError } from '../errors.ts'
import type { DocumentListing } from '../library/library.ts'
import type { Channel, Platform, Timer } from '../platform.ts'
import type { SyncProgress, SyncReport } from '../report.ts'
import { frozenStatus, nothingKnown, type SyncStatus, withProblem } from '../status.ts'
import { notBegun } from '../sync/outcome.ts'
import { NO_PROGRESS } from '../sync/progress.ts'
import { Stop } from '../sync/stop.ts'
import type { SyncOptions } from '../sync/syncer.ts'
import { reportUncaught } from '../uncaught.ts'
import { GuestDocument } from './guest-document.ts'
import {
  ALL,
  ANY_HOST,
  type Envelope,
  type Method,
  type Opened,
  pack,
  type ToGuest,
  type ToHost,
  unpack,
} from './messages.ts'

export interface GuestOptions {
  readonly id: string
  readonly channel: Channel
  readonly platform: Platform
  readonly relays: readonly string[]
  /** Something that the status shows. */
  changed(): void
}

interface Call {
  readonly message: Extract<ToHost, { type: 'call' }>
  /** Asked of one host only. */
  readonly isReopening: boolean
  /** At once when the answer comes, before anything that follows it. */
  take(value: unknown): void
  reject(error: TidemarkError): void
  progressed(progress: SyncProgress): void
}

/** Without a word for so long after it was asked, the host is taken for suspended. */
const SILENCE_MS_MAX = 5_000
/** How long the host has for the report of a sync that was stopped. */
const STOP_WAIT_MS_MAX = 500

export class Guest {
  readonly #options: GuestOptions
  readonly #documents = new Map<string, GuestDocument>()
  readonly #opening = new Map<string, Promise<GuestDocument>>()
  /** Closed by the app, and not all saved. */
  readonly #leaving = new Set<GuestDocument>()
  readonly #calls = new Map<number, Call>()
  #callsMade = 0
  #host: string | null = null
  /** The host has all that was open before it came. */
  #isReady = false
  #isClosed = false
  #silence: Timer | null = null
  #silent: TidemarkError | null = null
  readonly #forgetWakes: () => void
  #status: SyncStatus

  constructor(options: GuestOptions) {
    this.#options = options
    this.#status = nothingKnown(options.relays)
    options.channel.onMessage = (message) => this.#receive(unpack(message) as Envelope<ToGuest>)
    this.#forgetWakes = options.platform.onWake?.(() => this.#post({ type: 'wake' })) ?? (() => undefined)
    this.#post({ type: 'hello' }, ANY_HOST)
    this.#awaitWord()
  }

  /** As the host told it, and whether it is there at all. */
  get status(): SyncStatus {
    return this.#silent === null ? this.#status : withProblem(this.#status, this.#silent)
  }

  get documentsUnsaved(): number {
    return [...this.#documents.values(), ...this.#leaving].filter(({ isUnsaved }) => isUnsaved).length
  }

  has(id: string): boolean {
    return this.#documents.has(id) || this.#opening.has(id)
  }

  async open(id: string, { create = false }: { create?: boolean }): Promise<TidemarkDocument> {
    const open = this.#documents.get(id) ?? (await this.#opening.get(id))
    if (open !== undefined) {
      if (create) await this.#call('open', [id, true, false])
      return open
    }
    const opening = this.#open(id, create)
    this.#opening.set(id, opening)
    try {
      return await opening
    } finally {
      this.#opening.delete(id)
    }
  }

  #open(id: string, create: boolean): Promise<GuestDocument> {
    return this.#call('open', [id, create, true], (value) => {
      const document = this.#newDocument(id, value as Opened)
      this.#documents.set(id, document)
      return document
    })
  }

  async sync(options: SyncOptions): Promise<SyncReport> {
    const { platform, relays } = this.#options
    const startedAt = platform.now()
    const stop = new Stop(options, platform)
    if (stop.reason !== null) return stoppedReport(relays, startedAt, startedAt, stop.reason)
    const { documents, vaults, onProgress } = options
    const callId = this.#callsMade + 1
    const answer = this.#call(
      'sync',
      [{ ...(documents && { documents }), ...(vaults && { vaults }) }],
      (value) => value as SyncReport,
      { progressed: (progress) => onProgress?.(progress) },
    )
    const givenUp = stop.whenStopped.then(async () => {
      this.#post({ type: 'stop', callId })
      await new Promise<void>((resolve) => platform.setTimeout(resolve, STOP_WAIT_MS_MAX))
      return stoppedReport(relays, startedAt, platform.now(), stop.reason)
    })
    try {
      const report = await Promise.race([answer, givenUp])
      return { ...report, stopped: report.stopped === null ? null : stop.reason }
    } finally {
      this.#calls.delete(callId) // It may have been given up: the next host must not begin it anew.
      stop.release()
    }
  }

  list(vault: string): Promise<readonly DocumentListing[]> {
    return this.#call('list', [vault], (value) => value as readonly DocumentListing[])
  }

  async forget(id: string, options: { discardUnsent?: boolean }): Promise<void> {
    await this.#call('forget', [id, options])
  }

  async delete(id: string): Promise<void> {
    await this.#call('delete', [id])
  }

  async flush(): Promise<void> {
    await this.#call('flush', [])
  }

  /** All is saved, and the documents are closed. @throws TidemarkError STORE_FULL, STORE_FAILED: nothing is closed for good */
  async close(): Promise<void> {
    await Promise.all([...this.#documents.values(), ...this.#leaving].map((document) => document.close()))
    this.#isClosed = true
    this.#forgetWakes()
    this.#heard()
    for (const { reject } of this.#calls.values()) reject(closedError())
    this.#calls.clear()
    this.#options.channel.close()
  }

  #call<Value = unknown>(
    method: Method,
    args: readonly unknown[],
    take: (value: unknown) => Value = (value) => value as Value,
    { isReopening = false, progressed = () => undefined }: Partial<Pick<Call, 'isReopening' | 'progressed'>> = {},
  ): Promise<Value> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw closedError()
      this.#callsMade++
      const message = { type: 'call', callId: this.#callsMade, method, args } as const
      this.#calls.set(message.callId, {
        message,
        isReopening,
        reject,
        progressed,
        take: (value) => resolve(take(value)),
      })
      if (this.#isReady || isReopening) this.#post(message)
      this.#awaitWord()
    })
  }

  /** The host says something to whatever it is asked, at once. */
  #awaitWord(): void {
    const { platform } = this.#options
    this.#silence ??= platform.setTimeout(() => {
      this.#silent = new TidemarkError('STORE_IN_USE', SILENT)
      this.#silenceChanged()
    }, SILENCE_MS_MAX)
  }

  #heard(): void {
    if (this.#silence !== null) this.#options.platform.clearTimeout(this.#silence)
    this.#silence = null
    if (this.#silent === null) return
    this.#silent = null
    this.#silenceChanged()
  }

  #silenceChanged(): void {
    for (const document of [...this.#documents.values(), ...this.#leaving]) document.toldSilent(this.#silent)
    this.#options.changed()
  }

  #post(body: ToHost, to: string | null = this.#host): void {
    if (this.#isClosed || to === null) return
    this.#options.channel.post({ from: this.#options.id, to, body: pack(body) })
  }

  #receive({ to, body }: Envelope<ToGuest>): void {
    if (this.#isClosed || (to !== this.#options.id && to !== ALL)) return
    this.#heard()
    switch (body.type) {
      case 'ready':
        if (body.host !== this.#host) this.#reopen(body.host).catch(reportUncaught)
        this.#toldStatus(body.status)
        return
      case 'status':
        this.#toldStatus(body.status)
        return
      case 'heard':
        return
      case 'result':
        this.#answered(body)
        return
      case 'progress':
        try {
          this.#calls.get(body.callId)?.progressed(Object.freeze(body.progress))
        } catch (error) {
          reportUncaught(error)
        }
        return
      default:
        for (const document of this.#documentsOf(body.id)) tell(document, body)
    }
  }

  #answered({ callId, value, error }: Extract<ToGuest, { type: 'result' }>): void {
    const call = this.#calls.get(callId)
    this.#calls.delete(callId)
    if (error === null) call?.take(value)
    else call?.reject(error)
  }

  /** The host is another one: it is given what is open here, and then asked what the one before it did not answer. */
  async #reopen(host: string): Promise<void> {
    this.#host = host
    this.#isReady = false
    for (const [callId, { isReopening }] of this.#calls) if (isReopening) this.#calls.delete(callId)
    const documents = [...this.#documents.values(), ...this.#leaving]
    const reopening = documents.map(async (document) => {
      try {
        const take = (value: unknown): void => document.reopened(value as Opened)
        await this.#call('open', [document.id, false, true], take, { isReopening: true })
      } catch (error) {
        if (error instanceof TidemarkError) document.failed(error)
        else throw error
      }
    })
    await Promise.all(reopening)
    if (this.#host !== host) return
    this.#isReady = true
    for (const { message } of this.#calls.values()) this.#post(message)
  }

  #newDocument(id: string, opened: Opened): GuestDocument {
    const document: GuestDocument = new GuestDocument(
      {
        id,
        send: (number, update) => {
          this.#post({ type: 'edit', id, number, update })
          this.#awaitWord()
        },
        flush: () => this.flush(),
        closing: () => {
          if (this.#documents.get(id) === document) this.#documents.delete(id)
          this.#leaving.add(document)
        },
        closed: () => {
          if (this.#documents.get(id) === document) this.#documents.delete(id)
          this.#leaving.delete(document)
          this.#post({ type: 'closed', id })
        },
        changed: this.#options.changed,
      },
      opened,
    )
    return document
  }

  #documentsOf(id: string): readonly GuestDocument[] {
    const leaving = [...this.#leaving].filter((document) => document.id === id)
    return [...(this.#documents.get(id) === undefined ? [] : [this.#documents.get(id) as GuestDocument]), ...leaving]
  }

  #toldStatus(status: SyncStatus): void {
    this.#status = frozenStatus(this.#status, status)
    this.#options.changed()
  }
}

function tell(document: GuestDocument, body: Extract<ToGuest, { id: string }>): void {
  switch (body.type) {
    case 'document':
      document.toldStatus(body.status, body.taken)
      return
    case 'update':
      document.updated(body.update)
      return
    case 'rebuilt':
      document.rebuilt(body.state)
      return
    case 'lacking':
      document.sendMissing()
      return
    case 'ended':
      document.end()
  }
}

const SILENT =
  'Another tab has the device store, and does not answer: it may be suspended, or of another version of the app'

function stoppedReport(
  relays: readonly string[],
  startedAt: number,
  nowMs: number,
  stopped: SyncReport['stopped'],
): SyncReport {
  return {
    complete: false,
    stopped,
    startedAt,
    durationMs: nowMs - startedAt,
    progress: NO_PROGRESS,
    relays: relays.map((url) => notBegun({ url }).report),
  }
}

function closedError(): TidemarkError {
  return new TidemarkError('CLOSED', 'This Tidemark is closed')
}
