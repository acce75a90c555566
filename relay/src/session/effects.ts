// What a session is told, and what it wishes for in return. Data only; connection.ts carries the wishes out.
import type { Ack, Code, Frame } from '@tidemark/protocol'
import type {
  Bytes,
  ClaimRequest,
  DeleteRequest,
  FeedRequest,
  InstallRequest,
  Judgement,
  JudgeRequest,
  PayloadRequest,
  ReadPage,
  ReadRequest,
  RelayStore,
  RepairRequest,
  Staged,
  StagedPiece,
  StoreFeedPage,
  StorePush,
} from '../store/contract.ts'
import type { VerifiedToken } from '../token/tokens.ts'
import type { AppendOutcome, Durable } from './durable.ts'

type Outcome<Method extends 'claim' | 'install' | 'delete'> = Awaited<ReturnType<RelayStore[Method]>>

/**
 * What is asked of the store. Each is answered once, by the answer beside it or by `failed`; `of` comes back with it: a
 * channel's number, or whatever tells the asker which of its wishes this is.
 */
export type StoreWish = { readonly of: number } & (
  | { readonly type: 'judge'; readonly request: JudgeRequest }
  | { readonly type: 'claim'; readonly request: ClaimRequest }
  | { readonly type: 'repair'; readonly request: RepairRequest }
  | { readonly type: 'stage'; readonly piece: StagedPiece }
  | { readonly type: 'hash'; readonly key: string; readonly prefix: Bytes }
  | { readonly type: 'drop'; readonly key: string }
  | { readonly type: 'append'; readonly pushes: readonly StorePush[] }
  | { readonly type: 'install'; readonly request: InstallRequest }
  | { readonly type: 'delete'; readonly request: DeleteRequest }
  | { readonly type: 'page'; readonly request: ReadRequest }
  | { readonly type: 'part'; readonly request: PayloadRequest }
  | { readonly type: 'feed'; readonly request: FeedRequest }
)

export type StoreAnswer = { readonly of: number } & (
  | { readonly type: 'judged'; readonly judgement: Judgement }
  | { readonly type: 'claimed'; readonly outcome: Outcome<'claim'> }
  | { readonly type: 'repaired'; readonly drawn: boolean }
  | { readonly type: 'staged'; readonly staged: Staged | 'full' }
  | { readonly type: 'hashed'; readonly hash: Bytes | 'gone' }
  | { readonly type: 'dropped' }
  | { readonly type: 'appended'; readonly outcomes: readonly AppendOutcome[] }
  | { readonly type: 'installed'; readonly outcome: Outcome<'install'> }
  | { readonly type: 'deleted'; readonly outcome: Outcome<'delete'> }
  | { readonly type: 'pageRead'; readonly page: ReadPage | 'moved' }
  | { readonly type: 'partRead'; readonly bytes: Bytes | 'gone' }
  | { readonly type: 'feedRead'; readonly page: StoreFeedPage }
)

/** A wish could not be fulfilled. */
export interface Failed {
  readonly type: 'failed'
  readonly wish: StoreWish['type'] | 'verify'
  readonly of: number
  readonly code: Code
  readonly message: string
}

/** What goes to the round under way. */
export type RoundEvent = StoreAnswer | Failed

export type SessionEvent =
  | RoundEvent
  /** One message of the device, decoded; `bytes`: how long it was. */
  | { readonly type: 'frames'; readonly frames: readonly Frame[]; readonly bytes: number }
  /** A message that could not be decoded. */
  | { readonly type: 'undecodable'; readonly code: Code; readonly message: string }
  /** `expiresAtMs` by the clock that the session is given; `relayTimeMs` by the machine's. */
  | { readonly type: 'verified'; readonly token: VerifiedToken; readonly relayTimeMs: number }
  /** The carrier can take more: answers `awaitWritable`. */
  | { readonly type: 'writable' }
  /** A log on which this connection lingers reaches up to `index`; Infinity: it may be another one, or repaired. */
  | { readonly type: 'news'; readonly documentId: string; readonly index: number }
  /** `deadlineAtMs` has passed. */
  | { readonly type: 'deadline' }
  /** There are too many connections: tell the device when to return. */
  | { readonly type: 'overloaded' }
  /** The relay is closing: finish the round under way, unless `atOnce`, and begin no other. */
  | { readonly type: 'restarting'; readonly atOnce: boolean }
  /** The relay itself made a mistake; only this connection ends. */
  | { readonly type: 'fault' }
  | { readonly type: 'closed' }

export type Effect =
  | StoreWish
  | { readonly type: 'verify'; readonly token: string }
  /** Everything but an ACK. `bytes`: about what it takes. */
  | { readonly type: 'send'; readonly frame: Exclude<Frame, Ack>; readonly bytes: number }
  /** The one way to an ACK: it takes what only a flushed append returns. */
  | { readonly type: 'acknowledge'; readonly channel: number; readonly durable: Durable }
  /** What was sent so far is to leave now; otherwise it is gathered. */
  | { readonly type: 'flush' }
  /** Answer with `writable` as soon as the send buffer is low enough. */
  | { readonly type: 'awaitWritable' }
  /** From now on, and until `leave`, `news` of this document is told. */
  | { readonly type: 'join'; readonly documentId: string; readonly deviceKey: string }
  | { readonly type: 'leave'; readonly documentId: string; readonly deviceKey: string }
  /** Enough waits: read nothing more from the device, until told to go on. */
  | { readonly type: 'stopReading' }
  | { readonly type: 'goOnReading' }
  | { readonly type: 'close'; readonly code: Code; readonly reason: string; readonly retryAfterMs: number }
