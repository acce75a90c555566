// A document's record, out of what it is in memory. Writes nothing.
import type { DocumentRecord } from './record.ts'
import type { RelayView } from './relay-view.ts'

export interface Recorded {
  readonly views: ReadonlyMap<string, RelayView>
  readonly unsentSince: number | null
  readonly deleting: boolean
  readonly conflict: string
}

export interface RecordMoment {
  /** Among the rows that are written with it there are edits. */
  readonly hasEdits: boolean
  readonly holds: boolean
  /** Rows up to this one were committed before. */
  readonly throughRow: number
  readonly nowMs: number
}

export function documentRecord(
  { views, unsentSince, deleting, conflict }: Recorded,
  { hasEdits, holds, throughRow, nowMs }: RecordMoment,
): DocumentRecord {
  const all = [...views.values()]
  const lacks = (view: RelayView): boolean => hasEdits || view.isLacking
  const isSomewhere = all.length > 0 && !all.every(lacks)
  return {
    mayLack: all.some(lacks),
    hasEdits,
    holds,
    unsentSince: isSomewhere ? null : (unsentSince ?? (all.length > 0 ? nowMs : null)),
    deleting,
    gone: false,
    conflict,
    views: all.map((view) => view.toRecord(throughRow)),
  }
}
