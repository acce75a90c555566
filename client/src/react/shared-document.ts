// One document that any number of components show: opened for the first of them, closed after the last. Knows nothing of
// React but that it asks twice: what StrictMode lets go of and takes up again at once stays open.
import type { Doc } from 'yjs'
import type { TidemarkDocument } from '../document.ts'
import { TidemarkError } from '../errors.ts'
import type { DocumentStatus } from '../status.ts'
import { storeError } from '../store/errors.ts'
import type { Tidemark } from '../tidemark.ts'
import { reportUncaught } from '../uncaught.ts'

/** Frozen; the same object until something changes. */
export interface DocumentState {
  /** Null until it is open. */
  readonly document: TidemarkDocument | null
  /** What to bind an editor to; another object after a rebuild. */
  readonly doc: Doc | null
  readonly status: DocumentStatus | null
  /** Why it cannot be opened, or was closed under the components; tried again by the next component that shows it. */
  readonly error: TidemarkError | null
}

export const OPENING: DocumentState = Object.freeze({ document: null, doc: null, status: null, error: null })

/** Kept with its Tidemark, since a hook has no other place that two components share. */
const documentsOf = new WeakMap<Tidemark, Map<string, SharedDocument>>()

export function sharedDocument(tidemark: Tidemark, id: string): SharedDocument {
  const documents = documentsOf.get(tidemark) ?? new Map<string, SharedDocument>()
  documentsOf.set(tidemark, documents)
  const shared = documents.get(id) ?? new SharedDocument(tidemark, id)
  documents.set(id, shared)
  return shared
}

export class SharedDocument {
  readonly #tidemark: Tidemark
  readonly #id: string
  readonly #listeners = new Set<() => void>()
  #document: TidemarkDocument | null = null
  #isOpening = false
  #state = OPENING
  #forget: () => void = () => undefined

  constructor(tidemark: Tidemark, id: string) {
    this.#tidemark = tidemark
    this.#id = id
  }

  get state(): DocumentState {
    const document = this.#document
    if (document === null) return this.#state
    const { doc, status } = document
    const { doc: docBefore, status: statusBefore } = this.#state
    if (doc !== docBefore || status !== statusBefore)
      this.#state = Object.freeze({ document, doc, status, error: null })
    return this.#state
  }

  readonly subscribe = (changed: () => void): (() => void) => {
    const listener = (): void => changed()
    this.#listeners.add(listener)
    if (this.#document === null && !this.#isOpening) void this.#open()
    return () => {
      this.#listeners.delete(listener)
      // Another component, or the same one once more, may take it up in this very task.
      void Promise.resolve().then(() => this.#closeUnused())
    }
  }

  async #open(): Promise<void> {
    this.#isOpening = true
    try {
      const document = await this.#tidemark.open(this.#id)
      const unsubscribe = [document.subscribe(this.#changed), document.onRebuilt(() => this.#rebuilt(document))]
      this.#document = document
      this.#watchEnd(document)
      this.#forget = () => {
        for (const end of unsubscribe) end()
      }
    } catch (error) {
      this.#state = Object.freeze({ ...OPENING, error: storeError(error, this.#id) })
    } finally {
      this.#isOpening = false
    }
    this.#changed()
    this.#closeUnused()
  }

  #rebuilt(document: TidemarkDocument): void {
    this.#watchEnd(document)
    this.#changed()
  }

  /** The app forgot or deleted the document, or closed its Tidemark: what is typed on would be stored nowhere. */
  #watchEnd(document: TidemarkDocument): void {
    const { doc } = document
    doc.on('destroy', () => {
      if (this.#document !== document || document.doc !== doc) return
      this.#document = null
      this.#forget()
      const what = `${this.#id} was closed while it was shown: it was forgotten or deleted here, or its Tidemark was closed`
      this.#state = Object.freeze({ ...OPENING, error: new TidemarkError('CLOSED', what, { documentId: this.#id }) })
      this.#changed()
    })
  }

  #closeUnused(): void {
    const document = this.#document
    if (this.#listeners.size > 0 || this.#isOpening) return
    this.#state = OPENING
    if (document === null) return
    this.#document = null
    this.#forget()
    document.close().catch((error: unknown) => {
      // A full store, say: the status says so, and what was typed stays in memory until the next flush.
      if (!(error instanceof TidemarkError)) reportUncaught(error)
    })
  }

  readonly #changed = (): void => {
    for (const listener of [...this.#listeners]) listener()
  }
}
