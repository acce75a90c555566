// A WebSocket for an SDK under test: a real one of ws, whose messages a test sees as frames, and which it may break
// before any frame that comes in. What was received before the break has been received.
import { decodeMessage, encodeFrames, type Frame, LIMITS_AFTER_WELCOME } from '@tidemark/protocol'
import { WebSocket } from 'ws'
import type { WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'

export interface Tap {
  /** One message, about to be sent. */
  sent?(frames: readonly Frame[]): void
  /** One message that arrived. */
  received?(frames: readonly Frame[]): void
  /** Whether the line breaks before this frame; asked for each frame that arrives. */
  breaksBefore?(frame: Frame): boolean
}

export function tappedWebSocket(tap: Tap): WebSocketConstructor {
  return class extends TappedSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols, tap)
    }
  }
}

class TappedSocket implements WebSocketLike {
  binaryType = 'arraybuffer'
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onerror: WebSocketLike['onerror'] = null
  onclose: WebSocketLike['onclose'] = null
  readonly #socket: WebSocket
  readonly #tap: Tap
  #broken = false

  constructor(url: string, protocols: string[], tap: Tap) {
    this.#tap = tap
    this.#socket = new WebSocket(url, protocols, { perMessageDeflate: false })
    this.#socket.binaryType = 'arraybuffer'
    this.#socket.onopen = () => this.onopen?.(undefined as never)
    this.#socket.onmessage = ({ data }) => this.#receive(data as ArrayBuffer)
    this.#socket.onerror = () => this.onerror?.(undefined as never)
    this.#socket.onclose = ({ code, reason }) => this.onclose?.({ code, reason })
  }

  get readyState(): number {
    return this.#socket.readyState
  }

  send(bytes: Uint8Array): void {
    this.#tap.sent?.(framesOf(bytes))
    this.#socket.send(bytes)
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason)
  }

  #receive(data: ArrayBuffer): void {
    if (this.#broken) return
    const frames = framesOf(new Uint8Array(data))
    this.#tap.received?.(frames)
    const end = frames.findIndex((frame) => this.#tap.breaksBefore?.(frame) ?? false)
    if (end === -1) {
      this.onmessage?.({ data })
      return
    }
    this.#broken = true
    if (end > 0) this.onmessage?.({ data: encodeFrames(frames.slice(0, end)).slice().buffer })
    this.#socket.terminate()
  }
}

function framesOf(bytes: Uint8Array): readonly Frame[] {
  const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
  if (!decoded.ok) throw new Error(decoded.message)
  return decoded.frames
}
