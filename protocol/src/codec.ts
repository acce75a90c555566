// Frames to message bytes and back. Encoding throws on a frame that no reader would accept; decoding never throws,
// whatever the bytes are, and allocates nothing before it has bounded it. docs/protocol.md, "Frames".
import { ByteReader } from './bytes/reader.ts'
import { ByteWriter } from './bytes/writer.ts'
import type { Code } from './codes.ts'
import { readBody } from './frame-reader.ts'
import { writeBody } from './frame-writer.ts'
import { FRAME_TYPE, type Frame } from './frames.ts'
import { FRAME_NAMES, IGNORABLE_BIT } from './layout.ts'
import type { DecodeLimits } from './limits.ts'
import { negotiateVersion } from './version.ts'

/** MALFORMED: not version 1. TOO_LARGE: one of the `DecodeLimits` is exceeded. `message` names frame and field. */
export type DecodeFailure = { readonly ok: false; readonly code: Code; readonly message: string }

export type DecodeResult = { readonly ok: true; readonly frames: readonly Frame[] } | DecodeFailure

/**
 * One message as frames, or what is wrong with it; never throws.
 *
 * Byte fields are views into `bytes`: they change if it changes and keep all of it alive, so copy what outlives the
 * message. Unknown ignorable frames are left out. After a HELLO that does not offer version 1 nothing more is read,
 * so that it can be answered VERSION.
 */
export function decodeMessage(bytes: Uint8Array, limits: DecodeLimits): DecodeResult {
  if (bytes.length > limits.messageBytesMax) {
    return failure('TOO_LARGE', `message: ${bytes.length} bytes, at most ${limits.messageBytesMax}`)
  }
  const reader = new ByteReader(bytes)
  const frames: Frame[] = []
  let opens = 0
  let count = 0
  do {
    if (++count > limits.framesMax) return failure('TOO_LARGE', `message: more than ${limits.framesMax} frames`)
    const frame = readFrame(reader, limits)
    if (reader.fault !== '') return failure(reader.faultCode, reader.fault)
    if (frame === null) continue
    if (frame.type === 'OPEN' && ++opens > limits.opensMax) {
      return failure('TOO_LARGE', `OPEN: more than ${limits.opensMax} in one message`)
    }
    frames.push(frame)
    if (frame.type === 'HELLO' && negotiateVersion(frame.versionMax, frame.versionMin) === null) break
  } while (reader.remaining > 0)
  return { ok: true, frames }
}

/** The frames as one message. @throws RangeError naming a field that no reader would accept. */
export function encodeFrames(frames: readonly Frame[]): Uint8Array {
  const writer = new MessageWriter()
  for (const frame of frames) writer.write(frame)
  return writer.take()
}

const INITIAL_BYTES = 512

/** Packs frames into messages: `if (!writer.tryWrite(frame, max)) { send(writer.take()); writer.write(frame) }`. */
export class MessageWriter {
  private readonly writer: ByteWriter = new ByteWriter(INITIAL_BYTES)
  private frames = 0

  /** Bytes of the message so far. */
  get byteLength(): number {
    return this.writer.byteLength
  }

  /** Frames of the message so far. */
  get frameCount(): number {
    return this.frames
  }

  /** Adds a frame. @throws RangeError naming a field that no reader would accept; the message is then as before. */
  write(frame: Frame): void {
    const before = this.writer.byteLength
    try {
      const bodyBytes = guessBodyBytes(frame)
      this.writer.varuint('type', FRAME_TYPE[frame.type])
      const start = this.writer.beginBody(bodyBytes)
      writeBody(this.writer, frame)
      this.writer.endBody(start, bodyBytes)
      this.frames += 1
    } catch (error) {
      this.writer.truncate(before)
      throw error
    }
  }

  /** Adds a frame unless the message would exceed `messageBytesMax`; then false, and the message is as before. */
  tryWrite(frame: Frame, messageBytesMax: number): boolean {
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

/** Null: an ignorable frame that version 1 does not know. */
function readFrame(reader: ByteReader, limits: DecodeLimits): Frame | null {
  const type = reader.varuint('frame type')
  const name = FRAME_NAMES[type]
  const length = reader.varuint(name === undefined ? 'frame length' : name)
  if (length > reader.remaining)
    reader.fail(name ?? 'frame', `length ${length}, but ${reader.remaining} bytes are left`)
  if (name === undefined && (type & IGNORABLE_BIT) === 0)
    reader.fail('frame type', `0x${type.toString(16)} is not known`)
  if (reader.fault !== '') return null
  const outerEnd = reader.enter(length)
  const frame = name === undefined ? null : readBody(reader, name, limits)
  reader.leave(outerEnd)
  return frame
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

function failure(code: Code, message: string): DecodeFailure {
  return { ok: false, code, message }
}
