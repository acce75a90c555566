// A network in memory: the SDK's WebSocket on one side, a relay core on the other, and faults in between.
// No sockets and no timers of its own, so that a test decides what arrives, and when.
import { CLOSE_CODE } from '@tidemark/protocol'
import type { WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'
import { DEFAULT_LIMITS, type Limits } from '../../relay/src/limits.ts'
import { createRelayCore, type RelayCore } from '../../relay/src/relay-core.ts'
import type { Connection } from '../../relay/src/session/connection.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { parseGrant } from '../../relay/src/token/grants.ts'
import { TokenError, type TokenVerifier } from '../../relay/src/token/tokens.ts'

/** What happens to the bytes of one connection. */
export interface Line {
  /** Bytes that still get through, in each direction; then the line is cut. */
  upBytesLeft: number
  downBytesLeft: number
}

/** A token that is its own grants: `alice/*:write bob/*:read`. */
export const PLAIN_TOKENS: TokenVerifier = {
  verify(token: string) {
    if (token === '') throw new TokenError('There is no token')
    return { subject: 'test', grants: token.split(' ').map(parseGrant), expiresAtMs: Number.POSITIVE_INFINITY }
  },
}

export interface MemoryRelayOptions {
  readonly store: RelayStore
  readonly limits?: Partial<Limits>
  now?(): number
  /** Default: `now`. */
  steadyNow?(): number
}

export class MemoryRelay {
  readonly core: RelayCore
  /** For each new connection. */
  newLine: () => Line = () => ({ upBytesLeft: Number.POSITIVE_INFINITY, downBytesLeft: Number.POSITIVE_INFINITY })
  /** Called to let something arrive; a simulator queues it, by default it comes as soon as this task ends. */
  deliver: (arrive: () => void) => void = (arrive) => void Promise.resolve().then(arrive)
  isUp = true
  connectionsMade = 0
  upBytes = 0
  downBytes = 0
  messagesUp = 0
  messagesDown = 0
  readonly #sockets = new Set<MemorySocket>()

  constructor(options: MemoryRelayOptions) {
    this.core = createRelayCore({
      store: options.store,
      tokens: PLAIN_TOKENS,
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      now: () => options.now?.() ?? Date.now(),
      steadyNow: () => options.steadyNow?.() ?? options.now?.() ?? Date.now(),
    })
  }

  get WebSocket(): WebSocketConstructor {
    const relay = this
    return class extends MemorySocket {
      constructor() {
        super(relay)
      }
    } as unknown as WebSocketConstructor
  }

  get openSockets(): number {
    return this.#sockets.size
  }

  /** The relay's process ends: every line is cut, nothing more arrives. */
  crash(): void {
    this.isUp = false
    for (const socket of [...this.#sockets]) socket.cut()
  }

  added(socket: MemorySocket): void {
    this.#sockets.add(socket)
  }

  removed(socket: MemorySocket): void {
    this.#sockets.delete(socket)
  }
}

export class MemorySocket implements WebSocketLike {
  binaryType = 'arraybuffer'
  readyState = 0
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onerror: WebSocketLike['onerror'] = null
  onclose: WebSocketLike['onclose'] = null
  readonly #relay: MemoryRelay
  readonly #line: Line
  #connection: Connection | null = null

  constructor(relay: MemoryRelay) {
    this.#relay = relay
    this.#line = relay.newLine()
    relay.added(this)
    relay.deliver(() => this.#arriveOpen())
  }

  send(bytes: Uint8Array): void {
    const copy = bytes.slice()
    this.#relay.messagesUp++
    this.#relay.upBytes += copy.length
    this.#relay.deliver(() => {
      if (this.readyState !== 1) return
      this.#line.upBytesLeft -= copy.length
      if (this.#line.upBytesLeft < 0) this.cut()
      else this.#connection?.receive(copy)
    })
  }

  close(code = 1000): void {
    if (this.readyState >= 2) return
    this.readyState = 2
    this.#relay.deliver(() => this.#end(code, ''))
  }

  /** The line breaks: both sides learn it, neither why. */
  cut(): void {
    this.#end(1006, '')
  }

  #arriveOpen(): void {
    if (this.readyState !== 0) return
    if (!this.#relay.isUp) {
      this.#end(1006, '')
      return
    }
    this.readyState = 1
    this.#relay.connectionsMade++
    this.#connection = this.#relay.core.connect({
      bufferedBytes: 0,
      send: (bytes) => this.#sendDown(bytes),
      close: (code, reason) => this.#relay.deliver(() => this.#end(CLOSE_CODE[code] ?? 1011, reason)),
    })
    this.onopen?.(undefined as never)
  }

  #sendDown(bytes: Uint8Array): void {
    const data = bytes.slice().buffer
    this.#relay.messagesDown++
    this.#relay.downBytes += bytes.length
    this.#relay.deliver(() => {
      if (this.readyState !== 1) return
      this.#line.downBytesLeft -= data.byteLength
      if (this.#line.downBytesLeft < 0) this.cut()
      else this.onmessage?.({ data })
    })
  }

  #end(code: number, reason: string): void {
    if (this.readyState === 3) return
    this.readyState = 3
    this.#relay.removed(this)
    this.#connection?.closed()
    this.onclose?.({ code, reason })
  }
}
