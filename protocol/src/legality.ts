// Who may send what when: one table per side, state by frame. A missing cell does not compile, and a test holds the
// tables of docs/protocol.md ("Who may send what when") to these. What a verdict leads to is the sessions' business.
import type { Frame, FrameName } from './frames.ts'

export type DeviceFrameName =
  | 'HELLO'
  | 'FEED'
  | 'OPEN'
  | 'PUSH'
  | 'REPAIR'
  | 'LEASE'
  | 'SNAPSHOT_PUT'
  | 'DELETE'
  | 'CREDIT'
  | 'END'
  | 'AWARENESS'
export type RelayFrameName = Exclude<FrameName, DeviceFrameName>
type ChannelFrameName = Extract<Frame, { channel: number }>['type']
/** ERROR is both: on channel 0 it is always accepted. */
export type DeviceChannelFrameName = Exclude<Extract<DeviceFrameName, ChannelFrameName>, 'AWARENESS'>
export type RelayChannelFrameName = Extract<RelayFrameName, ChannelFrameName>

/**
 * accept: handle it. buffer: keep it until the token is verified, or the round before is answered. ignore: drop it.
 * malformed: the connection ends with MALFORMED.
 */
export type Verdict = 'accept' | 'buffer' | 'ignore' | 'malformed'
/** channel: as the table of channels says. */
type SessionCell = Verdict | 'channel'

/** ANSWERING: from END to DONE. Over HTTP a session ends with its first DONE. */
export type RelaySessionState = 'AWAITING_HELLO' | 'VERIFYING' | 'READY' | 'ANSWERING' | 'CLOSED'
/**
 * Within one round: a channel that lingers takes nothing from the device but another OPEN. FAILED: its OPEN is answered with
 * ERROR, which answers every other frame on it too.
 */
export type RelayChannelState = 'CLOSED' | 'OPEN' | 'FAILED'

export type DeviceSessionState = 'AWAITING_WELCOME' | 'READY' | 'CLOSED'
/**
 * OPENING: OPEN was sent, OPENED has not come. LINGERING: its round is over, and it stayed open. LEFT: it lingered, and a round is
 * under way that opens the document on another channel.
 */
export type DeviceChannelState = 'CLOSED' | 'OPENING' | 'OPEN' | 'LINGERING' | 'LEFT'

type Row<State extends string, Cell> = Readonly<Record<State, Cell>>
type RelayRow = Row<RelaySessionState, SessionCell>
type DeviceRow = Row<DeviceSessionState, SessionCell>

const FOR_THE_CHANNEL: RelayRow = {
  AWAITING_HELLO: 'malformed',
  VERIFYING: 'buffer',
  READY: 'channel',
  ANSWERING: 'buffer',
  CLOSED: 'ignore',
}
const FOR_THE_ROUND: RelayRow = { ...FOR_THE_CHANNEL, READY: 'accept' }
const FROM_A_RELAY: RelayRow = {
  ...FOR_THE_CHANNEL,
  VERIFYING: 'malformed',
  READY: 'malformed',
  ANSWERING: 'malformed',
}

/** What the relay does with each frame that reaches it. */
export const RELAY_SESSION: Readonly<Record<FrameName, RelayRow>> = {
  HELLO: { ...FROM_A_RELAY, AWAITING_HELLO: 'accept' },
  FEED: FOR_THE_ROUND,
  OPEN: FOR_THE_CHANNEL,
  PUSH: FOR_THE_CHANNEL,
  REPAIR: FOR_THE_CHANNEL,
  LEASE: FOR_THE_CHANNEL,
  SNAPSHOT_PUT: FOR_THE_CHANNEL,
  DELETE: FOR_THE_CHANNEL,
  CREDIT: { ...FOR_THE_ROUND, ANSWERING: 'accept' },
  END: FOR_THE_ROUND,
  AWARENESS: { ...FOR_THE_ROUND, VERIFYING: 'ignore', READY: 'ignore', ANSWERING: 'ignore' },
  WELCOME: FROM_A_RELAY,
  FEED_PAGE: FROM_A_RELAY,
  OPENED: FROM_A_RELAY,
  HAVE: FROM_A_RELAY,
  ACK: FROM_A_RELAY,
  REFUSED: FROM_A_RELAY,
  SNAPSHOT: FROM_A_RELAY,
  ENTRIES: FROM_A_RELAY,
  MARK: FROM_A_RELAY,
  SYNCED: FROM_A_RELAY,
  LEASED: FROM_A_RELAY,
  COMPACTED: FROM_A_RELAY,
  DELETED: FROM_A_RELAY,
  ERROR: FROM_A_RELAY,
  DONE: FROM_A_RELAY,
}

/** What the relay does with each frame on a channel. */
export const RELAY_CHANNEL: Readonly<Record<DeviceChannelFrameName, Row<RelayChannelState, Verdict>>> = {
  OPEN: { CLOSED: 'accept', OPEN: 'malformed', FAILED: 'malformed' },
  PUSH: { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' },
  REPAIR: { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' },
  LEASE: { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' },
  SNAPSHOT_PUT: { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' },
  DELETE: { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' },
}

const ON_A_CHANNEL: DeviceRow = { AWAITING_WELCOME: 'malformed', READY: 'channel', CLOSED: 'ignore' }
const IN_A_SESSION: DeviceRow = { ...ON_A_CHANNEL, READY: 'accept' }
const FROM_A_DEVICE: DeviceRow = { ...ON_A_CHANNEL, READY: 'malformed' }

/** What a device does with each frame that reaches it. */
export const DEVICE_SESSION: Readonly<Record<FrameName, DeviceRow>> = {
  WELCOME: { ...FROM_A_DEVICE, AWAITING_WELCOME: 'accept' },
  FEED_PAGE: IN_A_SESSION,
  OPENED: ON_A_CHANNEL,
  HAVE: ON_A_CHANNEL,
  ACK: ON_A_CHANNEL,
  REFUSED: ON_A_CHANNEL,
  SNAPSHOT: ON_A_CHANNEL,
  ENTRIES: ON_A_CHANNEL,
  MARK: ON_A_CHANNEL,
  SYNCED: ON_A_CHANNEL,
  LEASED: ON_A_CHANNEL,
  COMPACTED: ON_A_CHANNEL,
  DELETED: ON_A_CHANNEL,
  AWARENESS: { ...IN_A_SESSION, READY: 'ignore' },
  ERROR: { ...ON_A_CHANNEL, AWAITING_WELCOME: 'accept' },
  DONE: IN_A_SESSION,
  HELLO: FROM_A_DEVICE,
  FEED: FROM_A_DEVICE,
  OPEN: FROM_A_DEVICE,
  PUSH: FROM_A_DEVICE,
  REPAIR: FROM_A_DEVICE,
  LEASE: FROM_A_DEVICE,
  SNAPSHOT_PUT: FROM_A_DEVICE,
  DELETE: FROM_A_DEVICE,
  CREDIT: FROM_A_DEVICE,
  END: FROM_A_DEVICE,
}

/** What a device does with each frame on a channel. A second OPENED begins the answer anew: the log was replaced. */
export const DEVICE_CHANNEL: Readonly<Record<RelayChannelFrameName, Row<DeviceChannelState, Verdict>>> = {
  OPENED: { CLOSED: 'malformed', OPENING: 'accept', OPEN: 'accept', LINGERING: 'accept', LEFT: 'ignore' },
  HAVE: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  ACK: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  REFUSED: { CLOSED: 'ignore', OPENING: 'accept', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  SNAPSHOT: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  ENTRIES: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'accept', LEFT: 'ignore' },
  MARK: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'accept', LEFT: 'ignore' },
  SYNCED: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'accept', LEFT: 'ignore' },
  LEASED: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  COMPACTED: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  DELETED: { CLOSED: 'malformed', OPENING: 'malformed', OPEN: 'accept', LINGERING: 'malformed', LEFT: 'ignore' },
  ERROR: { CLOSED: 'ignore', OPENING: 'accept', OPEN: 'accept', LINGERING: 'accept', LEFT: 'ignore' },
}

/** What the relay does with `frame`; `channel` is the state of its channel, where it has one. */
export function relayVerdict(session: RelaySessionState, frame: FrameName, channel: RelayChannelState): Verdict {
  const cell = RELAY_SESSION[frame][session]
  return cell === 'channel' ? RELAY_CHANNEL[frame as DeviceChannelFrameName][channel] : cell
}

/** What a device does with `frame`; `channel` is the state of its channel. ERROR on channel 0 is always accepted. */
export function deviceVerdict(session: DeviceSessionState, frame: FrameName, channel: DeviceChannelState): Verdict {
  const cell = DEVICE_SESSION[frame][session]
  return cell === 'channel' ? DEVICE_CHANNEL[frame as RelayChannelFrameName][channel] : cell
}
