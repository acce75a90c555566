// Packs frames into messages. Throws on a frame that no reader would accept. Which frames there may be is given to it: codec.ts
// and device-codec.ts. docs/protocol.md, "Frames".
import type { BodyWriters } from './body-writers.ts'
import { ByteWriter } from './bytes/writer.ts'
import { FRAME_TYPE, type Frame, type FrameName, type FrameOf } from './frames.ts'

const INITIAL_BYTES = 512

/** The frames as one message. @throws RangeError naming a field that no reader would accept. */
export function packFrames<Name extends FrameName>(
  frames: readonly FrameOf<Name>[],
  bodies: BodyWriters<Name>,
): Uint8Array {
  const packer = new FramePacker(bodies)
  for (const frame of frames) packer.write(frame)
  return packer.take()
}

/** Writes frames one after the other, as one message after the other. */
export class FramePacker<Name extends FrameName> {
  private readonly bodies: BodyWriters<Name>
  private readonly writer: ByteWriter = new ByteWriter(INITIAL_BYTES)
  private frames = 0

  constructor(bodies: BodyWriters<Name>) {
    this.bodies = bodies
  }

  /** Bytes of the message so far. */
  get byteLength(): number {
    return this.writer.byteLength
  }

  /** Frames of the message so far. */
  get frameCount(): number {
    return this.frames
  }

  /** Adds a frame. @throws RangeError naming a field that no reader would accept; the message is then as before. */
  write(frame: FrameOf<Name>): void {
    const before = this.writer.byteLength
    try {
      const bodyBytes = guessBodyBytes(frame)
      this.writer.varuint('frame type', FRAME_TYPE[frame.type])
      const start = this.writer.beginBody(frame.type, bodyBytes)
      const writeBody = this.bodies[frame.type] as (writer: ByteWriter, frame: Frame) => void
      writeBody(this.writer, frame)
      this.writer.endBody(start, bodyBytes)
      this.frames += 1
    } catch (error) {
      this.writer.truncate(before)
      throw error
    }
  }

  /** Adds a frame unless the message would exceed `messageBytesMax`; then false, and the message is as before. */
  tryWrite(frame: FrameOf<Name>, messageBytesMax: number): boolean {
    const before = this.writer.byteLength
    this.write(frame)
    if (this.writer.byteLength <= messageBytesMax) return true
    this.writer.truncate(before)
    this.frames -= 1
    return false
  }

  /** The message, whose bytes belong to the caller; the writer begins the next one. */
  take(): Uint8Array {
    this.frames = 0
    return this.writer.take()
  }
}

/** Right for most frames, and no more than a few bytes off: a wrong guess costs moving the body. */
function guessBodyBytes(frame: Frame): number {
  switch (frame.type) {
    case 'PUSH':
    case 'SNAPSHOT':
    case 'SNAPSHOT_PUT':
    case 'AWARENESS':
      return frame.bytes.length + 28
    case 'ENTRIES': {
      let bytes = 4
      for (const entry of frame.entries) bytes += entry.bytes.length + 24
      return bytes
    }
    case 'HELLO':
      return frame.token.length + 40
    case 'FEED_PAGE':
      return 100 + frame.documents.length * 40
    default:
      return 64
  }
}
