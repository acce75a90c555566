// The first part of a round: each OPEN is granted and judged, its claim compared, and its repairs made, so that OPENED
// already names the generation that follows from them. Pure: it asks through its outlet and is told the answers.
import { parseDocumentId } from '@tidemark/protocol'
import type { Judgement } from '../store/contract.ts'
import { rightOn } from '../token/grants.ts'
import type { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import type { RoundEvent } from './effects.ts'
import type { Lingering } from './lingering.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'

const FINGERPRINT_BYTES = 16

type Step = { readonly type: 'claim' } | { readonly type: 'repair'; readonly fingerprint: Uint8Array }

interface Judged {
  readonly channel: Channel
  /** Null: not judged yet. */
  steps: Step[] | null
  /** A repair was asked for: the generation may be another now. */
  repaired: boolean
}

export class Judging {
  readonly #context: SessionContext
  readonly #outlet: Outlet
  readonly #peer: Peer
  /** Those that are still to be judged, by channel number. */
  readonly #pending = new Map<number, Judged>()

  constructor(context: SessionContext, outlet: Outlet, peer: Peer, channels: readonly Channel[], lingering: Lingering) {
    this.#context = context
    this.#outlet = outlet
    this.#peer = peer
    for (const channel of channels) {
      grant(channel, peer)
      if (channel.fault !== null) continue
      channel.notServed(lingering.begin(channel.open))
      this.#pending.set(channel.open.channel, { channel, steps: null, repaired: false })
    }
  }

  get done(): boolean {
    return this.#pending.size === 0
  }

  begin(): void {
    for (const { channel } of this.#pending.values()) this.#judge(channel)
  }

  take(event: RoundEvent): void {
    const judged = this.#pending.get(event.of)
    if (judged === undefined) return
    switch (event.type) {
      case 'judged':
        this.#judged(judged, event.judgement)
        break
      case 'claimed':
        judged.channel.claimed = event.outcome !== 'stale'
        if (event.outcome === 'differs')
          judged.steps?.unshift({ type: 'repair', fingerprint: this.#divergence(judged) })
        break
      case 'repaired':
        judged.repaired = true
        break
      case 'failed':
        // A claim or a repair that cannot be stored just now is no reason not to serve the document.
        if (event.wish === 'judge') judged.channel.fault = event
        break
      default:
        return
    }
    this.#goOn(judged)
  }

  #judged(judged: Judged, judgement: Judgement): void {
    const { channel } = judged
    channel.judged(judgement)
    judged.steps ??= this.#stepsAfter(channel, judgement)
  }

  /** Only a device that is on this log has anything to say of it. */
  #stepsAfter({ open, request }: Channel, { status, incarnation, markIndex }: Judgement): Step[] {
    if (status !== 'OK') return []
    const repairs = request.repairs.map(({ fingerprint }): Step => ({ type: 'repair', fingerprint }))
    if (markIndex === null) return repairs
    this.#context.witnesses.present(open.documentId, incarnation, this.#peer.deviceKey, markIndex)
    return open.claim === null ? repairs : [{ type: 'claim' }, ...repairs]
  }

  #goOn(judged: Judged): void {
    const { channel, repaired } = judged
    const step = channel.fault === null ? judged.steps?.shift() : undefined
    if (step?.type === 'claim') {
      this.#claim(channel)
    } else if (step?.type === 'repair') {
      this.#repair(channel, step.fingerprint)
    } else if (channel.fault === null && repaired) {
      judged.repaired = false
      this.#judge(channel)
    } else {
      this.#pending.delete(channel.open.channel)
    }
  }

  #judge({ open, judgeRequest }: Channel): void {
    this.#outlet.wish({ type: 'judge', of: open.channel, request: judgeRequest })
  }

  #claim({ open }: Channel): void {
    const { documentId, mark, claim } = open
    if (claim === null) return
    const request = { documentId, mark, device: this.#peer.deviceId, ...claim }
    this.#outlet.wish({ type: 'claim', of: open.channel, request })
  }

  #repair({ open, incarnation }: Channel, fingerprint: Uint8Array): void {
    const request = { documentId: open.documentId, incarnation, fingerprint }
    this.#outlet.wish({ type: 'repair', of: open.channel, request })
  }

  #divergence({ channel }: Judged): Uint8Array {
    return new Uint8Array(this.#context.sha256(channel.open.mark).subarray(0, FINGERPRINT_BYTES))
  }
}

function grant(channel: Channel, { grants }: Peer): void {
  const { documentId } = channel.open
  const parsed = parseDocumentId(documentId)
  if (!parsed.ok) {
    channel.fault = { code: 'MALFORMED', message: parsed.message }
    return
  }
  channel.right = rightOn(grants, parsed.vault, parsed.name)
  if (channel.right === null) channel.fault = { code: 'DENIED', message: `The token has no grant for ${documentId}` }
}
