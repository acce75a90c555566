// A payload that a relay gives in pieces: gathered in order, kept across rounds, and by rows across bursts. Bounded: what
// claims to be longer than any relay takes is refused before anything is kept of it.
import { joined, sameBytes } from './bytes.ts'
import type { PartialRow } from './rows.ts'

export interface Piece {
  readonly of: PartialRow['of']
  readonly id: Uint8Array
  readonly format: number
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Bytes of one payload, whole. No relay has announced more, and no device could hold it. */
const TOTAL_MAX: number = 1024 * 1024 * 1024

export class Incoming {
  readonly of: PartialRow['of']
  readonly id: Uint8Array
  readonly format: number
  readonly total: number
  readonly #chunks: Uint8Array[] = []
  /** How many of them are stored. */
  #storedChunks = 0
  #received = 0
  /** Bytes from the beginning that are in rows of the device store, or on their way there. */
  storedBytes = 0
  readonly rowIds: number[] = []

  /** `piece` is its first. */
  constructor(piece: Omit<Piece, 'bytes' | 'offset'>) {
    this.of = piece.of
    this.id = piece.id.slice()
    this.format = piece.format
    this.total = piece.total
  }

  static accepts({ total, offset }: Piece): boolean {
    return offset === 0 && total <= TOTAL_MAX
  }

  get received(): number {
    return this.#received
  }

  get isWhole(): boolean {
    return this.#received === this.total
  }

  /** Whether the piece goes on where the one before it ended. */
  continues(piece: Piece): boolean {
    return (
      piece.of === this.of &&
      piece.total === this.total &&
      piece.offset === this.#received &&
      piece.format === this.format &&
      sameBytes(piece.id, this.id)
    )
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes)
    this.#received += bytes.length
  }

  payload(): Uint8Array {
    return joined(this.#chunks)
  }

  /** What is in no row yet; null: nothing. Counts as stored from now on. */
  takeUnstored(relay: string): PartialRow | null {
    if (this.storedBytes === this.#received) return null
    const offset = this.storedBytes
    const bytes = joined(this.#chunks.slice(this.#storedChunks))
    this.#noteStored()
    const { of, id, format, total } = this
    return { kind: 'partial', relay, id, of, format, total, offset, bytes }
  }

  /** Of the rows of one relay, in the order in which they were appended; null: there is none, or they do not fit together. */
  static ofRows(rows: readonly { readonly id: number; readonly row: PartialRow }[]): Incoming | null {
    const [first] = rows
    if (first === undefined || !Incoming.accepts(first.row)) return null
    const incoming = new Incoming(first.row)
    for (const { id, row } of rows) {
      if (!incoming.continues(row)) return null
      incoming.add(row.bytes)
      incoming.rowIds.push(id)
    }
    incoming.#noteStored()
    return incoming.isWhole ? null : incoming
  }
  #noteStored(): void {
    this.storedBytes = this.#received
    this.#storedChunks = this.#chunks.length
  }
}
