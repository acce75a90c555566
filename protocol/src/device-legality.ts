// What a device does with what the relay sends, and when: one table, state by frame. What a verdict leads to is the burst's
// business. docs/protocol.md, "Who may send what when".
import type { FrameName, RelayFrameName } from './frames.ts'
import type { ChannelFrameName, Row, SessionCell, Verdict } from './verdict.ts'

/** ERROR is both: on channel 0 it is always accepted. */
export type RelayChannelFrameName = Extract<RelayFrameName, ChannelFrameName>

export type DeviceSessionState = 'AWAITING_WELCOME' | 'READY' | 'CLOSED'
/**
 * OPENING: OPEN was sent, OPENED has not come. LINGERING: its round is over, and it stayed open. LEFT: it lingered, and a round is
 * under way that opens the document on another channel.
 */
export type DeviceChannelState = 'CLOSED' | 'OPENING' | 'OPEN' | 'LINGERING' | 'LEFT'

type DeviceRow = Row<DeviceSessionState, SessionCell>

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

/** What a device does with `frame`; `channel` is the state of its channel. ERROR on channel 0 is always accepted. */
export function deviceVerdict(session: DeviceSessionState, frame: FrameName, channel: DeviceChannelState): Verdict {
  const cell = DEVICE_SESSION[frame][session]
  return cell === 'channel' ? DEVICE_CHANNEL[frame as RelayChannelFrameName][channel] : cell
}
