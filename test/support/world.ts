// One relay and some devices in memory, for scenarios: each with a disk that can be cloned, restored and crashed.
import { Tidemark, type TidemarkDocument } from '@tidemark/client'
import { pushIdOf } from '@tidemark/protocol'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import type { StoredEntry } from '../../relay/src/store/contract.ts'
import { type MemoryRelayStore, type MemorySnapshot, memoryRelayStore } from '../../relay/src/store/memory.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { type Line, MemoryRelay } from './memory-network.ts'

export const RELAY_URL = 'ws://relay.test'
export const NOVEL = 'alice/novel'

export class World {
  store: MemoryRelayStore = memoryRelayStore()
  relay: MemoryRelay = new MemoryRelay({ store: this.store })
  /** For the next connections, as long as it is set. */
  line: (() => Line) | null = null

  device(disk: MemoryDisk = new MemoryDisk()): TestDevice {
    return new TestDevice(this, disk)
  }

  /** The relay's process dies and comes back; with `store`, on other data. */
  restart(store: MemoryRelayStore = this.store.crash()): void {
    this.relay.crash()
    this.store = store
    this.relay = new MemoryRelay({ store })
  }

  restore(snapshot: MemorySnapshot, newEpoch = false): void {
    this.restart(this.store.restore(snapshot, { newEpoch }))
  }

  wipe(): void {
    this.restart(memoryRelayStore())
  }

  async log(documentId: string = NOVEL): Promise<readonly StoredEntry[]> {
    const none = new Uint8Array(0)
    const judgement = await this.store.judge({
      documentId,
      incarnation: none,
      mark: none,
      receipt: none,
      create: false,
    })
    if (judgement.incarnation.length === 0) return []
    const { incarnation } = judgement
    const page = await this.store.read({ documentId, incarnation, after: 0, entriesMax: 100_000, bytesMax: 2 ** 30 })
    return page === 'moved' ? [] : page.entries
  }

  /** Somebody with a valid token puts these bytes into the log. */
  async append(payload: Uint8Array, format = 1, documentId: string = NOVEL): Promise<void> {
    const pushId = pushIdOf(sha256, format, payload)
    await this.store.append([{ documentId, pushId, format, payload }])
  }
}

export class TestDevice {
  readonly disk: MemoryDisk
  tidemark: Tidemark
  readonly #world: World
  readonly #nowMs: () => number
  /** Added to the clock. */
  laterMs = 0

  constructor(world: World, disk: MemoryDisk) {
    this.#world = world
    this.disk = disk
    this.#nowMs = () => Date.now() + this.laterMs
    this.tidemark = this.#start()
  }

  open(id: string = NOVEL): Promise<TidemarkDocument> {
    return this.tidemark.open(id)
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

  /** The process dies: what is not durable is gone. */
  crash(): void {
    this.disk.crash()
    this.tidemark = this.#start()
  }

  #start(): Tidemark {
    const world = this.#world
    // The relay of the world may be replaced: each connection takes the one of its moment.
    const WebSocket = function connect(): unknown {
      const { relay } = world
      if (world.line !== null) relay.newLine = world.line
      return new relay.WebSocket(RELAY_URL, [])
    } as unknown as MemoryRelay['WebSocket']
    return new Tidemark({
      store: this.disk,
      relays: [RELAY_URL],
      token: 'alice/*:write',
      schedule: false,
      platform: { WebSocket, fetch: null, now: this.#nowMs },
    })
  }
}
