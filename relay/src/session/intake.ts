// The second part of a round: which of its PUSHes and SNAPSHOT_PUTs may be stored at all, by right, size, lease and
// hash. A push that came whole is ready at once; the others are staged first. Pure.
import { type Code, type Push, pushIdOf, type SnapshotPut } from '@tidemark/protocol'
import { bytesKey, equalBytes } from '../bytes.ts'
import type { LogTail, StorePush } from '../store/contract.ts'
import type { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'
import type { RoundEvent } from './effects.ts'
import type { Outlet } from './outlet.ts'
import type { Peer } from './peer.ts'
import { Uploads } from './uploads.ts'

const NO_PREFIX = new Uint8Array(0)
/** A snapshot may always be this long, however short its document is. */
const SNAPSHOT_BYTES_MAX_LEAST = 1024 * 1024
const SNAPSHOT_FACTOR_MAX = 2

/** A push that is to be appended. */
export interface TakenPush {
  readonly channel: Channel
  readonly push: Push
  readonly payload: StorePush['payload']
}

/** A snapshot that is staged whole, and is what its id promises. */
export interface TakenSnapshot {
  readonly channel: Channel
  readonly put: SnapshotPut
  readonly key: string
}

interface PushInPieces {
  readonly channel: Channel
  readonly push: Push
  readonly key: string
  readonly pieces: Push[]
  taken: boolean
}

export class Intake {
  readonly snapshots: TakenSnapshot[] = []
  readonly #context: SessionContext
  readonly #peer: Peer
  readonly #uploads: Uploads
  /** In the order in which they came. */
  readonly #pushes: (TakenPush | PushInPieces)[] = []

  constructor(context: SessionContext, outlet: Outlet, peer: Peer) {
    this.#context = context
    this.#peer = peer
    this.#uploads = new Uploads(outlet)
  }

  get done(): boolean {
    return this.#uploads.done
  }

  /** What is to be appended, once all is done. */
  get pushes(): readonly TakenPush[] {
    return this.#pushes.flatMap((push) => {
      if ('payload' in push) return push
      return push.taken ? { channel: push.channel, push: push.push, payload: { upload: push.key } } : []
    })
  }

  begin(channels: readonly Channel[], nowMs: number): void {
    for (const channel of channels) {
      if (channel.fault !== null) continue
      this.#takePushes(channel)
      this.#takeSnapshot(channel, nowMs)
    }
    this.#uploads.begin()
  }

  take(event: RoundEvent, nowMs: number): void {
    this.#uploads.take(event, nowMs)
  }

  #takePushes(channel: Channel): void {
    const inPieces = new Map<string, PushInPieces>()
    for (const push of channel.pushes) {
      if (!this.#mayStore(channel, push)) continue
      if (push.bytes.length === push.total) {
        this.#takeWhole(channel, push)
        continue
      }
      const key = this.#uploadKey(channel, `push ${push.format}`, push.pushId)
      const known = inPieces.get(key) ?? { channel, push, key, pieces: [], taken: false }
      if (known.pieces.length === 0) this.#pushes.push(known)
      known.pieces.push(push)
      inPieces.set(key, known)
    }
    for (const push of inPieces.values()) this.#addPush(push)
  }

  #mayStore(channel: Channel, { pushId, total }: Push): boolean {
    const { entryBytesMax } = this.#context.limits
    if (channel.status === 'DELETED') {
      channel.refuse(pushId, 'DELETED', 'The document was deleted')
    } else if (!channel.mayWrite) {
      channel.refuse(pushId, 'READ_ONLY', 'The token grants reading of this document, not writing')
    } else if (total > entryBytesMax) {
      channel.refuse(pushId, 'TOO_LARGE', `A payload of ${total} bytes, at most ${entryBytesMax}`)
    } else {
      return true
    }
    return false
  }

  #takeWhole(channel: Channel, push: Push): void {
    if (equalBytes(pushIdOf(this.#context.sha256, push.format, push.bytes), push.pushId)) {
      this.#pushes.push({ channel, push, payload: push.bytes })
    } else {
      channel.refuse(push.pushId, 'BAD_HASH', 'The push id is not the hash of format and payload')
    }
  }

  #addPush(inPieces: PushInPieces): void {
    const { channel, push, key, pieces } = inPieces
    const take = (): void => {
      inPieces.taken = true
    }
    this.#uploads.add({
      id: push.pushId,
      prefix: Uint8Array.of(push.format),
      key,
      pieces,
      have: (staged) => channel.have(push.pushId, staged),
      refuse: (code, message) => channel.refuse(push.pushId, code, message, this.#context.limits.retryAfterMs),
      accepted: () => {},
      // Appending says whether the log has it: then its ACK was lost, and it need not come again.
      unknown: take,
      whole: take,
    })
  }

  #takeSnapshot(channel: Channel, nowMs: number): void {
    const { snapshotPuts: pieces } = channel.request
    const [put] = pieces
    if (put === undefined) return
    const { documentId } = channel.open
    const lease = this.#context.leases.find(documentId, this.#peer.deviceKey, put.fence, nowMs)
    if (!channel.mayWrite || lease === null || put.total > snapshotBytesMax(channel.judgement?.tail)) {
      channel.compacted(!channel.mayWrite ? 'READ_ONLY' : lease === null ? 'LEASE_LOST' : 'TOO_LARGE')
      return
    }
    const key = this.#uploadKey(channel, 'snapshot', put.snapshotId)
    const have = (staged: number): void => channel.have(put.snapshotId, staged)
    this.#uploads.add({
      id: put.snapshotId,
      prefix: NO_PREFIX,
      key,
      pieces,
      have,
      refuse: (code: Code) => channel.compacted(code),
      accepted: (acceptedAtMs) => this.#context.leases.extend(documentId, lease, acceptedAtMs),
      unknown: () => have(0),
      whole: () => {
        this.snapshots.push({ channel, put, key })
      },
    })
  }

  /** The device is part of the key: nobody else can put wrong bytes under the id of another's payload. */
  #uploadKey({ open }: Channel, kind: string, id: Uint8Array): string {
    return `${kind} ${this.#peer.deviceKey}${bytesKey(id)}${open.documentId}`
  }
}

/** Twice the document passes any quota: compacting makes room. */
function snapshotBytesMax(tail: LogTail | undefined): number {
  const documentBytes = (tail?.snapshotBytes ?? 0) + (tail?.bytesAfterBase ?? 0)
  return Math.max(SNAPSHOT_FACTOR_MAX * documentBytes, SNAPSHOT_BYTES_MAX_LEAST)
}
