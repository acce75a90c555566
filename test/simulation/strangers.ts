// Peers with a valid token that are no device of this run: hostile ones, ones that come too late, and ones of another
// version of Yjs. Each act is one POST; what comes in answer is kept for a later act.
import {
  decodeMessage,
  encodeFrames,
  type Frame,
  LIMITS_HTTP_RESPONSE,
  type Open,
  PROTOCOL_VERSION,
  pushIdOf,
} from '@tidemark/protocol'
import * as Y from 'yjs'
import { encodeSnapshotPayload, snapshotIdOf } from '../../client/src/document/snapshot-payload.ts'
import { encodeBookmark } from '../../relay/src/store/bookmark.ts'
import { bookmarkAt, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { type JunkKind, junkOf } from './junk.ts'
import type { Random } from './random.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import type { World } from './world.ts'

const EMPTY = new Uint8Array(0)
const PROFILE = '1/13.6/'
const OTHER_PROFILE = '1/14.0/'
const TOKEN = 'alice/*:delete bob/*:write'

/** A lease that was asked for, and the snapshot that is to be uploaded under it some day. */
export interface LateSnapshot {
  readonly relay: SimulatedRelay
  readonly documentId: string
  readonly mark: Uint8Array
  readonly payload: Uint8Array
  readonly answers: readonly Frame[]
}

export class Strangers {
  readonly #world: World
  readonly #random: Random
  readonly #deviceId: Uint8Array
  readonly #late: LateSnapshot[] = []

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
    this.#deviceId = random.bytes(16)
  }

  /** Something that no honest device would push goes into a log. */
  litter(relay: SimulatedRelay, log: MemoryDocument, wished: JunkKind): string {
    const { documentId } = log
    // In pieces of a few bytes it would take as many steps as all the rest.
    const { pieceBytesTarget, pieceBytesMax } = relay.limits
    const kind = wished === 'deep' && Math.min(pieceBytesTarget, pieceBytesMax) < 1_000 ? 'noise' : wished
    const clients = [...this.#world.histories.of(relay, log).whole(log).extent.structs.clients()]
    const { payload, format } = junkOf(kind, this.#random, clients)
    this.#world.deeds.littered.add(documentId)
    const pushId = pushIdOf(sha256, format, payload)
    const push: Frame = { type: 'PUSH', channel: 1, pushId, format, total: payload.length, offset: 0, bytes: payload }
    if (payload.length <= 65_536) this.#say(relay, [open(documentId, { push: true }), push])
    // Longer than a first message may be: by way of the store.
    else relay.store.append([{ documentId, pushId, format, payload }]).catch(() => undefined)
    return `${documentId} at ${relay.name}: ${kind}`
  }

  /** Bytes that are no message, or frames that have no place. */
  babble(relay: SimulatedRelay): string {
    const babbled = this.#random.pick<Uint8Array>([
      this.#random.bytes(this.#random.between(1, 60)),
      encodeFrames([{ type: 'END' }]),
      encodeFrames([this.#hello(), { type: 'MARK', channel: 1, mark: this.#random.bytes(38) }, { type: 'END' }]),
      encodeFrames([this.#hello(), open('alice/novel', {}), open('alice/novel', {}), { type: 'END' }]),
    ])
    this.#send(relay, babbled)
    return `${babbled.length} bytes to ${relay.name}`
  }

  /** A claim that is not true, at a mark that is. */
  lie(relay: SimulatedRelay, log: MemoryDocument, { generation }: Pick<MemoryDocument, 'generation'> = log): string {
    this.#world.deeds.witnessed.add(log.documentId)
    this.#world.deeds.liedAbout.add(log.documentId)
    this.#world.deeds.harassed.add(log.documentId)
    const claim = { digest: this.#random.bytes(16), profile: PROFILE, generation: new Uint8Array(generation) }
    this.#say(relay, [open(log.documentId, { mark: headMark(log), claim })])
    return `about ${log.documentId} at ${relay.name}`
  }

  /** A repair for no cause. */
  harass(relay: SimulatedRelay, log: MemoryDocument): string {
    this.#world.deeds.harassed.add(log.documentId)
    const reason = this.#random.pick(['CANNOT_APPLY', 'GAP', 'DIGEST'] as const)
    const repair: Frame = { type: 'REPAIR', channel: 1, reason, fingerprint: this.#random.bytes(16) }
    this.#say(relay, [open(log.documentId, {}), repair])
    return `${log.documentId} at ${relay.name} for ${reason}`
  }

  /** A device of another version of Yjs, whose digests differ and mean no harm; it writes, too. */
  otherVersion(relay: SimulatedRelay, log: MemoryDocument): string {
    const { documentId } = log
    this.#world.deeds.witnessed.add(documentId)
    const doc = new Y.Doc()
    doc.clientID = this.#world.nextClientId()
    doc.getText('text').insert(0, 'of a later version ')
    const sealed = this.#world.keys.payloadsOf(documentId).seal(Y.encodeStateAsUpdate(doc))
    const { id: pushId, format, payload } = sealed
    const push: Frame = { type: 'PUSH', channel: 1, pushId, format, total: payload.length, offset: 0, bytes: payload }
    const pushes = this.#random.chance(0.3) ? [push] : []
    const mark = headMark(log)
    const claim = {
      digest: sha256(mark).slice(0, 16),
      profile: OTHER_PROFILE,
      generation: new Uint8Array(log.generation),
    }
    this.#say(relay, [open(documentId, { mark, claim, push: pushes.length > 0 }), ...pushes])
    return `${documentId} at ${relay.name}${pushes.length > 0 ? ', and writes' : ''}`
  }

  /** Takes a lease with the makings of an honest snapshot, and uploads it when it is nobody's wish any more; or never. */
  zombie(relay: SimulatedRelay, log: MemoryDocument): string {
    if (this.#late.length === 0 || this.#random.chance(0.4)) {
      this.#late.push(this.takeLease(relay, log))
      return `asks for the lease of ${log.documentId} at ${relay.name} up to ${headOf(log)}`
    }
    const [late] = this.#late.splice(this.#random.between(0, this.#late.length - 1), 1) as [LateSnapshot]
    return `uploads ${late.documentId} to ${late.relay.name} under fence ${this.upload(late)}`
  }

  /** Asks for lease and turn. @returns what grows with what the relay answers */
  askForEverything(relay: SimulatedRelay, log: MemoryDocument): readonly Frame[] {
    const { documentId } = log
    const mark = headMark(log)
    return this.#say(relay, [open(documentId, { mark, reseeding: true }), { type: 'LEASE', channel: 1, mark }])
  }

  /** Asks for the lease, and makes an honest snapshot of the log as it is now. */
  takeLease(relay: SimulatedRelay, log: MemoryDocument): LateSnapshot {
    const { documentId } = log
    this.#world.deeds.witnessed.add(documentId)
    const history = this.#world.histories.of(relay, log)
    const mark = headMark(log)
    const held = history.undecodable(log).map(({ pushId, format, payload }) => ({
      pushId: Uint8Array.from(Buffer.from(pushId, 'hex')),
      format,
      payload,
    }))
    const update = Y.encodeStateAsUpdate(history.whole(log).doc)
    const payload = encodeSnapshotPayload(
      { mark, deepDigest: new Uint8Array(16), held, update },
      this.#world.keys.payloadsOf(documentId).snapshotSeal(),
    )
    const answers = this.#say(relay, [open(documentId, { mark }), { type: 'LEASE', channel: 1, mark }])
    return { relay, documentId, mark, payload, answers }
  }

  /** Under the fence of its lease, or, where it got none, under one that it makes up. */
  upload({ relay, documentId, mark, payload, answers }: LateSnapshot): number {
    const leased = answers.find((frame) => frame.type === 'LEASED')
    const fence = leased?.type === 'LEASED' && leased.code === 'OK' ? leased.fence : this.#random.between(0, 5)
    const { length: total } = payload
    const snapshotId = snapshotIdOf(payload)
    const put: Frame = { type: 'SNAPSHOT_PUT', channel: 1, fence, mark, snapshotId, total, offset: 0, bytes: payload }
    if (total <= 65_536) this.#say(relay, [open(documentId, {}), put])
    return fence
  }

  /** A DELETE that was sent before, of a document that may have begun anew since. */
  replayDelete(relay: SimulatedRelay, documentId: string, incarnation: Uint8Array): string {
    const mark = encodeBookmark(incarnation, this.#random.between(1, 9), this.#random.bytes(16))
    this.#say(relay, [open(documentId, {}), { type: 'DELETE', channel: 1, mark }])
    return `${documentId} at ${relay.name}`
  }

  #hello(): Frame {
    const versions = { versionMax: PROTOCOL_VERSION, versionMin: PROTOCOL_VERSION }
    const said = { token: TOKEN, receiveWindowBytes: 100_000, clientName: 'stranger' }
    return { type: 'HELLO', ...versions, deviceId: this.#deviceId, ...said }
  }

  #say(relay: SimulatedRelay, frames: readonly Frame[]): readonly Frame[] {
    return this.#send(relay, encodeFrames([this.#hello(), ...frames, { type: 'END' }]))
  }

  /** @returns what grows with what the relay answers */
  #send({ core }: SimulatedRelay, message: Uint8Array): readonly Frame[] {
    const answers: Frame[] = []
    const send = (bytes: Uint8Array): void => {
      const decoded = decodeMessage(bytes, LIMITS_HTTP_RESPONSE)
      if (decoded.ok) answers.push(...decoded.frames)
      void Promise.resolve().then(() => connection?.writable())
    }
    const connection = core?.connect({ bufferedBytes: 0, send, close: () => undefined }, { oneRound: true })
    connection?.receive(message)
    return answers
  }
}

function headMark(log: MemoryDocument): Uint8Array {
  return bookmarkAt(log, headOf(log))
}

function open(documentId: string, fields: Partial<Open>): Frame {
  const flags = { pull: false, push: false, linger: false, create: false, reseeding: false }
  const marks = { incarnation: EMPTY, mark: EMPTY, receipt: EMPTY, claim: null, partial: null }
  return { type: 'OPEN', channel: 1, documentId, ...flags, ...marks, ...fields }
}
