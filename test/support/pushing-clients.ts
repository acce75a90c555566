// Clients that push over WebSockets as fast as they are answered, and note each acknowledgement in the moment in which it
// arrives. They speak frames: what the SDK would add stands between a test of the relay and what the relay said.
import type { Ack, Frame } from '@tidemark/protocol'
import { all, Device, decode, END, hello, open, piece } from '../relay/device.ts'
import { Random } from '../simulation/random.ts'
import { hex } from './store-check.ts'

export const VAULTS = ['alice', 'bob'] as const
export const GRANTS: readonly string[] = ['alice/*:write', 'bob/*:write']
/** Most payloads are small; this many of a thousand are so large that they lie in blobs, or that they come in pieces. */
const LARGE_PER_MILLE = 40
const IN_PIECES_PER_MILLE = 5
const PIECE_BYTES = 200_000
const DOCUMENTS_MAX = 40

export interface Acknowledged {
  readonly documentId: string
  /** In hex. */
  readonly pushId: string
  readonly receipt: Uint8Array
}

export interface PushingClientsOptions {
  readonly url: string
  readonly token: string
  readonly clients: number
  readonly seed: number
  /** Called as each acknowledgement arrives, before anything else is done. */
  acknowledged(acknowledged: Acknowledged): void
}

export class PushingClients {
  readonly #clients: readonly Client[]
  readonly #runs: readonly Promise<void>[]

  static async start(options: PushingClientsOptions): Promise<PushingClients> {
    const random = new Random(options.seed)
    const numbers = Array.from({ length: options.clients }, (_, number) => number)
    return new PushingClients(
      await Promise.all(numbers.map((number) => Client.connect(options, number, random.fork()))),
    )
  }

  private constructor(clients: readonly Client[]) {
    this.#clients = clients
    this.#runs = clients.map((client) => client.run())
  }

  /** Payload bytes that were sent. */
  get bytesPushed(): number {
    return this.#clients.reduce((sum, { bytesPushed }) => sum + bytesPushed, 0)
  }

  get refusals(): readonly string[] {
    return this.#clients.flatMap(({ refusals }) => refusals)
  }

  /** Resolves when all have their last answer, or have lost the relay. */
  async stop(): Promise<void> {
    for (const client of this.#clients) client.stop()
    await Promise.all(this.#runs)
  }

  /** Resolves when all have lost the relay. */
  async ended(): Promise<void> {
    await Promise.all(this.#runs)
  }
}

class Client {
  bytesPushed = 0
  /** Codes, of pushes and of whole connections. */
  readonly refusals: string[] = []
  readonly #device: Device
  readonly #options: PushingClientsOptions
  readonly #number: number
  readonly #random: Random
  readonly #documents = new Map<number, string>()
  #isStopped = false
  #rounds = 0

  static async connect(options: PushingClientsOptions, number: number, random: Random): Promise<Client> {
    const device = await Device.connect(options.url)
    // By itself, since a first message must be shorter than what may come after it.
    await device.round([hello(options.token), END])
    return new Client(device, options, number, random)
  }

  private constructor(device: Device, options: PushingClientsOptions, number: number, random: Random) {
    this.#device = device
    this.#options = options
    this.#number = number
    this.#random = random
    device.webSocket.on('message', (data: Buffer) => {
      const frames = decode(data)
      for (const ack of all(frames, 'ACK')) this.#note(ack)
      for (const { code } of [...all(frames, 'REFUSED'), ...all(frames, 'ERROR')]) this.refusals.push(code)
    })
  }

  async run(): Promise<void> {
    while (!this.#isStopped && this.#device.closeCode === null) {
      await this.#device.round([...this.#pushes(), END])
      this.#device.frames.length = 0
      this.#rounds++
    }
    this.#device.close()
  }

  stop(): void {
    this.#isStopped = true
  }

  /** One to three documents, each with one to three pushes. */
  #pushes(): readonly Frame[] {
    const frames: Frame[] = []
    this.#documents.clear()
    for (let channel = 1; channel <= this.#random.between(1, 3); channel++) {
      const documentId = `${this.#random.pick(VAULTS)}/${channel}/${this.#random.between(1, DOCUMENTS_MAX)}`
      this.#documents.set(channel, documentId)
      frames.push(open(channel, documentId, { pull: false }))
      for (let count = this.#random.between(1, 3); count > 0; count--) frames.push(...this.#push(channel, count))
    }
    return frames
  }

  #push(channel: number, count: number): readonly Frame[] {
    const length = this.#payloadBytes()
    const payload = new Uint8Array(Buffer.alloc(length, `${this.#number} ${this.#rounds} ${channel} ${count} `))
    this.bytesPushed += length
    const pieces: Frame[] = []
    for (let offset = 0; offset < length; offset += PIECE_BYTES)
      pieces.push(piece(channel, payload, offset, PIECE_BYTES))
    return pieces
  }

  #payloadBytes(): number {
    if (this.#random.chance(IN_PIECES_PER_MILLE / 1_000)) return this.#random.between(PIECE_BYTES + 1, 2 * PIECE_BYTES)
    if (this.#random.chance(LARGE_PER_MILLE / 1_000)) return this.#random.between(65_536, PIECE_BYTES)
    return this.#random.between(20, 3_000)
  }

  #note({ channel, pushId, receipt }: Ack): void {
    const documentId = this.#documents.get(channel)
    if (documentId === undefined) throw new Error(`An ACK on channel ${channel}, which was not opened`)
    this.#options.acknowledged({ documentId, pushId: hex(pushId), receipt: receipt.slice() })
  }
}
