// Composes one round: the one message in which a device asks and pushes, within the limits that hold for it.
import {
  type AnnouncedLimits,
  FEEDS_MAX,
  type Feed,
  type Frame,
  type Hello,
  LIMITS_BEFORE_WELCOME,
  MessageWriter,
} from '@tidemark/protocol'
import type { Exchange } from '../document/exchange.ts'
import { FORMAT_YJS_1 } from '../document/format.ts'
import type { PushInFlight } from '../document/relay-view.ts'

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

/** More bytes than an OPEN can take (document id 512, bookmarks 192, fixed fields), and than a PUSH takes beside its payload. */
const OPEN_BYTES_MAX = 1024
const PUSH_HEADER_BYTES_MAX = 64
const FEED_BYTES_MAX = 256

const END_BYTES = 2
/** A smaller piece of a large payload is not worth a frame; it goes into the next round. */
const PIECE_BYTES_MIN = 4 * 1024

export function composeRound(plan: {
  readonly hello: Hello | null
  readonly feeds: readonly FeedRequest[]
  readonly exchanges: readonly Exchange[]
  readonly limits: RoundLimits
  readonly nowMs: number
}): Round {
  const { limits } = plan
  const writer = new MessageWriter()
  const room = (): number => limits.messageBytesMax - writer.byteLength - END_BYTES
  const write = (frame: Frame): void => writer.write(frame)

  if (plan.hello !== null) write(plan.hello)
  let feedsWritten = 0
  for (const feed of plan.feeds) {
    if (feedsWritten === FEEDS_MAX || room() < FEED_BYTES_MAX) break
    write({ type: 'FEED', ...feed })
    feedsWritten++
  }
  const channels = new Map<number, Exchange>()
  for (const exchange of plan.exchanges) {
    if (channels.size >= limits.channelsMax || room() < OPEN_BYTES_MAX) break
    const { open, pushes } = exchange.begin(plan.nowMs)
    if (channels.size > 0 && bytesOf(pushes) + OPEN_BYTES_MAX > room()) break // It gets a round that it fits better.
    const channel = channels.size + 1
    channels.set(channel, exchange)
    write({ type: 'OPEN', channel, ...open })
    for (const push of pushes) writePieces(push, channel, limits, room, write)
  }
  write({ type: 'END' })
  return { bytes: writer.take(), channels, feedsWritten }
}

function writePieces(
  { pushId, payload, staged }: PushInFlight,
  channel: number,
  limits: RoundLimits,
  room: () => number,
  write: (frame: Frame) => void,
): void {
  const total = payload.length
  // A relay may announce limits below any piece that is worth a frame.
  const pieceBytesMin = Math.min(PIECE_BYTES_MIN, limits.pieceBytesMax, limits.messageBytesMax / 4)
  // A relay that holds all bytes but did not answer is asked with the last piece again.
  let offset = staged < total ? staged : 0
  while (offset < total) {
    const length = Math.min(total - offset, limits.pieceBytesMax, room() - PUSH_HEADER_BYTES_MAX)
    if (length < Math.min(total - offset, pieceBytesMin)) return
    const bytes = payload.subarray(offset, offset + length)
    write({ type: 'PUSH', channel, pushId, format: FORMAT_YJS_1, total, offset, bytes })
    offset += length
  }
}

function bytesOf(pushes: readonly PushInFlight[]): number {
  return pushes.reduce((sum, { payload, staged }) => sum + payload.length - staged + PUSH_HEADER_BYTES_MAX, 0)
}
