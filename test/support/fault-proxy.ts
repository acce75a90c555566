// A TCP proxy between devices and a relay, for tests: it records what passes, cuts everything after so many bytes, lets
// lines fall silent of which neither side learns, and can be one of those that know no upgrades. Cut bytes never arrive;
// all before them do.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'up' | 'down'

interface Line {
  /** Half open: nothing passes any more, and neither side learns of it. */
  isSilent: boolean
}

interface Cut {
  readonly direction: Direction
  bytesLeft: number
  readonly how: 'breaks' | 'falls silent'
}

export class FaultProxy {
  /** Bytes since `record()`, of all connections one after the other. */
  readonly recorded: Readonly<Record<Direction, Buffer[]>> = { up: [], down: [] }
  /** Upgrades are answered with status 400, as by proxies of another age. */
  blocksUpgrades = false
  connections = 0
  /** Connections to the relay that the relay has not closed. */
  heldByRelay = 0
  readonly #server: Server
  readonly #target: { readonly host: string; readonly port: number }
  readonly #sockets = new Set<Socket>()
  #cut: Cut | null = null
  /** Of lines that are made from now on. */
  #isSilent = false
  readonly #lines = new Set<Line>()

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
    this.#cut = { direction, bytesLeft: bytes, how: 'breaks' }
  }

  /** After so many more bytes in this direction all lines fall silent, those too that are made from then on. */
  silenceAfter(direction: Direction, bytes: number): void {
    this.#cut = { direction, bytesLeft: bytes, how: 'falls silent' }
  }

  /** All lines fall silent now, those too that are made from now on. */
  silence(): void {
    this.#isSilent = true
    for (const line of this.#lines) line.isSilent = true
  }

  /** Resets all lines. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** What was asked for is forgotten if it has not happened; new lines are as lines should be. */
  heal(): void {
    this.#cut = null
    this.#isSilent = false
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(device: Socket): void {
    this.connections++
    const relay = connect(this.#target)
    const line: Line = { isSilent: this.#isSilent }
    this.#lines.add(line)
    this.heldByRelay++
    relay.on('close', () => {
      this.heldByRelay--
      this.#lines.delete(line)
    })
    for (const socket of [device, relay]) {
      socket.setNoDelay()
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      // The other side learns of it by its own end.
      socket.on('error', () => socket.destroy())
    }
    this.#pipe(line, 'up', device, relay)
    this.#pipe(line, 'down', relay, device)
  }

  #pipe(line: Line, direction: Direction, from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (line.isSilent) return
      if (this.blocksUpgrades && direction === 'up' && isUpgrade(bytes)) {
        from.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        to.destroy()
        return
      }
      const passed = this.#pass(direction, bytes)
      this.recorded[direction].push(passed)
      if (line.isSilent) {
        to.write(passed)
      } else if (passed.length < bytes.length) {
        to.end(passed)
        from.destroy()
      } else {
        to.write(passed)
      }
    })
    const end = (): void => {
      if (!line.isSilent) to.end()
    }
    from.on('end', end)
    from.on('close', end)
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
    if (cut.how === 'falls silent') this.silence()
    return bytes.subarray(0, cut.bytesLeft)
  }
}

function isUpgrade(bytes: Buffer): boolean {
  return /^GET [^\r]*\r\n[\s\S]*\r\nUpgrade: websocket\r\n/i.test(bytes.toString('latin1'))
}
