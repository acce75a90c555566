// What an app shows its writer: is my work safe? Pure values; who changes them calls these functions.
import type { TidemarkError } from './errors.ts'

export type Safety = 'unsaved' | 'on-device' | 'on-relay' | 'confirmed'

export interface RelayStatus {
  readonly safety: Safety
  readonly lastSyncedAt: number | null
  readonly problem: TidemarkError | null
}

export interface DocumentStatus {
  /** Of the newest edit, at the best relay. */
  readonly safety: Safety
  /** waiting: will retry by itself; stuck: the app must act. */
  readonly activity: 'idle' | 'syncing' | 'waiting' | 'stuck'
  /** Bytes that the best relay has not acknowledged; about what a push would carry. */
  readonly unsentBytes: number
  /** Milliseconds since 1970. */
  readonly unsentSince: number | null
  readonly lastSyncedAt: number | null
  readonly problem: TidemarkError | null
  /** By the relay's URL as it was configured. */
  readonly relays: Readonly<Record<string, RelayStatus>>
}

/** The worst of all documents. */
export interface SyncStatus extends DocumentStatus {
  readonly documentsUnsent: number
}

const SAFETIES: readonly Safety[] = ['unsaved', 'on-device', 'on-relay', 'confirmed']
const ACTIVITIES = ['idle', 'waiting', 'stuck', 'syncing'] as const

export function worseSafety(a: Safety, b: Safety): Safety {
  return SAFETIES.indexOf(a) <= SAFETIES.indexOf(b) ? a : b
}

export function betterSafety(a: Safety, b: Safety): Safety {
  return worseSafety(a, b) === a ? b : a
}

/** The sum of all documents' statuses. */
export function sumOfStatuses(statuses: Iterable<DocumentStatus>, relays: readonly string[]): SyncStatus {
  let sum: SyncStatus | null = null
  for (const status of statuses) sum = sum === null ? { ...status, documentsUnsent: unsent(status) } : plus(sum, status)
  if (sum !== null) return sum
  const nothing: RelayStatus = { safety: 'on-device', lastSyncedAt: null, problem: null }
  return {
    safety: 'on-device',
    activity: 'idle',
    unsentBytes: 0,
    unsentSince: null,
    lastSyncedAt: null,
    problem: null,
    relays: Object.fromEntries(relays.map((relay) => [relay, nothing])),
    documentsUnsent: 0,
  }
}

/** Frozen, and the very object `before` if it says the same. */
export function frozenStatus<Status extends DocumentStatus>(before: Status | null, status: Status): Status {
  if (before !== null && sameStatus(before, status)) return before
  for (const relay of Object.values(status.relays)) Object.freeze(relay)
  Object.freeze(status.relays)
  return Object.freeze(status)
}

function plus(sum: SyncStatus, status: DocumentStatus): SyncStatus {
  const relays: Record<string, RelayStatus> = { ...sum.relays }
  for (const [relay, one] of Object.entries(status.relays)) {
    const other = relays[relay]
    relays[relay] =
      other === undefined
        ? one
        : {
            safety: worseSafety(other.safety, one.safety),
            lastSyncedAt: later(other.lastSyncedAt, one.lastSyncedAt),
            problem: other.problem ?? one.problem,
          }
  }
  const [a, b] = [ACTIVITIES.indexOf(sum.activity), ACTIVITIES.indexOf(status.activity)]
  return {
    safety: worseSafety(sum.safety, status.safety),
    activity: a >= b ? sum.activity : status.activity,
    unsentBytes: sum.unsentBytes + status.unsentBytes,
    unsentSince: earlier(sum.unsentSince, status.unsentSince),
    lastSyncedAt: later(sum.lastSyncedAt, status.lastSyncedAt),
    problem: sum.problem ?? status.problem,
    relays,
    documentsUnsent: sum.documentsUnsent + unsent(status),
  }
}

function unsent(status: DocumentStatus): number {
  return status.safety === 'unsaved' || status.unsentSince !== null ? 1 : 0
}

function later(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.max(a, b)
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null ? b : b === null ? a : Math.min(a, b)
}

function sameStatus(a: DocumentStatus, b: DocumentStatus): boolean {
  const { relays: relaysA, ...restA } = a
  const { relays: relaysB, ...restB } = b
  return (
    sameFields(restA, restB) &&
    Object.keys(relaysA).length === Object.keys(relaysB).length &&
    Object.entries(relaysA).every(([url, relay]) => {
      const other = relaysB[url]
      return other !== undefined && sameFields(relay, other)
    })
  )
}

function sameFields(a: object, b: object): boolean {
  return Object.entries(a).every(([key, value]) => value === (b as Record<string, unknown>)[key])
}
