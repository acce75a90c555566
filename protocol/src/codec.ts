// Frames of both sides to message bytes and back. Encoding throws on a frame that no reader would accept; decoding never
// throws, whatever the bytes are. A device needs less: device-codec.ts. docs/protocol.md, "Frames".
import type { BodyReaders } from './body-readers.ts'
import type { BodyWriters } from './body-writers.ts'
import { type DecodeResult, decode } from './decoder.ts'
import { READ_DEVICE_FRAME } from './device-frame-reader.ts'
import { WRITE_DEVICE_FRAME } from './device-frame-writer.ts'
import { FramePacker, packFrames } from './frame-packer.ts'
import type { Frame, FrameName } from './frames.ts'
import type { DecodeLimits } from './limits.ts'
import { READ_RELAY_FRAME } from './relay-frame-reader.ts'
import { WRITE_RELAY_FRAME } from './relay-frame-writer.ts'

const READ_FRAME: BodyReaders<FrameName> = { ...READ_DEVICE_FRAME, ...READ_RELAY_FRAME }
const WRITE_FRAME: BodyWriters<FrameName> = { ...WRITE_DEVICE_FRAME, ...WRITE_RELAY_FRAME }

/**
 * One message as frames, or what is wrong with it; never throws.
 *
 * Byte fields are views into `bytes`: they change if it changes and keep all of it alive, so copy what outlives the
 * message. Unknown ignorable frames are left out. After a HELLO that does not offer version 1 nothing more is read,
 * so that it can be answered VERSION.
 */
export function decodeMessage(bytes: Uint8Array, limits: DecodeLimits): DecodeResult {
  return decode(bytes, limits, READ_FRAME)
}

/** The frames as one message. @throws RangeError naming a field that no reader would accept. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  return packFrames(frames, WRITE_FRAME)
}

/** Packs frames into messages: `if (!writer.tryWrite(frame, max)) { send(writer.take()); writer.write(frame) }`. */
export class MessageWriter extends FramePacker<FrameName> {
  constructor() {
    super(WRITE_FRAME)
  }
}
