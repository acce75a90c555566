// Reads what strangers wrote, field by field: every length is held against the bytes that are left, and a varuint that is
// not the shortest is refused. lib0's own reader takes those, and cannot tell where in a payload it stood.

/** What is wrong with a payload; never leaves the function that reads it. */
export class Refused extends Error {
  /** Of a version or format that this program does not know: nothing is wrong with it. */
  readonly isNewer: boolean

  constructor(reason: string, isNewer = false) {
    super(reason)
    this.isNewer = isNewer
  }
}

/** Byte strings are views of the payload. Every method throws Refused, which names the field. */
export class PayloadReader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  /** LEB128, below 2^53, shortest form only. */
  varuint(field: string): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined) throw new Refused(`${field}: cut short`)
      value += (byte & 0x7f) * scale
      if (byte >= 0x80) continue
      if ((byte === 0 && scale > 1) || !Number.isSafeInteger(value)) break
      return value
    }
    throw new Refused(`${field}: no varuint`)
  }

  raw(field: string, length: number): Uint8Array {
    if (length > this.remaining) throw new Refused(`${field}: cut short`)
    this.#position += length
    return this.#bytes.subarray(this.#position - length, this.#position)
  }

  byteString(field: string, lengthMax: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.varuint(field)
    if (length > lengthMax) throw new Refused(`${field}: ${length} bytes, at most ${lengthMax}`)
    return this.raw(field, length)
  }

  /** How many items follow, each of at least `itemBytesMin` bytes. */
  count(field: string, itemBytesMin: number): number {
    const count = this.varuint(field)
    if (count * itemBytesMin > this.remaining) throw new Refused(`${field}: cut short`)
    return count
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.raw('rest', this.remaining)
  }
}
