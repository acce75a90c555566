// A document's status out of what is known of it, loaded or not.
import type { TidemarkError } from '../errors.ts'
import { activityWith, betterSafety, type DocumentStatus, graver, type RelayStatus, type Safety } from '../status.ts'

export interface StatusSource {
  readonly isSaved: boolean
  readonly isSyncing: boolean
  /** Whether unsent edits go out without the app asking. */
  readonly isScheduled: boolean
  readonly unsentSince: number | null
  /** Of the device itself: its store, or an entry that it cannot apply. */
  readonly problem: TidemarkError | null
  readonly views: readonly ViewStatusSource[]
}

interface ViewStatusSource {
  readonly relay: string
  readonly lacks: boolean
  readonly confirmed: boolean
  readonly unsentBytes: number
  readonly lastSyncedAt: number | null
  readonly problem: TidemarkError | null
}

export function documentStatus(source: StatusSource): DocumentStatus {
  const relays: Record<string, RelayStatus> = {}
  let best: Safety = source.isSaved ? 'on-device' : 'unsaved'
  for (const view of source.views) {
    const isThere = source.isSaved && !view.lacks && view.lastSyncedAt !== null
    const there: Safety = view.confirmed ? 'confirmed' : 'on-relay'
    const safety: Safety = isThere ? there : source.isSaved ? 'on-device' : 'unsaved'
    relays[view.relay] = { safety, lastSyncedAt: view.lastSyncedAt, problem: view.problem }
    best = betterSafety(best, safety)
  }
  const synced = source.views.map(({ lastSyncedAt }) => lastSyncedAt ?? 0)
  const isSafe = best === 'on-relay' || best === 'confirmed'
  const problem = source.views.map((view) => view.problem).reduce(graver, source.problem)
  return {
    safety: best,
    activity: activityOf(source, problem, isSafe),
    unsentBytes: isSafe || source.views.length === 0 ? 0 : Math.min(...source.views.map((view) => view.unsentBytes)),
    unsentSince: isSafe || source.views.length === 0 ? null : source.unsentSince,
    lastSyncedAt: Math.max(0, ...synced) || null,
    problem,
    relays,
  }
}

function activityOf(source: StatusSource, problem: TidemarkError | null, isSafe: boolean): DocumentStatus['activity'] {
  if (source.isSyncing) return 'syncing'
  if (problem !== null) return activityWith(problem, source.isScheduled)
  const isWaiting = source.unsentSince !== null && !isSafe && source.views.length > 0
  return source.isScheduled && isWaiting ? 'waiting' : 'idle'
}
