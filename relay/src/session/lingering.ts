// The channels of one connection that stay open after the round of their OPEN: where each stands, and whether there is
// news for it. docs/protocol.md, "Lingering". Pure: who is told of news is asked for through the outlet.
import type { Open } from '@tidemark/protocol'
import type { Right } from '../token/grants.ts'
import type { Channel } from './channel.ts'
import type { Outlet } from './outlet.ts'

/** Up to where a lingering channel has been served, as its device knows it. Nothing of a message is kept alive by it. */
export interface Place {
  readonly open: Pick<Open, 'channel' | 'documentId'>
  readonly right: Right | null
  /** Empty where there is no log. */
  readonly incarnation: Uint8Array
  readonly generation: Uint8Array
  readonly mark: Uint8Array
  readonly index: number
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
  readonly #channelsMax: number
  readonly #deviceKey: string
  readonly #byChannel = new Map<number, Lingerer>()
  readonly #channelOf = new Map<string, number>()

  constructor(outlet: Outlet, channelsMax: number, deviceKey: string) {
    this.#outlet = outlet
    this.#channelsMax = channelsMax
    this.#deviceKey = deviceKey
  }

  get isEmpty(): boolean {
    return this.#byChannel.size === 0
  }

  /** The document of a channel that lingers, between the rounds that open it. */
  documentOf(channel: number): string | null {
    const lingerer = this.#byChannel.get(channel)
    return lingerer === undefined || lingerer.place === null ? null : lingerer.documentId
  }

  /** The channel that lingers on a document, between the rounds that open it. */
  channelOn(documentId: string): number | null {
    const channel = this.#channelOf.get(documentId)
    return channel === undefined || this.documentOf(channel) === null ? null : channel
  }

  /**
   * A channel is opened: what it lingered on before is over. From now on news of its document counts, so that nothing slips
   * between the last page that is read for it and the end of its round.
   * @returns why it cannot linger, though it asks for it; null: it can, or does not ask
   */
  begin({ channel, documentId, linger, pull }: Open): string | null {
    this.#end(channel)
    if (!linger) return null
    if (this.#outlet.oneRound) return 'lingering over HTTP'
    if (!pull) return 'lingering without pull'
    if (this.#channelOf.has(documentId)) return 'a second channel that lingers on one document'
    if (this.#byChannel.size >= this.#channelsMax) return `lingering on more than ${this.#channelsMax} channels`
    this.#byChannel.set(channel, { documentId, place: null, newsIndex: 0 })
    this.#channelOf.set(documentId, channel)
    this.#outlet.wish({ type: 'join', documentId, deviceKey: this.#deviceKey })
    return null
  }

  /** A round is over: those of its channels that were served to the head stay. */
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

  /** Those for which there is news, which counts as served from now on. */
  takeDue(): readonly Place[] {
    const due: Place[] = []
    for (const lingerer of this.#byChannel.values()) {
      const { place, newsIndex } = lingerer
      if (place === null || newsIndex <= place.index) continue
      lingerer.newsIndex = 0
      due.push(place)
    }
    return due
  }

  clear(): void {
    for (const channel of [...this.#byChannel.keys()]) this.#end(channel)
  }

  #end(channel: number): void {
    const lingerer = this.#byChannel.get(channel)
    if (lingerer === undefined) return
    const { documentId } = lingerer
    this.#byChannel.delete(channel)
    this.#channelOf.delete(documentId)
    this.#outlet.wish({ type: 'leave', documentId, deviceKey: this.#deviceKey })
  }
}
