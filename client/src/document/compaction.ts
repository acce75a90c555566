// One document's compaction in one exchange: the lease, the state that is captured with the push, what the log gave on top
// of it, and the snapshot that this makes. Gives up as soon as the result might be anything but the log.
import type { Leased, Opened } from '@tidemark/protocol'
import * as Y from 'yjs'
import type { CompactionPolicy } from '../options.ts'
import { FORMAT_SNAPSHOT } from './format.ts'
import type { LiveDocument } from './live-document.ts'
import { newOutgoing, type Outgoing } from './outgoing.ts'
import type { RelayView } from './relay-view.ts'
import { buildSnapshot } from './snapshot-building.ts'

/**
 * IDLE: nobody asked. DUE: the next round asks for the lease. LEASING: it was asked for, and what a new snapshot is made
 * from is captured. UPLOADING: the lease is held, and the snapshot is whole. OVER: done, or given up for this exchange.
 */
type State = 'IDLE' | 'DUE' | 'LEASING' | 'UPLOADING' | 'OVER'

/** What the log gives on top of the state in one round, in bytes: of more, a later burst makes the snapshot. */
const ENTRIES_BYTES_MAX: number = 64 * 1024 * 1024

export class Compaction {
  readonly #document: LiveDocument
  readonly #view: RelayView
  readonly #policy: CompactionPolicy
  #state: State = 'IDLE'
  #captured: Uint8Array | null = null
  #entries: Uint8Array[] = []
  #entriesBytes = 0
  #fence: number | null = null

  constructor(document: LiveDocument, view: RelayView, policy: CompactionPolicy) {
    this.#document = document
    this.#view = view
    this.#policy = policy
  }

  get isDue(): boolean {
    return this.#state === 'DUE'
  }

  /** Of the lease that is held; null: none is. */
  get fence(): number | null {
    return this.#state === 'UPLOADING' ? this.#fence : null
  }

  /** Made in an earlier burst, or in this one, and not uploaded yet. */
  get snapshot(): Outgoing | null {
    return this.#view.outgoing.find(({ changes }) => changes === null) ?? null
  }

  /** The relay said how urgent a compaction is. */
  consider(urgency: Opened['urgency']): void {
    if (this.#state !== 'IDLE' || this.#policy === 'never') return
    const isWanted = urgency === 'HIGH' || (urgency === 'LOW' && this.#policy === 'gladly')
    if (isWanted || this.snapshot !== null) this.#state = 'DUE'
  }

  /** Call when the pushes of a round are derived; the mark to ask the lease for, or null: not now. */
  begin(): Uint8Array | null {
    // The round of the lease ended early, and what it acknowledged is behind what was captured: both begin anew.
    if (this.#state === 'LEASING') this.#state = 'DUE'
    if (this.#state !== 'DUE') return null
    this.#fence = null
    if (this.snapshot === null && !this.#capture()) {
      this.#state = 'OVER'
      return null
    }
    this.#state = 'LEASING'
    return this.snapshot?.mark ?? this.#view.mark
  }

  leased({ code, fence }: Leased): void {
    if (this.#state !== 'LEASING') return
    if (code === 'OK') this.#fence = fence
    else this.giveUp(code === 'CHANGED')
  }

  /** Whether `given` makes a difference. */
  get isNoting(): boolean {
    return this.#captured !== null
  }

  /** The log has these, by the relay's word; what was pushed after the capture is not in it. */
  given(updates: readonly Uint8Array[]): void {
    if (!this.isNoting) return
    this.#entries.push(...updates)
    for (const { length } of updates) this.#entriesBytes += length
    if (this.#entriesBytes > ENTRIES_BYTES_MAX) this.spoil()
  }

  /** The document is not the log, or no longer: nothing may be made of what was captured. */
  spoil(): void {
    if (this.#state === 'LEASING' || this.#state === 'DUE') this.giveUp(false)
  }

  /** All up to `mark` was given, and the round is over. */
  synced(mark: Uint8Array): void {
    if (this.#state !== 'LEASING') return
    if (this.#fence === null) {
      this.giveUp(false)
      return
    }
    this.#state = 'UPLOADING'
    if (this.snapshot !== null) return
    const isWhole = this.#captured !== null && this.#view.outgoing.length === 0 && mark.length > 0
    const built = isWhole ? this.#build(mark) : null
    if (built === null) this.giveUp(false)
    else this.#view.outgoing.push(built)
  }

  /** @param forgets the snapshot is of no use to a later burst either */
  giveUp(forgets: boolean): void {
    this.#state = 'OVER'
    this.#captured = null
    this.#entries = []
    const { snapshot } = this
    if (snapshot === null || !forgets) return
    this.#view.land(snapshot.id)
    this.#document.transfers.dropOutgoing(snapshot)
  }

  /** Only what the relay has, or gets in this very round, may be in it. */
  #capture(): boolean {
    const { resyncing, isUncarried, mark } = this.#view
    const { hasPendingEdits, needsRebuild, held, payloads } = this.#document
    if (resyncing || isUncarried || mark.length === 0 || hasPendingEdits || needsRebuild) return false
    if (held.hasSealed || payloads.isLocked) return false
    this.#captured = Y.encodeStateAsUpdate(this.#document.doc)
    this.#entries = []
    this.#entriesBytes = 0
    return true
  }

  #build(mark: Uint8Array): Outgoing | null {
    const { held, payloads } = this.#document
    const [state, entries] = [this.#captured as Uint8Array, this.#entries]
    this.#captured = null
    this.#entries = []
    if (held.hasSealed || payloads.isLocked) return null
    const built = buildSnapshot({
      state,
      entries,
      held: held.of(this.#view.relay),
      mark,
      seal: payloads.snapshotSeal(),
    })
    if ('reason' in built) return null
    return newOutgoing({ id: built.snapshotId, format: FORMAT_SNAPSHOT, payload: built.payload }, null, { mark })
  }
}
