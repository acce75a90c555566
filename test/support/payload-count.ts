// Which bytes of which payloads passed on a line, and how often, from the frames themselves: those of a frame that was cut
// off count as far as they passed. Never keeps the bytes.
import { FRAME_TYPE } from '@tidemark/protocol'
import { type ByteStream, type Reading, readStream } from './byte-stream.ts'
import { connectionBodies } from './connection-bodies.ts'

export class PayloadCount {
  /** Payload bytes that passed, each as often as it did. */
  passed = 0
  readonly #payloads = new Map<string, Stretches>()

  /** Payload bytes that passed, each once. */
  get distinct(): number {
    return [...this.#payloads.values()].reduce((sum, { length }) => sum + length, 0)
  }

  /** Takes the bytes of one direction of one connection, from its first, as they pass. */
  connection(): (chunk: Buffer) => void {
    return connectionBodies(() => this.body())
  }

  /** Takes frames one after the other: a body of HTTP, or all messages of a WebSocket. */
  body(): (bytes: Buffer) => void {
    return readStream((stream) => this.#readFrames(stream))
  }

  *#readFrames(stream: ByteStream): Reading<void> {
    for (;;) {
      const type = yield* stream.varuint()
      const length = yield* stream.varuint()
      const end = stream.position + length
      yield* this.#readBody(stream, type)
      // Later versions may put fields behind those that are known.
      yield* stream.skip(end - stream.position)
    }
  }

  /** docs/protocol.md, "Every frame, field by field". */
  *#readBody(stream: ByteStream, type: number): Reading<void> {
    switch (type) {
      case FRAME_TYPE.PUSH:
        yield* stream.varuint() // channel
        return yield* this.#readPiece(stream, { hasFormat: true })
      case FRAME_TYPE.SNAPSHOT_PUT:
        yield* stream.varuint() // channel
        yield* stream.varuint() // fence
        yield* stream.skip(yield* stream.varuint()) // mark
        return yield* this.#readPiece(stream, { hasFormat: false })
      case FRAME_TYPE.SNAPSHOT:
        yield* stream.varuint() // channel
        return yield* this.#readPiece(stream, { hasFormat: false })
      case FRAME_TYPE.ENTRIES: {
        yield* stream.varuint() // channel
        const entries = yield* stream.varuint()
        for (let i = 0; i < entries; i++) yield* this.#readPiece(stream, { hasFormat: true })
        return
      }
    }
  }

  *#readPiece(stream: ByteStream, { hasFormat }: { readonly hasFormat: boolean }): Reading<void> {
    const id = (yield* stream.whole(ID_BYTES)).toString('hex')
    if (hasFormat) yield* stream.varuint()
    yield* stream.varuint() // total
    let at = yield* stream.varuint()
    const length = yield* stream.varuint()
    const stretches = this.#payloads.get(id) ?? new Stretches()
    this.#payloads.set(id, stretches)
    yield* stream.each(length, (bytes) => {
      stretches.add(at, at + bytes.length)
      at += bytes.length
      this.passed += bytes.length
    })
  }
}

const ID_BYTES = 16

/** Of one payload: ascending, and none touches another. */
class Stretches {
  #stretches: readonly { readonly from: number; readonly to: number }[] = []

  get length(): number {
    return this.#stretches.reduce((sum, { from, to }) => sum + to - from, 0)
  }

  add(from: number, to: number): void {
    const touched = this.#stretches.filter((other) => other.from <= to && from <= other.to)
    const before = this.#stretches.filter((other) => other.to < from)
    const after = this.#stretches.filter((other) => to < other.from)
    const first = Math.min(from, ...touched.map((other) => other.from))
    const last = Math.max(to, ...touched.map((other) => other.to))
    this.#stretches = [...before, { from: first, to: last }, ...after]
  }
}
