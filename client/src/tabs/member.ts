// One of several tabs that may have the same store: at any time one of them works on it, and the others through that one. A tab
// that was closed, or has crashed, is followed by the next.
import type { TidemarkDocument } from '../document.ts'
import { Engine } from '../engine.ts'
import { TidemarkError } from '../errors.ts'
import type { DocumentListing } from '../library/library.ts'
import { Listeners } from '../listeners.ts'
import type { CheckedOptions } from '../options.ts'
import { type Channel, type Locks, newAbortController } from '../platform.ts'
import type { SyncReport } from '../report.ts'
import { frozenStatus, nothingKnown, type SyncStatus, withUnsaved } from '../status.ts'
import { storeError } from '../store/errors.ts'
import type { SyncOptions } from '../sync/syncer.ts'
import type { TidemarkLike } from '../tidemark-like.ts'
import { reportUncaught } from '../uncaught.ts'
import { Guest } from './guest.ts'
import { Host } from './host.ts'

export interface Sharing {
  /** Of the store's lock and channel. */
  readonly name: string
  readonly locks: Locks
  readonly openChannel: (name: string) => Channel
}

/** Tabs that speak otherwise do not hear each other. */
const LANGUAGE = 1
const TAB_ID_BYTES = 8

export class TabMember implements TidemarkLike {
  readonly #options: CheckedOptions
  readonly #sharing: Sharing
  readonly #id: string
  readonly #listeners = new Listeners<SyncStatus>()
  readonly #started: Promise<void>
  readonly #leaving = newAbortController()
  #guest: Guest | null = null
  #leading: Leading | null = null
  #releaseTab: () => void = () => undefined
  #status: SyncStatus
  #statusTold: SyncStatus
  #notifying = false
  #closing: Promise<void> | null = null
  #hosts = 0
  /** This tab is not to work on the store any more. */
  #hasLeft = false

  constructor(options: CheckedOptions, sharing: Sharing) {
    this.#options = options
    this.#sharing = sharing
    this.#id = [...options.platform.randomBytes(TAB_ID_BYTES)].map((byte) => byte.toString(16)).join('-')
    this.#status = nothingKnown(options.relays.map(({ url }) => url))
    this.#statusTold = this.#status
    this.#started = this.#start().catch((error) => {
      throw storeError(error)
    })
    // Whoever calls a method gets the error.
    this.#started.catch(() => undefined)
  }

  get status(): SyncStatus {
    const status = this.#leading?.engine.status ?? this.#guest?.status ?? this.#status
    const unsaved = this.#guest?.documentsUnsaved ?? 0
    const documentsUnsent = Math.max(status.documentsUnsent, unsaved)
    this.#status = frozenStatus(this.#status, unsaved === 0 ? status : { ...withUnsaved(status), documentsUnsent })
    return this.#status
  }

  subscribe(listener: (status: SyncStatus) => void): () => void {
    return this.#listeners.add(listener)
  }

  async open(id: string, options: { create?: boolean }): Promise<TidemarkDocument> {
    const member = await this.#ready()
    // What was open here before this tab came to work on the store stays as it is.
    return this.#guest?.has(id) ? this.#guest.open(id, options) : member.open(id, options)
  }

  async sync(options: SyncOptions): Promise<SyncReport> {
    const member = await this.#ready()
    if (this.#guest !== null && member !== this.#guest && this.#guest.documentsUnsaved > 0) await this.#guest.flush()
    return member.sync(options)
  }

  async list(vault: string): Promise<readonly DocumentListing[]> {
    return (await this.#ready()).list(vault)
  }

  async forget(id: string, options: { discardUnsent?: boolean }): Promise<void> {
    await (await this.#ready()).forget(id, options)
  }

  async delete(id: string): Promise<void> {
    await (await this.#ready()).delete(id)
  }

  async flush(): Promise<void> {
    const member = await this.#ready()
    if (this.#guest !== null && member !== this.#guest) await this.#guest.flush()
    await member.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close().catch((error) => {
      this.#closing = null
      throw error
    })
    return this.#closing
  }

  async #ready(): Promise<Engine | Guest> {
    if (this.#closing !== null) throw new TidemarkError('CLOSED', 'This Tidemark is closed')
    await this.#started
    return this.#leading?.engine ?? (this.#guest as Guest)
  }

  async #start(): Promise<void> {
    const { name, locks, openChannel } = this.#sharing
    const release = await locks.take(name, { ifFree: true })
    if (release !== null) {
      this.#lead(release)
      return
    }
    this.#releaseTab = (await locks.take(this.#lockOf(this.#id), {})) ?? this.#releaseTab
    this.#guest = new Guest({
      id: this.#id,
      channel: openChannel(`${name}/${LANGUAGE}`),
      platform: this.#options.platform,
      relays: this.#options.relays.map(({ url }) => url),
      changed: () => this.#changed(),
    })
    locks
      .take(name, { signal: this.#leaving.signal })
      .then((later) => later !== null && this.#lead(later), reportUncaught)
  }

  /** This tab has the store from now on. */
  #lead(release: () => void): void {
    if (this.#hasLeft) {
      release()
      return
    }
    const engine = new Engine(this.#options)
    engine.subscribe(() => this.#changed())
    this.#leading = { engine, host: this.#newHost(engine), release }
    this.#changed()
  }

  #newHost(engine: Engine): Host {
    const { name, locks, openChannel } = this.#sharing
    this.#hosts++
    return new Host({
      id: `host ${this.#hosts} ${this.#id}`,
      engine,
      channel: openChannel(`${name}/${LANGUAGE}`),
      locks,
      lockOf: (tab) => this.#lockOf(tab),
    })
  }

  #lockOf(tab: string): string {
    return `${this.#sharing.name}/tab/${tab}`
  }

  #changed(): void {
    if (this.#notifying) return
    this.#notifying = true
    void Promise.resolve().then(() => {
      this.#notifying = false
      const { status } = this
      if (status === this.#statusTold) return
      this.#statusTold = status
      this.#listeners.call(status)
    })
  }

  async #close(): Promise<void> {
    await this.#started.catch(() => undefined)
    // Before anything stops: where it fails, everything goes on.
    await this.#guest?.close()
    if (this.#leading !== null) this.#guest = null
    this.#hasLeft = true
    this.#leaving.abort()
    if (this.#leading !== null) await this.#stopLeading(this.#leading)
    this.#releaseTab()
  }

  async #stopLeading({ engine, host, release }: Leading): Promise<void> {
    if (await engine.isOpen()) await engine.flush()
    host.stop()
    try {
      await engine.close()
    } catch (error) {
      this.#leading = { engine, host: this.#newHost(engine), release }
      throw error
    }
    release()
  }
}

interface Leading {
  readonly engine: Engine
  readonly host: Host
  readonly release: () => void
}
