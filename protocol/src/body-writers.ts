// What the writers of frame bodies have in common.
import type { ByteWriter } from './bytes/writer.ts'
import type { Awareness, FrameName, FrameOf } from './frames.ts'
import { FIELD_LIMITS, LIMITS_AFTER_WELCOME } from './limits.ts'

/** How the body of each frame is written. Each throws RangeError naming a field that no reader would accept. */
export type BodyWriters<Name extends FrameName> = {
  readonly [One in Name]: (writer: ByteWriter, frame: FrameOf<One>) => void
}

export const PIECE_BYTES_MAX: number = LIMITS_AFTER_WELCOME.pieceBytesMax

/** Both sides send it. */
export function writeAwareness(writer: ByteWriter, frame: Awareness): void {
  writer.varuint('channel', frame.channel, 1)
  writer.byteString('bytes', frame.bytes, FIELD_LIMITS.awarenessBytesMax)
}
