// Every limit of the relay: name with its unit, default, and what happens when it is reached. Nothing else in
// relay/ invents a bound of its own, but for the constants of version 1 that stand in protocol/.
import { ANNOUNCED_LIMITS, FEEDS_MAX, FIELD_LIMITS, VERIFYING_MS_MAX } from '@tidemark/protocol'
import { RelayError } from './errors.ts'
import { DEFAULT_STORE_LIMITS, type StoreLimits } from './store/contract.ts'

/**
 * What bounds the memory, time and work of one relay. All of it can be given in part as `createRelay({ limits })`.
 *
 * One connection holds no more than one message being answered and one just read (`messageBytesMax` each, and some five
 * times that as frames), what waits between them (`waitingBytesMax`, four times that while it awaits CREDIT), one page
 * (`pageBytesMax`) or one piece (`pieceBytesTarget`) read from the store, one message in the making
 * (`messageBytesTarget`), what its socket has not sent yet (`sendBufferBytesMax`, and the message that passes it), and 2 KB
 * for each channel that lingers (`lingeringMax` in all).
 */
export interface Limits extends StoreLimits {
  /** Milliseconds from connecting until a token is verified. Traffic does not refresh it. Then ERROR DEADLINE, close 4408. Default 5,000. */
  readonly verifyTimeoutMs: number
  /** Milliseconds that a connection may be open between two rounds. Then ERROR DEADLINE, close 4408. Default 15,000. */
  readonly idleTimeoutMs: number
  /** Milliseconds for which a device with lingering channels may send nothing. Then ERROR DEADLINE, close 4408. Default 60,000. */
  readonly lingerTimeoutMs: number
  /** Milliseconds that a round may wait for the device to read, or to give credit. Then ERROR DEADLINE, close 4408. Default 30,000. */
  readonly stallTimeoutMs: number
  /** Milliseconds that a round may take, from when it is begun to its DONE. Then ERROR DEADLINE, close 4408. Default 300,000. */
  readonly roundTimeoutMs: number
  /** Milliseconds that a closed WebSocket may take to say goodbye; then its socket is destroyed. Default 2,000. */
  readonly closeTimeoutMs: number
  /** Milliseconds in which the head of an HTTP request must have arrived; a server of the relay's own only. Default 5,000. */
  readonly httpHeadersTimeoutMs: number
  /** Milliseconds in which a whole HTTP request must have arrived; a server of the relay's own only. Default 10,000. */
  readonly httpRequestTimeoutMs: number
  /** Milliseconds that a kept-alive HTTP connection may rest; a server of the relay's own only. Default 65,000. */
  readonly httpKeepAliveTimeoutMs: number

  /** Connections (WebSockets and POSTs) at once. One more is told OVERLOADED and when to return. Default 20,000. */
  readonly connectionsMax: number
  /** Milliseconds after which a device that met OVERLOADED or RESTARTING may return. Default 5,000. */
  readonly retryAfterMs: number

  /** Bytes of one message after WELCOME, announced there. A longer one: TOO_LARGE, close 1009. Default 1 MiB. */
  readonly messageBytesMax: number
  /** Bytes of one payload, whole, announced in WELCOME. A longer one is REFUSED TOO_LARGE. Default 256 MiB. */
  readonly entryBytesMax: number
  /** Bytes of a payload's piece in one PUSH, announced in WELCOME. A longer one: TOO_LARGE, close 1009. Default 256 KiB. */
  readonly pieceBytesMax: number
  /** Channels that linger at once, of all connections; one takes about 2 KB. One more does not: ERROR UNSUPPORTED. Default 100,000. */
  readonly lingeringMax: number
  /** Channels in one round after the first, announced in WELCOME. One more: TOO_LARGE, close 1009. Default 1,024. */
  readonly channelsMax: number
  /** FEEDs in one round. One more is MALFORMED. Default 64. */
  readonly feedsMax: number

  /** Bytes that the relay gathers before it sends a message. A message ends with the frame that passes it. Default 128 KiB. */
  readonly messageBytesTarget: number
  /** Bytes of one ENTRIES frame, about. Default 64 KiB. */
  readonly entriesBytesTarget: number
  /** Bytes of a piece of a longer entry, or of a snapshot; each leaves as a message of its own. Default 32 KiB. */
  readonly pieceBytesTarget: number
  /** Payload bytes after which an HTTP response ends with DONE(more), whatever the receive window. Default 4 MiB. */
  readonly httpResponseBytesTarget: number
  /**
   * Payload bytes of one page read from the store, after which comes a MARK: a line that is cut before one brings nothing. One
   * longer entry still makes a page. Default 64 KiB.
   */
  readonly pageBytesMax: number
  /** Entries of one page read from the store. Default 1,000. */
  readonly pageEntriesMax: number
  /** Documents of one FEED_PAGE. Default 200. */
  readonly feedDocumentsMax: number
  /** Bytes in the send buffer of one socket above which its round pauses until the buffer has drained. Default 256 KiB. */
  readonly sendBufferBytesMax: number

  /** Bytes of unfinished payloads staged on disk, all devices together. A piece beyond is REFUSED OVERLOADED. Default 4 GiB. */
  readonly uploadBytesMax: number
  /** Milliseconds after its last piece at which an unfinished payload is dropped. Default a day. */
  readonly uploadIdleMs: number
  /**
   * Bytes of rounds that wait on one connection while one is answered, counting 256 for each frame beside its own; above
   * it the relay stops reading that socket, but for a round that awaits CREDIT: then at four times as many the connection
   * ends with OVERLOADED. Default 1 MiB.
   */
  readonly waitingBytesMax: number
  /** Bytes that a vault may hold: snapshots and the entries above them. A push beyond is REFUSED QUOTA. 0, the default: no bound. */
  readonly vaultBytesMax: number
  /** Bytes that must be free on the disk. Below it pushes and pieces are REFUSED STORAGE, and reading goes on. 0: not looked at. Default 256 MiB. */
  readonly freeBytesMin: number
  /** Milliseconds that a commit of the relay's own store may take. Then durability cannot be promised any longer: `failed`. Default 30,000. */
  readonly commitTimeoutMs: number

  /** Entries above the base at which OPENED asks for a compaction, LOW; HIGH at four times as many. Default 500. */
  readonly compactEntries: number
  /** Bytes above the base, as a multiple of the snapshot's, at which OPENED asks, LOW; HIGH at four times as many. Default 2. */
  readonly compactBytesRatio: number
  /** Bytes above the base below which their number asks for nothing. Default 64 KiB. */
  readonly compactBytesMin: number
  /** Entries above the base below which their bytes ask for nothing. Default 16. */
  readonly compactEntriesMin: number
  /** Milliseconds without a piece after which a lease is lost. Default 60,000. */
  readonly leaseMs: number
  /** Milliseconds without an OPEN that asks for it after which a turn at reseeding ends. Default 60,000. */
  readonly turnMs: number
  /** Milliseconds after which a device that must wait for its turn is to ask again, at most. Default 5,000. */
  readonly turnWaitMs: number
  /** Entries after the newest claim at which OPENED wants another. Default 100. */
  readonly claimEntries: number
  /** Milliseconds after the newest claim at which OPENED wants another. Default a day. */
  readonly claimEveryMs: number
  /** Documents of which is remembered which devices hold what, for `confirmed`; least recently used forgotten first. Default 50,000. */
  readonly witnessedDocumentsMax: number
  /** Milliseconds before a second repair of one document, after one that changed nothing; doubled each time. Default 60,000. */
  readonly repairWaitMs: number
  /** Milliseconds for which what a compaction or a deletion replaced is kept. Default 7 days. */
  readonly retentionMs: number
  /** The same where no two devices have agreed on a state since the compaction. Default 30 days. */
  readonly retentionMaxMs: number
  /** Milliseconds for which a tombstone is kept. Default 365 days. */
  readonly tombstoneMs: number
  /** Milliseconds between two looks for what the store may drop; where there is more than one look does, the next follows at once. Default 10,000. */
  readonly sweepEveryMs: number

  /** Verified tokens remembered, least recently used forgotten first; one that is forgotten is verified again. Default 50,000. */
  readonly tokensCachedMax: number
  /** Origins of web pages that may connect; others get ORIGIN. Empty: all, the token is the guard. Default empty. */
  readonly originsAllowed: readonly string[]
}

const KIB = 1024
const MIB = 1024 * KIB
const DAY_MS = 24 * 60 * 60 * 1000

export const DEFAULT_LIMITS: Limits = {
  verifyTimeoutMs: VERIFYING_MS_MAX,
  idleTimeoutMs: 15_000,
  lingerTimeoutMs: 60_000,
  stallTimeoutMs: 30_000,
  roundTimeoutMs: 300_000,
  closeTimeoutMs: 2_000,
  httpHeadersTimeoutMs: 5_000,
  httpRequestTimeoutMs: 10_000,
  httpKeepAliveTimeoutMs: 65_000,
  connectionsMax: 20_000,
  retryAfterMs: 5_000,
  ...ANNOUNCED_LIMITS,
  lingeringMax: 100_000,
  feedsMax: FEEDS_MAX,
  messageBytesTarget: 128 * KIB,
  entriesBytesTarget: 64 * KIB,
  pieceBytesTarget: 32 * KIB,
  httpResponseBytesTarget: 4 * MIB,
  pageBytesMax: 64 * KIB,
  pageEntriesMax: 1_000,
  feedDocumentsMax: 200,
  sendBufferBytesMax: 256 * KIB,
  waitingBytesMax: MIB,
  vaultBytesMax: 0,
  freeBytesMin: 256 * MIB,
  commitTimeoutMs: 30_000,
  compactEntries: 500,
  compactBytesRatio: 2,
  compactBytesMin: 64 * KIB,
  compactEntriesMin: 16,
  leaseMs: 60_000,
  turnMs: 60_000,
  turnWaitMs: 5_000,
  claimEntries: 100,
  claimEveryMs: DAY_MS,
  witnessedDocumentsMax: 50_000,
  ...DEFAULT_STORE_LIMITS,
  sweepEveryMs: 10_000,
  tokensCachedMax: 50_000,
  originsAllowed: [],
}

/** Compared with times, never given to a timer. */
const YEARS_MS_MAX: number = 100 * 365 * DAY_MS

/** What a limit may not pass, where the protocol or a message's size says so: [least, most]. */
const BOUNDS: Readonly<Partial<Record<keyof Limits, readonly [number, number]>>> = {
  messageBytesMax: [4 * KIB, ANNOUNCED_LIMITS.messageBytesMax],
  pieceBytesMax: [1, ANNOUNCED_LIMITS.pieceBytesMax],
  feedsMax: [1, FEEDS_MAX],
  lingeringMax: [0, Number.MAX_SAFE_INTEGER],
  channelsMax: [1, ANNOUNCED_LIMITS.channelsMax],
  messageBytesTarget: [1, 256 * KIB],
  entriesBytesTarget: [1, 256 * KIB],
  pieceBytesTarget: [1, 256 * KIB],
  pageEntriesMax: [1, FIELD_LIMITS.entriesPerFrameMax],
  entryBytesMax: [1, ANNOUNCED_LIMITS.entryBytesMax],
  feedDocumentsMax: [1, FIELD_LIMITS.feedPageDocumentsMax],
  vaultBytesMax: [0, Number.MAX_SAFE_INTEGER],
  freeBytesMin: [0, Number.MAX_SAFE_INTEGER],
  uploadBytesMax: [1, Number.MAX_SAFE_INTEGER],
  retentionMs: [0, YEARS_MS_MAX],
  retentionMaxMs: [0, YEARS_MS_MAX],
  tombstoneMs: [0, YEARS_MS_MAX],
}

const WHOLE_NUMBER_BOUNDS = [1, 2 ** 31 - 1] as const

/**
 * The defaults with what is given over them.
 * @throws RelayError BAD_OPTION, which names the limit.
 */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const complete: Record<string, unknown> = { ...DEFAULT_LIMITS }
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined) continue
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new RelayError('BAD_OPTION', `limits.${name} is not a limit of the relay`, { option: `limits.${name}` })
    }
    complete[name] = name === 'originsAllowed' ? checkOrigins(value) : checkNumber(name as keyof Limits, value)
  }
  return complete as unknown as Limits
}

function checkNumber(name: keyof Limits, value: unknown): number {
  const [least, most] = BOUNDS[name] ?? WHOLE_NUMBER_BOUNDS
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most) return value
  const option = `limits.${name}`
  throw new RelayError('BAD_OPTION', `${option} must be a whole number from ${least} to ${most}`, { option })
}

function checkOrigins(value: unknown): readonly string[] {
  if (
    Array.isArray(value) &&
    value.every((text) => typeof text === 'string' && URL.canParse(text) && new URL(text).host !== '')
  ) {
    return value.map(originOf)
  }
  const option = 'limits.originsAllowed'
  throw new RelayError('BAD_OPTION', `${option} must be a list of origins such as https://example.org`, { option })
}

/** As a browser sends it. `URL.origin` is 'null' for schemes of apps, such as capacitor: and tauri:. */
function originOf(text: string): string {
  const { origin, protocol, host } = new URL(text)
  return origin === 'null' ? `${protocol}//${host}` : origin
}
