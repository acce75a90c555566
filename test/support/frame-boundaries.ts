// Where the frames of a recorded burst end: those of HTTP and WebSocket (RFC 6455), and Tidemark's own inside them.

/** Offsets into one direction of a recorded connection that was upgraded to a WebSocket, ascending. */
export function frameBoundaries(stream: Buffer): readonly number[] {
  const headEnd = stream.indexOf('\r\n\r\n')
  if (headEnd === -1) throw new Error('There is no HTTP head in what was recorded')
  const boundaries = [headEnd + 4]
  let at = headEnd + 4
  while (at < stream.length) {
    const { opcode, start, payload } = readWebSocketFrame(stream, at)
    boundaries.push(start)
    if (opcode === BINARY) for (const end of tidemarkFrameEnds(payload)) boundaries.push(start + end)
    at = start + payload.length
    boundaries.push(at)
  }
  return [...new Set(boundaries)].sort((a, b) => a - b)
}

const BINARY = 2

function readWebSocketFrame(
  stream: Buffer,
  at: number,
): { readonly opcode: number; readonly start: number; readonly payload: Buffer } {
  const opcode = stream.readUInt8(at) & 0x0f
  const second = stream.readUInt8(at + 1)
  const short = second & 0x7f
  let start = at + 2
  let length = short
  if (short === 126) {
    length = stream.readUInt16BE(start)
    start += 2
  } else if (short === 127) {
    length = Number(stream.readBigUInt64BE(start))
    start += 8
  }
  if ((second & 0x80) === 0) return { opcode, start, payload: stream.subarray(start, start + length) }
  const mask = stream.subarray(start, start + 4)
  start += 4
  const payload = Buffer.from(stream.subarray(start, start + length))
  for (const [i, byte] of payload.entries()) payload[i] = byte ^ (mask[i % 4] as number)
  return { opcode, start, payload }
}

function tidemarkFrameEnds(message: Buffer): readonly number[] {
  const ends: number[] = []
  let at = 0
  while (at < message.length) {
    const [, afterType] = readVaruint(message, at)
    const [length, afterLength] = readVaruint(message, afterType)
    at = afterLength + length
    ends.push(at)
  }
  return ends
}

function readVaruint(bytes: Buffer, from: number): readonly [value: number, end: number] {
  let value = 0
  let at = from
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes.readUInt8(at++)
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return [value, at]
  }
}
