// What the readers of frame bodies have in common. Never throws; after a fault (reader.fault) what these return is to be
// thrown away.
import type { ByteReader } from './bytes/reader.ts'
import type { Awareness, FrameName, FrameOf, Push } from './frames.ts'
import { type DecodeLimits, FIELD_LIMITS } from './limits.ts'

/** How the body of each frame is read. */
export type BodyReaders<Name extends FrameName> = {
  readonly [One in Name]: (reader: ByteReader, limits: DecodeLimits) => FrameOf<One>
}

type PieceFields = Pick<Push, 'total' | 'offset' | 'bytes'>

/** Flags are a varuint, so a bit may lie beyond what `&` sees of it; none of version 1 does. Unknown bits are ignored. */
export function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0
}

export function checkPiece(reader: ByteReader, field: string, total: number, offset: number, bytes: Uint8Array): void {
  if (offset + bytes.length <= total) return
  reader.fail(field, `${offset} and ${bytes.length} bytes are beyond the total of ${total}`)
}

/** The end of a frame that carries one payload, or a piece of it. */
export function readPiece(reader: ByteReader, limits: DecodeLimits): PieceFields {
  const total = reader.varuint('total', 1)
  const offset = reader.varuint('offset')
  const bytes = reader.piece('bytes', limits.pieceBytesMax)
  checkPiece(reader, 'offset', total, offset, bytes)
  return { total, offset, bytes }
}

/** Both sides send it. */
export function readAwareness(reader: ByteReader): Awareness {
  const channel = reader.varuint('channel', 1)
  return { type: 'AWARENESS', channel, bytes: reader.byteString('bytes', FIELD_LIMITS.awarenessBytesMax) }
}
