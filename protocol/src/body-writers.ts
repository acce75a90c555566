// What the writers of frame bodies have in common.
import type { ByteWriter } from './bytes/writer.ts'
import type { Awareness, FrameName, FrameOf, Push } from './frames.ts'
import { FIELD_LIMITS, LIMITS_AFTER_WELCOME } from './limits.ts'

/** How the body of each frame is written. Each throws RangeError naming a field that no reader would accept. */
export type BodyWriters<Name extends FrameName> = {
  readonly [One in Name]: (writer: ByteWriter, frame: FrameOf<One>) => void
}

export const PIECE_BYTES_MAX: number = LIMITS_AFTER_WELCOME.pieceBytesMax

/** The end of a frame that carries one payload, or a piece of it. */
export function writePiece(writer: ByteWriter, frame: Pick<Push, 'total' | 'offset' | 'bytes'>): void {
  writer.varuint('total', frame.total, 1)
  writer.varuint('offset', frame.offset, 0, frame.total - frame.bytes.length)
  writer.byteString('bytes', frame.bytes, PIECE_BYTES_MAX)
}

/** Both sides send it. */
export function writeAwareness(writer: ByteWriter, frame: Awareness): void {
  writer.varuint('channel', frame.channel, 1)
  writer.byteString('bytes', frame.bytes, FIELD_LIMITS.awarenessBytesMax)
}
