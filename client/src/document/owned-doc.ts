// The Y.Doc that an app is given. Only the SDK ends it, and what is typed into it after that is told: it is in no store.
import { applyUpdate, Doc } from 'yjs'
import { TidemarkError } from '../errors.ts'
import { Listeners } from '../listeners.ts'
import { type DocumentStatus, withProblem, withUnsaved } from '../status.ts'
import { reportUncaught } from '../uncaught.ts'

export class OwnedDoc extends Doc {
  readonly #lossListeners = new Listeners<void>()
  #hasLostEdits = false

  /** Nothing: an app that destroyed it and typed on, in an editor's clean-up say, would not be recorded. close() ends it. */
  override destroy(): void {
    // The document stays open.
  }

  /** Yjs 13 emits nothing any more once a listener of 'update' has thrown: what was typed after that would be in no store. */
  override emit(...event: Parameters<Doc['emit']>): void {
    try {
      super.emit(...event)
    } catch (error) {
      reportUncaught(error) // As from any other event handler.
    }
  }

  /** It has ended, and was edited all the same. */
  get hasLostEdits(): boolean {
    return this.#hasLostEdits
  }

  /** Called at each edit that comes too late. */
  onLoss(listener: () => void): void {
    this.#lossListeners.add(listener)
  }

  /** @param heir what is typed from now on goes there: an editor may be bound to the new one only when this has been edited again */
  end(heir: Doc | null = null): void {
    super.destroy() // With all listeners.
    this.on('update', (update: Uint8Array) => {
      if (heir === null) this.#lose()
      else applyUpdate(heir, update)
    })
  }

  #lose(): void {
    this.#hasLostEdits = true
    this.#lossListeners.call()
  }
}

/** Of a document with edits that came too late. */
export function lostEditsError(documentId: string): TidemarkError {
  const what = `${documentId} was edited after it was closed, and that is stored nowhere: open it, and edit what that gives`
  return new TidemarkError('CLOSED', what, { documentId })
}

/** What `status` is for whoever holds `doc`. */
export function statusOfDoc(doc: OwnedDoc, documentId: string, status: DocumentStatus): DocumentStatus {
  return doc.hasLostEdits ? withProblem(withUnsaved(status), lostEditsError(documentId)) : status
}
