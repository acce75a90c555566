// A device's line to the network: counts how long it is connected, and can be unplugged. Never looks at what passes.
import type { Platform } from '@tidemark/client'

type Socket = InstanceType<NonNullable<Platform['WebSocket']>>

/** Of every relay, below its base URL. */
const SYNC_PATH = '/v1/sync'

/** What a WebSocket reports that never came about, or was cut. */
const CUT = { code: 1006, reason: '' }

export class Line {
  /** For the SDK, in place of the browser's. */
  readonly WebSocket: NonNullable<Platform['WebSocket']>
  readonly #plugged = new Set<LineSocket>()
  #isOnline: boolean
  #connectedMs = 0
  #connectedSinceMs: number | null = null

  constructor(isOnline: boolean) {
    this.#isOnline = isOnline
    const line = this
    this.WebSocket = class extends LineSocket {
      constructor(url: string, protocols: string[]) {
        super(url, line.#isOnline ? new WebSocket(url, protocols) : null, {
          opened: (socket) => line.#opened(socket),
          closed: (socket) => line.#closed(socket),
        })
      }
    }
  }

  get isOnline(): boolean {
    return this.#isOnline
  }

  /** Sockets that are connecting, open or closing. */
  get connections(): number {
    return this.#plugged.size
  }

  /** Whether one of them is to the relay with this base URL. */
  isConnectedTo(relay: string): boolean {
    return [...this.#plugged].some(({ url }) => url === relay + SYNC_PATH)
  }

  /** How long a socket was there since the page was opened, from the call to the last goodbye. */
  get connectedMs(): number {
    return this.#connectedMs + (this.#connectedSinceMs === null ? 0 : performance.now() - this.#connectedSinceMs)
  }

  /** Offline also cuts what is open. */
  setOnline(isOnline: boolean): void {
    this.#isOnline = isOnline
    if (!isOnline) for (const socket of [...this.#plugged]) socket.cut()
  }

  #opened(socket: LineSocket): void {
    this.#plugged.add(socket)
    this.#connectedSinceMs ??= performance.now()
  }

  #closed(socket: LineSocket): void {
    if (!this.#plugged.delete(socket) || this.#plugged.size > 0 || this.#connectedSinceMs === null) return
    this.#connectedMs += performance.now() - this.#connectedSinceMs
    this.#connectedSinceMs = null
  }
}

interface LineSocketEvents {
  opened(socket: LineSocket): void
  closed(socket: LineSocket): void
}

class LineSocket implements Socket {
  binaryType = 'arraybuffer'
  onopen: Socket['onopen'] = null
  onmessage: Socket['onmessage'] = null
  onerror: Socket['onerror'] = null
  onclose: Socket['onclose'] = null
  readonly url: string
  readonly #events: LineSocketEvents
  #socket: WebSocket | null

  /** @param socket null: there is no network */
  constructor(url: string, socket: WebSocket | null, events: LineSocketEvents) {
    this.url = url
    this.#socket = socket
    this.#events = events
    if (socket === null) {
      queueMicrotask(() => this.onclose?.(CUT))
      return
    }
    events.opened(this)
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => this.onopen?.(undefined as never)
    socket.onmessage = ({ data }) => this.onmessage?.({ data })
    socket.onerror = () => this.onerror?.(undefined as never)
    socket.onclose = ({ code, reason }) => {
      events.closed(this)
      this.onclose?.({ code, reason })
    }
  }

  get readyState(): number {
    return this.#socket?.readyState ?? WebSocket.CLOSED
  }

  send(bytes: Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(bytes)
  }

  close(code?: number, reason?: string): void {
    this.#socket?.close(code, reason)
  }

  /** As when a cable is pulled: the SDK hears of it at once, and nothing more from the relay. */
  cut(): void {
    const socket = this.#socket
    if (socket === null) return
    this.#socket = null
    socket.onmessage = null
    socket.onerror = null
    socket.onclose = () => this.#events.closed(this)
    // Browsers complain in the console of a socket that is closed before it was open.
    socket.onopen = () => socket.close()
    if (socket.readyState !== WebSocket.CONNECTING) socket.close()
    this.onclose?.(CUT)
  }
}
