// One burst over a WebSocket by hand, so that the load costs less than what it measures: connect, upgrade, one
// message, whatever answers it, the closing handshake. Not a client for anything else.
import { connect } from 'node:net'

const HEAD_END = '\r\n\r\n'
const BINARY = 0x82
const CLOSE = 0x88
const MASK_BIT = 0x80
/** Masking with zeros leaves the bytes as they are, and is a mask all the same. */
const MASK = Buffer.alloc(4)
const CLOSE_FRAME = Buffer.concat([Buffer.from([CLOSE, MASK_BIT | 2]), MASK, Buffer.from([0x03, 0xe8])])

/** Resolves when the socket is closed. `take` is given each message, and says whether it was the last one. */
export function websocketBurst(port, message, take) {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const fail = (error) => {
      socket.destroy()
      reject(error)
    }
    let received = Buffer.alloc(0)
    let upgraded = false
    let closing = false
    socket.on('error', fail)
    socket.on('close', () => (closing ? resolve() : reject(new Error('The server closed in the middle of a burst'))))
    socket.on('data', (chunk) => {
      received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
      try {
        if (!upgraded) {
          const end = received.indexOf(HEAD_END)
          if (end < 0) return
          if (received.toString('latin1', 9, 12) !== '101') throw new Error(received.toString('latin1', 0, end))
          upgraded = true
          received = received.subarray(end + HEAD_END.length)
          socket.write(frameOf(message))
        }
        for (let frame = readFrame(received); frame !== null; frame = readFrame(received)) {
          received = received.subarray(frame.bytes)
          if (frame.first === CLOSE && !closing) throw new Error(`Closed: ${frame.payload.toString('latin1', 2)}`)
          if (frame.first !== BINARY || !take(frame.payload)) continue
          closing = true
          socket.write(CLOSE_FRAME)
        }
      } catch (error) {
        fail(error)
      }
    })
    socket.write(upgradeRequest(port))
  })
}

function upgradeRequest(port) {
  const lines = [
    'GET /v1/sync HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGlkZW1hcmsgYmVuY2htYQ==',
    'Sec-WebSocket-Protocol: tidemark.v1',
  ]
  return lines.join('\r\n') + HEAD_END
}

function frameOf(message) {
  const head = Buffer.from([BINARY, MASK_BIT | 126, message.length >> 8, message.length & 0xff])
  return Buffer.concat([head, MASK, message])
}

/** Null: not all of it is there yet. */
function readFrame(bytes) {
  if (bytes.length < 2) return null
  const long = bytes[1] === 126
  const headBytes = long ? 4 : 2
  if (bytes.length < headBytes) return null
  const end = headBytes + (long ? bytes.readUInt16BE(2) : bytes[1])
  return bytes.length < end ? null : { first: bytes[0], payload: bytes.subarray(headBytes, end), bytes: end }
}
