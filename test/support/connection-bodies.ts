// What one direction of a connection carries inside HTTP and WebSocket (RFC 9112, RFC 6455): bodies with their framing
// taken off, as far as they passed. Knows as much of both as the relay and the device make use of.
import { type ByteStream, type Reading, readStream } from './byte-stream.ts'

/** Takes the next bytes of one body: that of a request or response, or all messages of a WebSocket one after the other. */
export type BodyReader = (bytes: Buffer) => void

/** To be given the bytes of one direction of one connection, from its first. */
export function connectionBodies(newBody: () => BodyReader): (chunk: Buffer) => void {
  return readStream((stream) => readHttp(stream, newBody))
}

function* readHttp(stream: ByteStream, newBody: () => BodyReader): Reading<void> {
  for (;;) {
    const head = yield* stream.textUntil('\r\n\r\n')
    const take = newBody()
    if (/^upgrade: *websocket$/im.test(head)) return yield* readWebSocket(stream, take)
    if (/^transfer-encoding: *chunked$/im.test(head)) yield* readChunks(stream, take)
    else yield* stream.each(Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? 0), take)
  }
}

function* readChunks(stream: ByteStream, take: BodyReader): Reading<void> {
  for (;;) {
    const size = Number.parseInt(yield* stream.textUntil('\r\n'), 16)
    if (Number.isNaN(size)) throw new Error('A chunk of a body has no size')
    yield* stream.each(size, take)
    yield* stream.textUntil('\r\n')
    if (size === 0) return
  }
}

const FIRST_CONTROL_OPCODE = 8

function* readWebSocket(stream: ByteStream, take: BodyReader): Reading<void> {
  for (;;) {
    const opcode = (yield* stream.byte()) & 0x0f
    const second = yield* stream.byte()
    let length = second & 0x7f
    if (length === 126) length = (yield* stream.whole(2)).readUInt16BE()
    else if (length === 127) length = Number((yield* stream.whole(8)).readBigUInt64BE())
    const mask = second < 0x80 ? null : yield* stream.whole(4)
    let at = 0
    yield* stream.each(length, (bytes) => {
      if (opcode < FIRST_CONTROL_OPCODE) take(mask === null ? bytes : unmasked(bytes, mask, at))
      at += bytes.length
    })
  }
}

function unmasked(bytes: Buffer, mask: Buffer, from: number): Buffer {
  const plain = Buffer.allocUnsafe(bytes.length)
  for (let i = 0; i < bytes.length; i++) plain[i] = (bytes[i] as number) ^ (mask[(from + i) & 3] as number)
  return plain
}
