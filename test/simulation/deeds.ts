// What was done in a run, counted: for the summary, and for what excuses what. A fault that nobody did excuses nothing.
import type { StoreKind } from './stores/medium.ts'

/** A device died in a call of its store. */
export function cutIn(kind: StoreKind): string {
  return `cut in ${kind}`
}

export class Deeds {
  readonly #counts = new Map<string, number>()
  readonly #resyncCauses = new Map<string, number>()
  /** Ids, in hex, of snapshots that no honest device has made. */
  readonly badSnapshots: Set<string> = new Set()
  /** Documents that somebody deleted, or tried to. */
  readonly deleted: Set<string> = new Set()
  /** Documents that an app began anew, or tried to. */
  readonly created: Set<string> = new Set()
  /** Documents into whose logs somebody put what no honest device writes. */
  readonly littered: Set<string> = new Set()
  /** Documents of which a stranger presented marks, as though it held them. */
  readonly witnessed: Set<string> = new Set()
  /** Documents of which a stranger claimed what is not so. */
  readonly liedAbout: Set<string> = new Set()
  /** Documents of which some device missed something that others had built upon. */
  readonly gapped: Set<string> = new Set()
  /** Documents for which a stranger asked for repairs. */
  readonly harassed: Set<string> = new Set()

  get counts(): ReadonlyMap<string, number> {
    return this.#counts
  }

  did(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times)
  }

  /** Something for which each device may resync once: a repair, or a compaction, after which marks grow too old. */
  mayResync(relay: string, documentId: string): void {
    const key = `${relay}\n${documentId}`
    this.#resyncCauses.set(key, (this.#resyncCauses.get(key) ?? 0) + 1)
  }

  resyncCausesOf(relay: string, documentId: string): number {
    return this.#resyncCauses.get(`${relay}\n${documentId}`) ?? 0
  }

  count(...what: readonly string[]): number {
    return what.reduce((sum, one) => sum + (this.#counts.get(one) ?? 0), 0)
  }
}
