// A device as bare as it gets, for tests of the relay: frames out, frames in, over a real WebSocket or a real POST.
import { createHash, randomBytes } from 'node:crypto'
import {
  decodeMessage,
  encodeFrames,
  type Frame,
  type FrameName,
  type FrameOf,
  type Hello,
  LIMITS_HTTP_RESPONSE,
  MEDIA_TYPE,
  type Open,
  type Push,
  pushIdOf,
  type SnapshotPut,
  SUBPROTOCOL,
} from '@tidemark/protocol'
import { WebSocket } from 'ws'
import type { StorePush } from '../../relay/src/store/contract.ts'

export const NOTHING: Uint8Array = new Uint8Array(0)
export const END: Frame = { type: 'END' }

function sha256(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(bytes).digest())
}

export function hello(token: string, fields: Partial<Hello> = {}): Hello {
  return {
    type: 'HELLO',
    versionMax: 1,
    versionMin: 1,
    deviceId: new Uint8Array(randomBytes(16)),
    token,
    receiveWindowBytes: 1024 * 1024,
    clientName: 'test',
    ...fields,
  }
}

export function open(channel: number, documentId: string, fields: Partial<Open> = {}): Open {
  return {
    type: 'OPEN',
    channel,
    documentId,
    pull: true,
    push: true,
    linger: false,
    create: false,
    reseeding: false,
    incarnation: NOTHING,
    mark: NOTHING,
    receipt: NOTHING,
    claim: null,
    partial: null,
    ...fields,
  }
}

/** A whole payload in one PUSH. */
export function push(channel: number, payload: Uint8Array, fields: Partial<Push> = {}): Push {
  const pushId = pushIdOf(sha256, 1, payload)
  return { type: 'PUSH', channel, pushId, format: 1, total: payload.length, offset: 0, bytes: payload, ...fields }
}

/** The bytes from `offset` on, at most `length` of them. */
export function piece(channel: number, payload: Uint8Array, offset: number, length: number): Push {
  return push(channel, payload, { offset, bytes: payload.subarray(offset, offset + length) })
}

/** First 16 bytes of SHA-256 over the payload. */
export function snapshotIdOf(payload: Uint8Array): Uint8Array {
  return sha256(payload).slice(0, 16)
}

/** The bytes of a snapshot from `offset` on, at most `length` of them. */
export function snapshotPut(
  channel: number,
  payload: Uint8Array,
  { fence, mark, offset = 0, length = payload.length }: PutOptions,
): SnapshotPut {
  const bytes = payload.subarray(offset, offset + length)
  const snapshotId = snapshotIdOf(payload)
  return { type: 'SNAPSHOT_PUT', channel, fence, mark, snapshotId, total: payload.length, offset, bytes }
}

interface PutOptions {
  readonly fence: number
  readonly mark: Uint8Array
  readonly offset?: number
  readonly length?: number
}

/** What a store is given for a whole payload. */
export function storePush(documentId: string, text: string, length?: number): StorePush {
  const { pushId, format, bytes } = push(1, payloadOf(text, length))
  return { documentId, pushId, format, payload: bytes }
}

/** Payloads are opaque to a relay: any bytes do. */
export function payloadOf(text: string, length: number = text.length): Uint8Array {
  return new Uint8Array(Buffer.alloc(length, text))
}

export function decode(bytes: Uint8Array): readonly Frame[] {
  const decoded = decodeMessage(bytes, LIMITS_HTTP_RESPONSE)
  if (!decoded.ok) throw new Error(`The relay sent what cannot be decoded: ${decoded.message}`)
  return decoded.frames
}

export function only<Name extends FrameName>(frames: readonly Frame[], name: Name): FrameOf<Name> {
  const found = all(frames, name)
  if (found.length !== 1) throw new Error(`${found.length} of ${name} in ${frames.map(({ type }) => type).join(' ')}`)
  return found[0] as FrameOf<Name>
}

export function all<Name extends FrameName>(frames: readonly Frame[], name: Name): readonly FrameOf<Name>[] {
  return frames.filter((frame): frame is FrameOf<Name> => frame.type === name)
}

export function names(frames: readonly Frame[]): string {
  return frames.map(({ type }) => type).join(' ')
}

/** Bytes of the snapshot that was served, from its first piece on; the pieces stand without a gap. */
export function snapshotIn(frames: readonly Frame[]): { readonly from: number; readonly bytes: Buffer } {
  const pieces = all(frames, 'SNAPSHOT')
  const from = pieces[0]?.offset ?? 0
  let end = from
  for (const { offset, bytes } of pieces) {
    if (offset !== end) throw new Error(`A piece at ${offset}, not at ${end}`)
    end += bytes.length
  }
  return { from, bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)) }
}

/** The payloads of all ENTRIES, put together from their pieces. */
export function payloadsIn(frames: readonly Frame[]): readonly string[] {
  const whole: string[] = []
  let pieces: Uint8Array[] = []
  for (const entry of all(frames, 'ENTRIES').flatMap(({ entries }) => entries)) {
    pieces.push(entry.bytes)
    if (entry.offset + entry.bytes.length < entry.total) continue
    whole.push(Buffer.concat(pieces).toString())
    pieces = []
  }
  return whole
}

/** One WebSocket. */
export class Device {
  readonly webSocket: WebSocket
  readonly frames: Frame[] = []
  /** Of each message that came, in bytes. */
  readonly messages: number[] = []
  closeCode: number | null = null
  closeReason = ''
  #waiting: (() => void)[] = []

  constructor(url: string, options: { protocol?: string; origin?: string } = {}) {
    const { protocol = SUBPROTOCOL, origin } = options
    this.webSocket = new WebSocket(`${url}/v1/sync`, protocol, {
      perMessageDeflate: false,
      ...(origin === undefined ? {} : { origin }),
    })
    this.webSocket.on('message', (data: Buffer) => {
      this.messages.push(data.length)
      this.frames.push(...decode(data))
      this.#wake()
    })
    this.webSocket.on('close', (code, reason) => {
      this.closeCode = code
      this.closeReason = reason.toString()
      this.#wake()
    })
    // What went wrong is in the close code; without a listener it would end the test run.
    this.webSocket.on('error', () => this.#wake())
  }

  static async connect(url: string, options: { protocol?: string; origin?: string } = {}): Promise<Device> {
    const device = new Device(url, options)
    await new Promise<void>((resolve, reject) => {
      device.webSocket.once('open', resolve)
      device.webSocket.once('error', reject)
    })
    return device
  }

  send(frames: readonly Frame[]): void {
    this.webSocket.send(encodeFrames(frames))
  }

  /** One round: what came up to DONE, or up to the close. */
  async round(frames: readonly Frame[]): Promise<readonly Frame[]> {
    const before = this.frames.length
    this.send(frames)
    await this.until(() => this.frames.slice(before).some(({ type }) => type === 'DONE') || this.closeCode !== null)
    return this.frames.slice(before)
  }

  async closed(): Promise<readonly Frame[]> {
    await this.until(() => this.closeCode !== null)
    return this.frames
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.webSocket.close()
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** One burst over a connection of its own. */
export async function burst(url: string, frames: readonly Frame[]): Promise<readonly Frame[]> {
  const device = await Device.connect(url)
  const answer = await device.round(frames)
  device.close()
  return answer
}

export interface PostAnswer {
  readonly status: number
  readonly headers: Headers
  readonly frames: readonly Frame[]
}

export async function post(
  url: string,
  frames: readonly Frame[] | Uint8Array,
  headers: Record<string, string> = {},
): Promise<PostAnswer> {
  const body = frames instanceof Uint8Array ? frames : encodeFrames(frames)
  const response = await fetch(`${url.replace(/^ws/, 'http')}/v1/sync`, {
    method: 'POST',
    headers: { 'content-type': MEDIA_TYPE, ...headers },
    body: body as BodyInit,
  })
  const bytes = new Uint8Array(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, frames: bytes.length === 0 ? [] : decode(bytes) }
}
