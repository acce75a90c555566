// Byte strings compared and used as keys.

export function equalBytes(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false
  return true
}

/** One character per byte: short ids as parts of a Map's key. */
export function bytesKey(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}
