// Padding, so that the length of what is sealed says little: docs/protocol.md, "Encryption". Short contents go up to the
// next multiple of 128 bytes, since keystrokes differ by few; long ones as PADMÉ has it, which costs an eighth at most
// (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS 2019).
import * as encoding from 'lib0/encoding'
import { PayloadReader, Refused } from '../document/payload-reader.ts'

const BUCKET_BYTES = 128

/** Never less than `length`, never falls as that grows, and at least one bucket. */
export function paddedLength(length: number): number {
  const buckets = Math.max(1, Math.ceil(length / BUCKET_BYTES)) * BUCKET_BYTES
  const exponent = floorLog2(Math.max(2, length))
  const step = 2 ** Math.max(0, exponent - floorLog2(exponent) - 1)
  return Math.max(buckets, Math.ceil(length / step) * step)
}

/** Length of the content, content, zeros. */
export function pad(content: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint8Array(encoder, content)
  const padded = new Uint8Array(paddedLength(encoding.length(encoder)))
  padded.set(encoding.toUint8Array(encoder))
  return padded
}

/** A view of the content; null: nothing that `pad` made. */
export function unpad(padded: Uint8Array): Uint8Array | null {
  const reader = new PayloadReader(padded)
  try {
    return reader.byteString('content')
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

/** Exact on every platform, below 2^32. */
function floorLog2(value: number): number {
  return 31 - Math.clz32(value)
}
