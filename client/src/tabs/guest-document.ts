// A document that this tab shows while another tab has the store: a Y.Doc of its own, kept the same as the host's. Its edits
// count as unsaved until the host says that they are in the device store.
import * as Y from 'yjs'
import { applySound } from '../document/integration.ts'
import { lostEditsError, OwnedDoc, statusOfDoc } from '../document/owned-doc.ts'
import type { TidemarkDocument } from '../document.ts'
import type { TidemarkError } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import { type DocumentStatus, frozenStatus, withProblem, withUnsaved } from '../status.ts'
import type { Opened } from './messages.ts'

export interface GuestDocumentOptions {
  readonly id: string
  /** To the host; it is sent again to a later one. */
  send(number: number, update: Uint8Array): void
  /** Resolves when all that was sent before is in the device store. */
  flush(): Promise<void>
  /** The app closes it: another one may be opened. */
  closing(): void
  /** It is closed. */
  closed(): void
  changed(): void
}

export class GuestDocument implements TidemarkDocument {
  readonly id: string
  readonly #options: GuestDocumentOptions
  readonly #listeners = new Listeners<DocumentStatus>()
  readonly #rebuildListeners = new Listeners<Y.Doc>()
  /** Origin of what the host says. */
  readonly #hostOrigin: object = { tidemark: 'host' }
  #doc: OwnedDoc = new OwnedDoc()
  /** By number, in order: not in the device store, as far as this tab knows. */
  readonly #unsaved = new Map<number, Uint8Array>()
  #number = 0
  /** As the host told it. */
  #told: DocumentStatus
  /** Why nothing can be told. */
  #silent: TidemarkError | null = null
  #status: DocumentStatus
  #closing: Promise<void> | null = null

  constructor(options: GuestDocumentOptions, { state, status }: Opened) {
    this.id = options.id
    this.#options = options
    this.#told = status
    this.#status = frozenStatus(null, status)
    this.#take(state)
    this.#doc.on('update', this.#onUpdate)
  }

  get doc(): Y.Doc {
    return this.#doc
  }

  get status(): DocumentStatus {
    this.#refresh()
    return this.#status
  }

  get isUnsaved(): boolean {
    return this.#unsaved.size > 0
  }

  subscribe(listener: (status: DocumentStatus) => void): () => void {
    return this.#listeners.add(listener)
  }

  onRebuilt(listener: (doc: Y.Doc) => void): () => void {
    return this.#rebuildListeners.add(listener)
  }

  async flush(): Promise<void> {
    if (this.#doc.hasLostEdits) throw lostEditsError(this.id)
    if (this.isUnsaved) await this.#options.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Without a word to the host, which has ended it. */
  end(): void {
    this.#closing ??= Promise.resolve()
    this.#unsaved.clear()
    this.#destroy()
  }

  /** Another host has opened it: whatever that one lacks goes there, also what was not this tab's. */
  reopened({ state, status }: Opened): void {
    this.#take(state)
    this.sendMissing(Y.encodeStateVectorFromUpdate(state))
    this.#told = status
    this.#changed()
  }

  /** All that this tab has, beyond `stateVector`; deletions always. */
  sendMissing(stateVector?: Uint8Array): void {
    const hadUnsaved = this.isUnsaved
    this.#unsaved.clear()
    const update = Y.encodeStateAsUpdate(this.#doc, stateVector)
    if (hadUnsaved || hasStructs(update)) this.#send(update)
  }

  /** It cannot be opened there: what is unsaved stays so. */
  failed(problem: TidemarkError): void {
    this.#told = withProblem(this.#told, problem)
    this.#changed()
  }

  updated(update: Uint8Array): void {
    this.#take(update)
  }

  rebuilt(state: Uint8Array): void {
    const before = this.#doc
    before.off('update', this.#onUpdate)
    this.#doc = new OwnedDoc()
    this.#take(state)
    for (const update of this.#unsaved.values()) this.#take(update)
    this.#doc.on('update', this.#onUpdate)
    this.#rebuildListeners.call(this.#doc)
    before.end(this.#doc)
  }

  toldStatus(status: DocumentStatus, taken: number): void {
    this.#told = status
    if (status.safety !== 'unsaved')
      for (const number of this.#unsaved.keys()) if (number <= taken) this.#unsaved.delete(number)
    this.#changed()
  }

  toldSilent(problem: TidemarkError | null): void {
    this.#silent = problem
    this.#changed()
  }

  readonly #onUpdate = (update: Uint8Array, origin: unknown): void => {
    if (origin !== this.#hostOrigin) this.#send(update)
  }

  #take(update: Uint8Array): void {
    applySound(this.#doc, update, this.#hostOrigin)
  }

  #send(update: Uint8Array): void {
    this.#number++
    this.#unsaved.set(this.#number, update)
    this.#options.send(this.#number, update)
    this.#changed()
  }

  #changed(): void {
    this.#refresh()
    this.#options.changed()
  }

  #refresh(): void {
    const told = this.isUnsaved ? withUnsaved(this.#told) : this.#told
    const now = this.#silent === null ? told : withProblem(told, this.#silent)
    const status = frozenStatus(this.#status, statusOfDoc(this.#doc, this.id, now))
    if (status === this.#status) return
    this.#status = status
    this.#listeners.call(status)
  }

  async #close(): Promise<void> {
    this.#options.closing()
    try {
      await this.flush()
    } catch (error) {
      this.#closing = null
      throw error
    }
    this.#destroy()
  }

  #destroy(): void {
    this.#doc.off('update', this.#onUpdate)
    this.#options.closed()
    this.#doc.onLoss(() => this.#refresh())
    this.#doc.end()
  }
}

function hasStructs(update: Uint8Array): boolean {
  return Y.decodeUpdate(update).structs.length > 0
}
