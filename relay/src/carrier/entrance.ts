// Which requests of an http server are the relay's, and which carrier serves them: the sync path by upgrade and by
// POST, and /healthz. Answers CORS without credentials, for any origin unless told otherwise: the token is the guard.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Code, encodeFrames, MEDIA_TYPE, SYNC_PATH } from '@tidemark/protocol'
import type { Limits } from '../limits.ts'
import type { RelayCore } from '../relay-core.ts'
import { servePost } from './http-post.ts'
import { offersSubprotocol, WebSocketEntrance } from './websocket.ts'

const HEALTH_PATH = '/healthz'
const PREFLIGHT_SECONDS = 86_400

export class Entrance {
  readonly #core: RelayCore
  readonly #basePath: string
  readonly #originsAllowed: readonly string[]
  readonly #healthy: () => boolean
  readonly #stallTimeoutMs: number
  readonly #webSockets: WebSocketEntrance

  constructor(core: RelayCore, basePath: string, limits: Limits, healthy: () => boolean) {
    this.#core = core
    this.#basePath = basePath
    this.#originsAllowed = limits.originsAllowed
    this.#healthy = healthy
    this.#stallTimeoutMs = limits.stallTimeoutMs
    this.#webSockets = new WebSocketEntrance(core, limits)
  }

  /** Whether a request is the relay's. */
  owns(request: IncomingMessage): boolean {
    const path = this.#pathOf(request)
    return path === SYNC_PATH || path === HEALTH_PATH
  }

  handleRequest(request: IncomingMessage, response: ServerResponse): void {
    // A peer that goes away in the middle is no error of the server.
    request.on('error', () => response.destroy())
    if (this.#pathOf(request) === HEALTH_PATH) {
      this.#answerHealth(request, response)
      return
    }
    const { origin } = request.headers
    const admitted = this.#admits(origin)
    this.#setCors(response, admitted ? origin : undefined)
    if (request.method === 'OPTIONS') {
      answerPreflight(response)
      return
    }
    if (request.method !== 'POST') {
      answerMethod(response)
      return
    }
    if (!admitted) {
      answerError(response, 403, 'ORIGIN', 'This origin may not use the relay')
      return
    }
    servePost(this.#core, request, response, this.#stallTimeoutMs)
  }

  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#pathOf(request) !== SYNC_PATH) {
      refuseUpgrade(socket, '404 Not Found')
      return
    }
    if (!this.#admits(request.headers.origin)) {
      refuseUpgrade(socket, '403 Forbidden')
      return
    }
    if (!offersSubprotocol(request)) {
      refuseUpgrade(socket, '400 Bad Request')
      return
    }
    this.#webSockets.accept(request, socket, head)
  }

  /** Resolves when no WebSocket is open any more. */
  closed(): Promise<void> {
    return this.#webSockets.closed()
  }

  /** Null: outside of the base path. */
  #pathOf(request: IncomingMessage): string | null {
    const url = request.url ?? ''
    const query = url.indexOf('?')
    const path = query < 0 ? url : url.slice(0, query)
    return path.startsWith(this.#basePath) ? path.slice(this.#basePath.length) : null
  }

  /** A program without a web page sends no origin. */
  #admits(origin: string | undefined): boolean {
    return origin === undefined || this.#originsAllowed.length === 0 || this.#originsAllowed.includes(origin)
  }

  #setCors(response: ServerResponse, origin: string | undefined): void {
    if (this.#originsAllowed.length === 0) {
      response.setHeader('Access-Control-Allow-Origin', '*')
    } else {
      response.setHeader('Vary', 'Origin')
      if (origin !== undefined) response.setHeader('Access-Control-Allow-Origin', origin)
    }
    response.setHeader('Access-Control-Expose-Headers', 'Retry-After')
  }

  #answerHealth(request: IncomingMessage, response: ServerResponse): void {
    const healthy = this.#healthy()
    response.writeHead(healthy ? 200 : 503, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    response.end(request.method === 'HEAD' ? '' : `${JSON.stringify({ healthy })}\n`)
  }
}

function answerPreflight(response: ServerResponse): void {
  response.writeHead(204, {
    'Access-Control-Allow-Methods': 'POST, OPTIONS',
    'Access-Control-Allow-Headers': 'authorization, content-type',
    'Access-Control-Max-Age': PREFLIGHT_SECONDS,
  })
  response.end()
}

function answerMethod(response: ServerResponse): void {
  response.setHeader('Allow', 'POST, OPTIONS')
  answerError(response, 405, 'MALFORMED', 'The sync path takes POST, or an upgrade to a WebSocket')
}

function answerError(response: ServerResponse, status: number, code: Code, message: string): void {
  const body = encodeFrames([{ type: 'ERROR', channel: 0, code, retryable: false, retryAfterMs: 0, message }])
  response.writeHead(status, { 'Content-Type': MEDIA_TYPE, 'Content-Length': body.length })
  response.end(body)
}

/** A handshake that fails can say no more than its status line. */
export function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on('error', () => socket.destroy())
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}
