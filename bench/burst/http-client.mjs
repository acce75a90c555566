// POSTs by hand, so that the load costs less than what it measures. Not a client for anything else.
import { connect } from 'node:net'

const HEAD_END = '\r\n\r\n'

/** One connection, on which one POST at a time is made. `keepAlive` false: the server is asked to close after it. */
export class HttpConnection {
  #port
  #keepAlive
  #socket
  #received = Buffer.alloc(0)
  #pending = null
  #ended

  constructor(port, keepAlive) {
    this.#port = port
    this.#keepAlive = keepAlive
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('data', (chunk) => this.#take(chunk))
    socket.on('error', (error) => this.#pending?.reject(error))
    this.#ended = new Promise((resolve) => socket.once('close', resolve))
    void this.#ended.then(() => this.#pending?.reject(new Error('The server closed in the middle of a POST')))
    this.#socket = socket
  }

  /** The body of the answer. */
  post(body) {
    const answered = new Promise((resolve, reject) => {
      this.#pending = { resolve, reject }
    })
    this.#socket.write(Buffer.concat([Buffer.from(this.#head(body.length), 'latin1'), body]))
    return answered
  }

  /** Resolves when the socket is closed; the server does it where it was asked to. */
  async close() {
    if (this.#keepAlive) this.#socket.end()
    await this.#ended
  }

  #head(length) {
    const lines = [
      'POST /v1/sync HTTP/1.1',
      `Host: 127.0.0.1:${this.#port}`,
      'Content-Type: application/vnd.tidemark.v1',
      `Content-Length: ${length}`,
    ]
    if (!this.#keepAlive) lines.push('Connection: close')
    return lines.join('\r\n') + HEAD_END
  }

  #take(chunk) {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    const end = this.#received.indexOf(HEAD_END)
    if (end < 0) return
    const head = this.#received.toString('latin1', 0, end)
    const length = Number(/^content-length: (\d+)/im.exec(head)?.[1])
    const body = this.#received.subarray(end + HEAD_END.length)
    if (body.length < length) return
    const { resolve, reject } = this.#pending
    this.#pending = null
    this.#received = Buffer.alloc(0)
    if (head.startsWith('HTTP/1.1 200') && body.length === length) resolve(body)
    else reject(new Error(head))
  }
}
