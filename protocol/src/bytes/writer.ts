// Writes fields into one growing Uint8Array. What a reader would refuse is a RangeError that names the field:
// a frame that cannot be said is a fault of the program that made it, and must not reach the wire.
import { utf8Length, writeUtf8 } from './utf8.ts'

export class ByteWriter {
  private buffer: Uint8Array
  private position = 0
  /** What the fields are of. */
  private owner = ''

  constructor(capacityBytes: number) {
    this.buffer = new Uint8Array(capacityBytes)
  }

  get byteLength(): number {
    return this.position
  }

  /** Goes back to an earlier `byteLength`. */
  truncate(byteLength: number): void {
    this.position = byteLength
  }

  /** All that was written; the writer begins anew and never touches these bytes again. */
  take(): Uint8Array {
    const length = this.position
    this.position = 0
    if (length * 2 < this.buffer.length) return this.buffer.slice(0, length)
    const taken = this.buffer.subarray(0, length)
    this.buffer = new Uint8Array(this.buffer.length)
    return taken
  }

  /**
   * Leaves room for the length of a body of about `bodyBytes`, which is to be closed by `endBody` with what this returns. Its
   * fields are those of `owner`, and errors say so.
   */
  beginBody(owner: string, bodyBytes: number): number {
    this.owner = owner
    this.reserve(varuintLength(bodyBytes) + bodyBytes)
    const start = this.position
    this.position += varuintLength(bodyBytes)
    return start
  }

  /** Writes the length of the body in its shortest form, and moves the body if the guess was wrong. */
  endBody(start: number, guessedBodyBytes: number): void {
    const bodyStart = start + varuintLength(guessedBodyBytes)
    const bodyBytes = this.position - bodyStart
    const shift = varuintLength(bodyBytes) - varuintLength(guessedBodyBytes)
    if (shift !== 0) {
      this.reserve(4)
      this.buffer.copyWithin(bodyStart + shift, bodyStart, this.position)
    }
    this.position = start
    this.unchecked(bodyBytes)
    this.position += bodyBytes
  }

  varuint(field: string, value: number, min = 0, max: number = Number.MAX_SAFE_INTEGER): void {
    if (!(value >= min && value <= max && Number.isInteger(value))) {
      this.fail(field, `${value}, not a whole number from ${min} to ${max}`)
    }
    this.reserve(8)
    this.unchecked(value)
  }

  /** Exactly `length` raw bytes. */
  raw(field: string, bytes: Uint8Array, length: number): void {
    if (bytes.length !== length) this.fail(field, `${bytes.length} bytes, not ${length}`)
    this.reserve(length)
    this.copy(bytes)
  }

  byteString(field: string, bytes: Uint8Array, lengthMax: number): void {
    if (bytes.length > lengthMax) this.fail(field, `${bytes.length} bytes, at most ${lengthMax}`)
    this.reserve(8 + bytes.length)
    this.unchecked(bytes.length)
    this.copy(bytes)
  }

  /** Empty, or exactly `length` bytes. */
  optional(field: string, bytes: Uint8Array, length: number): void {
    if (bytes.length !== 0 && bytes.length !== length) {
      this.fail(field, `${bytes.length} bytes, not 0 or ${length}`)
    }
    this.byteString(field, bytes, length)
  }

  text(field: string, text: string, bytesMax: number): void {
    const length = utf8Length(text)
    if (length < 0) this.fail(field, 'half of a surrogate pair')
    if (length > bytesMax) this.fail(field, `${length} bytes, at most ${bytesMax}`)
    this.reserve(8 + length)
    this.unchecked(length)
    writeUtf8(text, this.buffer, this.position)
    this.position += length
  }

  /** The number of `name` among `names`. */
  choice<Name extends string>(field: string, name: Name, names: readonly Name[]): void {
    this.varuint(field, names.indexOf(name), 0, names.length - 1)
  }

  fail(field: string, what: string): never {
    throw new RangeError(`${this.owner}.${field}: ${what}`)
  }

  private copy(bytes: Uint8Array): void {
    // For ids, set() costs more than the copy itself.
    if (bytes.length > 24) this.buffer.set(bytes, this.position)
    else for (let index = 0; index < bytes.length; index++) this.buffer[this.position + index] = bytes[index] as number
    this.position += bytes.length
  }

  private unchecked(value: number): void {
    let rest = value
    while (rest >= 0x80) {
      this.buffer[this.position++] = (rest % 128) | 0x80
      rest = rest < 2 ** 31 ? rest >>> 7 : Math.floor(rest / 128)
    }
    this.buffer[this.position++] = rest
  }

  private reserve(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
    grown.set(this.buffer.subarray(0, this.position))
    this.buffer = grown
  }
}

function varuintLength(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x20_0000 ? 3 : 4
}
