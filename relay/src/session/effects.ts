// What a session is told, and what it wishes for in return. Data only; connection.ts carries the wishes out.
import type { Ack, Code, Frame } from '@tidemark/protocol'
import type {
  FeedRequest,
  Judgement,
  JudgeRequest,
  ReadPage,
  ReadRequest,
  StoreFeedPage,
  StorePush,
} from '../store/contract.ts'
import type { VerifiedToken } from '../token/tokens.ts'
import type { AppendOutcome, Durable } from './durable.ts'

export type SessionEvent =
  /** One message of the device, decoded. */
  | { readonly type: 'frames'; readonly frames: readonly Frame[] }
  /** A message that could not be decoded. */
  | { readonly type: 'undecodable'; readonly code: Code; readonly message: string }
  /** `expiresAtMs` by the clock that the session is given; `relayTimeMs` by the machine's. */
  | { readonly type: 'verified'; readonly token: VerifiedToken; readonly relayTimeMs: number }
  | { readonly type: 'judged'; readonly channel: number; readonly judgement: Judgement }
  | { readonly type: 'appended'; readonly outcomes: readonly AppendOutcome[] }
  | { readonly type: 'page'; readonly page: ReadPage | 'moved' }
  | { readonly type: 'feedPage'; readonly page: StoreFeedPage }
  /** A wish could not be fulfilled. `channel` only with `judge`. */
  | {
      readonly type: 'failed'
      readonly wish: 'verify' | 'judge' | 'append' | 'read' | 'feed'
      readonly channel: number
      readonly code: Code
      readonly message: string
    }
  /** The carrier can take more: answers `awaitWritable`. */
  | { readonly type: 'writable' }
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
  | { readonly type: 'verify'; readonly token: string }
  | { readonly type: 'judge'; readonly channel: number; readonly request: JudgeRequest }
  | { readonly type: 'append'; readonly pushes: readonly StorePush[] }
  | { readonly type: 'read'; readonly request: ReadRequest }
  | { readonly type: 'feed'; readonly request: FeedRequest }
  /** Everything but an ACK. `bytes`: about what it takes. */
  | { readonly type: 'send'; readonly frame: Exclude<Frame, Ack>; readonly bytes: number }
  /** The one way to an ACK: it takes what only a flushed append returns. */
  | { readonly type: 'acknowledge'; readonly channel: number; readonly durable: Durable }
  /** What was sent so far is to leave now; otherwise it is gathered. */
  | { readonly type: 'flush' }
  /** Answer with `writable` as soon as the send buffer is low enough. */
  | { readonly type: 'awaitWritable' }
  | { readonly type: 'close'; readonly code: Code; readonly reason: string; readonly retryAfterMs: number }
