// A relay of a run: the real core over the real memory store, whose flushes and answers wait for the schedule.
import { DEFAULT_LIMITS, type Limits } from '../../relay/src/limits.ts'
import { createRelayCore, type RelayCore } from '../../relay/src/relay-core.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { type MemoryRelayStore, type MemorySnapshot, memoryRelayStore } from '../../relay/src/store/memory.ts'
import type { MemoryDocument, MemoryState } from '../../relay/src/store/memory-state.ts'
import { PLAIN_TOKENS } from '../support/memory-network.ts'
import type { Endpoint } from './network.ts'
import type { Random } from './random.ts'
import type { RelaySabotage } from './sabotage.ts'

export interface SimulatedRelayOptions {
  readonly name: string
  readonly limits: Partial<Limits>
  readonly random: Random
  /** How often an answer of the store waits for a step of its own. */
  readonly slowAnswers: number
  /** What a test switches off, to see that the simulator notices. */
  readonly sabotage: RelaySabotage
  now(): number
  /** Something was done, to a document if one is named, that a summary counts. */
  did(what: string, documentId?: string): void
}

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

export class SimulatedRelay implements Endpoint {
  readonly name: string
  readonly url: string
  store: MemoryRelayStore
  core: RelayCore | null = null
  /** How often data was lost that had been acknowledged: rollbacks and wipes. */
  losses = 0
  readonly #options: SimulatedRelayOptions
  #flush: Waiting | null = null
  /** Appends that are readable, and not flushed: of a sabotaged relay. */
  #unflushed: Waiting[] = []
  #answers: (() => void)[] = []
  /** What is on the disk, where that is not what the store shows. */
  #disk: MemorySnapshot | null = null
  /** The state as it was copied last; null: it may have changed since. */
  #copy: MemoryState | null = null
  #isAtRest = false

  constructor(options: SimulatedRelayOptions) {
    this.#options = options
    this.name = options.name
    this.url = `ws://${options.name}.test`
    this.store = this.#emptyStore()
    this.start()
  }

  get isFlushing(): boolean {
    return this.#flush !== null || this.#unflushed.length > 0
  }

  get answersWaiting(): number {
    return this.#answers.length
  }

  get limits(): Limits {
    return { ...DEFAULT_LIMITS, ...this.#options.limits }
  }

  /** What is on the disk now; not to be changed. */
  get state(): MemoryState {
    if (this.#copy !== null && this.#isAtRest) return this.#copy
    this.#copy = this.backup().state
    return this.#copy
  }

  /** The log as it is on the disk. */
  log(documentId: string): MemoryDocument | null {
    return this.state.documents.get(documentId) ?? null
  }

  backup(): MemorySnapshot {
    return this.#disk ?? this.store.snapshot()
  }

  /** Nothing moves until the next call of any method: what was read may be kept until then. */
  rest(): void {
    if (this.#isAtRest) return
    this.#isAtRest = true
    this.#copy = null
  }

  endFlush(failure: Error | null): void {
    const { sabotage } = this.#options
    this.#isAtRest = false
    if (sabotage.forgetsNewestFlush) this.#disk = this.store.snapshot()
    if (sabotage.readsEarly) this.#disk = null
    const flushed = [...this.#unflushed.splice(0), ...(this.#flush === null ? [] : [this.#flush])]
    this.#flush = null
    for (const { resolve, reject } of flushed) {
      if (failure === null) resolve()
      else reject(failure)
    }
  }

  /** The store answers one question, not always the oldest. */
  answer(): void {
    const [answer] = this.#answers.splice(this.#options.random.between(0, this.#answers.length - 1), 1)
    answer?.()
  }

  /** The store drops what is due, as far as one look goes. */
  sweep(): void {
    this.core?.sweep()
    this.store.sweep().catch(() => undefined) // A failed flush, or the end of the process.
  }

  start(): void {
    const { now, sabotage } = this.#options
    const counted = this.#counted(this.store)
    const store = sabotage.readsEarly ? this.#flushedLate(counted) : counted
    this.core = createRelayCore({
      store: this.#slow(sabotage.store === undefined ? store : sabotage.store(store, this.store)),
      tokens: PLAIN_TOKENS,
      limits: this.limits,
      now,
    })
  }

  /** The process dies. */
  stop(): void {
    this.core = null
    this.#flush = null
    this.#unflushed = []
    this.#answers = []
    this.#isAtRest = false
    const disk = this.#disk
    this.#disk = null
    this.store = disk === null ? this.store.crash() : this.store.restore(disk, { newEpoch: false })
  }

  /** Only while it is stopped. */
  restore(backup: MemorySnapshot, newEpoch: boolean): void {
    this.losses++
    this.#isAtRest = false
    this.store = this.store.restore(backup, { newEpoch })
  }

  /** Only while it is stopped. */
  wipe(): void {
    this.losses++
    this.#isAtRest = false
    this.store = this.#emptyStore()
  }

  #emptyStore(): MemoryRelayStore {
    const { random, now, sabotage } = this.#options
    const flush = (): Promise<void> => {
      if (sabotage.readsEarly) {
        this.#disk ??= this.store.snapshot()
        return Promise.resolve()
      }
      return new Promise((resolve, reject) => {
        this.#flush = { resolve, reject }
      })
    }
    return memoryRelayStore({ flush, random: (length) => random.bytes(length), now, limits: this.limits })
  }

  #counted(store: MemoryRelayStore): RelayStore {
    const { did } = this.#options
    return delegating(store, {
      stage: (piece) => {
        if (piece.bytes.length > 0) did('pieces')
        return store.stage(piece)
      },
      install: async (request) => {
        const outcome = await store.install(request)
        did(outcome === 'OK' ? 'compactions' : 'compactions refused', request.documentId)
        return outcome
      },
      claim: async (request) => {
        const outcome = await store.claim(request)
        did(CLAIM_WORDS[outcome], request.documentId)
        return outcome
      },
      repair: async (request) => {
        const outcome = await store.repair(request)
        did(outcome === 'drawn' ? 'repairs' : 'repairs refused', request.documentId)
        return outcome
      },
      delete: async (request) => {
        const outcome = await store.delete(request)
        did(outcome === 'OK' ? 'deletions' : 'deletions refused', request.documentId)
        return outcome
      },
    })
  }

  /** An append is acknowledged when it is on the disk, as it should be, and readable before that. */
  #flushedLate(store: RelayStore): RelayStore {
    return delegating(store, {
      append: async (pushes) => {
        const appended = await store.append(pushes)
        await new Promise<void>((resolve, reject) => {
          this.#unflushed.push({ resolve, reject })
        })
        return appended
      },
    })
  }

  #slow(store: RelayStore): RelayStore {
    const wait = (): Promise<void> =>
      this.#options.random.chance(this.#options.slowAnswers)
        ? new Promise((resolve) => this.#answers.push(resolve))
        : Promise.resolve()
    return delegating(store, {
      judge: (request) => wait().then(() => store.judge(request)),
      read: (request) => wait().then(() => store.read(request)),
      readPayload: (request) => wait().then(() => store.readPayload(request)),
      hashUpload: (key, prefix) => wait().then(() => store.hashUpload(key, prefix)),
      feed: (request) => wait().then(() => store.feed(request)),
    })
  }
}

const CLAIM_WORDS = {
  kept: 'claims',
  agrees: 'claims that agree',
  differs: 'claims that differ',
  stale: 'claims too late',
} as const

/** A store that does as another, but for the methods given. */
export function delegating(store: RelayStore, instead: Partial<RelayStore>): RelayStore {
  return {
    epoch: store.epoch,
    failed: store.failed,
    judge: (request) => store.judge(request),
    append: (pushes) => store.append(pushes),
    read: (request) => store.read(request),
    readPayload: (request) => store.readPayload(request),
    stage: (piece) => store.stage(piece),
    hashUpload: (key, prefix) => store.hashUpload(key, prefix),
    dropUpload: (key) => store.dropUpload(key),
    install: (request) => store.install(request),
    claim: (request) => store.claim(request),
    repair: (request) => store.repair(request),
    delete: (request) => store.delete(request),
    feed: (request) => store.feed(request),
    usage: (vault) => store.usage(vault),
    sweep: () => store.sweep(),
    close: () => store.close(),
    ...instead,
  }
}
