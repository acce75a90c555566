// The WebSocket carrier: one connection a burst, binary messages. React Native never sets
// bufferedAmount and sends silently after a close, so nothing here relies on either.
import { SUBPROTOCOL, SYNC_PATH } from '@tidemark/protocol'
import { TidemarkError } from '../errors.ts'
import type { WebSocketConstructor, WebSocketLike } from '../platform.ts'
import { type Carrier, type CarrierEvents, errorOfCloseCode } from './carrier.ts'

export function connectWebSocket(WebSocket: WebSocketConstructor, relay: string, events: CarrierEvents): Carrier {
  const socket: WebSocketLike = new WebSocket(relay.replace(/\/$/, '') + SYNC_PATH, [SUBPROTOCOL])
  let state: 'connecting' | 'open' | 'released' = 'connecting'
  let gone: () => void = () => undefined
  const whenGone = new Promise<void>((resolve) => {
    gone = resolve
  })
  socket.binaryType = 'arraybuffer'
  socket.onopen = () => {
    if (state === 'released') return
    state = 'open'
    events.connected()
  }
  socket.onmessage = ({ data }) => {
    if (state === 'released') return
    if (isArrayBuffer(data)) {
      events.message(new Uint8Array(data))
    } else {
      void release()
      events.closed(new TidemarkError('MALFORMED', 'The relay sent a text message', { relay }))
    }
  }
  // The error event carries nothing; the close event that follows it does.
  socket.onerror = () => undefined
  socket.onclose = ({ code, reason }) => {
    gone()
    if (state === 'released') return
    const wasConnected = state === 'open'
    state = 'released'
    const error = wasConnected
      ? errorOfCloseCode(code, reason, relay)
      : new TidemarkError('OFFLINE', `No WebSocket to ${relay} could be opened`, { relay })
    events.closed(error)
  }

  function release(): Promise<void> {
    if (state !== 'released') socket.close(CLOSE_NORMAL)
    state = 'released'
    return whenGone
  }

  return {
    name: 'websocket',
    send: (bytes) => {
      if (state === 'open') socket.send(bytes)
    },
    close: release,
  }
}

const CLOSE_NORMAL = 1000

/** Also one of another realm, as where a test runner or a web view gives its own globals to a script. */
function isArrayBuffer(data: unknown): data is ArrayBuffer {
  return Object.prototype.toString.call(data) === '[object ArrayBuffer]'
}
