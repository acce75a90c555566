// A line between devices and a relay, as mobile networks are: so many bytes a second, a delay, and cuts at intervals. What is
// on the line when it is cut is lost. It counts what was put on the line, each way: that is what somebody pays for.
// Of that it tells the bytes of payloads, and which of them had been on it before.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { PayloadCount } from './payload-count.ts'

export interface LineOptions {
  /** Of both directions, each for itself. */
  readonly bytesPerSecond: number
  /** There and back, in milliseconds. */
  readonly roundTripMs: number
  /** Milliseconds from cut to cut; 0: never. */
  readonly cutEveryMs: number
}

/** What a clock of a millisecond can tell apart. */
const SLICE_BYTES = 4 * 1024
/** Bytes that wait for the line are read no further than this ahead. */
const AHEAD_MS = 20

export class SlowLine {
  readonly bytes: { up: number; down: number } = { up: 0, down: 0 }
  readonly payloads: { readonly up: PayloadCount; readonly down: PayloadCount } = {
    up: new PayloadCount(),
    down: new PayloadCount(),
  }
  cuts = 0
  readonly #options: LineOptions
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #cutter: NodeJS.Timeout | null
  #cutsNext = false

  /** `url`: of the relay. */
  static async start(url: string, options: LineOptions): Promise<SlowLine> {
    const { hostname, port } = new URL(url)
    const line = new SlowLine({ host: hostname, port: Number(port) }, options)
    line.#server.listen(0, '127.0.0.1')
    await once(line.#server, 'listening')
    return line
  }

  private constructor(target: { readonly host: string; readonly port: number }, options: LineOptions) {
    this.#options = options
    this.#server = createServer((device) => {
      if (this.#cutsNext) device.resetAndDestroy()
      else this.#join(device, connect(target))
      this.#cutsNext = false
    })
    this.#cutter = options.cutEveryMs === 0 ? null : setInterval(() => this.cut(), options.cutEveryMs)
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cut(): void {
    if (this.#sockets.size > 0) this.cuts++
    for (const socket of this.#sockets) socket.resetAndDestroy()
    this.#sockets.clear()
  }

  /** The next connection is cut as soon as it is made: nothing was on the line, and a device has met a cut. */
  cutNext(): void {
    this.#cutsNext = true
  }

  async close(): Promise<void> {
    if (this.#cutter !== null) clearInterval(this.#cutter)
    this.cut()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #join(device: Socket, relay: Socket): void {
    for (const socket of [device, relay]) {
      socket.setNoDelay()
      this.#sockets.add(socket)
      // The other side learns of it by its own end.
      socket.on('error', () => socket.destroy())
      socket.on('close', () => this.#sockets.delete(socket))
    }
    this.#pipe('up', device, relay)
    this.#pipe('down', relay, device)
  }

  #pipe(direction: 'up' | 'down', from: Socket, to: Socket): void {
    const { bytesPerSecond, roundTripMs } = this.#options
    const [sent, arriving] = [new Timetable(), new Timetable()]
    const count = this.payloads[direction].connection()
    let freeAtMs = 0
    from.on('data', (bytes) => {
      for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
        const slice = bytes.subarray(at, at + SLICE_BYTES)
        freeAtMs = Math.max(freeAtMs, performance.now()) + (slice.length / bytesPerSecond) * 1000
        sent.at(freeAtMs, () => {
          if (from.destroyed) return
          this.bytes[direction] += slice.length
          count(slice)
        })
        arriving.at(freeAtMs + roundTripMs / 2, () => {
          if (!to.destroyed) to.write(slice)
        })
      }
      if (freeAtMs - performance.now() < AHEAD_MS) return
      from.pause()
      setTimeout(() => from.resume(), AHEAD_MS / 2)
    })
    from.on('end', () => arriving.at(freeAtMs + roundTripMs / 2, () => to.end()))
    from.on('close', () => arriving.at(freeAtMs + roundTripMs / 2, () => to.destroy()))
  }
}

/** What is to happen when, in the order in which it was said: timers alone may overtake each other by a millisecond. */
class Timetable {
  readonly #acts: { readonly atMs: number; act(): void }[] = []
  #isSet = false

  at(atMs: number, act: () => void): void {
    this.#acts.push({ atMs, act })
    this.#set()
  }

  #set(): void {
    const [next] = this.#acts
    if (next === undefined || this.#isSet) return
    this.#isSet = true
    setTimeout(() => this.#run(), Math.max(0, next.atMs - performance.now()))
  }

  #run(): void {
    this.#isSet = false
    for (let next = this.#acts[0]; next !== undefined && next.atMs <= performance.now() + 1; next = this.#acts[0]) {
      this.#acts.shift()
      next.act()
    }
    this.#set()
  }
}
