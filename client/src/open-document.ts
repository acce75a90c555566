// A document that the app has open: what it shows of the live document, and its listeners. Only one per id.
import type { Doc } from 'yjs'
import type { Device } from './device/device.ts'
import type { LiveDocument } from './document/live-document.ts'
import { lostEditsError, type OwnedDoc, statusOfDoc } from './document/owned-doc.ts'
import type { TidemarkDocument } from './document.ts'
import { Listeners } from './listeners.ts'
import { type DocumentStatus, frozenStatus } from './status.ts'

export class OpenDocument implements TidemarkDocument {
  readonly #document: LiveDocument
  readonly #device: Device
  readonly #onClose: () => void
  readonly #listeners = new Listeners<DocumentStatus>()
  readonly #rebuildListeners = new Listeners<Doc>()
  /** Also when it has left the device's memory. */
  #doc: OwnedDoc
  #status: DocumentStatus
  #closing: Promise<void> | null = null
  #isReleased = false

  constructor(document: LiveDocument, device: Device, onClose: () => void) {
    this.#document = document
    this.#device = device
    this.#onClose = onClose
    this.#status = frozenStatus(null, device.status(document.id))
    this.#doc = document.doc
    this.#watch()
  }

  get id(): string {
    return this.#document.id
  }

  get doc(): Doc {
    return this.#doc
  }

  get status(): DocumentStatus {
    // An edit of this very task must not read as safe.
    this.refresh()
    return this.#status
  }

  subscribe(listener: (status: DocumentStatus) => void): () => void {
    return this.#listeners.add(listener)
  }

  onRebuilt(listener: (doc: Doc) => void): () => void {
    return this.#rebuildListeners.add(listener)
  }

  async flush(): Promise<void> {
    if (this.#doc.hasLostEdits) throw lostEditsError(this.id)
    await this.#document.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#release().catch((error) => {
      // A full store, say: closing again tries again.
      this.#closing = null
      throw error
    })
    return this.#closing
  }

  /** Closes it without a flush. */
  abandon(): void {
    this.#closing = Promise.resolve()
    if (!this.#isReleased) this.#onClose()
    this.#isReleased = true
  }

  createAnew(): void {
    this.#document.createAnew()
  }

  noteRebuilt(): void {
    this.#doc = this.#document.doc
    this.#watch()
    this.#rebuildListeners.call(this.#doc)
  }

  refresh(): void {
    const status = frozenStatus(this.#status, statusOfDoc(this.#doc, this.id, this.#device.status(this.id)))
    if (status === this.#status) return
    this.#status = status
    this.#listeners.call(status)
  }

  /** Whoever types into it once it is closed is told so. */
  #watch(): void {
    this.#doc.onLoss(() => this.refresh())
  }

  async #release(): Promise<void> {
    if (this.#isReleased) return this.#device.letGo(this.#document)
    this.#isReleased = true
    this.#onClose()
    await this.#device.release(this.#document)
  }
}
