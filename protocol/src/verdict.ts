// What a table of legality says of a frame. The tables are device-legality.ts and relay-legality.ts, one per side, state by
// frame: a missing cell does not compile, and a test holds the tables of docs/protocol.md ("Who may send what when") to them.
import type { Frame } from './frames.ts'

/**
 * accept: handle it. buffer: keep it until the token is verified, or the round before is answered. ignore: drop it.
 * malformed: the connection ends with MALFORMED.
 */
export type Verdict = 'accept' | 'buffer' | 'ignore' | 'malformed'
/** channel: as the table of channels says. */
export type SessionCell = Verdict | 'channel'

export type Row<State extends string, Cell> = Readonly<Record<State, Cell>>

/** Frames that are about one channel. */
export type ChannelFrameName = Extract<Frame, { channel: number }>['type']
