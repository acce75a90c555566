// One message as frames. Never throws, whatever the bytes are, and allocates nothing before it has bounded it. Which frames
// there may be is given to it: codec.ts and device-codec.ts. docs/protocol.md, "Frames".
import type { BodyReaders } from './body-readers.ts'
import { ByteReader } from './bytes/reader.ts'
import type { Code } from './codes.ts'
import type { Frame, FrameName, FrameOf } from './frames.ts'
import { FRAME_NAMES, IGNORABLE_BIT } from './layout.ts'
import type { DecodeLimits } from './limits.ts'
import { negotiateVersion } from './version.ts'

/** MALFORMED: not version 1. TOO_LARGE: one of the `DecodeLimits` is exceeded. `message` names frame and field. */
export type DecodeFailure = { readonly ok: false; readonly code: Code; readonly message: string }

export type DecodeResult<Any extends Frame = Frame> =
  | { readonly ok: true; readonly frames: readonly Any[] }
  | DecodeFailure

export function decode<Name extends FrameName>(
  bytes: Uint8Array,
  limits: DecodeLimits,
  readers: BodyReaders<Name>,
): DecodeResult<FrameOf<Name>> {
  if (bytes.length > limits.messageBytesMax) {
    return failure('TOO_LARGE', `message: ${bytes.length} bytes, at most ${limits.messageBytesMax}`)
  }
  const reader = new ByteReader(bytes)
  const frames: FrameOf<Name>[] = []
  let opens = 0
  let count = 0
  do {
    if (++count > limits.framesMax) return failure('TOO_LARGE', `message: more than ${limits.framesMax} frames`)
    const frame: Frame | null = readFrame(reader, limits, readers)
    if (reader.fault !== '') return failure(reader.faultCode, reader.fault)
    if (frame === null) continue
    if (frame.type === 'OPEN' && ++opens > limits.opensMax) {
      return failure('TOO_LARGE', `OPEN: more than ${limits.opensMax} in one message`)
    }
    frames.push(frame as FrameOf<Name>)
    if (frame.type === 'HELLO' && negotiateVersion(frame.versionMax, frame.versionMin) === null) break
  } while (reader.remaining > 0)
  return { ok: true, frames }
}

/** Null: an ignorable frame that version 1 does not know. */
function readFrame<Name extends FrameName>(
  reader: ByteReader,
  limits: DecodeLimits,
  readers: BodyReaders<Name>,
): FrameOf<Name> | null {
  const type = reader.varuint('frame type')
  const name = FRAME_NAMES[type]
  const length = reader.varuint(name === undefined ? 'frame length' : name)
  if (length > reader.remaining)
    reader.fail(name ?? 'frame', `length ${length}, but ${reader.remaining} bytes are left`)
  if (name === undefined && (type & IGNORABLE_BIT) === 0)
    reader.fail('frame type', `0x${type.toString(16)} is not known`)
  if (reader.fault !== '') return null
  const outerEnd = reader.enter(name ?? 'frame', length)
  const frame = name === undefined ? null : readBody(reader, name, limits, readers)
  reader.leave(outerEnd)
  return frame
}

function readBody<Name extends FrameName>(
  reader: ByteReader,
  name: FrameName,
  limits: DecodeLimits,
  readers: Partial<BodyReaders<Name>>,
): FrameOf<Name> | null {
  const read = readers[name as Name]
  if (read !== undefined) return read(reader, limits)
  reader.fail('type', 'not sent in this direction')
  return null
}

function failure(code: Code, message: string): DecodeFailure {
  return { ok: false, code, message }
}
