// One device: an instance of the SDK with a store and a line of its own. Knows no page: it tells when something changed.
import { type SyncProgress, Tidemark, type TidemarkDocument, TidemarkError } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { applyUpdate, encodeStateAsUpdate } from 'yjs'
import { BurstLog, recordOf } from './burst-log.ts'
import { PLAIN_ID, SEALED_ID, SwitchedKeyRing } from './key-ring.ts'
import { Line } from './line.ts'
import { RELAYS } from './relays.ts'
import { sharedKey } from './shared-key.ts'
import { pageToken } from './token.ts'
import type { RelaySituation } from './words.ts'

const EVERY_MS = 5_000
const AFTER_EDIT_MS = 1_000
const LONGEST_WAIT_MS = 4_000
/** Most bursts are over before anybody could read how far they are. */
const LONG_BURST_MS = 500

interface DeviceParts {
  readonly name: string
  readonly line: Line
  readonly keys: SwitchedKeyRing
  readonly tidemark: Tidemark
  readonly document: TidemarkDocument
  readonly changed: () => void
}

export class Device {
  readonly log: BurstLog = new BurstLog()
  isSyncing = false
  readonly #tidemark: Tidemark
  readonly #line: Line
  readonly #keys: SwitchedKeyRing
  readonly #name: string
  readonly #changed: () => void
  #document: TidemarkDocument
  #editsMade = 0
  #editsSafe = 0
  #areAllCounted: boolean
  #moving: Promise<void> = Promise.resolve()
  #timer: ReturnType<typeof setTimeout> | null = null
  #nextAt = Date.now()
  #oldestEditAt: number | null = null
  #newestEditAt = 0
  #burstBeganAt = 0

  /** Brings the device back as it was when the page was left. `changed` is called after every change worth showing. */
  static async start(name: string, isEncrypted: boolean, changed: () => void): Promise<Device> {
    const line = new Line(localStorage.getItem(onlineKey(name)) !== 'false')
    const keys = new SwitchedKeyRing(await sharedKey(), localStorage.getItem(hasKeyKey(name)) !== 'false')
    const tidemark = new Tidemark({
      relays: RELAYS.map(({ url }) => url),
      // Without a line there is nobody to ask for one; nor will it be needed.
      token: (request) => (line.isOnline ? pageToken(request) : ''),
      store: indexedDbStore(name),
      encryption: { keys },
      // An app would say { everyMs, afterEditMs }. Here the page calls sync() itself, since it draws every report.
      schedule: false,
      platform: { WebSocket: line.WebSocket, fetch: null },
    })
    const document = await tidemark.open(isEncrypted ? SEALED_ID : PLAIN_ID)
    return new Device({ name, line, keys, tidemark, document, changed })
  }

  private constructor({ name, line, keys, tidemark, document, changed }: DeviceParts) {
    this.#name = name
    this.#line = line
    this.#keys = keys
    this.#tidemark = tidemark
    this.#document = document
    this.#changed = changed
    this.#areAllCounted = document.status.unsentSince === null
    if (!line.isOnline) this.log.noteOnline(false, Date.now())
    tidemark.subscribe(changed)
    this.#watchDocument()
    this.#arm()
  }

  /** The one that is shown; another one after setEncrypted(). */
  get document(): TidemarkDocument {
    return this.#document
  }

  /** Edits made on this page that no relay has; older ones are not counted, but known of. */
  get edits(): { readonly count: number; readonly areAll: boolean } {
    return { count: this.#editsMade - this.#editsSafe, areAll: this.#areAllCounted }
  }

  get isOnline(): boolean {
    return this.#line.isOnline
  }

  get hasKey(): boolean {
    return this.#keys.hasKey
  }

  get connections(): number {
    return this.#line.connections
  }

  /** Since the page was opened. */
  get connectedMs(): number {
    return this.#line.connectedMs
  }

  /** What each relay has of the document, and what is wrong with it. */
  get relays(): readonly RelaySituation[] {
    const ofDocument = this.#document.status.relays
    const ofAll = this.#tidemark.status.relays
    return RELAYS.map(({ name, url }) => {
      const safety = ofDocument[url]?.safety
      const problem = ofDocument[url]?.problem ?? ofAll[url]?.problem ?? null
      return { name, hasAll: safety === 'on-relay' || safety === 'confirmed', problem }
    })
  }

  /** Of a burst that takes long; null: there is none. */
  get longProgress(): SyncProgress | null {
    return this.isSyncing && Date.now() - this.#burstBeganAt >= LONG_BURST_MS ? this.#tidemark.status.progress : null
  }

  isConnectedTo(relay: string): boolean {
    return this.#line.isConnectedTo(relay)
  }

  /** Back online, the device calls at once. */
  setOnline(isOnline: boolean): void {
    if (isOnline === this.#line.isOnline) return
    localStorage.setItem(onlineKey(this.#name), String(isOnline))
    this.#line.setOnline(isOnline)
    this.log.noteOnline(isOnline, Date.now())
    this.#callSoon()
    this.#changed()
  }

  /** Without the key, what is sealed stays shut, and what is written here stays here. */
  setHasKey(hasKey: boolean): void {
    localStorage.setItem(hasKeyKey(this.#name), String(hasKey))
    this.#keys.setHasKey(hasKey)
    this.#callSoon()
    this.#changed()
  }

  /** Shows the other document, with all that this one holds. @throws TidemarkError when the store fails */
  setEncrypted(isEncrypted: boolean): Promise<void> {
    const moved = this.#moving.then(() => this.#moveTo(isEncrypted ? SEALED_ID : PLAIN_ID))
    // Whoever asked has the error; the next move is another matter.
    this.#moving = moved.catch(() => undefined)
    return moved
  }

  /** One burst now, also without a line: then its record says that nobody answered. */
  async sync(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#oldestEditAt = null
    const editsBefore = this.#editsMade
    const startedAt = Date.now()
    const connectedMsBefore = this.#line.connectedMs
    this.isSyncing = true
    this.#burstBeganAt = startedAt
    const showingLong = setTimeout(this.#changed, LONG_BURST_MS)
    this.#changed()
    const result = await this.#tidemark.sync().catch((error: unknown) => {
      if (error instanceof TidemarkError) return error
      throw error
    })
    clearTimeout(showingLong)
    const record = recordOf(result, startedAt, this.#line.connectedMs - connectedMsBefore)
    this.log.add(record)
    // It has taken along all that was typed before it.
    if (record.isComplete) {
      this.#editsSafe = Math.max(this.#editsSafe, editsBefore)
      this.#areAllCounted = true
    }
    this.isSyncing = false
    this.#nextAt = Date.now() + EVERY_MS
    this.#arm()
    this.#changed()
  }

  async #moveTo(id: string): Promise<void> {
    const from = this.#document
    if (from.id === id) return
    const to = await this.#tidemark.open(id)
    // In one go with showing it: the next letter is typed into the other one.
    applyUpdate(to.doc, encodeStateAsUpdate(from.doc))
    this.#document = to
    this.#watchDocument()
    this.#changed()
    await to.flush()
    // What was to go out in the open goes out sealed instead. The other way round it may go both ways.
    if (id === SEALED_ID) await this.#tidemark.forget(from.id, { discardUnsent: true })
    else await from.close()
    this.#callSoon()
    this.#changed()
  }

  #watchDocument(): void {
    this.#document.subscribe(this.#changed)
    this.#watchEdits()
    this.#document.onRebuilt(() => {
      this.#watchEdits()
      this.#changed()
    })
  }

  #watchEdits(): void {
    this.#document.doc.on('update', (_update, _origin, _doc, { local }) => {
      if (!local) return
      this.#editsMade++
      this.#newestEditAt = Date.now()
      this.#oldestEditAt ??= this.#newestEditAt
      this.#arm()
      this.#changed()
    })
  }

  #callSoon(): void {
    this.#nextAt = Date.now()
    this.#arm()
  }

  /** After a pause in typing, not too long after the first edit, and every now and then to hear what is new. */
  #arm(): void {
    if (this.isSyncing) return
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (!this.#line.isOnline) return
    const editsDueAt =
      this.#oldestEditAt === null
        ? Number.POSITIVE_INFINITY
        : Math.min(this.#newestEditAt + AFTER_EDIT_MS, this.#oldestEditAt + LONGEST_WAIT_MS)
    this.#timer = setTimeout(() => void this.sync(), Math.max(0, Math.min(this.#nextAt, editsDueAt) - Date.now()))
  }
}

function onlineKey(name: string): string {
  return `${name}:online`
}

function hasKeyKey(name: string): string {
  return `${name}:key`
}
