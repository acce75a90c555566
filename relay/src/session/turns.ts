// Whose turn it is to give a document back to a relay that has lost it: one device at a time, so that five which return
// at once store one copy. docs/protocol.md, "RESET and turns". In memory only; never reads a clock.

export type TurnAnswer =
  | { readonly turn: 'NONE' | 'YOURS'; readonly turnWaitMs: 0 }
  | { readonly turn: 'WAIT'; readonly turnWaitMs: number }

export const NO_TURN: TurnAnswer = { turn: 'NONE', turnWaitMs: 0 }
const YOURS: TurnAnswer = { turn: 'YOURS', turnWaitMs: 0 }

interface Turn {
  readonly deviceKey: string
  /** The connection with which it ends; null: with none, over HTTP. */
  readonly connection: object | null
  readonly endsAtMs: number
}

export class Turns {
  readonly #turnMs: number
  readonly #waitMsMax: number
  readonly #byDocument = new Map<string, Turn>()
  readonly #documentsOf = new Map<object, Set<string>>()

  /** A turn ends `turnMs` after it was last asked for; who must wait is asked to return after `waitMsMax` at most. */
  constructor(turnMs: number, waitMsMax: number) {
    this.#turnMs = turnMs
    this.#waitMsMax = waitMsMax
  }

  get size(): number {
    return this.#byDocument.size
  }

  /** Takes the turn, or keeps it: it is the device's, on whatever connection, and goes with its newest. */
  ask(documentId: string, deviceKey: string, connection: object | null, nowMs: number): TurnAnswer {
    const held = this.#byDocument.get(documentId)
    if (held !== undefined && held.endsAtMs > nowMs && held.deviceKey !== deviceKey) {
      return { turn: 'WAIT', turnWaitMs: Math.min(held.endsAtMs - nowMs, this.#waitMsMax) }
    }
    this.#remove(documentId)
    this.#byDocument.set(documentId, { deviceKey, connection, endsAtMs: nowMs + this.#turnMs })
    if (connection !== null) this.#documents(connection).add(documentId)
    return YOURS
  }

  /** The device owes nothing any more; where the turn is not its own, nothing happens. */
  end(documentId: string, deviceKey: string): void {
    if (this.#byDocument.get(documentId)?.deviceKey === deviceKey) this.#remove(documentId)
  }

  /** The connection has closed: its turns end. */
  closed(connection: object): void {
    for (const documentId of this.#documentsOf.get(connection) ?? []) this.#byDocument.delete(documentId)
    this.#documentsOf.delete(connection)
  }

  /** Forgets what has ended by time. */
  sweep(nowMs: number): void {
    for (const [documentId, { endsAtMs }] of this.#byDocument) if (endsAtMs <= nowMs) this.#remove(documentId)
  }

  #documents(connection: object): Set<string> {
    const documents = this.#documentsOf.get(connection) ?? new Set()
    this.#documentsOf.set(connection, documents)
    return documents
  }

  #remove(documentId: string): void {
    const connection = this.#byDocument.get(documentId)?.connection ?? null
    this.#byDocument.delete(documentId)
    if (connection === null) return
    const documents = this.#documentsOf.get(connection)
    documents?.delete(documentId)
    if (documents?.size === 0) this.#documentsOf.delete(connection)
  }
}
