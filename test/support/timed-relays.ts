// Several relays and many devices in memory, in virtual time: messages take their time, relays are down, and devices reach
// this one and not that one. All chance comes out of one seed.
import { type SyncReport, Tidemark, type TidemarkDocument, type TidemarkOptions } from '@tidemark/client'
import { pushIdOf } from '@tidemark/protocol'
import * as Y from 'yjs'
import type { WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import type { Limits } from '../../relay/src/limits.ts'
import { type MemoryRelayStore, memoryRelayStore } from '../../relay/src/store/memory.ts'
import type { MemoryEntry } from '../../relay/src/store/memory-state.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { Random } from '../simulation/random.ts'
import { MemoryRelay } from './memory-network.ts'
import { documentOf } from './stored-document.ts'
import { VirtualTime } from './virtual-time.ts'

export const NOVEL = 'alice/novel'

const OPEN_LINE = { upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: Number.POSITIVE_INFINITY }
const STEPS_MAX = 10_000
const STEP_MS = 50

export class TimedWorld {
  readonly time: VirtualTime = new VirtualTime()
  readonly random: Random
  readonly relays: readonly [TimedRelay, TimedRelay]
  readonly devices: TimedDevice[] = []

  constructor({ seed = 1, limits = {} }: { readonly seed?: number; readonly limits?: Partial<Limits> } = {}) {
    this.random = new Random(seed)
    // The second is far away.
    this.relays = [
      new TimedRelay(this.time, 'ws://near.test', 30, {}),
      new TimedRelay(this.time, 'ws://far.test', 150, limits),
    ]
  }

  /** One that has the novel open. */
  async device(options: Partial<TidemarkOptions> = {}): Promise<TimedDevice> {
    const device = new TimedDevice(this, options)
    this.devices.push(device)
    await device.start()
    return device
  }

  pass(milliseconds: number): Promise<void> {
    return this.time.pass(milliseconds)
  }

  /** Lets time pass until this has come about. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    for (let steps = 0; ; steps++) {
      await this.pass(0)
      if (isOver) return promise
      if (steps === STEPS_MAX) throw new Error('It does not come about')
      await this.pass(STEP_MS)
    }
  }
}

export class TimedRelay {
  readonly url: string
  relay: MemoryRelay
  /** Devices whose connections break as soon as they say something. */
  isOutOfReachOf: (device: TimedDevice) => boolean = () => false
  readonly #time: VirtualTime
  readonly #latencyMs: number
  readonly #limits: Partial<Limits>
  #store: MemoryRelayStore

  constructor(time: VirtualTime, url: string, latencyMs: number, limits: Partial<Limits>) {
    this.#time = time
    this.url = url
    this.#latencyMs = latencyMs
    this.#limits = limits
    this.#store = this.#emptyStore()
    this.relay = this.#newRelay()
  }

  get entries(): readonly MemoryEntry[] {
    return this.#store.snapshot().state.documents.get(NOVEL)?.entries ?? []
  }

  /** How often it stores what it has, on average; 1: everything once. */
  get copies(): number {
    const all = this.entries.reduce((sum, { payload }) => sum + unitsOf([payload]), 0)
    return all / unitsOf(this.entries.map(({ payload }) => payload))
  }

  /** As somebody reads it who knows no other relay. */
  get text(): string {
    return documentOf(this.entries.map(({ payload }) => payload))
      .getText('t')
      .toString()
  }

  /** As a stranger with a token pushes it. */
  async append(payload: Uint8Array, format = 1): Promise<void> {
    await this.#store.append([{ documentId: NOVEL, pushId: pushIdOf(sha256, format, payload), format, payload }])
  }

  stop(): void {
    this.relay.crash()
  }

  start(): void {
    this.relay = this.#newRelay()
  }

  wipe(): void {
    this.stop()
    this.#store = this.#emptyStore()
    this.start()
  }

  connect(device: TimedDevice): WebSocketLike {
    const { relay } = this
    relay.newLine = () => (this.isOutOfReachOf(device) ? { upBytesLeft: 0, downBytesLeft: 0 } : { ...OPEN_LINE })
    return new relay.WebSocket(this.url, [])
  }

  #emptyStore(): MemoryRelayStore {
    return memoryRelayStore({ now: () => this.#now(), limits: this.#limits })
  }

  #newRelay(): MemoryRelay {
    const now = (): number => this.#now()
    const relay = new MemoryRelay({ store: this.#store, limits: this.#limits, now })
    relay.deliver = (arrive) => void this.#time.setTimeout(arrive, this.#latencyMs)
    return relay
  }

  #now(): number {
    return Math.floor(this.#time.now())
  }
}

export class TimedDevice {
  readonly disk: MemoryDisk = new MemoryDisk()
  tidemark: Tidemark
  readonly #world: TimedWorld
  readonly #options: Partial<TidemarkOptions>
  readonly #heldUp = new Map<TimedRelay, (() => void)[]>()
  #novel: TidemarkDocument | null = null

  constructor(world: TimedWorld, options: Partial<TidemarkOptions>) {
    this.#world = world
    this.#options = options
    this.tidemark = this.#newTidemark()
  }

  get novel(): TidemarkDocument {
    if (this.#novel === null) throw new Error('The novel is not open yet')
    return this.#novel
  }

  get text(): string {
    return this.novel.doc.getText('t').toString()
  }

  /** As the status has it. */
  safetyAt({ url }: TimedRelay): string | undefined {
    return this.novel.status.relays[url]?.safety
  }

  type(text: string, at = this.text.length): void {
    this.novel.doc.getText('t').insert(at, text)
  }

  /** As the app asks, with the time that it takes. */
  sync(): Promise<SyncReport> {
    return this.#world.until(this.tidemark.sync())
  }

  async start(): Promise<void> {
    this.#novel = await this.#world.until(this.tidemark.open(NOVEL))
  }

  /** The process dies, and another begins. */
  async restart(options: Partial<TidemarkOptions> = {}): Promise<void> {
    this.disk.crash()
    this.tidemark = this.#newTidemark(options)
    await this.start()
  }

  /** What it says to this relay is under way, and does not arrive. */
  holdUp(relay: TimedRelay): void {
    this.#heldUp.set(relay, [])
  }

  letGo(relay: TimedRelay): void {
    const waiting = this.#heldUp.get(relay) ?? []
    this.#heldUp.delete(relay)
    for (const send of waiting) send()
  }

  #newTidemark(options: Partial<TidemarkOptions> = {}): Tidemark {
    const { time, random, relays } = this.#world
    return new Tidemark({
      store: this.disk,
      relays: relays.map(({ url }) => url),
      token: 'alice/*:write',
      platform: {
        ...time.platform,
        now: () => Math.floor(time.now()),
        random: () => random.next(),
        fetch: null,
        WebSocket: this.#webSocket(),
      },
      ...this.#options,
      ...options,
    })
  }

  #webSocket(): WebSocketConstructor {
    const connect = (url: string): WebSocketLike => this.#connect(url)
    return function construct(url: string): WebSocketLike {
      return connect(url)
    } as unknown as WebSocketConstructor
  }

  #connect(url: string): WebSocketLike {
    const relay = this.#world.relays.find((one) => url.startsWith(one.url))
    if (relay === undefined) throw new Error(`No relay at ${url}`)
    const socket = relay.connect(this)
    const send = socket.send.bind(socket)
    socket.send = (bytes) => {
      const waiting = this.#heldUp.get(relay)
      if (waiting === undefined) send(bytes)
      else waiting.push(() => send(bytes))
    }
    return socket
  }
}

/** Characters and the like, whether or not something that they build on is missing. */
function unitsOf(updates: readonly Uint8Array[]): number {
  const units = new Set<string>()
  for (const update of updates) {
    for (const struct of Y.decodeUpdate(update).structs) {
      if (struct instanceof Y.Skip) continue
      for (let i = 0; i < struct.length; i++) units.add(`${struct.id.client}:${struct.id.clock + i}`)
    }
  }
  return units.size
}
