// The tab that has the store and the network, as the others see it: opens documents for them, takes their edits, and tells
// them what comes. Lets go of what a tab had open that was closed or has crashed.
import * as Y from 'yjs'
import { applySound } from '../document/integration.ts'
import type { Engine } from '../engine.ts'
import { TidemarkError } from '../errors.ts'
import type { OpenDocument } from '../open-document.ts'
import { type AbortSignalLike, type Channel, type Locks, newAbortController } from '../platform.ts'
import type { SyncReport } from '../report.ts'
import type { DocumentStatus } from '../status.ts'
import { storeError } from '../store/errors.ts'
import type { SyncOptions } from '../sync/syncer.ts'
import { reportUncaught } from '../uncaught.ts'
import { ALL, ANY_HOST, type Envelope, type Opened, pack, type ToGuest, type ToHost, unpack } from './messages.ts'

export interface HostOptions {
  readonly id: string
  readonly engine: Engine
  readonly channel: Channel
  readonly locks: Locks
  /** The lock that a tab holds for as long as it lives. */
  lockOf(tab: string): string
}

/** A document that other tabs show. */
interface Holding {
  readonly opening: Promise<OpenDocument>
  /** By tab. */
  readonly guests: Map<string, { opens: number; taken: number }>
  /** Nothing of it is told any more. */
  forget(): void
}

type CallMessage = Extract<ToHost, { type: 'call' }>

export class Host {
  readonly #options: HostOptions
  readonly #guests = new Set<string>()
  readonly #holdings = new Map<string, Holding>()
  /** Of the calls under way, by tab and call. */
  readonly #stops = new Map<string, { abort(): void }>()
  /** Origins of edits, so that a tab is not told its own. */
  readonly #tabOf = new WeakMap<object, string>()
  readonly #ended = newAbortController()
  readonly #unsubscribe: () => void
  #isStopped = false

  constructor(options: HostOptions) {
    this.#options = options
    const { channel, engine, id } = options
    channel.onMessage = (message) => this.#receive(unpack(message) as Envelope<ToHost>)
    this.#unsubscribe = engine.subscribe((status) => {
      if (this.#guests.size > 0) this.#post(ALL, { type: 'status', status })
    })
    this.#post(ALL, { type: 'ready', host: id, status: engine.status })
  }

  /** Says nothing more; the documents are the engine's to close. */
  stop(): void {
    this.#isStopped = true
    this.#unsubscribe()
    for (const { forget } of this.#holdings.values()) forget()
    this.#ended.abort()
    this.#options.channel.close()
  }

  #post(to: string, body: ToGuest): void {
    if (!this.#isStopped) this.#options.channel.post({ from: this.#options.id, to, body: pack(body) })
  }

  #receive({ from, to, body }: Envelope<ToHost>): void {
    if (this.#isStopped || (to !== ANY_HOST && to !== this.#options.id)) return
    if (!this.#guests.has(from)) this.#admit(from)
    switch (body.type) {
      case 'hello':
        this.#post(from, { type: 'ready', host: this.#options.id, status: this.#options.engine.status })
        return
      case 'call':
        this.#post(from, { type: 'heard' })
        this.#call(from, body)
        return
      case 'stop':
        this.#stops.get(`${from} ${body.callId}`)?.abort()
        return
      case 'edit':
        this.#take(from, body)
        return
      case 'wake':
        this.#options.engine.wake()
        return
      case 'closed':
        this.#release(from, body.id, 1)
    }
  }

  #admit(tab: string): void {
    this.#guests.add(tab)
    const { locks, lockOf } = this.#options
    locks.take(lockOf(tab), { signal: this.#ended.signal }).then((release) => {
      release?.()
      if (release !== null) this.#dismiss(tab)
    }, reportUncaught)
  }

  #dismiss(tab: string): void {
    this.#guests.delete(tab)
    for (const id of [...this.#holdings.keys()]) this.#release(tab, id, Number.POSITIVE_INFINITY)
    for (const [call, stop] of this.#stops) if (call.startsWith(`${tab} `)) stop.abort()
  }

  #call(tab: string, message: CallMessage): void {
    const call = `${tab} ${message.callId}`
    const stop = newAbortController()
    this.#stops.set(call, stop)
    this.#answer(tab, message, stop.signal)
      .catch(reportUncaught)
      .finally(() => this.#stops.delete(call))
  }

  async #answer(tab: string, { callId, method, args }: CallMessage, signal: AbortSignalLike): Promise<void> {
    const answer = (value: unknown, error: TidemarkError | null = null): void => {
      this.#post(tab, { type: 'result', callId, value: error === null ? value : null, error })
    }
    try {
      const [first, second, third] = args
      const { engine } = this.#options
      // What the tab did before it asked is done.
      await Promise.allSettled([...this.#holdings.values()].map(({ opening }) => opening))
      switch (method) {
        case 'open':
          await this.#open(tab, first as string, second as boolean, third as boolean, answer)
          return
        case 'sync':
          answer(await this.#sync(tab, callId, first as SyncOptions, signal))
          return
        case 'list':
          answer(await engine.list(first as string))
          return
        case 'forget':
          answer(await engine.forget(first as string, second as { discardUnsent?: boolean }))
          return
        case 'delete':
          answer(await engine.delete(first as string))
          return
        case 'flush':
          answer(await engine.flush())
      }
    } catch (error) {
      answer(null, storeError(error))
    }
  }

  #sync(tab: string, callId: number, options: SyncOptions, signal: AbortSignalLike): Promise<SyncReport> {
    return this.#options.engine.sync({
      ...options,
      signal,
      onProgress: (progress) => this.#post(tab, { type: 'progress', callId, progress }),
    })
  }

  /** @param counts it is another document there; else only `create` is new */
  async #open(
    tab: string,
    id: string,
    create: boolean,
    counts: boolean,
    answer: (value: Opened) => void,
  ): Promise<void> {
    const before = this.#holdings.get(id)
    const holding = before ?? this.#newHolding(id, create)
    const document = await holding.opening
    if (create && before !== undefined) document.createAnew()
    const guest = holding.guests.get(tab) ?? { opens: 0, taken: 0 }
    if (counts) guest.opens++
    holding.guests.set(tab, guest)
    // In one task: whatever changes from now on is told.
    answer({ state: Y.encodeStateAsUpdate(document.doc), status: document.status })
  }

  #newHolding(id: string, create: boolean): Holding {
    const holding: Holding = {
      opening: this.#options.engine.openForTabs(id, create, () => this.#closed(id, holding)),
      guests: new Map(),
      forget: () => undefined,
    }
    this.#holdings.set(id, holding)
    holding.opening.then(
      (document) => {
        holding.forget = this.#watch(document, holding)
      },
      () => this.#holdings.delete(id), // Who asked for it is told.
    )
    return holding
  }

  #watch(document: OpenDocument, { guests }: Holding): () => void {
    const { id } = document
    let doc = document.doc
    const onUpdate = (update: Uint8Array, origin: unknown): void => {
      const author = typeof origin === 'object' && origin !== null ? this.#tabOf.get(origin) : undefined
      for (const tab of guests.keys()) if (tab !== author) this.#post(tab, { type: 'update', id, update })
    }
    doc.on('update', onUpdate)
    const unsubscribe = document.subscribe((status) => this.#tellStatus(id, status, guests))
    const forgetRebuilt = document.onRebuilt((rebuilt) => {
      doc.off('update', onUpdate)
      doc = rebuilt
      doc.on('update', onUpdate)
      const state = Y.encodeStateAsUpdate(doc)
      for (const tab of guests.keys()) this.#post(tab, { type: 'rebuilt', id, state })
    })
    return () => {
      doc.off('update', onUpdate)
      unsubscribe()
      forgetRebuilt()
    }
  }

  #tellStatus(id: string, status: DocumentStatus, guests: Holding['guests']): void {
    for (const [tab, { taken }] of guests) this.#post(tab, { type: 'document', id, status, taken })
  }

  #take(tab: string, { id, number, update }: Extract<ToHost, { type: 'edit' }>): void {
    const holding = this.#holdings.get(id)
    holding?.opening.then((document) => {
      const guest = holding.guests.get(tab)
      if (guest === undefined) return
      const { doc } = document
      const pendingBefore = pendingBytes(doc)
      const origin = {}
      this.#tabOf.set(origin, tab)
      applySound(doc, update, origin)
      // Then it is in no row of the device store.
      if (pendingBytes(doc) > pendingBefore) this.#post(tab, { type: 'lacking', id })
      else guest.taken = Math.max(guest.taken, number)
      const tell = (): void => this.#tellStatus(id, document.status, holding.guests)
      // What keeps it from being stored is in the status.
      document.flush().then(tell, tell)
    }, reportUncaught)
  }

  #release(tab: string, id: string, opens: number): void {
    const holding = this.#holdings.get(id)
    const guest = holding?.guests.get(tab)
    if (holding === undefined || guest === undefined) return
    guest.opens -= opens
    if (guest.opens > 0) return
    holding.guests.delete(tab)
    if (holding.guests.size > 0) return
    this.#holdings.delete(id)
    holding.forget()
    holding.opening
      .then((document) => document.close())
      .catch((error) => {
        // A device store that is full, say: the document stays in memory, and its status says so.
        if (!(error instanceof TidemarkError)) reportUncaught(error)
      })
  }

  /** By the engine: it was forgotten, or deleted. */
  #closed(id: string, holding: Holding): void {
    if (this.#holdings.get(id) !== holding) return
    this.#holdings.delete(id)
    holding.forget()
    for (const tab of holding.guests.keys()) this.#post(tab, { type: 'ended', id })
  }
}

/** Of what waits for something else, and is in no row meanwhile. */
function pendingBytes({ store }: Y.Doc): number {
  return store.pendingStructs?.update.length ?? 0
}
