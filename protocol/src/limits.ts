// Every bound of version 1 that both sides know: name with unit, value, and what happens when it is reached.
// docs/protocol.md, "Limits". What a relay chooses for itself (quotas, rates, deadlines) is not here.
import type { AnnouncedLimits } from './frames.ts'

/** What `decodeMessage` holds a message to. Beyond one of these the message is TOO_LARGE, and nothing of it is handled. */
export interface DecodeLimits {
  /** Bytes of one message, all frames together. */
  readonly messageBytesMax: number
  /** Frames in one message, ignorable ones included. */
  readonly framesMax: number
  /** OPEN frames in one message. */
  readonly opensMax: number
  /** Payload bytes in one PUSH, SNAPSHOT_PUT or SNAPSHOT, or in one entry of ENTRIES. */
  readonly pieceBytesMax: number
}

const KIB = 1024
const MIB = 1024 * KIB

/** Holds for the first message of a WebSocket, and for every HTTP request body. */
export const LIMITS_BEFORE_WELCOME: DecodeLimits = {
  messageBytesMax: 256 * KIB,
  framesMax: 16_384,
  opensMax: 256,
  pieceBytesMax: 64 * KIB,
}

/** The most that WELCOME may announce; what a device holds every WebSocket message of a relay to. */
export const LIMITS_AFTER_WELCOME: DecodeLimits = {
  messageBytesMax: MIB,
  framesMax: 16_384,
  opensMax: 1024,
  pieceBytesMax: 256 * KIB,
}

/** What a device holds a whole HTTP response body to: a relay ends it with DONE(more) before. */
export const LIMITS_HTTP_RESPONSE: DecodeLimits = {
  messageBytesMax: 8 * MIB,
  framesMax: 131_072,
  opensMax: 0,
  pieceBytesMax: 256 * KIB,
}

/** What a relay announces unless it is set up otherwise. */
export const ANNOUNCED_LIMITS: AnnouncedLimits = {
  messageBytesMax: LIMITS_AFTER_WELCOME.messageBytesMax,
  entryBytesMax: 256 * MIB,
  pieceBytesMax: LIMITS_AFTER_WELCOME.pieceBytesMax,
  channelsMax: LIMITS_AFTER_WELCOME.opensMax,
}

/** REPAIR frames on one channel of a round. Beyond it: MALFORMED, closed. */
export const REPAIRS_MAX = 16

/** FEED frames in one round. Beyond it: MALFORMED, closed. */
export const FEEDS_MAX = 64

/**
 * Rounds that a device may have under way on one WebSocket: sent, and not answered with DONE. Beyond it: MALFORMED, closed.
 * Over HTTP there is one in each POST.
 */
export const ROUNDS_UNDER_WAY_MAX = 16

/** Bytes that a relay keeps of later messages while it verifies the token; beyond it: TOO_LARGE, closed. */
export const VERIFYING_BYTES_MAX: number = 64 * KIB

/** From the socket's opening to WELCOME, in milliseconds; traffic does not extend it. Beyond it: DEADLINE, closed. */
export const VERIFYING_MS_MAX = 5000

/** Bounds of single fields. Beyond one of these a message is MALFORMED; an encoder throws RangeError. */
export const FIELD_LIMITS = {
  /** Marks, receipts, feed marks; in bytes. */
  bookmarkBytesMax: 96,
  /** UTF-8 bytes of `vault/name`. */
  documentIdBytesMax: 512,
  vaultBytesMax: 64,
  tokenBytesMax: 8192,
  /** Longer ones are cut by the encoder. */
  clientNameBytesMax: 64,
  /** ERROR.message and REFUSED.message; longer ones are cut by the encoder. */
  messageTextBytesMax: 256,
  profileBytesMax: 64,
  feedPageDocumentsMax: 1024,
  entriesPerFrameMax: 4096,
  /** The format is one byte of what a push id hashes. */
  formatMax: 255,
  awarenessBytesMax: 65_536,
} as const
