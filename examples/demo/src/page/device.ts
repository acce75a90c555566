// One device: an instance of the SDK with a store and a line of its own. Knows no page: it tells when something changed.
import { Tidemark, type TidemarkDocument, TidemarkError } from '@tidemark/client'
import { indexedDbStore } from '@tidemark/client/indexeddb'
import { BurstLog, recordOf } from './burst-log.ts'
import { Line } from './line.ts'
import { pageToken } from './token.ts'

const DOCUMENT_ID = 'demo/page'
const EVERY_MS = 5_000
const AFTER_EDIT_MS = 1_000
const LONGEST_WAIT_MS = 4_000

export class Device {
  readonly document: TidemarkDocument
  readonly log: BurstLog = new BurstLog()
  /** Edits made on this page that no relay has; older ones are not counted, but known of. */
  edits: { readonly count: number; readonly areAll: boolean }
  isSyncing = false
  readonly #tidemark: Tidemark
  readonly #line: Line
  readonly #name: string
  readonly #changed: () => void
  #timer: ReturnType<typeof setTimeout> | null = null
  #nextAt = Date.now()
  #oldestEditAt: number | null = null
  #newestEditAt = 0

  /** Brings the device back as it was when the page was left. `changed` is called after every change worth showing. */
  static async start(name: string, changed: () => void): Promise<Device> {
    const line = new Line(localStorage.getItem(onlineKey(name)) !== 'false')
    const tidemark = new Tidemark({
      relays: [location.origin.replace(/^http/, 'ws')],
      // Without a line there is nobody to ask for one; nor will it be needed.
      token: (request) => (line.isOnline ? pageToken(request) : ''),
      store: indexedDbStore(name),
      // An app would say { everyMs, afterEditMs }. Here the page calls sync() itself, since it draws every report.
      schedule: false,
      platform: { WebSocket: line.WebSocket, fetch: null },
    })
    return new Device(name, line, tidemark, await tidemark.open(DOCUMENT_ID), changed)
  }

  private constructor(name: string, line: Line, tidemark: Tidemark, document: TidemarkDocument, changed: () => void) {
    this.#name = name
    this.#line = line
    this.#tidemark = tidemark
    this.document = document
    this.#changed = changed
    this.edits = { count: 0, areAll: document.status.unsentSince === null }
    if (!line.isOnline) this.log.noteOnline(false, Date.now())
    document.subscribe(changed)
    this.#watchEdits()
    document.onRebuilt(() => this.#watchEdits())
    this.#arm()
  }

  get isOnline(): boolean {
    return this.#line.isOnline
  }

  get connections(): number {
    return this.#line.connections
  }

  /** Since the page was opened. */
  get connectedMs(): number {
    return this.#line.connectedMs
  }

  /** Back online, the device calls at once. */
  setOnline(isOnline: boolean): void {
    if (isOnline === this.#line.isOnline) return
    localStorage.setItem(onlineKey(this.#name), String(isOnline))
    this.#line.setOnline(isOnline)
    this.log.noteOnline(isOnline, Date.now())
    this.#nextAt = Date.now()
    this.#arm()
    this.#changed()
  }

  /** One burst now, also without a line: then its record says that nobody answered. */
  async sync(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    this.#oldestEditAt = null
    const editsBefore = this.edits.count
    const startedAt = Date.now()
    const connectedMsBefore = this.#line.connectedMs
    this.isSyncing = true
    this.#changed()
    const result = await this.#tidemark.sync().catch((error: unknown) => {
      if (error instanceof TidemarkError) return error
      throw error
    })
    this.log.add(recordOf(result, startedAt, this.#line.connectedMs - connectedMsBefore))
    // A complete burst has taken along all that was typed before it.
    const isComplete = !(result instanceof TidemarkError) && result.complete
    if (isComplete) this.edits = { count: this.edits.count - editsBefore, areAll: true }
    this.isSyncing = false
    this.#nextAt = Date.now() + EVERY_MS
    this.#arm()
    this.#changed()
  }

  #watchEdits(): void {
    this.document.doc.on('update', (_update, _origin, _doc, { local }) => {
      if (!local) return
      this.edits = { ...this.edits, count: this.edits.count + 1 }
      this.#newestEditAt = Date.now()
      this.#oldestEditAt ??= this.#newestEditAt
      this.#arm()
      this.#changed()
    })
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
