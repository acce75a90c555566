// Repairs that were asked for too soon after another one: asked for again when their wait may be over, since no device asks
// twice. In memory only, bounded: what a restart forgets, a device that starts anew may still find out by its claim.
import type { RelayStore, RepairRequest } from '../store/contract.ts'

/** Of more, the one that was put off first is forgotten. */
const DOCUMENTS_MAX = 1_000

export class Postponed {
  /** The newest of each document: every repair does for all causes. */
  readonly #byDocument = new Map<string, RepairRequest>()

  /** True: it was made. */
  async ask(store: RelayStore, request: RepairRequest): Promise<boolean> {
    const outcome = await store.repair(request)
    this.#byDocument.delete(request.documentId)
    if (outcome !== 'later') return outcome === 'drawn'
    const { documentId, incarnation, fingerprint } = request
    // A view of a message would keep all of it, and so does a slice of a Buffer.
    this.#byDocument.set(documentId, {
      documentId,
      incarnation: new Uint8Array(incarnation),
      fingerprint: new Uint8Array(fingerprint),
    })
    const [oldest] = this.#byDocument.keys()
    if (oldest !== undefined && this.#byDocument.size > DOCUMENTS_MAX) this.#byDocument.delete(oldest)
    return false
  }

  /** Rejects as the store does; what is put off stays so then. `repaired` is called at once for each that is made. */
  async askAgain(store: RelayStore, repaired: (documentId: string) => void): Promise<void> {
    for (const request of [...this.#byDocument.values()]) {
      if (await this.ask(store, request)) repaired(request.documentId)
    }
  }
}
