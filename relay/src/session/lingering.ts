// The channels of one connection that stay open after the round of their OPEN: where each stands, and whether there is
// news for it. docs/protocol.md, "Lingering". Pure: who is told of news is asked for through the outlet.
import type { Open } from '@tidemark/protocol'
import type { Audience } from './audience.ts'
import type { Channel } from './channel.ts'
import type { Outlet } from './outlet.ts'

/** Up to where a lingering channel has been served, as its device knows it. Nothing of a message is kept alive by it. */
export interface Place {
  readonly channel: number
  readonly documentId: string
  /** Empty where there is no log. */
  readonly incarnation: Uint8Array
  readonly generation: Uint8Array
  readonly mark: Uint8Array
  readonly index: number
  /** More is there to be given. */
  readonly isBehind: boolean
  /** Index of the newest push of this device; 0: none is known. */
  readonly newestPushed: number
}

interface Lingerer {
  readonly documentId: string
  /** Null: a round is under way in which it was opened. */
  place: Place | null
  /** The newest index that was told of since it was last served. */
  newsIndex: number
}

export class Lingering {
  readonly #outlet: Outlet
  readonly #audience: Audience
  readonly #channelsMax: number
  readonly #deviceKey: string
  readonly #byChannel = new Map<number, Lingerer>()
  readonly #channelOf = new Map<string, number>()

  constructor(outlet: Outlet, audience: Audience, channelsMax: number, deviceKey: string) {
    this.#outlet = outlet
    this.#audience = audience
    this.#channelsMax = channelsMax
    this.#deviceKey = deviceKey
  }

  get isEmpty(): boolean {
    return this.#byChannel.size === 0
  }

  /**
   * A document that the device may read is opened: what lingered on it, or on this channel, is over. From now on news of it
   * counts, so that nothing slips between the last page that is read for it and the end of its round.
   * @returns why it cannot linger, though it asks for it; null: it can, or does not ask
   */
  begin({ channel, documentId, linger, pull }: Open): string | null {
    this.#end(channel)
    this.#end(this.#channelOf.get(documentId))
    if (!linger) return null
    if (this.#outlet.oneRound) return 'lingering over HTTP'
    if (!pull) return 'lingering without pull'
    if (this.#byChannel.size >= this.#channelsMax) return `lingering on more than ${this.#channelsMax} channels`
    if (this.#audience.isFull) return 'so much lingering at once'
    this.#byChannel.set(channel, { documentId, place: null, newsIndex: 0 })
    this.#channelOf.set(documentId, channel)
    this.#outlet.wish({ type: 'join', documentId, deviceKey: this.#deviceKey })
    return null
  }

  /** A round is over: those of its channels that have a place stay. */
  settle(channels: readonly Channel[]): void {
    for (const channel of channels) {
      const lingerer = this.#byChannel.get(channel.open.channel)
      if (lingerer === undefined) continue
      lingerer.place = channel.place
      if (lingerer.place === null) this.#end(channel.open.channel)
    }
  }

  news(documentId: string, index: number): void {
    const channel = this.#channelOf.get(documentId)
    const lingerer = channel === undefined ? undefined : this.#byChannel.get(channel)
    if (lingerer !== undefined) lingerer.newsIndex = Math.max(lingerer.newsIndex, index)
  }

  /** Those for which there is more, which counts as given from now on. */
  takeDue(): readonly Place[] {
    const due: Place[] = []
    for (const lingerer of this.#byChannel.values()) {
      const { place, newsIndex } = lingerer
      if (place === null || (newsIndex <= place.index && !place.isBehind)) continue
      lingerer.newsIndex = 0
      due.push(place)
    }
    return due
  }

  clear(): void {
    for (const channel of [...this.#byChannel.keys()]) this.#end(channel)
  }

  #end(channel: number | undefined): void {
    const lingerer = channel === undefined ? undefined : this.#byChannel.get(channel)
    if (channel === undefined || lingerer === undefined) return
    const { documentId } = lingerer
    this.#byChannel.delete(channel)
    this.#channelOf.delete(documentId)
    this.#outlet.wish({ type: 'leave', documentId, deviceKey: this.#deviceKey })
  }
}
