// The load, a process of its own: keeps a number of bursts of one kind going for a while, and counts them.
import { randomBytes } from 'node:crypto'
import { answer } from './child.mjs'
import { DocumentTurns, PAYLOAD_BYTES } from './document-turns.mjs'
import { HttpConnection } from './http-client.mjs'
import { websocketBurst } from './websocket-client.mjs'

const payload = randomBytes(PAYLOAD_BYTES)
/** One for each burst that goes on at once. */
let documents = []

/** By kind: what one of the bursts that go on at once does, again and again until `going` says no. Counts them. */
const kinds = {
  async websocketEcho(port, going) {
    let bursts = 0
    while (going(bursts++)) await websocketBurst(port, payload, isEcho)
    return bursts - 1
  },
  async httpEcho(port, going) {
    let bursts = 0
    while (going(bursts++)) {
      const connection = new HttpConnection(port, false)
      isEcho(await connection.post(payload))
      await connection.close()
    }
    return bursts - 1
  },
  async httpEchoKeptAlive(port, going) {
    let bursts = 0
    const connection = new HttpConnection(port, true)
    while (going(bursts++)) isEcho(await connection.post(payload))
    await connection.close()
    return bursts - 1
  },
  async tidemark(port, going, document) {
    let bursts = 0
    while (going(bursts++)) {
      const { message, take } = document.next()
      await websocketBurst(port, message, take)
    }
    return bursts - 1
  },
  async tidemarkHttpKeptAlive(port, going, document) {
    let bursts = 0
    const connection = new HttpConnection(port, true)
    while (going(bursts++)) {
      const { message, take } = document.next()
      take(await connection.post(message))
    }
    await connection.close()
    return bursts - 1
  },
}

answer({
  documents(tokens) {
    documents = Object.entries(tokens).map(([vault, token]) => new DocumentTurns(`${vault}/notes`, token))
  },
  /** Bursts done. Every one that was begun is finished; each of those that go on at once does `burstsMin` at least. */
  async run({ kind, port, concurrency, seconds, burstsMin = 1 }) {
    const until = performance.now() + seconds * 1000
    const going = (bursts) => bursts < burstsMin || performance.now() < until
    const lanes = Array.from({ length: concurrency }, (_, lane) => kinds[kind](port, going, documents[lane]))
    const counts = await Promise.all(lanes)
    return counts.reduce((sum, count) => sum + count, 0)
  },
})

function isEcho(answered) {
  if (payload.equals(answered)) return true
  throw new Error('The echo is not what was sent')
}
