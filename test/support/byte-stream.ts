// A stream of bytes that comes in chunks and may end anywhere, read as if it were all there: a reading stands still where
// the bytes give out, and goes on with the next chunk. Keeps nothing that was read.

/** Stands still at each `yield` for a chunk, which is never empty. */
export type Reading<Value> = Generator<undefined, Value, Buffer>

export class ByteStream {
  /** Bytes that were read. */
  position = 0
  #chunk: Buffer = Buffer.alloc(0);

  /** What there is by now: one byte at least, and so many at most. */
  *some(lengthMax: number): Reading<Buffer> {
    if (this.#chunk.length === 0) this.#chunk = yield
    const bytes = this.#chunk.subarray(0, lengthMax)
    this.#chunk = this.#chunk.subarray(bytes.length)
    this.position += bytes.length
    return bytes
  }

  *byte(): Reading<number> {
    return (yield* this.some(1)).readUInt8()
  }

  /** So many bytes, as they come. */
  *each(length: number, take: (bytes: Buffer) => void): Reading<void> {
    for (let left = length; left > 0; ) {
      const bytes = yield* this.some(left)
      left -= bytes.length
      take(bytes)
    }
  }

  /** So many bytes, in one. */
  *whole(length: number): Reading<Buffer> {
    const parts: Buffer[] = []
    yield* this.each(length, (bytes) => parts.push(bytes))
    return Buffer.concat(parts)
  }

  *skip(length: number): Reading<void> {
    yield* this.each(length, () => undefined)
  }

  /** LEB128, as Tidemark writes its numbers. */
  *varuint(): Reading<number> {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = yield* this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }

  /** What stands before the next `end`, which is read too. */
  *textUntil(end: string): Reading<string> {
    let text = ''
    while (!text.endsWith(end)) text += String.fromCharCode(yield* this.byte())
    return text.slice(0, -end.length)
  }
}

/** Gives the reading its chunks. It throws what the reading throws: then the stream is not what it was taken for. */
export function readStream(read: (stream: ByteStream) => Reading<void>): (chunk: Buffer) => void {
  const reading = read(new ByteStream())
  reading.next()
  return (chunk) => {
    if (chunk.length > 0 && reading.next(chunk).done) throw new Error('There are bytes after the end of a stream')
  }
}
