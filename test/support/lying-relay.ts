// A relay that lies: an honest one of a World, each of whose frames a test may replace before a device hears it, over either
// carrier. Whoever connects to the world itself hears the truth. Lies in what frames say, never in how they are written.
import type { TidemarkOptions } from '@tidemark/client'
import {
  CLOSE_CODE,
  decodeMessage,
  encodeFrames,
  type Frame,
  LIMITS_AFTER_WELCOME,
  LIMITS_HTTP_RESPONSE,
  MEDIA_TYPE,
  type RelayFrame,
} from '@tidemark/protocol'
import type { FetchResponse, Platform, WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { RELAY_URL, type TestDevice, type World } from './world.ts'

export type CarrierName = 'websocket' | 'http'
/** What a device hears in place of this frame. */
type Lie = (frame: RelayFrame) => readonly RelayFrame[]
/** The same, for each connection or POST anew, with what else it may say at any time, over a WebSocket. */
export type Liar = (say: (frames: readonly RelayFrame[]) => void) => Lie

export const CARRIERS: readonly CarrierName[] = ['websocket', 'http']
/** A device that says more than this is stopped: it spins. */
const HEARD_MAX = 3_000
/** Within every bound of a message. */
const FRAMES_PER_MESSAGE = 1_000

let made = 0

/** Other ones each time. */
export function someBytes(length: number): Uint8Array {
  made++
  return Uint8Array.from({ length }, (_, at) => (at < 4 ? made >> (8 * at) : 0) & 255)
}

/** What is said in place of frames of one type. */
export function inPlaceOf<Type extends RelayFrame['type']>(
  type: Type,
  lie: (frame: Extract<RelayFrame, { type: Type }>) => readonly RelayFrame[],
): Liar {
  return () => (frame) => (frame.type === type ? lie(frame as Extract<RelayFrame, { type: Type }>) : [frame])
}

export class LyingRelay {
  readonly world: World
  readonly carrier: CarrierName
  /** Null: it tells the truth. */
  liar: Liar | null = null
  /** What comes in place of every message, over a WebSocket, whether or not it is one; null: the messages. */
  garble: unknown = null
  /** Messages of the devices, with the frames of each. */
  readonly heard: (readonly Frame[])[] = []
  /** Connections, or POSTs, that the device has not ended. */
  openConnections = 0

  constructor(world: World, carrier: CarrierName) {
    this.world = world
    this.carrier = carrier
  }

  /** Frames of that type that devices have sent. */
  count(type: Frame['type']): number {
    return this.heard.flat().filter((frame) => frame.type === type).length
  }

  device({ platform, ...options }: Partial<TidemarkOptions> = {}, disk: MemoryDisk = new MemoryDisk()): TestDevice {
    return this.world.device(disk, { ...options, platform: { ...this.platform, now: this.world.now, ...platform } })
  }

  get platform(): Pick<Platform, 'WebSocket' | 'fetch'> {
    if (this.carrier === 'http') return { WebSocket: null, fetch: (_url, { body }) => this.#answer(body) }
    const relay = this
    const { WebSocket } = this.world
    const connect = function connect(): unknown {
      return new LyingSocket(relay, new WebSocket(RELAY_URL, []))
    }
    return { WebSocket: connect as unknown as WebSocketConstructor, fetch: null }
  }

  hear(bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
    if (!decoded.ok) throw new Error(decoded.message)
    this.heard.push(decoded.frames)
    if (this.heard.length > HEARD_MAX) throw new Error('The device spins')
  }

  #answer(body: Uint8Array): Promise<FetchResponse> {
    this.hear(body)
    const lie = this.liar?.(() => undefined) ?? truth
    const frames: RelayFrame[] = []
    return new Promise((resolve) => {
      const connection = this.world.relay.core.connect(
        {
          bufferedBytes: 0,
          send: (bytes) => {
            frames.push(...framesOf(bytes).flatMap(lie))
            void Promise.resolve().then(() => connection.writable())
          },
          close: () => resolve(okResponse(encodeFrames(frames))),
        },
        { oneRound: true },
      )
      connection.receive(body.slice())
    })
  }
}

export function okResponse(bytes: Uint8Array): FetchResponse {
  const headers = { get: (name: string) => (name === 'content-type' ? MEDIA_TYPE : null) }
  return { status: 200, headers, arrayBuffer: async () => bytes.slice().buffer as ArrayBuffer }
}

class LyingSocket implements WebSocketLike {
  binaryType = 'arraybuffer'
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onerror: WebSocketLike['onerror'] = null
  onclose: WebSocketLike['onclose'] = null
  readonly #relay: LyingRelay
  readonly #inner: WebSocketLike
  #isOpen = true

  constructor(relay: LyingRelay, inner: WebSocketLike) {
    this.#relay = relay
    this.#inner = inner
    const lie = relay.liar?.((frames) => this.#say(frames)) ?? truth
    relay.openConnections++
    inner.onopen = () => this.onopen?.(undefined as never)
    inner.onmessage = ({ data }) => this.#say(framesOf(new Uint8Array(data as ArrayBuffer)).flatMap(lie))
    inner.onclose = ({ code, reason }) => {
      this.#end()
      this.onclose?.({ code, reason })
    }
  }

  send(bytes: Uint8Array): void {
    this.#relay.hear(bytes)
    this.#inner.send(bytes)
  }

  close(code = CLOSE_CODE.OK ?? 1000): void {
    this.#end()
    this.#inner.close(code)
  }

  #end(): void {
    if (this.#isOpen) this.#relay.openConnections--
    this.#isOpen = false
  }

  #say(frames: readonly RelayFrame[]): void {
    const { garble } = this.#relay
    if (garble !== null) this.onmessage?.({ data: garble })
    for (let at = 0; garble === null && at < frames.length && this.#isOpen; at += FRAMES_PER_MESSAGE) {
      this.onmessage?.({ data: encodeFrames(frames.slice(at, at + FRAMES_PER_MESSAGE)).slice().buffer })
    }
  }
}

function truth(frame: RelayFrame): readonly RelayFrame[] {
  return [frame]
}

function framesOf(bytes: Uint8Array): readonly RelayFrame[] {
  const decoded = decodeMessage(bytes, LIMITS_HTTP_RESPONSE)
  if (!decoded.ok) throw new Error(decoded.message)
  return decoded.frames as readonly RelayFrame[]
}
