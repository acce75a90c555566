// What is counted on a line, however a stream is cut into chunks and wherever it ends. The payloads are of one byte that
// stands nowhere else, so that what a stretch of a stream holds of them can be seen without reading it.
import { encodeFrames, type Frame, MEDIA_TYPE } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { PayloadCount } from './payload-count.ts'

const MARKER = 0xee
const ID = Buffer.alloc(16, 1)
const OTHER_ID = Buffer.alloc(16, 2)
const payload = (length: number): Buffer => Buffer.alloc(length, MARKER)

function push(offset: number, length: number): Frame {
  return { type: 'PUSH', channel: 1, pushId: ID, format: 1, total: 900, offset, bytes: payload(length) }
}

const UP: readonly Frame[] = [
  push(0, 300),
  { type: 'CREDIT', bytes: 70_000 },
  // A hundred of these were sent before; a hundred bytes are left out.
  push(200, 200),
  push(500, 400),
  {
    type: 'SNAPSHOT_PUT',
    channel: 2,
    fence: 300,
    mark: Buffer.alloc(40, 3),
    snapshotId: OTHER_ID,
    total: 50,
    offset: 0,
    bytes: payload(50),
  },
  { type: 'END' },
]
const UP_COUNT = { passed: 950, distinct: 850 }

const DOWN: readonly Frame[] = [
  { type: 'SNAPSHOT', channel: 1, snapshotId: OTHER_ID, total: 200, offset: 0, bytes: payload(200) },
  {
    type: 'ENTRIES',
    channel: 1,
    entries: [
      { pushId: ID, format: 1, total: 500, offset: 350, bytes: payload(150) },
      { pushId: Buffer.alloc(16, 4), format: 17, total: 130, offset: 0, bytes: payload(130) },
    ],
  },
  { type: 'MARK', channel: 1, mark: Buffer.alloc(30, 5) },
  // The same bytes, and another fifty before them.
  {
    type: 'ENTRIES',
    channel: 1,
    entries: [{ pushId: ID, format: 1, total: 500, offset: 300, bytes: payload(200) }],
  },
  { type: 'DONE', more: false, returnAfterMs: 0 },
]
const DOWN_COUNT = { passed: 680, distinct: 530 }

const HEAD = `content-type: ${MEDIA_TYPE}\r\n`
const up = Buffer.from(encodeFrames([...UP]))
const down = Buffer.from(encodeFrames([...DOWN]))
const post = Buffer.from(`POST /v1/sync HTTP/1.1\r\n${HEAD}Content-Length: ${up.length}\r\n\r\n`)
const upgrade = Buffer.from('GET /v1/sync HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n')

const STREAMS: Readonly<Record<string, { stream: Buffer; passed: number; distinct: number }>> = {
  'two requests': { stream: Buffer.concat([post, up, post, up]), passed: 1900, distinct: 850 },
  'a response of a known length': {
    stream: Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${down.length}\r\n\r\n`), down]),
    ...DOWN_COUNT,
  },
  'a response in chunks, and the next': {
    stream: Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n`),
      ...[down.subarray(0, 37), down.subarray(37, 500), down.subarray(500)].flatMap((part) => [
        Buffer.from(`${part.length.toString(16)}\r\n`),
        part,
        Buffer.from('\r\n'),
      ]),
      Buffer.from('0\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'),
    ]),
    ...DOWN_COUNT,
  },
  'messages of a WebSocket': { stream: webSocket(up, null), ...UP_COUNT },
  'masked messages of a WebSocket': { stream: webSocket(up, Buffer.alloc(4)), ...UP_COUNT },
}

describe('counting the payloads on a line', () => {
  it.each(Object.entries(STREAMS))('counts them in %s, in chunks of any size', (_name, { stream, ...expected }) => {
    for (const chunkBytes of [1, 2, 3, 7, 64, 1000, stream.length]) {
      expect(countOf(stream, chunkBytes)).toEqual(expected)
    }
  })

  it.each(Object.entries(STREAMS))('counts what passed of them where %s end early', (_name, { stream }) => {
    for (let end = 1; end <= stream.length; end++) {
      const passed = stream.subarray(0, end)
      expect(countOf(passed, end).passed).toBe(passed.filter((byte) => byte === MARKER).length)
    }
  })

  it('reads what is masked as if it were not', () => {
    const plain = webSocket(up, Buffer.alloc(4))
    const masked = webSocket(up, Buffer.from([0x11, 0xee, 0x80, 0xff]))
    for (let end = 1; end <= plain.length; end++) {
      expect(countOf(masked.subarray(0, end), 113)).toEqual(countOf(plain.subarray(0, end), 113))
    }
  })

  it('tells a stream that is none', () => {
    expect(() => countOf(Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n'), 9)).toThrow(
      'has no size',
    )
  })
})

function countOf(stream: Buffer, chunkBytes: number): { passed: number; distinct: number } {
  const count = new PayloadCount()
  const take = count.connection()
  for (let at = 0; at < stream.length; at += chunkBytes) take(stream.subarray(at, at + chunkBytes))
  return { passed: count.passed, distinct: count.distinct }
}

/** In three messages, the second in two fragments with a ping between them. */
function webSocket(bytes: Buffer, mask: Buffer | null): Buffer {
  const [binary, continuation, ping, final] = [2, 0, 9, 0x80]
  return Buffer.concat([
    upgrade,
    webSocketFrame(final | binary, bytes.subarray(0, 100), mask),
    webSocketFrame(binary, bytes.subarray(100, 401), mask),
    webSocketFrame(final | ping, Buffer.from('are you there'), mask),
    webSocketFrame(final | continuation, bytes.subarray(401, 403), mask),
    webSocketFrame(final | binary, bytes.subarray(403), mask),
  ])
}

function webSocketFrame(first: number, bytes: Buffer, mask: Buffer | null): Buffer {
  const masked = mask === null ? 0 : 0x80
  const long = Buffer.from([first, masked | 126, bytes.length >> 8, bytes.length & 0xff])
  const head = bytes.length < 126 ? Buffer.from([first, masked | bytes.length]) : long
  const body = mask === null ? bytes : bytes.map((byte, i) => byte ^ (mask[i % 4] ?? 0))
  return Buffer.concat([head, mask ?? Buffer.alloc(0), body])
}
