// The one shape of everything that a key-value store writes: bytes of any length with a checksum, in as many values as the
// backend needs for them. `name` holds the head and what fits behind it, `name/1`, `name/2`, … the rest, all equally long:
//   format (1 byte) | crc32 of all that follows (4) | payload length (4) | payload          big endian
import { DeviceStoreError } from '../contract.ts'
import { crc32 } from './crc32.ts'
import type { Entry, Values } from './values.ts'

/** The first byte of every blob in every version: what follows may change with it. */
const FORMAT = 1
const HEAD_BYTES = 9
const CHECKED_FROM = 5
/** No backend cuts values shorter than this. */
const PIECE_BYTES_MIN = 768

export interface Blob {
  readonly payload: Uint8Array
  /** The number of values that it takes. */
  readonly pieces: number
}

export class Blobs {
  readonly #values: Values

  constructor(values: Values) {
    this.#values = values
  }

  /** The number of values that it takes. */
  piecesOf(payload: Uint8Array): number {
    return Math.ceil((HEAD_BYTES + payload.length) / this.#values.bytesMax)
  }

  /** In any order: until its last piece is there, none of a blob counts. */
  async put(blobs: readonly { readonly name: string; readonly payload: Uint8Array }[]): Promise<void> {
    const { bytesMax } = this.#values
    const entries = blobs.flatMap(({ name, payload }) => {
      const bytes = withHead(payload)
      const cut = (piece: string, i: number): Entry => [piece, bytes.subarray(i * bytesMax, (i + 1) * bytesMax)]
      return pieceNames(name, this.piecesOf(payload)).map(cut)
    })
    await this.#values.set(entries)
  }

  /**
   * Null: there is none, or it is not whole.
   * @throws DeviceStoreError FAILED when a newer version has written one of them
   */
  async get(names: readonly string[]): Promise<readonly (Blob | null)[]> {
    const heads = await this.#values.get(names)
    const pieces = heads.map((head, i) => (head === null ? 0 : pieceCount(head, names[i] as string)))
    const rest = await this.#values.get(names.flatMap((name, i) => pieceNames(name, pieces[i] as number).slice(1)))
    let at = 0
    return heads.map((head, i) => {
      const count = pieces[i] as number
      const own = count > 1 ? rest.slice(at, at + count - 1) : []
      at += own.length
      const payload = head === null || count === 0 ? null : payloadOf([head, ...own])
      return payload === null ? null : { payload, pieces: count }
    })
  }
}

export function pieceNames(name: string, pieces: number): string[] {
  return Array.from({ length: pieces }, (_, i) => (i === 0 ? name : `${name}/${i}`))
}

function withHead(payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEAD_BYTES + payload.length)
  bytes.set(payload, HEAD_BYTES)
  bytes[0] = FORMAT
  const view = viewOf(bytes)
  view.setUint32(CHECKED_FROM, payload.length)
  view.setUint32(1, crc32(bytes.subarray(CHECKED_FROM)))
  return bytes
}

/** 0: this is not the head of a blob. */
function pieceCount(head: Uint8Array, name: string): number {
  const format = head[0] ?? FORMAT
  if (format !== FORMAT) {
    const known = `this program knows format ${FORMAT}`
    throw new DeviceStoreError('FAILED', `The key-value store was written in format ${format} (${name}), and ${known}`)
  }
  if (head.length < HEAD_BYTES) return 0
  const pieces = Math.ceil((HEAD_BYTES + viewOf(head).getUint32(CHECKED_FROM)) / head.length)
  return pieces > 1 && head.length < PIECE_BYTES_MIN ? 0 : pieces
}

function payloadOf(pieces: readonly (Uint8Array | null)[]): Uint8Array | null {
  const bytes = joined(pieces)
  if (bytes === null) return null
  const view = viewOf(bytes)
  const isWhole = bytes.length === HEAD_BYTES + view.getUint32(CHECKED_FROM)
  if (!isWhole || view.getUint32(1) !== crc32(bytes.subarray(CHECKED_FROM))) return null
  return bytes.subarray(HEAD_BYTES)
}

function joined(pieces: readonly (Uint8Array | null)[]): Uint8Array | null {
  if (pieces.length === 1) return pieces[0] ?? null
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + (piece?.length ?? 0), 0))
  let at = 0
  for (const piece of pieces) {
    if (piece === null) return null
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
