// What an app shows its writer: is my work safe? Pure values; who changes them calls these functions.
import { TidemarkError } from './errors.ts'
import type { SyncProgress } from './report.ts'

export type Safety = 'unsaved' | 'on-device' | 'on-relay' | 'confirmed'

export interface RelayStatus {
  readonly safety: Safety
  /** Milliseconds since 1970 of the newest burst that synced it with this relay; null: none has. */
  readonly lastSyncedAt: number | null
  /** What is wrong with this relay, or with the document there; null: nothing. */
  readonly problem: TidemarkError | null
}

export interface DocumentStatus {
  /** Of the newest edit, at the best relay. */
  readonly safety: Safety
  /** waiting: will retry by itself; stuck: the app must act. */
  readonly activity: 'idle' | 'syncing' | 'waiting' | 'stuck'
  /** Bytes that the best relay has not acknowledged; about what a push would carry. */
  readonly unsentBytes: number
  /** Milliseconds since 1970 of the oldest edit that no relay has; null: they have all. */
  readonly unsentSince: number | null
  /** Milliseconds since 1970 of the newest burst that synced it; null: none has. In the sum, of any. */
  readonly lastSyncedAt: number | null
  /** The gravest of what is wrong; null: nothing. */
  readonly problem: TidemarkError | null
  /** By the relay's URL as it was configured. */
  readonly relays: Readonly<Record<string, RelayStatus>>
}

/** The worst of all documents, and what is wrong with a relay even if there are none. */
export interface SyncStatus extends DocumentStatus {
  readonly documentsUnsent: number
  /** Of the bursts under way; null: there is none. */
  readonly progress: SyncProgress | null
}

/** What is known of a relay beside the documents. */
export interface RelayState {
  readonly relay: string
  /** Milliseconds since 1970 of the newest burst that was complete there. */
  readonly lastSyncedAt: number | null
  /** What keeps it from being reached at all. */
  readonly problem: TidemarkError | null
}

export interface SumSource {
  readonly statuses: Iterable<DocumentStatus>
  readonly relays: readonly RelayState[]
  readonly isScheduled: boolean
  readonly progress: SyncProgress | null
}

const SAFETIES: readonly Safety[] = ['unsaved', 'on-device', 'on-relay', 'confirmed']
const ACTIVITIES = ['idle', 'waiting', 'stuck', 'syncing'] as const

type Mutable<Value> = { -readonly [Name in keyof Value]: Value[Name] }

type Sum = Mutable<Omit<SyncStatus, 'relays'>> & { relays: Record<string, Mutable<RelayStatus>> }

const NOTHING: Mutable<SyncStatus> = {
  safety: 'on-device',
  activity: 'idle',
  unsentBytes: 0,
  unsentSince: null,
  lastSyncedAt: null,
  problem: null,
  relays: {},
  documentsUnsent: 0,
  progress: null,
}

function worseSafety(a: Safety, b: Safety): Safety {
  return SAFETIES.indexOf(a) <= SAFETIES.indexOf(b) ? a : b
}

export function betterSafety(a: Safety, b: Safety): Safety {
  return worseSafety(a, b) === a ? b : a
}

/** Before anything is known. */
export function nothingKnown(relays: readonly string[]): SyncStatus {
  const states = relays.map((relay) => ({ relay, lastSyncedAt: null, problem: null }))
  return frozenStatus(null, sumOfStatuses({ statuses: [], relays: states, isScheduled: false, progress: null }))
}

/** The sum of all documents' statuses. */
export function sumOfStatuses({ statuses, relays, isScheduled, progress }: SumSource): SyncStatus {
  // Summed in place: a library has thousands of documents, and this runs as somebody types.
  const sum: Sum = { ...NOTHING, relays: {} }
  for (const { relay, lastSyncedAt, problem } of relays) {
    sum.relays[relay] = { safety: 'on-device', lastSyncedAt, problem }
    sum.lastSyncedAt = later(sum.lastSyncedAt, lastSyncedAt)
    sum.problem = graver(sum.problem, problem)
  }
  if (sum.problem !== null) sum.activity = activityWith(sum.problem, isScheduled)
  let isFirst = true
  for (const status of statuses) {
    addStatus(sum, status, isFirst)
    isFirst = false
  }
  sum.progress = progress
  if (progress !== null) sum.activity = 'syncing'
  return sum
}

function addStatus(sum: Sum, status: DocumentStatus, isFirst: boolean): void {
  sum.safety = isFirst ? status.safety : worseSafety(sum.safety, status.safety)
  if (ACTIVITIES.indexOf(status.activity) > ACTIVITIES.indexOf(sum.activity)) sum.activity = status.activity
  sum.unsentBytes += status.unsentBytes
  sum.unsentSince = earlier(sum.unsentSince, status.unsentSince)
  sum.lastSyncedAt = later(sum.lastSyncedAt, status.lastSyncedAt)
  sum.problem = graver(sum.problem, status.problem)
  if (status.safety === 'unsaved' || status.unsentSince !== null) sum.documentsUnsent++
  for (const [relay, one] of Object.entries(status.relays)) {
    const there = sum.relays[relay]
    if (there === undefined) continue
    there.safety = isFirst ? one.safety : worseSafety(there.safety, one.safety)
    there.lastSyncedAt = later(there.lastSyncedAt, one.lastSyncedAt)
    there.problem = graver(there.problem, one.problem)
  }
}

/** Of what has a problem, and is not syncing now. */
export function activityWith(problem: TidemarkError, isScheduled: boolean): DocumentStatus['activity'] {
  return problem.retryable ? (isScheduled ? 'waiting' : 'idle') : 'stuck'
}

/** The one that the app must act on, or else the first. */
export function graver(a: TidemarkError | null, b: TidemarkError | null): TidemarkError | null {
  return a === null || (a.retryable && b !== null && !b.retryable) ? b : a
}

/** The same, with an edit that is not in the device store yet. */
export function withUnsaved<Status extends DocumentStatus>(status: Status): Status {
  const relays = Object.entries(status.relays).map(([relay, one]) => [relay, { ...one, safety: 'unsaved' as const }])
  return { ...status, safety: 'unsaved', relays: Object.fromEntries(relays) }
}

/** The same, and what keeps it from getting better. */
export function withProblem<Status extends DocumentStatus>(status: Status, problem: TidemarkError): Status {
  return { ...status, problem, activity: activityWith(problem, false) }
}

/** Frozen, and the very object `before` if it says the same. */
export function frozenStatus<Status extends DocumentStatus>(before: Status | null, status: Status): Status {
  if (before !== null && sameStatus(before, status)) return before
  for (const relay of Object.values(status.relays)) Object.freeze(relay)
  Object.freeze(status.relays)
  return Object.freeze(status)
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
  return Object.entries(a).every(([key, value]) => sameValue(value, (b as Record<string, unknown>)[key]))
}

/** A problem may be said anew each time it is looked at. */
function sameValue(a: unknown, b: unknown): boolean {
  if (!(a instanceof TidemarkError && b instanceof TidemarkError)) return a === b
  return (
    a === b ||
    (a.code === b.code && a.message === b.message && a.relay === b.relay && a.retryAfterMs === b.retryAfterMs)
  )
}
