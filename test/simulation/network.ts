// The network of a run: nothing arrives before the schedule says so. Each connection has two lanes, one per direction,
// in which things stay in order; between lanes there is none. A cut loses what is under way in a lane from its end on.

import type { RelayCore } from '../../relay/src/relay-core.ts'
import type { Connection } from '../../relay/src/session/connection.ts'

/** Put into words only for a trace that somebody reads. */
export type Words = string | (() => string)

export type Direction = 'up' | 'down'

/** Watches what leaves either side, before it arrives. */
export interface Tap {
  sent(link: Link, direction: Direction, bytes: Uint8Array): void
}

/** What arrives in the place of a message. */
export type Rewrite = (link: Link, direction: Direction, bytes: Uint8Array) => Uint8Array

/** Where a connection arrives: null while nobody listens there. */
export interface Endpoint {
  readonly name: string
  readonly core: RelayCore | null
}

/** One connection: a WebSocket, or one POST. Carrier classes give it its two ends. */
export interface Link {
  readonly label: string
  readonly device: string
  readonly endpoint: Endpoint
  readonly overHttp: boolean
  readonly up: Lane
  readonly down: Lane
  /** The relay's process is gone; what it sent before may still arrive, then the end. */
  relayGone(): void
  /** The device's process is gone: nothing reaches it any more; what it sent before may still arrive. */
  deviceGone(): void
  /** The line breaks; the side named learns of it at once, the other after what is under way. */
  cut(first: 'device' | 'relay' | 'both'): void
}

export class Lane {
  /** Nothing arrives in it for now. */
  isStalled = false
  readonly #queue: { readonly what: Words; readonly byteLength: number; arrive(): void }[] = []

  get isEmpty(): boolean {
    return this.#queue.length === 0
  }

  get byteLength(): number {
    return this.#queue.reduce((sum, { byteLength }) => sum + byteLength, 0)
  }

  push(what: Words, arrive: () => void, byteLength = 0): void {
    this.#queue.push({ what, byteLength, arrive })
  }

  /** Lets the first thing arrive; says what it was. */
  deliver(): Words {
    const next = this.#queue.shift()
    if (next === undefined) throw new Error('Nothing is under way in this lane')
    next.arrive()
    return next.what
  }

  clear(): void {
    this.#queue.length = 0
  }
}

export interface BusyLane {
  readonly link: Link
  readonly direction: Direction
  readonly lane: Lane
}

const DIRECTIONS = ['up', 'down'] as const

export class Network {
  readonly tap: Tap
  readonly rewrite: Rewrite
  readonly #links = new Set<Link>()
  #made = 0

  constructor(tap: Tap, rewrite: Rewrite = (_link, _direction, bytes) => bytes) {
    this.tap = tap
    this.rewrite = rewrite
  }

  get links(): readonly Link[] {
    return [...this.#links]
  }

  /** Lanes in which something is under way. */
  busyLanes(): readonly BusyLane[] {
    return this.#lanes().filter(({ lane }) => !lane.isEmpty && !lane.isStalled)
  }

  stalledLanes(): readonly BusyLane[] {
    return this.#lanes().filter(({ lane }) => lane.isStalled)
  }

  #lanes(): readonly BusyLane[] {
    return this.links.flatMap((link) => DIRECTIONS.map((direction) => ({ link, direction, lane: link[direction] })))
  }

  nextLabel(device: string, endpoint: Endpoint): string {
    this.#made++
    return `${device}>${endpoint.name}#${this.#made}`
  }

  add(link: Link): void {
    this.#links.add(link)
  }

  /** Both sides are done with it, and nothing is under way. */
  dropEnded(isEnded: (link: Link) => boolean): void {
    for (const link of this.#links) if (isEnded(link)) this.#links.delete(link)
  }
}

/** What both carriers share: the two lanes, and who is still there. */
export abstract class BaseLink implements Link {
  readonly label: string
  readonly device: string
  readonly endpoint: Endpoint
  abstract readonly overHttp: boolean
  readonly up: Lane = new Lane()
  readonly down: Lane = new Lane()
  protected readonly network: Network
  protected connection: Connection | null = null
  protected isDeviceGone = false
  protected isRelayGone = false

  constructor(network: Network, device: string, endpoint: Endpoint) {
    this.network = network
    this.device = device
    this.endpoint = endpoint
    this.label = network.nextLabel(device, endpoint)
    network.add(this)
  }

  get isEnded(): boolean {
    return this.isDeviceGone && this.isRelayGone && this.up.isEmpty && this.down.isEmpty
  }

  relayGone(): void {
    if (this.isRelayGone) return
    this.isRelayGone = true
    this.up.clear()
    this.down.push('end', () => this.tellDevice())
  }

  deviceGone(): void {
    if (this.isDeviceGone) return
    this.isDeviceGone = true
    this.down.clear()
    this.up.push('end', () => this.tellRelay())
  }

  cut(first: 'device' | 'relay' | 'both'): void {
    if (first !== 'device') {
      this.up.clear()
      this.tellRelay()
    }
    if (first !== 'relay') {
      this.down.clear()
      this.tellDevice()
    }
    if (first === 'device') this.up.push('end', () => this.tellRelay())
    if (first === 'relay') this.down.push('end', () => this.tellDevice())
  }

  protected tellRelay(): void {
    if (this.isRelayGone) return
    this.isRelayGone = true
    this.connection?.closed()
  }

  protected abstract tellDevice(): void
}

export function inWords(who: string, what: Words): Words {
  return () => `${who}: ${typeof what === 'string' ? what : what()}`
}
