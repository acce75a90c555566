// Reads one message of a device as a round: what it asks for, channel by channel, or what is wrong with it.
// Pure; who may send what when is the table of protocol/. Nothing is stored, judged or granted here.
import {
  type Code,
  type Delete,
  type Feed,
  type Frame,
  type FrameName,
  type Lease,
  type Open,
  type Push,
  REPAIRS_MAX,
  type Repair,
  relayVerdict,
  type SnapshotPut,
} from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import type { Limits } from '../limits.ts'

export interface RoundRequest {
  /** In the order of their OPENs. */
  readonly channels: readonly ChannelRequest[]
  readonly feeds: readonly Feed[]
  /** Sum of the CREDITs in this message. */
  readonly creditBytes: number
}

export interface ChannelRequest {
  readonly open: Open
  readonly pushes: readonly Push[]
  readonly repairs: readonly Repair[]
  readonly lease: Lease | null
  /** Pieces of one snapshot. */
  readonly snapshotPuts: readonly SnapshotPut[]
  readonly deletion: Delete | null
}

export interface Violation {
  readonly code: Code
  readonly message: string
}

interface ChannelDraft {
  readonly open: Open
  readonly pushes: Push[]
  readonly repairs: Repair[]
  lease: Lease | null
  readonly snapshotPuts: SnapshotPut[]
  deletion: Delete | null
}

interface Draft {
  readonly channels: Map<number, ChannelDraft>
  readonly feeds: Feed[]
  creditBytes: number
}

/** `frames`: all of one message but the HELLO at the beginning of the first. */
export function readRound(frames: readonly Frame[], limits: Limits): RoundRequest | Violation {
  if (frames.at(-1)?.type !== 'END') return malformed('A message must end with END')
  const draft: Draft = { channels: new Map(), feeds: [], creditBytes: 0 }
  for (const frame of frames.slice(0, -1)) {
    const violation = readFrame(draft, frame, limits)
    if (violation !== null) return violation
  }
  return { ...draft, channels: [...draft.channels.values()] }
}

/** Bytes of the CREDITs in a message that holds nothing else, and so begins no round; null: it holds something else. */
export function readCredit(frames: readonly Frame[]): number | null {
  let bytes = 0
  for (const frame of frames) {
    if (relayVerdict('ANSWERING', frame.type, 'CLOSED') !== 'accept' || frame.type !== 'CREDIT') return null
    bytes += frame.bytes
  }
  return bytes
}

function readFrame(draft: Draft, frame: Frame, limits: Limits): Violation | null {
  if (frame.type === 'END') return malformed('END must be the last frame of its message')
  const channel = 'channel' in frame ? draft.channels.get(frame.channel) : undefined
  switch (relayVerdict('READY', frame.type, channel === undefined ? 'CLOSED' : 'OPEN')) {
    case 'accept':
      return channel === undefined ? acceptWithoutChannel(draft, frame, limits) : acceptOnChannel(channel, frame)
    case 'ignore':
      return null
    default:
      return malformed(whyMalformed(frame, channel !== undefined))
  }
}

function acceptWithoutChannel(draft: Draft, frame: Frame, limits: Limits): Violation | null {
  switch (frame.type) {
    case 'OPEN':
      if (draft.channels.size >= limits.channelsMax) {
        return { code: 'TOO_LARGE', message: `OPEN: more than ${limits.channelsMax} in one message` }
      }
      draft.channels.set(frame.channel, opened(frame))
      return null
    case 'FEED':
      if (draft.feeds.length >= limits.feedsMax) return malformed(`FEED: more than ${limits.feedsMax} in one message`)
      draft.feeds.push(frame)
      return null
    case 'CREDIT':
      draft.creditBytes += frame.bytes
      return null
    default:
      return malformed(whyMalformed(frame, false))
  }
}

function opened(open: Open): ChannelDraft {
  return { open, pushes: [], repairs: [], lease: null, snapshotPuts: [], deletion: null }
}

function acceptOnChannel(channel: ChannelDraft, frame: Frame): Violation | null {
  switch (frame.type) {
    case 'PUSH':
      if (!channel.open.push) return malformed(`PUSH: the OPEN of channel ${frame.channel} does not say push`)
      channel.pushes.push(frame)
      return null
    case 'REPAIR':
      if (channel.repairs.length >= REPAIRS_MAX) return tooMany(frame.type, frame.channel, REPAIRS_MAX)
      channel.repairs.push(frame)
      return null
    case 'LEASE':
      if (channel.lease !== null) return tooMany(frame.type, frame.channel, 1)
      channel.lease = frame
      return null
    case 'DELETE':
      if (channel.deletion !== null) return tooMany(frame.type, frame.channel, 1)
      channel.deletion = frame
      return null
    case 'SNAPSHOT_PUT':
      if (!isOfOneSnapshot(channel.snapshotPuts[0] ?? frame, frame)) {
        return malformed(`SNAPSHOT_PUT: pieces of more than one snapshot on channel ${frame.channel}`)
      }
      channel.snapshotPuts.push(frame)
      return null
    default:
      return malformed(whyMalformed(frame, true))
  }
}

function isOfOneSnapshot(first: SnapshotPut, other: SnapshotPut): boolean {
  return (
    first.total === other.total &&
    first.fence === other.fence &&
    equalBytes(first.snapshotId, other.snapshotId) &&
    equalBytes(first.mark, other.mark)
  )
}

function whyMalformed(frame: Frame, open: boolean): string {
  if (frame.type === 'HELLO') return 'HELLO: only the first frame of a connection may be one'
  if (frame.type === 'OPEN' && open) return `OPEN: channel ${frame.channel} is open already`
  if (relayVerdict('READY', frame.type, 'OPEN') === 'malformed') return `${frame.type}: a device may not send it`
  return `${frame.type}: channel ${'channel' in frame ? frame.channel : 0} is not open`
}

function tooMany(frame: FrameName, channel: number, most: number): Violation {
  return malformed(`${frame}: more than ${most} on channel ${channel}`)
}

function malformed(message: string): Violation {
  return { code: 'MALFORMED', message }
}
