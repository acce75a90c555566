// How far one sync() has come with one relay, over all the connections and repeats it takes. Done and total only grow, done
// never exceeds total, and only a document that is synced, and in the device store as it came, is done.
import type { Transfer } from '../burst/transfer.ts'
import type { Exchange } from '../document/exchange.ts'
import type { SyncProgress } from '../report.ts'

export class RelayProgress {
  readonly #documents = new Map<string, DocumentProgress>()
  /** Those of which the exchange goes on. */
  readonly #moving = new Map<DocumentProgress, { readonly exchange: Exchange; readonly transfer: Transfer }>()
  #bytesDone = 0
  #bytesTotal = 0
  #documentsDone = 0

  /** These take part, or will. */
  expect(documentIds: Iterable<string>): void {
    for (const id of documentIds) if (!this.#documents.has(id)) this.#documents.set(id, newDocument())
  }

  begin(exchange: Exchange, transfer: Transfer): void {
    const document = this.#documents.get(exchange.documentId) ?? newDocument()
    this.#documents.set(exchange.documentId, document)
    document.bytesDoneBefore = document.bytesDone
    this.#moving.set(document, { exchange, transfer })
  }

  get value(): SyncProgress {
    for (const [document, { exchange, transfer }] of this.#moving) {
      this.#note(document, exchange, transfer)
      if (document.isDone || (exchange.isSettled && !isSynced(exchange))) this.#moving.delete(document)
    }
    return {
      bytesDone: this.#bytesDone,
      bytesTotal: this.#bytesTotal,
      documentsDone: this.#documentsDone,
      documentsTotal: this.#documents.size,
    }
  }

  #note(document: DocumentProgress, exchange: Exchange, transfer: Transfer): void {
    const isDone = isSynced(exchange) && exchange.document.isSaved
    const before = document.bytesDoneBefore
    const bytesTotal = Math.max(document.bytesTotal, before + transfer.bytesTotal)
    const bytesDone = isDone ? bytesTotal : Math.max(document.bytesDone, before + transfer.bytesDone)
    this.#bytesDone += bytesDone - document.bytesDone
    this.#bytesTotal += bytesTotal - document.bytesTotal
    document.bytesDone = bytesDone
    document.bytesTotal = bytesTotal
    if (!isDone || document.isDone) return
    document.isDone = true
    this.#documentsDone++
  }
}

interface DocumentProgress {
  bytesDone: number
  bytesTotal: number
  /** On connections before this one. */
  bytesDoneBefore: number
  isDone: boolean
}

function newDocument(): DocumentProgress {
  return { bytesDone: 0, bytesTotal: 0, bytesDoneBefore: 0, isDone: false }
}

function isSynced(exchange: Exchange): boolean {
  return exchange.isSettled && exchange.report().outcome === 'synced'
}

export const NO_PROGRESS: SyncProgress = Object.freeze({
  bytesDone: 0,
  bytesTotal: 0,
  documentsDone: 0,
  documentsTotal: 0,
})

export function sumOfProgress(all: Iterable<SyncProgress>): SyncProgress {
  const sum = { ...NO_PROGRESS }
  for (const one of all) {
    sum.bytesDone += one.bytesDone
    sum.bytesTotal += one.bytesTotal
    sum.documentsDone += one.documentsDone
    sum.documentsTotal += one.documentsTotal
  }
  return Object.freeze(sum)
}

export function sameProgress(a: SyncProgress, b: SyncProgress): boolean {
  return (
    a.bytesDone === b.bytesDone &&
    a.bytesTotal === b.bytesTotal &&
    a.documentsDone === b.documentsDone &&
    a.documentsTotal === b.documentsTotal
  )
}
