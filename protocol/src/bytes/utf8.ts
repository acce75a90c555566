// UTF-8, strictly: what is not well-formed is refused in both directions, never replaced.
// Short ASCII, which most ids are, takes no call into the platform.

interface PlatformDecoder {
  decode(bytes: Uint8Array): string
}
declare const TextDecoder: new (label: string, options: { fatal: boolean; ignoreBOM: boolean }) => PlatformDecoder

const ASCII_BYTES_MAX = 64
const decoder: PlatformDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text, or null where the bytes are not UTF-8. A byte order mark is kept as a character. */
export function decodeUtf8(bytes: Uint8Array, start: number, end: number): string | null {
  if (end - start <= ASCII_BYTES_MAX) {
    let text = ''
    let position = start
    while (position < end && (bytes[position] as number) < 0x80)
      text += String.fromCharCode(bytes[position++] as number)
    if (position === end) return text
  }
  try {
    return decoder.decode(bytes.subarray(start, end))
  } catch {
    return null
  }
}

/** Bytes that the text takes as UTF-8; -1 where it holds half of a surrogate pair. */
export function utf8Length(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) continue
    if (unit < 0x800) length += 1
    else if (unit < 0xd800 || unit > 0xdfff) length += 2
    else if (unit < 0xdc00 && isLowSurrogate(text.charCodeAt(index + 1))) {
      length += 2
      index += 1
    } else return -1
  }
  return length
}

/** Writes a well-formed text at `position`, where `utf8Length(text)` bytes must be free. */
export function writeUtf8(text: string, into: Uint8Array, position: number): void {
  let at = position
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0x80) {
      into[at++] = unit
    } else if (unit < 0x800) {
      into[at++] = 0xc0 | (unit >> 6)
      into[at++] = 0x80 | (unit & 0x3f)
    } else if (unit < 0xd800 || unit > 0xdfff) {
      into[at++] = 0xe0 | (unit >> 12)
      into[at++] = 0x80 | ((unit >> 6) & 0x3f)
      into[at++] = 0x80 | (unit & 0x3f)
    } else {
      const point = 0x10000 + ((unit - 0xd800) << 10) + (text.charCodeAt(++index) - 0xdc00)
      into[at++] = 0xf0 | (point >> 18)
      into[at++] = 0x80 | ((point >> 12) & 0x3f)
      into[at++] = 0x80 | ((point >> 6) & 0x3f)
      into[at++] = 0x80 | (point & 0x3f)
    }
  }
}

/** The text as UTF-8. @throws RangeError where it holds half of a surrogate pair. */
export function encodeUtf8(text: string): Uint8Array {
  const length = utf8Length(text)
  if (length < 0) throw new RangeError('text: half of a surrogate pair')
  const bytes = new Uint8Array(length)
  writeUtf8(text, bytes, 0)
  return bytes
}

/** The longest beginning that fits, for text that only a person reads; halves of surrogate pairs become U+FFFD. */
export function clipText(text: string, bytesMax: number): string {
  if (text.length * 3 <= bytesMax && utf8Length(text) >= 0) return text
  let clipped = ''
  let bytes = 0
  for (const character of text) {
    const wellFormed = utf8Length(character) < 0 ? '\ufffd' : character
    bytes += utf8Length(wellFormed)
    if (bytes > bytesMax) break
    clipped += wellFormed
  }
  return clipped
}

function isLowSurrogate(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff
}
