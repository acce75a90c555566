// A TCP proxy that counts what passes: bytes each way, how many of them are heads of HTTP, and round trips. It delays and
// changes nothing, and times nothing: for talk in which each side waits for the other, counts are the same every time.
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'

const HEAD_END = '\r\n\r\n'

export class CountingProxy {
  #targetPort
  #server
  #connections = new Set()
  #ended = []
  #whenIdle = []

  static async start(targetPort) {
    const proxy = new CountingProxy(targetPort)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    return proxy
  }

  constructor(targetPort) {
    this.#targetPort = targetPort
    this.#server = createServer((client) => this.#join(client))
  }

  get port() {
    return this.#server.address().port
  }

  /** What has passed since the last call, on all connections. */
  take() {
    const connections = [...this.#ended.splice(0), ...this.#connections]
    const count = { connections: 0, roundTrips: 0, up: 0, down: 0, headsUp: 0, headsDown: 0 }
    for (const connection of connections) {
      count.connections += connection.isNew ? 1 : 0
      // Setting a connection up is one, and any that begins with the client and ends with the server.
      count.roundTrips += connection.roundTrips + (connection.isNew ? 1 : 0)
      const [up, down] = [Buffer.concat(connection.up), Buffer.concat(connection.down)]
      count.up += up.length
      count.down += down.length
      count.headsUp += headBytes(up)
      count.headsDown += headBytes(down)
      Object.assign(connection, { isNew: false, roundTrips: 0, up: [], down: [] })
    }
    return count
  }

  /** Resolves when no connection is open. */
  async idle() {
    if (this.#connections.size > 0) await new Promise((resolve) => this.#whenIdle.push(resolve))
  }

  /** Closes connections that were kept open. */
  async hangUp() {
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.destroy()
    await this.idle()
    // A client of this process knows of it when what its sockets have to tell has been told.
    await setTimeout(20)
    await setImmediate()
    await setImmediate()
  }

  async close() {
    await this.hangUp()
    await once(this.#server.close(), 'close')
  }

  #join(client) {
    const server = connect(this.#targetPort, '127.0.0.1')
    const sockets = [client, server]
    const connection = { sockets, isNew: true, roundTrips: 0, up: [], down: [], newest: 'down' }
    this.#connections.add(connection)
    for (const [from, to, direction] of [
      [client, server, 'up'],
      [server, client, 'down'],
    ]) {
      from.setNoDelay()
      // The other side learns of it by its own end.
      from.on('error', () => from.destroy())
      from.on('data', (bytes) => {
        connection[direction].push(bytes)
        if (direction === 'down' && connection.newest === 'up') connection.roundTrips += 1
        connection.newest = direction
        to.write(bytes)
      })
      from.on('end', () => to.end())
      from.on('close', () => {
        to.destroy()
        if (sockets.every(({ closed }) => closed)) this.#left(connection)
      })
    }
  }

  #left(connection) {
    if (!this.#connections.delete(connection)) return
    this.#ended.push(connection)
    if (this.#connections.size === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }
}

/** Of one direction, from a head on; what follows an upgrade is no HTTP. */
function headBytes(bytes) {
  let heads = 0
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(HEAD_END, at)
    const head = end < 0 ? '' : bytes.toString('latin1', at, end)
    if (!/^(?:[A-Z]+ \S+ )?HTTP\/1\.1/.test(head)) return heads
    heads += head.length + HEAD_END.length
    if (/^upgrade: websocket/im.test(head)) return heads
    at = end + HEAD_END.length + Number(/^content-length: (\d+)/im.exec(head)?.[1] ?? 0)
  }
  return heads
}
