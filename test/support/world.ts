// One relay and some devices in memory, for scenarios: each with a disk that can be cloned, restored and crashed.
import { Tidemark, type TidemarkDocument, type TidemarkOptions } from '@tidemark/client'
import { pushIdOf } from '@tidemark/protocol'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import type { Limits } from '../../relay/src/limits.ts'
import { type MemoryRelayStore, type MemorySnapshot, memoryRelayStore } from '../../relay/src/store/memory.ts'
import { baseOf, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument, MemoryEntry } from '../../relay/src/store/memory-state.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { type Line, MemoryRelay } from './memory-network.ts'

export const RELAY_URL = 'ws://relay.test'
export const NOVEL = 'alice/novel'

export class World {
  readonly limits: Partial<Limits>
  /** Added to every clock, the relay's and the devices'. */
  laterMs = 0
  store: MemoryRelayStore
  relay: MemoryRelay
  /** For the next connections, as long as it is set. */
  line: (() => Line) | null = null
  /** What arrives takes a task of its own, so that what came before has had its effects; else it comes at once. */
  readonly #isSlow: boolean

  constructor(limits: Partial<Limits> = {}, { isSlow = false }: { isSlow?: boolean } = {}) {
    this.limits = limits
    this.#isSlow = isSlow
    this.store = this.#emptyStore()
    this.relay = this.#newRelay()
  }

  /** The relay of the world may be replaced: each connection takes the one of its moment. */
  get WebSocket(): MemoryRelay['WebSocket'] {
    const world = this
    return function connect(): unknown {
      const { relay } = world
      if (world.line !== null) relay.newLine = world.line
      return new relay.WebSocket(RELAY_URL, [])
    } as unknown as MemoryRelay['WebSocket']
  }

  readonly now = (): number => Date.now() + this.laterMs

  device(disk: MemoryDisk = new MemoryDisk(), options: Partial<TidemarkOptions> = {}): TestDevice {
    return new TestDevice(this, disk, options)
  }

  /** The relay's process dies and comes back; with `store`, on other data. */
  restart(store: MemoryRelayStore = this.store.crash()): void {
    this.relay.crash()
    this.store = store
    this.relay = this.#newRelay()
  }

  restore(snapshot: MemorySnapshot, newEpoch = false): void {
    this.restart(this.store.restore(snapshot, { newEpoch }))
  }

  wipe(): void {
    this.restart(this.#emptyStore())
  }

  /** Until nothing is due any more. */
  async sweep(): Promise<void> {
    this.relay.core.sweep()
    while ((await this.store.sweep()).more);
  }

  document(documentId: string = NOVEL): MemoryDocument | null {
    return this.store.snapshot().state.documents.get(documentId) ?? null
  }

  /** The entries that are retained. */
  async log(documentId: string = NOVEL): Promise<readonly MemoryEntry[]> {
    return this.document(documentId)?.entries ?? []
  }

  /** Entries that there ever were. */
  head(documentId: string = NOVEL): number {
    const document = this.document(documentId)
    return document === null ? 0 : headOf(document)
  }

  /** 0: no snapshot. */
  base(documentId: string = NOVEL): number {
    const document = this.document(documentId)
    return document === null ? 0 : baseOf(document)
  }

  generation(documentId: string = NOVEL): string {
    return Buffer.from(this.document(documentId)?.generation ?? []).toString('hex')
  }

  /** Somebody with a valid token puts these bytes into the log. */
  async append(payload: Uint8Array, format = 1, documentId: string = NOVEL): Promise<void> {
    const pushId = pushIdOf(sha256, format, payload)
    await this.store.append([{ documentId, pushId, format, payload }])
  }

  #emptyStore(): MemoryRelayStore {
    return memoryRelayStore({ now: this.now, limits: this.limits })
  }

  #newRelay(): MemoryRelay {
    const relay = new MemoryRelay({ store: this.store, limits: this.limits, now: this.now })
    if (this.#isSlow) relay.deliver = (arrive) => void setImmediate(arrive)
    return relay
  }
}

export class TestDevice {
  readonly disk: MemoryDisk
  tidemark: Tidemark
  readonly #world: World
  readonly #options: Partial<TidemarkOptions>
  readonly #nowMs: () => number
  /** Added to the clock. */
  laterMs = 0

  constructor(world: World, disk: MemoryDisk, options: Partial<TidemarkOptions>) {
    this.#world = world
    this.#options = options
    this.disk = disk
    this.#nowMs = () => world.now() + this.laterMs
    this.tidemark = this.#start()
  }

  open(id: string = NOVEL, options: { create?: boolean } = {}): Promise<TidemarkDocument> {
    return this.tidemark.open(id, options)
  }

  /** The text of the novel, with `open` kept. */
  async text(): Promise<string> {
    return (await this.open()).doc.getText('t').toString()
  }

  async type(text: string, at = 0): Promise<void> {
    const { doc } = await this.open()
    doc.getText('t').insert(at, text)
  }

  sync(): ReturnType<Tidemark['sync']> {
    return this.tidemark.sync()
  }

  /** Typed and synced, so many times. */
  async burst(times: number, text = 'x'): Promise<void> {
    for (let i = 0; i < times; i++) {
      await this.type(text)
      const report = await this.sync()
      if (!report.complete) throw new Error(`An incomplete burst: ${JSON.stringify(report)}`)
    }
  }

  /** The process dies: what is not durable is gone. */
  crash(): void {
    this.disk.crash()
    this.tidemark = this.#start()
  }

  #start(): Tidemark {
    return new Tidemark({
      store: this.disk,
      relays: [RELAY_URL],
      token: 'alice/*:delete',
      schedule: false,
      platform: { WebSocket: this.#world.WebSocket, fetch: null, now: this.#nowMs },
      ...this.#options,
    })
  }
}
