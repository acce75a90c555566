// Composes one round: the one message in which a device asks and pushes, within the limits that hold for it.
import {
  type AnnouncedLimits,
  type DeviceFrame,
  DeviceMessageWriter,
  FEEDS_MAX,
  type Feed,
  type Hello,
  LIMITS_BEFORE_WELCOME,
} from '@tidemark/protocol'
import type { Exchange } from '../document/exchange.ts'
import type { Outgoing } from '../document/outgoing.ts'
import type { RoundPart } from '../document/round-part.ts'
import type { UploadPiece } from '../document/upload.ts'

/** Feed mark empty: from the beginning. */
export type FeedRequest = Omit<Feed, 'type'>

export type RoundLimits = Pick<AnnouncedLimits, 'messageBytesMax' | 'pieceBytesMax' | 'channelsMax'>

/** For a message that begins with HELLO. */
export const FIRST_ROUND_LIMITS: RoundLimits = {
  messageBytesMax: LIMITS_BEFORE_WELCOME.messageBytesMax,
  pieceBytesMax: LIMITS_BEFORE_WELCOME.pieceBytesMax,
  channelsMax: LIMITS_BEFORE_WELCOME.opensMax,
}

export interface Round {
  readonly bytes: Uint8Array
  /** Those that take part: the first so many of the exchanges given. */
  readonly channels: Map<number, Exchange>
  /** The first so many of the feeds given. */
  readonly feedsWritten: number
}

/** More bytes than an OPEN can take (document id 512, bookmarks 192, a claim, fixed fields), with what else takes few. */
const OPEN_BYTES_MAX = 1024
const FEED_BYTES_MAX = 256
/** What a PUSH takes beside its payload, and what may follow it on its channel. */
const FRAME_BYTES_MAX = 512
const END_BYTES = 2
const BESIDE_BYTES_MAX: number = OPEN_BYTES_MAX + FRAME_BYTES_MAX + END_BYTES

export function composeRound(plan: {
  readonly hello: Hello | null
  readonly feeds: readonly FeedRequest[]
  readonly exchanges: readonly Exchange[]
  readonly limits: RoundLimits
  /** Payload bytes of pushes in all; one goes whatever its size. */
  readonly bundleBytes: number
  readonly nowMs: number
}): Round {
  const { limits, bundleBytes } = plan
  const writer = new DeviceMessageWriter()
  const room = (): number => limits.messageBytesMax - writer.byteLength - END_BYTES

  if (plan.hello !== null) writer.write(plan.hello)
  let feedsWritten = 0
  for (const feed of plan.feeds) {
    if (feedsWritten === FEEDS_MAX || room() < FEED_BYTES_MAX) break
    writer.write({ type: 'FEED', ...feed })
    feedsWritten++
  }
  const channels = new Map<number, Exchange>()
  const pieceBytesMax = pieceBytesMaxOf(limits)
  let bundledBytes = 0
  for (const exchange of plan.exchanges) {
    if (channels.size >= limits.channelsMax || room() < OPEN_BYTES_MAX) break
    const pushBytes = exchange.prepare(plan.nowMs, pieceBytesMax)
    const fits = pushBytes + OPEN_BYTES_MAX <= room() && pushBytes <= Math.max(0, bundleBytes - bundledBytes)
    if (channels.size > 0 && !fits) break // It gets a round that it fits better.
    const channel = channels.size + 1
    channels.set(channel, exchange)
    for (const frame of framesOf(channel, exchange.begin(pieceBytesMax))) {
      // A push that does not fit any more stays on its way, and takes the next round.
      if (frame.type === 'PUSH') {
        const isTooMuch = bundledBytes > 0 && bundledBytes + frame.bytes.length > bundleBytes
        if (isTooMuch || frame.bytes.length + FRAME_BYTES_MAX > room()) continue
        bundledBytes += frame.bytes.length
      }
      writer.write(frame)
    }
  }
  writer.write({ type: 'END' })
  return { bytes: writer.take(), channels, feedsWritten }
}

/** A round of nothing but the next pieces of one large payload, one at least; null: there is none, or not now. */
export function composeUpload(plan: {
  readonly hello: Hello | null
  readonly exchange: Exchange
  readonly limits: RoundLimits
  readonly payloadBytes: number
}): Uint8Array | null {
  const { hello, exchange, limits, payloadBytes } = plan
  const part = exchange.beginUpload(payloadBytes, pieceBytesMaxOf(limits))
  if (part === null) return null
  const writer = new DeviceMessageWriter()
  if (hello !== null) writer.write(hello)
  writer.write({ type: 'OPEN', channel: UPLOAD_CHANNEL, ...part.open })
  for (const piece of part.pieces) writer.write(pieceFrame(UPLOAD_CHANNEL, piece))
  writer.write({ type: 'END' })
  return writer.take()
}

export const UPLOAD_CHANNEL = 1

/** Whether one document, and something to push of it, fits in a message. */
export function holdsDocument(limits: RoundLimits): boolean {
  return pieceBytesMaxOf(limits) > 0
}

/** Half of a message at most, so that OPEN and the rest fit beside it. */
function pieceBytesMaxOf({ messageBytesMax, pieceBytesMax }: RoundLimits): number {
  return Math.min(pieceBytesMax, Math.floor(messageBytesMax / 2), messageBytesMax - BESIDE_BYTES_MAX)
}

function* framesOf(channel: number, part: RoundPart): Generator<DeviceFrame> {
  yield { type: 'OPEN', channel, ...part.open }
  for (const repair of part.repairs) yield { type: 'REPAIR', channel, ...repair }
  for (const push of part.pushes) yield pushFrame(channel, push)
  for (const ask of part.asks) yield pieceFrame(channel, ask)
  if (part.lease !== null) yield { type: 'LEASE', channel, mark: part.lease }
  if (part.deletion !== null) yield { type: 'DELETE', channel, mark: part.deletion }
}

function pushFrame(channel: number, { id: pushId, format, payload: bytes }: Outgoing): DeviceFrame {
  return { type: 'PUSH', channel, pushId, format, total: bytes.length, offset: 0, bytes }
}

function pieceFrame(channel: number, { outgoing, fence, offset, bytes }: UploadPiece): DeviceFrame {
  const { id, format, payload, changes, mark } = outgoing
  const total = payload.length
  if (changes !== null) return { type: 'PUSH', channel, pushId: id, format, total, offset, bytes }
  return { type: 'SNAPSHOT_PUT', channel, fence, mark, snapshotId: id, total, offset, bytes }
}
