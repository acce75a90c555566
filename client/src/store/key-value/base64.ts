// Base64 (RFC 4648, without padding) for storages of strings: not every platform of the SDK has btoa, and none is needed.
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const CODES: Uint8Array = Uint8Array.from(ALPHABET, (character) => character.charCodeAt(0))
const INVALID = 255
const SEXTETS: Uint8Array = new Uint8Array(128).fill(INVALID)
for (const [sextet, code] of CODES.entries()) SEXTETS[code] = sextet

/** What one call of String.fromCharCode is given: engines limit the number of arguments. */
const CHARACTERS_AT_ONCE = 4096

export function toBase64(bytes: Uint8Array): string {
  const codes = new Uint8Array(Math.ceil((bytes.length * 4) / 3))
  for (let from = 0, to = 0; from < bytes.length; from += 3, to += 4) {
    const [a, b, c] = [bytes[from] as number, bytes[from + 1] ?? 0, bytes[from + 2] ?? 0]
    // Where the bytes end, what is set behind the end of `codes` is dropped.
    codes[to] = CODES[a >>> 2] as number
    codes[to + 1] = CODES[((a & 3) << 4) | (b >>> 4)] as number
    codes[to + 2] = CODES[((b & 15) << 2) | (c >>> 6)] as number
    codes[to + 3] = CODES[c & 63] as number
  }
  let text = ''
  for (let at = 0; at < codes.length; at += CHARACTERS_AT_ONCE) {
    text += String.fromCharCode(...codes.subarray(at, at + CHARACTERS_AT_ONCE))
  }
  return text
}

/** Null: this is no base64. Of a text that was cut short, the bytes that are whole. */
export function fromBase64(text: string): Uint8Array | null {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  for (let from = 0, to = 0; from < text.length; from += 4, to += 3) {
    const [a, b, c, d] = [sextet(text, from), sextet(text, from + 1), sextet(text, from + 2), sextet(text, from + 3)]
    if ((a | b | c | d) > 63) return null
    bytes[to] = (a << 2) | (b >>> 4)
    bytes[to + 1] = (b << 4) | (c >>> 2)
    bytes[to + 2] = (c << 6) | d
  }
  return bytes
}

function sextet(text: string, at: number): number {
  return at < text.length ? (SEXTETS[text.charCodeAt(at)] ?? INVALID) : 0
}
