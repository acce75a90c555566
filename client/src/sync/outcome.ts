// What came of a sync(), for the app and for the schedule.
import { TidemarkError } from '../errors.ts'
import type { RelayTarget } from '../options.ts'
import type { SyncReport } from '../report.ts'
import type { BurstOutcome, BurstResult } from '../schedule/turn.ts'
import type { RelaySyncResult } from './relay-sync.ts'

/** It was stopped before its turn came. */
export function notBegun({ url }: Pick<RelayTarget, 'url'>): RelaySyncResult {
  const report = {
    relay: url,
    carrier: null,
    complete: false,
    bytesSent: 0,
    bytesReceived: 0,
    error: null,
    documents: [],
  }
  return { report, wasLetIn: false, hasMoved: false, isRepeatDue: false, returnAfterMs: 0 }
}

/** Null: some relay let us in, or nobody was there to ask. */
export function failureOf(results: readonly RelaySyncResult[], report: SyncReport): TidemarkError | null {
  const failure = report.relays.find(({ error }) => error !== null)?.error ?? null
  if (failure === null || report.stopped !== null || results.some(({ wasLetIn }) => wasLetIn)) return null
  const { code, message, retryAfterMs, relay } = failure
  return new TidemarkError(code, message, { retryAfterMs, relay, report, cause: failure })
}

export function outcomeOf(result: RelaySyncResult, stopped: SyncReport['stopped'], isPartial: boolean): BurstOutcome {
  const ended: BurstResult = isPartial ? 'partial' : 'synced'
  const isStopped = stopped !== null && !result.report.complete
  return { result: isStopped ? 'unfinished' : (failedResultOf(result) ?? ended), retryAfterMs: wishOf(result) }
}

/** Null: it has not failed. */
function failedResultOf({ report, hasMoved }: RelaySyncResult): BurstResult | null {
  const { error, documents } = report
  // Whoever is cut off every few seconds comes through by coming back: there is nothing to wait for.
  if (error !== null && (error.code === 'OFFLINE' || error.code === 'TIMEOUT') && hasMoved) return 'cut'
  // What a retry cannot mend must not slow down the rest.
  return error !== null || documents.some((document) => document.error?.retryable) ? 'failed' : null
}

/** How long the relay asked to be left alone, on the whole and by each error; in milliseconds. */
function wishOf({ returnAfterMs, report }: RelaySyncResult): number {
  const errors = [report.error, ...report.documents.map(({ error }) => error)]
  return Math.max(returnAfterMs, ...errors.map((error) => error?.retryAfterMs ?? 0))
}
