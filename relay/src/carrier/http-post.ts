// The HTTP carrier: one POST is one session of one round, with the same frames in both bodies. docs/protocol.md,
// "Carriers". A response that fails as a whole says so in its status too, for proxies and for people.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Code, LIMITS_BEFORE_WELCOME, MEDIA_TYPE } from '@tidemark/protocol'
import type { RelayCore } from '../relay-core.ts'
import type { Carrier, Connection } from '../session/connection.ts'

/** What a session that ended with this code answers; the others: 500. */
const STATUS: Readonly<Partial<Record<Code, number>>> = {
  OK: 200,
  MALFORMED: 400,
  VERSION: 400,
  TOKEN: 401,
  FORBIDDEN: 403,
  ORIGIN: 403,
  DEADLINE: 408,
  TOO_LARGE: 413,
  QUOTA: 413,
  RATE: 429,
  OVERLOADED: 503,
  RESTARTING: 503,
  STORAGE: 503,
}
const UNSUPPORTED_MEDIA_TYPE = 415
const BEARER = /^Bearer +([^ ]+) *$/i

/** Serves one POST on the sync path, whose CORS headers are set already. */
export function servePost(
  core: RelayCore,
  request: IncomingMessage,
  response: ServerResponse,
  stallTimeoutMs: number,
): void {
  const carrier = new PostCarrier(response, stallTimeoutMs)
  const headerToken = BEARER.exec(request.headers.authorization ?? '')?.[1] ?? ''
  const connection = core.connect(carrier, { oneRound: true, headerToken })
  carrier.connection = connection
  response.once('close', () => connection.closed())
  if (mediaTypeOf(request) !== MEDIA_TYPE) {
    carrier.status = UNSUPPORTED_MEDIA_TYPE
    connection.reject('MALFORMED', `Content-Type: must be ${MEDIA_TYPE}`)
    return
  }
  receiveBody(request, connection)
}

/** Gathers the body, never more than a first message may hold; what comes after that is not kept. */
function receiveBody(request: IncomingMessage, connection: Connection): void {
  const { messageBytesMax } = LIMITS_BEFORE_WELCOME
  const chunks: Buffer[] = []
  let bytes = 0
  let isTooLarge = false
  const tooLarge = (): void => connection.reject('TOO_LARGE', `message: more than ${messageBytesMax} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > messageBytesMax) {
    request.resume()
    tooLarge()
    return
  }
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= messageBytesMax) chunks.push(chunk)
    else if (!isTooLarge) {
      isTooLarge = true
      chunks.length = 0
      tooLarge()
    }
  })
  request.on('end', () => {
    const [only] = chunks
    if (bytes <= messageBytesMax) connection.receive(chunks.length === 1 && only ? only : Buffer.concat(chunks))
  })
}

function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

class PostCarrier implements Carrier {
  connection: Connection | null = null
  /** Of the response if it fails; null: as its code says. */
  status: number | null = null
  readonly #response: ServerResponse
  readonly #stallTimeoutMs: number
  /** The first message waits for the second, or for the end: the status and the length depend on what comes. */
  #first: Uint8Array | null = null

  constructor(response: ServerResponse, stallTimeoutMs: number) {
    this.#stallTimeoutMs = stallTimeoutMs
    this.#response = response
    response.on('drain', () => this.connection?.writable())
  }

  get bufferedBytes(): number {
    return this.#response.writableLength
  }

  send(bytes: Uint8Array): void {
    if (this.#response.headersSent) {
      this.#response.write(bytes)
    } else if (this.#first === null) {
      this.#first = bytes
    } else {
      this.#response.writeHead(200, { 'Content-Type': MEDIA_TYPE })
      this.#response.write(this.#first)
      this.#response.write(bytes)
      this.#first = null
    }
  }

  close(code: Code, _reason: string, retryAfterMs: number): void {
    this.#response.setTimeout(this.#stallTimeoutMs, () => this.#response.destroy())
    if (this.#response.headersSent) {
      this.#response.end()
      return
    }
    const body = this.#first ?? new Uint8Array(0)
    const status = this.status ?? STATUS[code] ?? 500
    const headers: Record<string, string | number> = { 'Content-Type': MEDIA_TYPE, 'Content-Length': body.length }
    if (status === 401) headers['WWW-Authenticate'] = 'Bearer'
    if (retryAfterMs > 0) headers['Retry-After'] = Math.ceil(retryAfterMs / 1000)
    // Whoever is too slow to send its request is not waited for any longer.
    if (code === 'DEADLINE') headers.Connection = 'close'
    this.#response.writeHead(status, headers)
    this.#response.end(body)
  }
}
