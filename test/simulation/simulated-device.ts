// A device of a run: the real SDK over a disk whose writes wait for the schedule. It dies, returns, is restored from a
// backup, and is cloned; each life has a process of its own, and nothing of a dead one acts on.
import { type SyncOptions, type SyncReport, Tidemark, type TidemarkDocument } from '@tidemark/client'
import type { Keys } from '../../client/src/crypto/keys.ts'
import type { CompactionPolicy } from '../../client/src/options.ts'
import type { Platform, Timer } from '../../client/src/platform.ts'
import type { VirtualTime } from '../support/virtual-time.ts'
import { fetchTo, type Resolve, webSocketTo } from './carriers.ts'
import { type Manuscript, manuscriptOf } from './edits.ts'
import type { Network } from './network.ts'
import type { Random } from './random.ts'
import type { DeviceDisk, DiskBackup } from './stores/device-disk.ts'

export interface SimulatedDeviceOptions {
  readonly name: string
  readonly relays: readonly string[]
  readonly carrier: 'websocket' | 'http' | 'auto'
  readonly compaction: CompactionPolicy
  /** The app's own, which outlives its process. Null: nothing is encrypted. */
  readonly keys: Keys | null
  /** False: the app keeps what is deleted, for its history. */
  readonly gc: boolean
  readonly network: Network
  readonly resolve: Resolve
  readonly time: VirtualTime
  readonly random: Random
  nextClientId(): number
  opened(device: SimulatedDevice, document: OpenManuscript): void
  /** Nobody expects this call to have failed. */
  failed(what: string, error: unknown): void
  readonly disk: DeviceDisk
}

export interface OpenManuscript extends Manuscript {
  readonly document: TidemarkDocument
}

export class SimulatedDevice {
  readonly name: string
  readonly disk: DeviceDisk
  /** In the order in which they were opened. */
  readonly open = new Map<string, OpenManuscript>()
  tidemark: Tidemark | null = null
  isClosing = false
  syncsRunning = 0
  /** Timers that a burst or a schedule has set. */
  timersSet = 0
  /** Documents that this device works on, also in its next life. */
  readonly wanted: Set<string>
  readonly #options: SimulatedDeviceOptions
  readonly #opening = new Set<string>()
  #deletesRunning = 0
  #life = 0

  constructor(options: SimulatedDeviceOptions, wanted: Iterable<string>) {
    this.#options = options
    this.name = options.name
    this.disk = options.disk
    this.wanted = new Set(wanted)
  }

  get compaction(): CompactionPolicy {
    return this.#options.compaction
  }

  get keys(): Keys | null {
    return this.#options.keys
  }

  get isRunning(): boolean {
    return this.tidemark !== null
  }

  /** Its store has something to do: a commit, or what a start brings with it. */
  get isStoring(): boolean {
    return this.disk.callsWaiting > 0
  }

  get isDeleting(): boolean {
    return this.#deletesRunning > 0
  }

  /** Something was asked of the SDK that is not a burst, and has not ended. */
  get isBusy(): boolean {
    return this.#opening.size > 0 || this.#deletesRunning > 0 || this.isClosing
  }

  start(): void {
    const { relays, carrier, compaction, keys } = this.#options
    this.tidemark = new Tidemark({
      store: this.disk.store(),
      relays: relays.map((url) => ({ url, carrier })),
      token: 'alice/*:delete bob/*:write',
      schedule: false,
      compaction,
      platform: this.#platform(),
      ...(keys === null ? {} : { encryption: { keys } }),
    })
    for (const id of this.wanted) this.openDocument(id)
  }

  /** `create`: begins it anew where it was deleted. */
  openDocument(id: string, create = false): void {
    this.wanted.add(id)
    if (this.tidemark === null || this.#opening.has(id) || (this.open.has(id) && !create)) return
    const life = this.#life
    this.#opening.add(id)
    this.tidemark.open(id, { create }).then(
      (document) => {
        if (life !== this.#life) return
        this.#opening.delete(id)
        if (this.open.get(id)?.document === document) return
        this.#adopt(document)
        document.onRebuilt(() => this.#adopt(document))
      },
      (error: unknown) => {
        if (life !== this.#life) return
        this.#opening.delete(id)
        // Deleted on this device: the app shows it no more.
        if (codeOf(error) === 'DELETED' && !create) this.wanted.delete(id)
        else this.#options.failed(`${this.name} opens ${id}`, error)
      },
    )
  }

  closeDocument(id: string): void {
    const life = this.#life
    const manuscript = this.open.get(id)
    this.open.delete(id)
    this.wanted.delete(id)
    manuscript?.document.close().catch((error: unknown) => {
      if (life === this.#life && !isFull(error)) this.#options.failed(`${this.name} closes ${id}`, error)
    })
  }

  /** Everywhere. */
  deleteDocument(id: string): void {
    const life = this.#life
    this.wanted.delete(id)
    this.open.delete(id)
    this.#deletesRunning++
    const end = (error: unknown): void => {
      if (life !== this.#life) return
      this.#deletesRunning--
      if (error !== null && !isFull(error)) this.#options.failed(`${this.name} deletes ${id}`, error)
    }
    this.tidemark?.delete(id).then(() => end(null), end)
  }

  /** Settles as `tidemark.sync` does, and never if the device dies before. */
  sync(options: SyncOptions, ended: (outcome: SyncReport | Error) => void): void {
    const life = this.#life
    this.syncsRunning++
    const end = (outcome: SyncReport | Error): void => {
      if (life !== this.#life) return
      this.syncsRunning--
      ended(outcome)
    }
    this.tidemark?.sync(options).then(end, (error: unknown) => end(error as Error))
  }

  /** The app is quit in order. */
  quit(): void {
    const life = this.#life
    this.isClosing = true
    this.open.clear()
    this.tidemark?.close().then(
      () => {
        if (life !== this.#life) return
        this.disk.ended()
        this.#endLife()
      },
      (error: unknown) => {
        if (life !== this.#life) return
        if (!isFull(error)) this.#options.failed(`${this.name} quits`, error)
        this.crash()
      },
    )
  }

  /** The process dies: what is not durable is gone. It returns in how many calls of its store. */
  crash(isPowerCut = false): number {
    const cut = this.disk.crash(isPowerCut)
    for (const link of this.#options.network.links) if (link.device === this.name) link.deviceGone()
    this.#endLife()
    return cut
  }

  /** Only while it is not running. */
  restore(backup: DiskBackup): void {
    this.disk.restore(backup)
  }

  #endLife(): void {
    this.#life++
    this.tidemark = null
    this.isClosing = false
    this.syncsRunning = 0
    this.timersSet = 0
    this.#deletesRunning = 0
    this.open.clear()
    this.#opening.clear()
  }

  #adopt(document: TidemarkDocument): void {
    // Yjs draws it from the platform's own source, which no seed reaches.
    document.doc.clientID = this.#options.nextClientId()
    document.doc.gc = this.#options.gc
    const manuscript = { document, ...manuscriptOf(document.doc) }
    this.open.set(document.id, manuscript)
    this.#options.opened(this, manuscript)
  }

  #platform(): Platform {
    const { network, resolve, time, random } = this.#options
    const life = this.#life
    const assertAlive = (): void => {
      if (life !== this.#life) throw new Error('This process is dead')
    }
    const WebSocket = webSocketTo(network, this.name, resolve)
    const fetch = fetchTo(network, this.name, resolve)
    return {
      WebSocket: class extends WebSocket {
        constructor(url: string, protocols: string[]) {
          assertAlive()
          super(url, protocols)
        }
      },
      fetch: async (url, init) => {
        assertAlive()
        return fetch(url, init)
      },
      now: () => time.now(),
      setTimeout: (callback, delayMs) => this.#setTimeout(life, callback, delayMs),
      clearTimeout: (timer) => (timer as SimulatedTimer).clear(),
      random: () => random.next(),
      randomBytes: (length) => random.bytes(length),
      onWake: null,
      locks: null,
      openChannel: null,
    }
  }

  #setTimeout(life: number, callback: () => void, delayMs: number): Timer {
    const { time } = this.#options
    let isSet = true
    const unset = (): boolean => {
      const wasSet = isSet && life === this.#life
      isSet = false
      if (wasSet) this.timersSet--
      return wasSet
    }
    if (life === this.#life) this.timersSet++
    const alarm = time.setTimeout(() => {
      if (unset()) callback()
    }, delayMs)
    const timer: SimulatedTimer = {
      clear: () => {
        unset()
        time.clearTimeout(alarm)
      },
    }
    return timer
  }
}

interface SimulatedTimer {
  clear(): void
}

function isFull(error: unknown): boolean {
  return codeOf(error) === 'STORE_FULL'
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code
}
