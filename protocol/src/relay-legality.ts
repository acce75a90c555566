// What the relay does with what a device sends, and when: one table, state by frame. What a verdict leads to is the session's
// business. docs/protocol.md, "Who may send what when".
import type { DeviceFrameName, FrameName } from './frames.ts'
import type { ChannelFrameName, Row, SessionCell, Verdict } from './verdict.ts'

export type DeviceChannelFrameName = Exclude<Extract<DeviceFrameName, ChannelFrameName>, 'AWARENESS'>

/** ANSWERING: from END to DONE. Over HTTP a session ends with its first DONE. */
export type RelaySessionState = 'AWAITING_HELLO' | 'VERIFYING' | 'READY' | 'ANSWERING' | 'CLOSED'
/**
 * Within one round: a channel that lingers takes nothing from the device but another OPEN. FAILED: its OPEN is answered with
 * ERROR, which answers every other frame on it too.
 */
export type RelayChannelState = 'CLOSED' | 'OPEN' | 'FAILED'

type RelayRow = Row<RelaySessionState, SessionCell>

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

type ChannelRow = Row<RelayChannelState, Verdict>

const ON_AN_OPEN_CHANNEL: ChannelRow = { CLOSED: 'malformed', OPEN: 'accept', FAILED: 'ignore' }

/** What the relay does with each frame on a channel. */
export const RELAY_CHANNEL: Readonly<Record<DeviceChannelFrameName, ChannelRow>> = {
  OPEN: { CLOSED: 'accept', OPEN: 'malformed', FAILED: 'malformed' },
  PUSH: ON_AN_OPEN_CHANNEL,
  REPAIR: ON_AN_OPEN_CHANNEL,
  LEASE: ON_AN_OPEN_CHANNEL,
  SNAPSHOT_PUT: ON_AN_OPEN_CHANNEL,
  DELETE: ON_AN_OPEN_CHANNEL,
}

/** What the relay does with `frame`; `channel` is the state of its channel, where it has one. */
export function relayVerdict(session: RelaySessionState, frame: FrameName, channel: RelayChannelState): Verdict {
  const cell = RELAY_SESSION[frame][session]
  return cell === 'channel' ? RELAY_CHANNEL[frame as DeviceChannelFrameName][channel] : cell
}
