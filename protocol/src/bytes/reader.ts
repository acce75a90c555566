// Reads fields from bytes that a stranger sent. Never throws: the first fault is kept with the name of its field,
// and every read after it gives an empty value, so that a caller may read a whole frame and look once.
import { decodeUtf8 } from './utf8.ts'

const EMPTY = new Uint8Array(0)
/** One more than the largest varuint. */
const VARUINT_END = 2 ** 53

export type ReadFaultCode = 'MALFORMED' | 'TOO_LARGE'

export class ByteReader {
  /** What is wrong, beginning with the name of the field; empty while nothing is. */
  fault = ''
  faultCode: ReadFaultCode = 'MALFORMED'
  private readonly bytes: Uint8Array
  private position = 0
  private end: number
  /** What the fields are of. */
  private owner = ''

  constructor(bytes: Uint8Array) {
    // A plain view: slice() of a Node Buffer would not copy.
    this.bytes =
      bytes.constructor === Uint8Array ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.end = bytes.length
  }

  get remaining(): number {
    return this.end - this.position
  }

  /**
   * Keeps reads within the next `length` bytes, which must be there, until `leave` with what this returns. Their fields are
   * those of `owner`, and faults say so.
   */
  enter(owner: string, length: number): number {
    const outerEnd = this.end
    this.owner = owner
    this.end = this.position + length
    return outerEnd
  }

  /** Skips what an older reader does not know, up to the end of what `enter` began. */
  leave(outerEnd: number): void {
    this.position = this.end
    this.end = outerEnd
    this.owner = ''
  }

  /** LEB128, below 2^53, shortest form only. */
  varuint(field: string, min = 0, max: number = VARUINT_END - 1): number {
    if (this.position >= this.end) return this.fail(field, 'cut short')
    let value = this.bytes[this.position++] as number
    if (value >= 0x80) value = this.restOfVaruint(field, value & 0x7f)
    if (value > max) return this.fail(field, `${value}, at most ${max}`)
    if (value < min && this.fault === '') return this.fail(field, `${value}, at least ${min}`)
    return value
  }

  /** `length` raw bytes, as a view. */
  raw(field: string, length: number): Uint8Array {
    const start = this.position
    if (length > this.end - start) {
      this.fail(field, 'cut short')
      return EMPTY
    }
    this.position = start + length
    return this.bytes.subarray(start, this.position)
  }

  /** A byte string with its length before it, as a view. */
  byteString(field: string, lengthMax: number): Uint8Array {
    const length = this.lengthOf(field, lengthMax, 'MALFORMED')
    return length === 0 ? EMPTY : this.raw(field, length)
  }

  /** A byte string whose bound is one of the message's limits. */
  piece(field: string, lengthMax: number): Uint8Array {
    const length = this.lengthOf(field, lengthMax, 'TOO_LARGE')
    return length === 0 ? EMPTY : this.raw(field, length)
  }

  /** A byte string that is empty or `length` bytes long. */
  optional(field: string, length: number): Uint8Array {
    const actual = this.lengthOf(field, length, 'MALFORMED')
    if (actual === 0) return EMPTY
    if (actual === length) return this.raw(field, length)
    this.fail(field, `${actual} bytes, not 0 or ${length}`)
    return EMPTY
  }

  /** UTF-8 with its length in bytes before it. */
  text(field: string, bytesMax: number): string {
    const length = this.lengthOf(field, bytesMax, 'MALFORMED')
    const start = this.position
    this.position += length
    const text = decodeUtf8(this.bytes, start, this.position)
    if (text !== null) return text
    this.fail(field, 'not UTF-8')
    return ''
  }

  /** One of `names`, by its number. */
  choice<Name extends string>(field: string, names: readonly Name[]): Name {
    const number = this.varuint(field)
    const name = names[number]
    if (name !== undefined) return name
    this.fail(field, `${number} is not known`)
    return names[0] as Name
  }

  /** How many items follow, each of at least `itemBytesMin` bytes. */
  count(field: string, countMax: number, itemBytesMin: number): number {
    const count = this.varuint(field, 0, countMax)
    return count * itemBytesMin > this.remaining ? this.fail(field, 'cut short') : count
  }

  /** Keeps the first fault and stops at it. Returns 0, for callers that read a number. */
  fail(field: string, what: string, code: ReadFaultCode = 'MALFORMED'): 0 {
    if (this.fault === '') {
      this.fault = `${this.owner === '' ? '' : `${this.owner}.`}${field}: ${what}`
      this.faultCode = code
    }
    this.position = this.end
    return 0
  }

  private lengthOf(field: string, lengthMax: number, code: ReadFaultCode): number {
    const length = this.varuint(field)
    if (length > lengthMax) return this.fail(field, `${length} bytes, at most ${lengthMax}`, code)
    return length > this.end - this.position ? this.fail(field, 'cut short') : length
  }

  private restOfVaruint(field: string, lowest: number): number {
    let value = lowest
    let scale = 128
    while (this.position < this.end) {
      const byte = this.bytes[this.position++] as number
      value += (byte & 0x7f) * scale
      if (value >= VARUINT_END) return this.fail(field, 'varuint of 2^53 or more')
      if (byte < 0x80) return byte === 0 ? this.fail(field, 'varuint not in its shortest form') : value
      scale *= 128
      // The eighth byte ends at bit 56: a ninth would add nothing but zeros, which is over-long.
      if (scale > 2 ** 49) return this.fail(field, 'varuint longer than 8 bytes')
    }
    return this.fail(field, 'cut short')
  }
}
