// Reads one message of a device as a round: what it asks for, channel by channel, or what is wrong with it.
// Pure; who may send what when is the table of protocol/. Nothing is stored, judged or granted here.
import {
  type Code,
  type Feed,
  type Frame,
  type FrameName,
  type Open,
  type Push,
  relayVerdict,
} from '@tidemark/protocol'
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
  /** Frames on this channel that the relay does not serve: each is answered UNSUPPORTED, and the rest is served. */
  readonly unserved: readonly FrameName[]
}

export interface Violation {
  readonly code: Code
  readonly message: string
}

interface Draft {
  readonly channels: Map<number, { open: Open; pushes: Push[]; unserved: FrameName[] }>
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

/** While a round is answered: bytes of the CREDITs in a message; null if it holds anything that may not come now. */
export function readWhileAnswering(frames: readonly Frame[]): number | null {
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
      return accept(draft, frame, limits)
    case 'unsupported':
      channel?.unserved.push(frame.type)
      return null
    case 'ignore':
      return null
    default:
      return malformed(whyMalformed(frame, channel !== undefined))
  }
}

function accept(draft: Draft, frame: Frame, limits: Limits): Violation | null {
  switch (frame.type) {
    case 'OPEN':
      if (draft.channels.size >= limits.channelsMax) {
        return { code: 'TOO_LARGE', message: `OPEN: more than ${limits.channelsMax} in one message` }
      }
      draft.channels.set(frame.channel, { open: frame, pushes: [], unserved: [] })
      return null
    case 'PUSH': {
      const channel = draft.channels.get(frame.channel)
      if (channel?.open.push !== true) return malformed(`PUSH: the OPEN of channel ${frame.channel} does not say push`)
      channel.pushes.push(frame)
      return null
    }
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

function whyMalformed(frame: Frame, open: boolean): string {
  if (frame.type === 'HELLO') return 'HELLO: only the first frame of a connection may be one'
  if (frame.type === 'OPEN' && open) return `OPEN: channel ${frame.channel} is open already`
  if (relayVerdict('READY', frame.type, 'OPEN') === 'malformed') return `${frame.type}: a device may not send it`
  return `${frame.type}: channel ${'channel' in frame ? frame.channel : 0} is not open`
}

function malformed(message: string): Violation {
  return { code: 'MALFORMED', message }
}
