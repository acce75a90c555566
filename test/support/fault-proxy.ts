// A TCP proxy between devices and a relay, for tests: it records what passes, cuts everything after so many bytes, and
// can be one of those that know no upgrades. Cut bytes never arrive; all before them do.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'up' | 'down'

export class FaultProxy {
  /** Bytes since `record()`, of all connections one after the other. */
  readonly recorded: Readonly<Record<Direction, Buffer[]>> = { up: [], down: [] }
  /** Upgrades are answered with status 400, as by proxies of another age. */
  blocksUpgrades = false
  connections = 0
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #cut: { readonly direction: Direction; bytesLeft: number } | null = null

  /** `url`: of the relay. */
  static async start(url: string): Promise<FaultProxy> {
    const { hostname, port } = new URL(url)
    const proxy = new FaultProxy({ host: hostname, port: Number(port) })
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  private constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target
    this.#server = createServer((device) => this.#join(device))
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  record(): void {
    this.recorded.up.length = 0
    this.recorded.down.length = 0
  }

  /** After so many more bytes in this direction all lines break, once. */
  cutAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, bytesLeft: bytes }
  }

  /** What `cutAfter` asked for is forgotten if it has not happened. */
  heal(): void {
    this.#cut = null
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(device: Socket): void {
    this.connections++
    const relay = connect(this.#target)
    for (const socket of [device, relay]) {
      socket.setNoDelay()
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // The other side learns of it by its own end.
      socket.on('error', () => socket.destroy())
    }
    this.#pipe('up', device, relay)
    this.#pipe('down', relay, device)
  }

  #pipe(direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (this.blocksUpgrades && direction === 'up' && isUpgrade(bytes)) {
        from.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        to.destroy()
        return
      }
      const passed = this.#pass(direction, bytes)
      this.recorded[direction].push(passed)
      if (passed.length < bytes.length) {
        to.end(passed)
        from.destroy()
      } else {
        to.write(passed)
      }
    })
    from.on('end', () => to.end())
    from.on('close', () => to.end())
  }

  /** What still gets through; less than all: the line breaks there. */
  #pass(direction: Direction, bytes: Buffer): Buffer {
    const cut = this.#cut
    if (cut === null || cut.direction !== direction) return bytes
    if (bytes.length <= cut.bytesLeft) {
      cut.bytesLeft -= bytes.length
      return bytes
    }
    this.#cut = null
    return bytes.subarray(0, cut.bytesLeft)
  }
}

function isUpgrade(bytes: Buffer): boolean {
  return /^GET [^\r]*\r\n[\s\S]*\r\nUpgrade: websocket\r\n/i.test(bytes.toString('latin1'))
}
