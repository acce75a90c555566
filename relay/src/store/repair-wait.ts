// How far apart repairs of one document are, the same for every driver: each makes every device resync, so no device may
// have them follow each other for ever, whatever it names as their causes. Pure.
import { REPAIR_WAIT_MS_MAX } from './contract.ts'

/** The newest repair of a document. */
export interface LastRepair {
  readonly atMs: number
  /** Of the log at that time: where it has not moved since, the repair changed nothing. */
  readonly head: number
  /** Before the next one. */
  readonly waitMs: number
}

/** A repair this long after another, which changed something, is the first of its kind. */
const QUIET_MS: number = 24 * 60 * 60 * 1000

/** What is to be noted of a repair now; null: it is too early for one. */
export function repairNow(
  last: LastRepair | null,
  head: number,
  nowMs: number,
  repairWaitMs: number,
): LastRepair | null {
  if (last === null) return { atMs: nowMs, head, waitMs: repairWaitMs }
  if (nowMs < last.atMs + last.waitMs) return null
  const isFresh = last.head !== head && nowMs >= last.atMs + QUIET_MS
  return { atMs: nowMs, head, waitMs: isFresh ? repairWaitMs : Math.min(2 * last.waitMs, REPAIR_WAIT_MS_MAX) }
}
