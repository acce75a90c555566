// The part of a round that comes after its pushes: snapshots, leases and deletions, channel by channel, in this order.
// Each is answered once, and with OK only after the store has done it. Pure.
import type { Judgement } from '../store/contract.ts'
import { includesRight } from '../token/grants.ts'
import type { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import type { RoundEvent } from './effects.ts'
import type { TakenSnapshot } from './intake.ts'
import type { Lease } from './leases.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'

const NOTHING = new Uint8Array(0)

type Step = 'lease' | 'install' | 'drop' | 'delete'

interface Work {
  readonly channel: Channel
  readonly snapshot: TakenSnapshot | null
  /** In the order in which they are done. */
  readonly steps: Step[]
  /** Under which the snapshot is being installed. */
  lease: Lease | null
}

export class Maintenance {
  readonly #context: SessionContext
  readonly #outlet: Outlet
  readonly #peer: Peer
  /** What is not done yet, by channel number. */
  readonly #pending = new Map<number, Work>()

  constructor(context: SessionContext, outlet: Outlet, peer: Peer) {
    this.#context = context
    this.#outlet = outlet
    this.#peer = peer
  }

  get done(): boolean {
    return this.#pending.size === 0
  }

  begin(channels: readonly Channel[], snapshots: readonly TakenSnapshot[], nowMs: number): void {
    for (const channel of channels) {
      const snapshot = snapshots.find((taken) => taken.channel === channel) ?? null
      const steps = channel.fault === null ? stepsOf(channel, snapshot) : []
      if (steps.length > 0) this.#pending.set(channel.open.channel, { channel, snapshot, steps, lease: null })
    }
    for (const work of [...this.#pending.values()]) this.#goOn(work, nowMs)
  }

  take(event: RoundEvent, nowMs: number): void {
    const work = this.#pending.get(event.of)
    if (work === undefined) return
    switch (event.type) {
      case 'judged':
        this.#judgedForLease(work.channel, event.judgement, nowMs)
        break
      case 'installed':
        this.#installed(work, event.outcome)
        break
      case 'deleted':
        work.channel.deleted(event.outcome)
        break
      case 'failed':
        if (event.wish === 'judge') work.channel.leased(event.code)
        if (event.wish === 'install') work.channel.compacted(event.code)
        if (event.wish === 'delete') work.channel.deleted(event.code)
        break
      case 'dropped':
        break
      default:
        return
    }
    this.#goOn(work, nowMs)
  }

  #goOn(work: Work, nowMs: number): void {
    for (let step = work.steps.shift(); step !== undefined; step = work.steps.shift()) {
      if (this.#isAsked(work, step, nowMs)) return
    }
    this.#pending.delete(work.channel.open.channel)
  }

  /** False: there was nothing to ask the store. */
  #isAsked(work: Work, step: Step, nowMs: number): boolean {
    switch (step) {
      case 'lease':
        return this.#isLeaseJudged(work.channel)
      case 'install':
        return this.#isInstalling(work, nowMs)
      case 'drop':
        if (work.snapshot === null) return false
        this.#outlet.wish({ type: 'drop', of: work.channel.open.channel, key: work.snapshot.key })
        return true
      case 'delete':
        return this.#isDeleting(work.channel)
    }
  }

  #isLeaseJudged(channel: Channel): boolean {
    const { request, open } = channel
    if (request.lease === null) return false
    if (!channel.mayWrite) {
      channel.leased('READ_ONLY')
      return false
    }
    const { mark } = request.lease
    const asked = {
      documentId: open.documentId,
      incarnation: NOTHING,
      receipt: NOTHING,
      partial: NOTHING,
      create: false,
    }
    this.#outlet.wish({ type: 'judge', of: open.channel, request: { ...asked, mark } })
    return true
  }

  #judgedForLease(channel: Channel, { markIndex, tail }: Judgement, nowMs: number): void {
    const { leases, limits } = this.#context
    if (markIndex === null || markIndex <= tail.base) {
      channel.leased('CHANGED')
      return
    }
    const lease = leases.grant(channel.open.documentId, this.#peer.deviceKey, tail.base, nowMs)
    if (lease === null) channel.leased('RATE')
    else channel.leased('OK', lease.fence, limits.leaseMs)
  }

  #isInstalling(work: Work, nowMs: number): boolean {
    const { channel, snapshot } = work
    if (snapshot === null) return false
    const { documentId } = channel.open
    const { put, key } = snapshot
    work.lease = this.#context.leases.find(documentId, this.#peer.deviceKey, put.fence, nowMs)
    if (work.lease === null) {
      channel.compacted('LEASE_LOST')
      return false
    }
    const { mark, snapshotId } = put
    const request = { documentId, mark, baseExpected: work.lease.base, snapshotId, upload: key }
    this.#outlet.wish({ type: 'install', of: channel.open.channel, request })
    return true
  }

  #installed({ channel, snapshot, steps, lease }: Work, outcome: 'OK' | 'CHANGED' | 'GONE'): void {
    if (outcome === 'GONE') {
      // It was whole a moment ago: the device begins again under the same lease.
      if (snapshot !== null) channel.have(snapshot.put.snapshotId, 0)
      return
    }
    channel.compacted(outcome)
    if (lease !== null) this.#context.leases.end(channel.open.documentId, lease)
    if (outcome === 'CHANGED') steps.unshift('drop')
  }

  #isDeleting(channel: Channel): boolean {
    const { request, open, right } = channel
    if (request.deletion === null) return false
    if (!includesRight(right, 'delete')) {
      channel.deleted('READ_ONLY')
      return false
    }
    const { mark } = request.deletion
    this.#outlet.wish({ type: 'delete', of: open.channel, request: { documentId: open.documentId, mark } })
    return true
  }
}

function stepsOf({ request }: Channel, snapshot: TakenSnapshot | null): Step[] {
  const steps: Step[] = []
  // A new lease voids the one before it, under which the snapshot was uploaded.
  if (snapshot !== null) steps.push('install')
  if (request.lease !== null) steps.push('lease')
  if (request.deletion !== null) steps.push('delete')
  return steps
}
