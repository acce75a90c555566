// One round: the device's message up to END, answered until DONE. Judges every OPEN, takes what came in pieces, stores
// every push in one append, then sees to snapshots, leases and deletions, and answers. Pure: it asks through its outlet
// and is told the answers.
import type { StorePush } from '../store/contract.ts'
import { Answering, type AnsweringState } from './answering.ts'
import { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import { type AppendOutcome, Durable } from './durable.ts'
import type { RoundEvent } from './effects.ts'
import { Feeding } from './feeding.ts'
import { Intake, type TakenPush } from './intake.ts'
import { Judging } from './judging.ts'
import type { Lingering } from './lingering.ts'
import { Maintenance } from './maintenance.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'
import type { RoundRequest } from './request.ts'

export type RoundState = AnsweringState

type Phase = 'judging' | 'intake' | 'appending' | 'maintenance' | 'answering'

export class Round {
  readonly #context: SessionContext
  readonly #outlet: Outlet
  readonly #peer: Peer
  readonly channels: readonly Channel[]
  readonly #judging: Judging
  readonly #intake: Intake
  readonly #maintenance: Maintenance
  readonly #answering: Answering
  #phase: Phase = 'judging'
  /** In the order of the append under way. */
  #appending: readonly TakenPush[] = []

  constructor(context: SessionContext, outlet: Outlet, request: RoundRequest, peer: Peer, lingering: Lingering) {
    this.#context = context
    this.#outlet = outlet
    this.#peer = peer
    this.channels = request.channels.map((channel) => new Channel(channel))
    this.#judging = new Judging(context, outlet, peer, this.channels, lingering)
    this.#intake = new Intake(context, outlet, peer)
    this.#maintenance = new Maintenance(context, outlet, peer)
    const feeding = new Feeding(request.feeds, peer.grants, context.limits, outlet)
    this.#answering = new Answering(context, outlet, peer, this.channels, feeding)
  }

  get state(): RoundState {
    return this.#answering.state
  }

  begin(nowMs: number): void {
    this.#judging.begin()
    if (this.#judging.done) this.#takeIn(nowMs)
  }

  /** Something that was asked for has been answered. A document that cannot be handled leaves the rest as it is. */
  take(event: RoundEvent, nowMs: number): void {
    switch (this.#phase) {
      case 'judging':
        this.#judging.take(event)
        if (this.#judging.done) this.#takeIn(nowMs)
        return
      case 'intake':
        this.#intake.take(event, nowMs)
        if (this.#intake.done) this.#append(nowMs)
        return
      case 'appending':
        this.#appended(event)
        this.#maintain(nowMs)
        return
      case 'maintenance':
        this.#maintenance.take(event, nowMs)
        if (this.#maintenance.done) this.#answer(nowMs)
        return
      case 'answering':
        this.#answering.take(event, nowMs)
    }
  }

  /** The device has read, or given credit, for which the round stopped. */
  resume(nowMs: number): void {
    this.#answering.resume(nowMs)
  }

  #takeIn(nowMs: number): void {
    this.#phase = 'intake'
    for (const channel of this.channels) channel.askTurn(this.#context.turns, this.#peer, nowMs)
    this.#intake.begin(this.channels, nowMs)
    if (this.#intake.done) this.#append(nowMs)
  }

  /** One append for all documents of the round, so that they share a flush. */
  #append(nowMs: number): void {
    this.#phase = 'appending'
    this.#appending = this.#intake.pushes
    if (this.#appending.length === 0) this.#maintain(nowMs)
    else this.#outlet.wish({ type: 'append', of: 0, pushes: this.#appending.map((taken) => this.#storePush(taken)) })
  }

  #storePush({ channel, push, payload }: TakenPush): StorePush {
    const { documentId, create } = channel.open
    const { vaultBytesMax } = this.#context.limits
    const { pushId, format } = push
    return {
      documentId,
      pushId,
      format,
      payload,
      ...(create ? { create } : {}),
      ...(vaultBytesMax > 0 ? { vaultBytesMax } : {}),
    }
  }

  #appended(event: RoundEvent): void {
    const { retryAfterMs } = this.#context.limits
    for (const [position, { channel, push }] of this.#appending.entries()) {
      if (event.type === 'failed') channel.refuse(push.pushId, event.code, event.message, retryAfterMs)
      else if (event.type === 'appended') settle(channel, push.pushId, event.outcomes[position])
    }
  }

  #maintain(nowMs: number): void {
    this.#phase = 'maintenance'
    for (const channel of this.channels) channel.endTurn(this.#context.turns, this.#peer)
    this.#maintenance.begin(this.channels, this.#intake.snapshots, nowMs)
    if (this.#maintenance.done) this.#answer(nowMs)
  }

  #answer(nowMs: number): void {
    this.#phase = 'answering'
    this.#answering.begin(nowMs)
  }
}

function settle(channel: Channel, pushId: Uint8Array, outcome: AppendOutcome | undefined): void {
  if (outcome === undefined) return
  if (Durable.is(outcome)) {
    channel.stored(outcome)
    return
  }
  switch (outcome.refused) {
    case 'DELETED':
      channel.refuse(pushId, 'DELETED', 'The document was deleted')
      return
    case 'QUOTA':
      channel.refuse(pushId, 'QUOTA', 'The vault is full')
      return
    case 'GONE':
      channel.have(pushId, 0)
  }
}
