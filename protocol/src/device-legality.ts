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

type ChannelRow = Row<DeviceChannelState, Verdict>

const IN_A_ROUND: ChannelRow = {
  CLOSED: 'malformed',
  OPENING: 'malformed',
  OPEN: 'accept',
  LINGERING: 'malformed',
  LEFT: 'ignore',
}
const ALSO_LINGERING: ChannelRow = { ...IN_A_ROUND, LINGERING: 'accept' }

/** What a device does with each frame on a channel. A second OPENED begins the answer anew: the log was replaced. */
export const DEVICE_CHANNEL: Readonly<Record<RelayChannelFrameName, ChannelRow>> = {
  OPENED: { ...ALSO_LINGERING, OPENING: 'accept' },
  HAVE: IN_A_ROUND,
  ACK: IN_A_ROUND,
  REFUSED: { ...IN_A_ROUND, CLOSED: 'ignore', OPENING: 'accept' },
  SNAPSHOT: IN_A_ROUND,
  ENTRIES: ALSO_LINGERING,
  MARK: ALSO_LINGERING,
  SYNCED: ALSO_LINGERING,
  LEASED: IN_A_ROUND,
  COMPACTED: IN_A_ROUND,
  DELETED: IN_A_ROUND,
  ERROR: { ...ALSO_LINGERING, CLOSED: 'ignore', OPENING: 'accept' },
}

/** What a device does with `frame`; `channel` is the state of its channel. ERROR on channel 0 is always accepted. */
export function deviceVerdict(session: DeviceSessionState, frame: FrameName, channel: DeviceChannelState): Verdict {
  const cell = DEVICE_SESSION[frame][session]
  return cell === 'channel' ? DEVICE_CHANNEL[frame as RelayChannelFrameName][channel] : cell
}
