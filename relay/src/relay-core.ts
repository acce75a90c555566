// The relay without a socket: sessions over one store, for whatever carries bytes. Knows no clock, timer or network of
// its own, so that a simulator drives the same core as the carriers do.
import { MessageWriter } from '@tidemark/protocol'
import type { Limits } from './limits.ts'
import { type Logger, SILENT, SparingLog } from './logger.ts'
import { Audience } from './session/audience.ts'
import { type Carrier, type Connection, type ConnectionContext, DrivenConnection } from './session/connection.ts'
import { Leases } from './session/leases.ts'
import { Postponed } from './session/postponed.ts'
import type { SessionOptions } from './session/session.ts'
import { Turns } from './session/turns.ts'
import { Witnesses } from './session/witnesses.ts'
import type { RelayStore } from './store/contract.ts'
import { sha256 } from './store/sha256.ts'
import type { TokenVerifier } from './token/tokens.ts'

export interface RelayCoreOptions {
  readonly store: RelayStore
  readonly tokens: TokenVerifier
  readonly limits: Limits
  /** Milliseconds since 1970, as the machine's clock has it: what tokens are judged by. */
  readonly now: () => number
  /** The same by a clock that nobody sets: what deadlines are counted by. Default: `now`. */
  readonly steadyNow?: () => number
  readonly logger?: Logger
  /** Calls back in another turn of the event loop. Default: setImmediate. */
  readonly later?: (callback: () => void) => void
}

export interface RelayCore {
  /** Sessions that are not over. */
  readonly connectionCount: number
  /** Begins a session. Without options as over a WebSocket: many rounds, and no token but that in HELLO. */
  connect(carrier: Carrier, options?: Partial<SessionOptions>): Connection
  /**
   * Ends what is past its deadline: connections, leases, turns. Lets the store drop what is due, a bounded part at a
   * time, and never two at once; that is not awaited, and what goes wrong with it is logged. To be called now and then.
   */
  sweep(): void
  /** Ends every session at once, whatever it is at. What is being stored is stored. */
  abandon(): void
  /** Lets rounds under way finish, begins no other, and tells everybody RESTARTING. Resolves when no session is left, nor, unless abandoned, a sweep. */
  drain(): Promise<void>
}

export function createRelayCore(options: RelayCoreOptions): RelayCore {
  return new Core(options)
}

class Core implements RelayCore {
  readonly #context: ConnectionContext
  readonly #connections = new Set<DrivenConnection>()
  #draining = false
  #abandoned = false
  #drained: (() => void)[] = []
  #sweepingStore: Promise<void> | null = null
  #sweepStoreAtMs = 0

  constructor({
    store,
    tokens,
    limits,
    now,
    steadyNow = now,
    logger = SILENT,
    later = setImmediate,
  }: RelayCoreOptions) {
    this.#context = {
      store,
      tokens,
      limits,
      now,
      steadyNow,
      logger,
      storageLog: new SparingLog(logger),
      sha256,
      audience: new Audience(limits.lingeringMax, later),
      leases: new Leases(limits.leaseMs),
      turns: new Turns(limits.turnMs, limits.turnWaitMs),
      postponed: new Postponed(),
      witnesses: new Witnesses(limits.witnessedDocumentsMax),
      epoch: store.epoch,
      writer: new MessageWriter(),
    }
  }

  get connectionCount(): number {
    return this.#connections.size
  }

  connect(carrier: Carrier, options: Partial<SessionOptions> = {}): Connection {
    const { oneRound = false, headerToken = '' } = options
    const connection = new DrivenConnection(this.#context, carrier, { oneRound, headerToken }, this.#ended)
    const full = this.#connections.size >= this.#context.limits.connectionsMax
    this.#connections.add(connection)
    if (this.#draining) connection.tell({ type: 'restarting', atOnce: false })
    else if (full) connection.tell({ type: 'overloaded' })
    return connection
  }

  sweep(): void {
    const nowMs = this.#context.steadyNow()
    this.#context.leases.sweep(nowMs)
    this.#context.turns.sweep(nowMs)
    if (nowMs >= this.#sweepStoreAtMs && !this.#draining) this.#beginSweepOfStore()
    for (const connection of this.#connections) {
      if (connection.deadlineAtMs <= nowMs) connection.tell({ type: 'deadline' })
    }
  }

  abandon(): void {
    this.#draining = true
    this.#abandoned = true
    for (const connection of this.#connections) connection.tell({ type: 'restarting', atOnce: true })
    this.#checkDrained()
  }

  async drain(): Promise<void> {
    this.#draining = true
    for (const connection of this.#connections) connection.tell({ type: 'restarting', atOnce: false })
    await new Promise<void>((resolve) => {
      this.#drained.push(resolve)
      this.#checkDrained()
    })
  }

  #beginSweepOfStore(): void {
    this.#sweepingStore ??= this.#sweepStore().then((more) => {
      this.#sweepingStore = null
      this.#sweepStoreAtMs = more ? 0 : this.#context.steadyNow() + this.#context.limits.sweepEveryMs
      this.#checkDrained()
    })
  }

  /** Never rejects. True: there is more to drop, and the next call of `sweep` goes on. */
  async #sweepStore(): Promise<boolean> {
    const { store, logger, postponed, audience } = this.#context
    try {
      const { more } = await store.sweep()
      const repaired = (documentId: string): void => audience.noteNews(documentId, Number.POSITIVE_INFINITY)
      if (!more) await postponed.askAgain(store, repaired)
      return more
    } catch (error) {
      logger.error({ err: error }, 'the store could not drop what is due')
      return false
    }
  }

  readonly #ended = (connection: DrivenConnection): void => {
    this.#connections.delete(connection)
    this.#checkDrained()
  }

  #checkDrained(): void {
    if (this.#connections.size > 0 || (this.#sweepingStore !== null && !this.#abandoned)) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }
}
