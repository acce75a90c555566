// Between two rounds: lingering channels are given what their logs have grown by. As though the device had opened them again
// at the marks that it was given last; OPENED is said only where it would say something new, and no DONE. Pure.
import { Answering, type AnsweringState } from './answering.ts'
import { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import type { RoundEvent } from './effects.ts'
import type { Place } from './lingering.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'

export class LiveRound {
  readonly channels: readonly Channel[]
  readonly #outlet: Outlet
  readonly #answering: Answering
  /** Those that are still to be judged, by channel number. */
  readonly #pending: Map<number, Channel>

  constructor(context: SessionContext, outlet: Outlet, peer: Peer, places: readonly Place[]) {
    this.channels = places.map((place) => Channel.live(place))
    this.#outlet = outlet
    this.#answering = new Answering(context, outlet, peer, this.channels, null)
    this.#pending = new Map(this.channels.map((channel) => [channel.open.channel, channel]))
  }

  get state(): AnsweringState {
    return this.#answering.state
  }

  begin(): void {
    for (const { open, judgeRequest } of this.channels) {
      this.#outlet.wish({ type: 'judge', of: open.channel, request: judgeRequest })
    }
  }

  take(event: RoundEvent, nowMs: number): void {
    const channel = this.#pending.get(event.of)
    if (channel === undefined) {
      this.#answering.take(event, nowMs)
      return
    }
    this.#pending.delete(event.of)
    if (event.type === 'judged') channel.judged(event.judgement)
    if (event.type === 'failed') channel.fault = event
    if (this.#pending.size === 0) this.#answering.begin(nowMs)
  }

  resume(nowMs: number): void {
    this.#answering.resume(nowMs)
  }
}
