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

/**
 * What helps. wait: nothing is to be done, it is tried again or may be; fix-app: the app called the SDK wrongly; fix-relay: who
 * runs the relay must act. The others say it themselves; docs/statuses.md has what to show a writer.
 */
export type ProblemAction =
  | 'wait'
  | 'renew-token'
  | 'ask-for-access'
  | 'free-relay-space'
  | 'free-device-space'
  | 'split-document'
  | 'add-key'
  | 'update-app'
  | 'restart-app'
  | 'close-other-app'
  | 'forget-or-create'
  | 'begin-anew'
  | 'sync-first'
  | 'fix-app'
  | 'fix-relay'

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
  /** What the app, its user or somebody else should do about it. */
  readonly action: ProblemAction
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
    const { retryable, action } = MEANINGS[code]
    this.retryable = retryable
    this.action = action
    this.retryAfterMs = details.retryAfterMs ?? null
    this.relay = details.relay ?? null
    this.documentId = details.documentId ?? null
    this.report = details.report ?? null
    this.keyId = details.keyId ?? null
  }
}

interface Meaning {
  readonly retryable: boolean
  readonly action: ProblemAction
}

const retry = (action: ProblemAction = 'wait'): Meaning => ({ retryable: true, action })
const act = (action: ProblemAction): Meaning => ({ retryable: false, action })

const MEANINGS: Readonly<Record<ErrorCode, Meaning>> = {
  BAD_OPTION: act('fix-app'),
  BAD_ID: act('fix-app'),
  CLOSED: act('fix-app'),
  UNSENT: act('sync-first'),
  OFFLINE: retry(),
  TIMEOUT: retry(),
  TOKEN: act('renew-token'),
  FORBIDDEN: act('ask-for-access'),
  ORIGIN: act('fix-relay'),
  VERSION: act('update-app'),
  MALFORMED: act('fix-relay'),
  OVERLOADED: retry(),
  RATE: retry(),
  QUOTA: act('free-relay-space'),
  TOO_LARGE: act('split-document'),
  STORAGE: retry(),
  RELAY_FAULT: retry(),
  DENIED: act('ask-for-access'),
  READ_ONLY: act('ask-for-access'),
  BAD_HASH: retry(),
  DELETED: act('forget-or-create'),
  CANNOT_APPLY: act('update-app'),
  UNKNOWN_KEY: act('add-key'),
  STORE_FULL: retry('free-device-space'),
  STORE_FAILED: retry('restart-app'),
  STORE_IN_USE: act('close-other-app'),
  UNSUPPORTED: act('fix-relay'),
  DIVERGED: act('begin-anew'),
  NOT_ENCRYPTED: act('fix-app'),
}

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
