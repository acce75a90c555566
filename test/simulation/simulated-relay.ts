// A relay of a run: the real core over the real memory store, whose flushes and answers wait for the schedule.
import { DEFAULT_LIMITS, type Limits } from '../../relay/src/limits.ts'
import { createRelayCore, type RelayCore } from '../../relay/src/relay-core.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { type MemoryRelayStore, type MemorySnapshot, memoryRelayStore } from '../../relay/src/store/memory.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { PLAIN_TOKENS } from '../support/memory-network.ts'
import type { Endpoint } from './network.ts'
import type { Random } from './random.ts'

export interface SimulatedRelayOptions {
  readonly name: string
  readonly limits: Partial<Limits>
  readonly random: Random
  /** How often an answer of the store waits for a step of its own. */
  readonly slowAnswers: number
  /** What a test switches off, to see that the simulator notices. */
  readonly sabotage: (store: MemoryRelayStore) => RelayStore
  readonly forgets: boolean
  now(): number
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
  #answers: (() => void)[] = []
  #beforeFlush: MemorySnapshot | null = null

  constructor(options: SimulatedRelayOptions) {
    this.#options = options
    this.name = options.name
    this.url = `ws://${options.name}.test`
    this.store = this.#emptyStore()
    this.start()
  }

  get isFlushing(): boolean {
    return this.#flush !== null
  }

  get answersWaiting(): number {
    return this.#answers.length
  }

  /** The log as it is on the disk. */
  log(documentId: string): MemoryDocument | null {
    return this.backup().state.documents.get(documentId) ?? null
  }

  /** What is on the disk now. */
  backup(): MemorySnapshot {
    return this.store.snapshot()
  }

  endFlush(failure: Error | null): void {
    if (this.#options.forgets) this.#beforeFlush = this.backup()
    const flush = this.#flush
    this.#flush = null
    if (failure === null) flush?.resolve()
    else flush?.reject(failure)
  }

  /** The store answers one question, not always the oldest. */
  answer(): void {
    const [answer] = this.#answers.splice(this.#options.random.between(0, this.#answers.length - 1), 1)
    answer?.()
  }

  start(): void {
    const { limits, now } = this.#options
    this.core = createRelayCore({
      store: this.#slow(this.#options.sabotage(this.store)),
      tokens: PLAIN_TOKENS,
      limits: { ...DEFAULT_LIMITS, ...limits },
      now,
    })
  }

  /** The process dies. */
  stop(): void {
    this.core = null
    this.#flush = null
    this.#answers = []
    this.store =
      this.#beforeFlush === null ? this.store.crash() : this.store.restore(this.#beforeFlush, { newEpoch: false })
  }

  /** Only while it is stopped. */
  restore(backup: MemorySnapshot, newEpoch: boolean): void {
    this.losses++
    this.store = this.store.restore(backup, { newEpoch })
  }

  /** Only while it is stopped. */
  wipe(): void {
    this.losses++
    this.store = this.#emptyStore()
  }

  #emptyStore(): MemoryRelayStore {
    const { random, now } = this.#options
    const flush = (): Promise<void> =>
      new Promise((resolve, reject) => {
        this.#flush = { resolve, reject }
      })
    return memoryRelayStore({ flush, random: (length) => random.bytes(length), now })
  }

  #slow(store: RelayStore): RelayStore {
    const wait = (): Promise<void> =>
      this.#options.random.chance(this.#options.slowAnswers)
        ? new Promise((resolve) => this.#answers.push(resolve))
        : Promise.resolve()
    return {
      epoch: store.epoch,
      failed: store.failed,
      judge: (request) => wait().then(() => store.judge(request)),
      append: (pushes) => store.append(pushes),
      read: (request) => wait().then(() => store.read(request)),
      feed: (request) => wait().then(() => store.feed(request)),
      usage: (vault) => store.usage(vault),
      close: () => store.close(),
    }
  }
}
