// Payloads that arrive in pieces, over several rounds and connections, until they are whole. In memory only: a device
// that was answered HAVE holds the rest, and all of it, until the ACK. Bounded in sum; never reads a clock.
import type { Limits } from '../limits.ts'

export interface Piece {
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** `staged`: bytes held from the beginning. `payload`: the whole, once all of it is there. */
export type Staged =
  | { readonly type: 'partial'; readonly staged: number }
  | { readonly type: 'whole'; readonly payload: Uint8Array }
  | { readonly type: 'full' }

/** What a piece costs beside its bytes, about; for the first of an upload also its key. */
const PIECE_BYTES = 512

interface Upload {
  total: number
  staged: number
  pieces: Uint8Array[]
  touchedAtMs: number
  pieceCount: number
}

export class Staging {
  readonly #bytesMax: number
  readonly #idleTimeoutMs: number
  /** In the order of their last piece, so that the idle ones stand first. */
  readonly #uploads = new Map<string, Upload>()
  #bytes = 0

  constructor(limits: Pick<Limits, 'stagedBytesMax' | 'stagedIdleTimeoutMs'>) {
    this.#bytesMax = limits.stagedBytesMax
    this.#idleTimeoutMs = limits.stagedIdleTimeoutMs
  }

  /** Bytes staged now. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds a piece where it continues what is staged; any other, an empty one included, only asks how far it is. */
  place(key: string, piece: Piece, nowMs: number): Staged {
    this.sweep(nowMs)
    const upload = this.#uploads.get(key)
    // The total of one push id cannot change unless somebody lies: begin again with the newest.
    if (upload !== undefined && upload.total !== piece.total) this.drop(key)
    const known = this.#uploads.get(key)
    const whole = known?.staged === piece.total ? known.pieces[0] : undefined
    if (whole !== undefined) return { type: 'whole', payload: whole }
    const staged = known?.staged ?? 0
    const fresh = piece.offset <= staged ? piece.bytes.subarray(staged - piece.offset) : piece.bytes.subarray(0, 0)
    if (fresh.length === 0) return { type: 'partial', staged }
    if (this.#bytes + fresh.length + PIECE_BYTES > this.#bytesMax) return { type: 'full' }
    return this.#add(key, piece.total, fresh, nowMs)
  }

  /** Forgets a payload: it is stored, or it was not what its push id promised. */
  drop(key: string): void {
    const upload = this.#uploads.get(key)
    if (upload === undefined) return
    this.#bytes -= upload.staged + upload.pieceCount * PIECE_BYTES
    this.#uploads.delete(key)
  }

  /** Drops what has waited too long for its next piece. */
  sweep(nowMs: number): void {
    for (const [key, upload] of this.#uploads) {
      if (upload.touchedAtMs + this.#idleTimeoutMs > nowMs) return
      this.drop(key)
    }
  }

  #add(key: string, total: number, bytes: Uint8Array, nowMs: number): Staged {
    const upload = this.#uploads.get(key) ?? { total, staged: 0, pieces: [], touchedAtMs: nowMs, pieceCount: 0 }
    // A copy: the bytes of a message belong to its carrier.
    upload.pieces.push(bytes.slice())
    upload.staged += bytes.length
    upload.touchedAtMs = nowMs
    upload.pieceCount += 1
    this.#bytes += bytes.length + PIECE_BYTES
    this.#uploads.delete(key)
    this.#uploads.set(key, upload)
    if (upload.staged < total) return { type: 'partial', staged: upload.staged }
    const payload = join(upload.pieces, total)
    upload.pieces = [payload]
    return { type: 'whole', payload }
  }
}

function join(pieces: readonly Uint8Array[], total: number): Uint8Array {
  const whole = new Uint8Array(total)
  let offset = 0
  for (const piece of pieces) {
    whole.set(piece, offset)
    offset += piece.length
  }
  return whole
}
