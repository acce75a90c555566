// What tabs of one store say to each other. Values are cloned on the way, so that errors go as what they say.
import { TidemarkError, type TidemarkErrorDetails } from '../errors.ts'
import type { SyncProgress } from '../report.ts'
import type { DocumentStatus, SyncStatus } from '../status.ts'

/** What a guest can have done by the host. */
export type Method = 'open' | 'sync' | 'list' | 'forget' | 'delete' | 'flush'

export type ToHost =
  /** Is there a host? Answered by `ready`. */
  | { readonly type: 'hello' }
  | { readonly type: 'call'; readonly callId: number; readonly method: Method; readonly args: readonly unknown[] }
  /** The call under way is to end. */
  | { readonly type: 'stop'; readonly callId: number }
  /** An edit of this tab, or all that this tab has. Numbered for each document of a tab. */
  | { readonly type: 'edit'; readonly id: string; readonly number: number; readonly update: Uint8Array }
  /** The network came back, or this tab became visible. */
  | { readonly type: 'wake' }
  /** The tab does not show the document any more. */
  | { readonly type: 'closed'; readonly id: string }

export type ToGuest =
  /** Another host than before: what was asked of that one is to be asked again. */
  | { readonly type: 'ready'; readonly host: string; readonly status: SyncStatus }
  /** A call has come; its result may take a while. */
  | { readonly type: 'heard' }
  | { readonly type: 'result'; readonly callId: number; readonly value: unknown; readonly error: TidemarkError | null }
  | { readonly type: 'progress'; readonly callId: number; readonly progress: SyncProgress }
  | { readonly type: 'status'; readonly status: SyncStatus }
  /** `taken`: the newest edit of this tab that the status is about. */
  | { readonly type: 'document'; readonly id: string; readonly status: DocumentStatus; readonly taken: number }
  | { readonly type: 'update'; readonly id: string; readonly update: Uint8Array }
  /** The host's document is another one, which holds no more than this. */
  | { readonly type: 'rebuilt'; readonly id: string; readonly state: Uint8Array }
  /** An edit builds on something that the host does not have: it wants all that this tab has. */
  | { readonly type: 'lacking'; readonly id: string }
  /** The document was forgotten or deleted. */
  | { readonly type: 'ended'; readonly id: string }

/** `to` a tab, to one host, or to whoever is there. What is for one host is of no account to the next. */
export interface Envelope<Body> {
  readonly from: string
  readonly to: string
  readonly body: Body
}

export const ANY_HOST = 'any host'
export const ALL = 'all'

/** The answer to `open`. */
export interface Opened {
  readonly state: Uint8Array
  readonly status: DocumentStatus
}

interface PackedError {
  readonly tidemarkError: TidemarkErrorDetails & { readonly code: TidemarkError['code']; readonly message: string }
}

/** With errors as plain values, however deep in it they are. */
export function pack(value: unknown): unknown {
  if (!(value instanceof TidemarkError)) return mapped(value, pack)
  const { code, message, retryAfterMs, relay, documentId, keyId, report } = value
  return { tidemarkError: { code, message, retryAfterMs, relay, documentId, keyId, report: pack(report) } }
}

export function unpack(value: unknown): unknown {
  if (!isPackedError(value)) return mapped(value, unpack)
  const { code, message, report, ...details } = value.tidemarkError
  return new TidemarkError(code, message, {
    ...details,
    report: unpack(report) as NonNullable<TidemarkErrorDetails['report']>,
  })
}

function mapped(value: unknown, map: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map(map)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, map(one)]))
}

function isPackedError(value: unknown): value is PackedError {
  return typeof value === 'object' && value !== null && 'tidemarkError' in value
}
