// A slow line to a relay in memory, in virtual time: so many bytes a second each way, and a delay. Both carriers go over it, and
// what is on it when a device gives up is lost. A message arrives when the last of its bytes has.
import { MEDIA_TYPE } from '@tidemark/protocol'
import type { Fetch, WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'
import { DEFAULT_LIMITS } from '../../relay/src/limits.ts'
import { createRelayCore, type RelayCore } from '../../relay/src/relay-core.ts'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { PLAIN_TOKENS } from './memory-network.ts'
import { VirtualTime } from './virtual-time.ts'

const STEP_MS = 10
const STEPS_MAX = 100_000

export class TimedLine {
  readonly time: VirtualTime = new VirtualTime()
  readonly roundTripMs: number
  bytesPerSecond: number
  requests = 0
  readonly #core: RelayCore

  constructor(options: { readonly bytesPerSecond: number; readonly roundTripMs: number }) {
    this.bytesPerSecond = options.bytesPerSecond
    this.roundTripMs = options.roundTripMs
    const now = (): number => Math.floor(this.time.now())
    this.#core = createRelayCore({
      store: memoryRelayStore({ now }),
      tokens: PLAIN_TOKENS,
      limits: DEFAULT_LIMITS,
      now,
    })
  }

  /** Lets time pass until this has come about. */
  async until<Result>(promise: Promise<Result>): Promise<Result> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    promise.then(over, over)
    for (let steps = 0; !isOver; steps++) {
      if (steps === STEPS_MAX) throw new Error('It does not come about')
      await this.time.pass(steps === 0 ? 0 : STEP_MS)
    }
    return promise
  }

  readonly fetch: Fetch = (_url, { body, signal }) => {
    this.requests++
    return new Promise((resolve, reject) => {
      const [up, down] = [new Direction(this), new Direction(this)]
      const abort = (): void => {
        up.cut()
        down.cut()
        reject(new Error('The request was aborted'))
      }
      signal.addEventListener('abort', abort)
      const answer: Uint8Array[] = []
      const connection = this.#core.connect(
        {
          bufferedBytes: 0,
          send: (bytes) => void answer.push(bytes.slice()),
          close: () => {
            const bytes = Buffer.concat(answer)
            down.carry(bytes.length, () => {
              signal.removeEventListener('abort', abort)
              const arrayBuffer = async (): Promise<ArrayBuffer> => new Uint8Array(bytes).buffer
              resolve({
                status: 200,
                headers: { get: (name) => (name === 'content-type' ? MEDIA_TYPE : null) },
                arrayBuffer,
              })
            })
          },
        },
        { oneRound: true, headerToken: '' },
      )
      const copy = body.slice()
      up.carry(copy.length, () => connection.receive(copy))
    })
  }

  get WebSocket(): WebSocketConstructor {
    const connect = (): WebSocketLike => this.#connect()
    return function construct(): WebSocketLike {
      return connect()
    } as unknown as WebSocketConstructor
  }

  #connect(): WebSocketLike {
    const [up, down] = [new Direction(this), new Direction(this)]
    const connection = this.#core.connect({
      bufferedBytes: 0,
      send: (bytes) => {
        const data = bytes.slice().buffer
        down.carry(data.byteLength, () => socket.onmessage?.({ data }))
      },
      close: (_code, reason) => down.carry(0, () => socket.onclose?.({ code: 1011, reason })),
    })
    const socket: WebSocketLike = {
      binaryType: 'arraybuffer',
      onopen: null,
      onmessage: null,
      onerror: null,
      onclose: null,
      send: (bytes) => {
        const copy = bytes.slice()
        up.carry(copy.length, () => connection.receive(copy))
      },
      close: (code = 1000) => {
        up.cut()
        down.cut()
        connection.closed()
        socket.onclose?.({ code, reason: '' })
      },
    }
    up.carry(0, () => down.carry(0, () => socket.onopen?.(undefined as never)))
    return socket
  }
}

/** Of one connection: what leaves first arrives first. */
class Direction {
  readonly #line: TimedLine
  #freeAtMs = 0
  #isCut = false

  constructor(line: TimedLine) {
    this.#line = line
  }

  carry(bytes: number, arrive: () => void): void {
    const { time, bytesPerSecond, roundTripMs } = this.#line
    this.#freeAtMs = Math.max(this.#freeAtMs, time.nowMs) + (bytes / bytesPerSecond) * 1000
    time.setTimeout(
      () => {
        if (!this.#isCut) arrive()
      },
      this.#freeAtMs - time.nowMs + roundTripMs / 2,
    )
  }

  cut(): void {
    this.#isCut = true
  }
}
