// Everything that can go wrong for an app, as one class with a stable code. An error says itself whether to retry.
import type { Code } from '@tidemark/protocol'
import type { SyncReport } from './report.ts'

export type ErrorCode =
  | 'BAD_OPTION'
  | 'BAD_ID'
  | 'CLOSED'
  | 'UNSENT'
  | 'OFFLINE'
  | 'TIMEOUT'
  | 'TOKEN'
  | 'FORBIDDEN'
  | 'ORIGIN'
  | 'VERSION'
  | 'MALFORMED'
  | 'OVERLOADED'
  | 'RATE'
  | 'QUOTA'
  | 'TOO_LARGE'
  | 'STORAGE'
  | 'RELAY_FAULT'
  | 'DENIED'
  | 'READ_ONLY'
  | 'BAD_HASH'
  | 'DELETED'
  | 'CANNOT_APPLY'
  | 'UNKNOWN_KEY'
  | 'NOT_ENCRYPTED'
  | 'STORE_FULL'
  | 'STORE_FAILED'
  | 'STORE_IN_USE'
  | 'UNSUPPORTED'
  | 'DIVERGED'

export interface TidemarkErrorDetails {
  readonly retryAfterMs?: number | null
  readonly relay?: string | null
  readonly documentId?: string | null
  readonly report?: SyncReport | null
  readonly keyId?: string | null
  readonly cause?: unknown
}

/** The only error that the SDK throws. `code` is stable; `message` is for a person and names what is wrong. */
export class TidemarkError extends Error {
  readonly code: ErrorCode
  /** Whether the same call may succeed later without the app doing anything. */
  readonly retryable: boolean
  /** Milliseconds before which trying again is pointless; null: no wish. */
  readonly retryAfterMs: number | null
  readonly relay: string | null
  readonly documentId: string | null
  readonly report: SyncReport | null
  /** The key that is missing, or wrong; null: no one key. */
  readonly keyId: string | null

  constructor(code: ErrorCode, message: string, details: TidemarkErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'TidemarkError'
    this.code = code
    this.retryable = RETRYABLE.has(code)
    this.retryAfterMs = details.retryAfterMs ?? null
    this.relay = details.relay ?? null
    this.documentId = details.documentId ?? null
    this.report = details.report ?? null
    this.keyId = details.keyId ?? null
  }
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'OFFLINE',
  'TIMEOUT',
  'OVERLOADED',
  'RATE',
  'STORAGE',
  'RELAY_FAULT',
  'BAD_HASH',
  'STORE_FULL',
  'STORE_FAILED',
])

/** What a code on the wire is called for an app. */
export const ERROR_CODE_OF: Readonly<Record<Code, ErrorCode>> = {
  OK: 'OFFLINE', // A relay that ends the connection normally but too early is simply not there.
  MALFORMED: 'MALFORMED',
  TOKEN: 'TOKEN',
  FORBIDDEN: 'FORBIDDEN',
  VERSION: 'VERSION',
  DEADLINE: 'TIMEOUT',
  OVERLOADED: 'OVERLOADED',
  RATE: 'RATE',
  QUOTA: 'QUOTA',
  STORAGE: 'STORAGE',
  FAULT: 'RELAY_FAULT',
  RESTARTING: 'OVERLOADED',
  TOO_LARGE: 'TOO_LARGE',
  DENIED: 'DENIED',
  READ_ONLY: 'READ_ONLY',
  BAD_HASH: 'BAD_HASH',
  LEASE_LOST: 'RELAY_FAULT',
  SNAPSHOT_GONE: 'RELAY_FAULT',
  DELETED: 'DELETED',
  CHANGED: 'RELAY_FAULT',
  UNSUPPORTED: 'UNSUPPORTED',
  ORIGIN: 'ORIGIN',
}
