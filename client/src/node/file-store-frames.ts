// The one shape that everything in the files of a device store has: a checksummed, numbered frame.
//   crc32 of all that follows (4 bytes) | payload length (4) | number (6) | payload          big endian
import { crc32 } from 'node:zlib'

const FRAME_HEADER_BYTES = 14

export interface Frame {
  readonly number: number
  /** A view of the bytes that were read. */
  readonly payload: Buffer
  /** Where the next frame begins. */
  readonly end: number
}

export function encodeFrame(number: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.byteLength)
  frame.writeUInt32BE(payload.byteLength, 4)
  frame.writeUIntBE(number, 8, 6)
  frame.set(payload, FRAME_HEADER_BYTES)
  frame.writeUInt32BE(crc32(frame.subarray(4)), 0)
  return frame
}

/** Null: there is no whole and intact frame at `at`. */
export function readFrame(bytes: Buffer, at: number): Frame | null {
  if (at + FRAME_HEADER_BYTES > bytes.byteLength) return null
  const start = at + FRAME_HEADER_BYTES
  const end = start + bytes.readUInt32BE(at + 4)
  if (end > bytes.byteLength || bytes.readUInt32BE(at) !== crc32(bytes.subarray(at + 4, end))) return null
  return { number: bytes.readUIntBE(at + 8, 6), payload: bytes.subarray(start, end), end }
}

/** Whether an intact frame numbered above `number` begins after `at`: then what is broken at `at` is no torn end. */
export function hasLaterFrame(bytes: Buffer, at: number, number: number): boolean {
  for (let next = at + 1; next + FRAME_HEADER_BYTES <= bytes.byteLength; next++) {
    const ahead = bytes.readUIntBE(next + 8, 6) - number
    // The number is looked at first: a checksum at every byte would be quadratic.
    if (ahead > 0 && ahead <= bytes.byteLength && readFrame(bytes, next) !== null) return true
  }
  return false
}
