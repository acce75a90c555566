// What a device remembers of its bursts since the page was opened, for the timeline and the sums.
import { type SyncReport, TidemarkError } from '@tidemark/client'

export interface BurstRecord {
  /** Milliseconds since 1970. */
  readonly startedAt: number
  /** How long a socket was there, from the call to the last goodbye. */
  readonly connectedMs: number
  readonly bytesSent: number
  readonly bytesReceived: number
  readonly entriesPushed: number
  readonly entriesPulled: number
  /** Null: everything arrived, on all relays. */
  readonly problem: TidemarkError | null
  /** Everything arrived on one relay at least. */
  readonly isComplete: boolean
}

export interface BurstSums {
  readonly bursts: number
  readonly bytesSent: number
  readonly bytesReceived: number
}

export interface OfflineSpan {
  readonly from: number
  /** Null: still offline. */
  to: number | null
}

/** More than fit into the timeline; older ones are forgotten. */
const RECORDS_MAX = 200

export class BurstLog {
  readonly offline: OfflineSpan[] = []
  #records: readonly BurstRecord[] = []
  #sums: BurstSums = { bursts: 0, bytesSent: 0, bytesReceived: 0 }

  /** Oldest first. */
  get records(): readonly BurstRecord[] {
    return this.#records
  }

  get newest(): BurstRecord | null {
    return this.#records.at(-1) ?? null
  }

  get sums(): BurstSums {
    return this.#sums
  }

  add(record: BurstRecord): void {
    this.#records = [...this.#records, record].slice(-RECORDS_MAX)
    this.#sums = {
      bursts: this.#sums.bursts + (record.connectedMs > 0 ? 1 : 0),
      bytesSent: this.#sums.bytesSent + record.bytesSent,
      bytesReceived: this.#sums.bytesReceived + record.bytesReceived,
    }
  }

  noteOnline(isOnline: boolean, now: number): void {
    const open = this.offline.at(-1)
    if (!isOnline) this.offline.push({ from: now, to: null })
    else if (open !== undefined) open.to ??= now
    if (this.offline.length > RECORDS_MAX) this.offline.shift()
  }
}

/** Out of what sync() gave, or threw. */
export function recordOf(result: SyncReport | TidemarkError, startedAt: number, connectedMs: number): BurstRecord {
  const report = result instanceof TidemarkError ? result.report : result
  const relays = report?.relays ?? []
  const documents = relays.flatMap((relay) => relay.documents)
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
  const problems = [result instanceof TidemarkError ? result : null, ...relays.map(({ error }) => error)]
  return {
    startedAt,
    connectedMs,
    bytesSent: sum(relays.map((relay) => relay.bytesSent)),
    bytesReceived: sum(relays.map((relay) => relay.bytesReceived)),
    entriesPushed: sum(documents.map((document) => document.entriesPushed)),
    entriesPulled: sum(documents.map((document) => document.entriesPulled)),
    problem: [...problems, ...documents.map(({ error }) => error)].find((error) => error !== null) ?? null,
    isComplete: isCompleteSomewhere(result),
  }
}

/** One relay that has everything is enough. */
function isCompleteSomewhere(result: SyncReport | TidemarkError): boolean {
  return !(result instanceof TidemarkError) && result.relays.some(({ complete }) => complete)
}
