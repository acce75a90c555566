// The WebSocket carrier: one binary message is one message of the protocol. Holds no rule of the protocol itself.
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { CLOSE_CODE, type Code, LIMITS_BEFORE_WELCOME, SUBPROTOCOL } from '@tidemark/protocol'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import type { Limits } from '../limits.ts'
import type { RelayCore } from '../relay-core.ts'
import type { Carrier, Connection } from '../session/connection.ts'

/** RFC 6455 section 5.5: a control frame holds 125 bytes, two of which are the code. */
const REASON_BYTES_MAX = 123

/** Takes over upgraded sockets for one relay. */
export class WebSocketEntrance {
  readonly #core: RelayCore
  readonly #server: WebSocketServer
  #open = 0
  #whenNoneOpen: (() => void)[] = []

  constructor(core: RelayCore, limits: Limits) {
    this.#core = core
    // Not in the types of ws yet.
    const options: ServerOptions & { closeTimeout: number } = {
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: Math.max(limits.messageBytesMax, LIMITS_BEFORE_WELCOME.messageBytesMax),
      handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
      closeTimeout: limits.closeTimeoutMs,
    }
    this.#server = new WebSocketServer(options)
  }

  /** The device must have offered the subprotocol: `offersSubprotocol`. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      this.#open += 1
      // At once, and before anything is awaited: the first message may be in the same packet as the handshake.
      serve(webSocket, socket, this.#core)
      webSocket.once('close', this.#closed)
    })
  }

  /** Resolves when no socket is open any more; each is destroyed `closeTimeoutMs` after it was closed. */
  async closed(): Promise<void> {
    if (this.#open === 0) return
    await new Promise<void>((resolve) => this.#whenNoneOpen.push(resolve))
  }

  readonly #closed = (): void => {
    this.#open -= 1
    if (this.#open > 0) return
    for (const resolve of this.#whenNoneOpen.splice(0)) resolve()
  }
}

export function offersSubprotocol(request: IncomingMessage): boolean {
  const offered = request.headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').some((protocol) => protocol.trim() === SUBPROTOCOL)
}

function serve(webSocket: WebSocket, socket: Duplex, core: RelayCore): void {
  const carrier = new WebSocketCarrier(webSocket, socket)
  const connection = core.connect(carrier)
  carrier.connection = connection
  webSocket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) connection.receive(data)
    else connection.reject('MALFORMED', 'message: text, not binary')
  })
  webSocket.once('close', () => connection.closed())
  // ws closes the socket itself after an error of the peer, such as 1009 for a message that is too long.
  webSocket.on('error', () => connection.closed())
}

class WebSocketCarrier implements Carrier {
  connection: Connection | null = null
  readonly #webSocket: WebSocket
  readonly #socket: Duplex
  #draining = false

  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket
    this.#socket = socket
  }

  get bufferedBytes(): number {
    return this.#webSocket.bufferedAmount
  }

  send(bytes: Uint8Array): void {
    this.#webSocket.send(bytes)
    if (this.#draining || !this.#socket.writableNeedDrain) return
    this.#draining = true
    this.#socket.once('drain', this.#drained)
  }

  pause(): void {
    this.#webSocket.pause()
  }

  resume(): void {
    this.#webSocket.resume()
  }

  close(code: Code, reason: string): void {
    // The other side's goodbye has to be read.
    this.#webSocket.resume()
    this.#webSocket.close(CLOSE_CODE[code] ?? CLOSE_CODE.FAULT, clip(reason))
  }

  readonly #drained = (): void => {
    this.#draining = false
    this.connection?.writable()
  }
}

/** At most 123 bytes, whole characters. */
function clip(reason: string): string {
  const characters = [...reason]
  while (Buffer.byteLength(characters.join('')) > REASON_BYTES_MAX) characters.pop()
  return characters.join('')
}
