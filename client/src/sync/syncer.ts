// sync(): one burst with each relay at a time, and one report of them all.
import type { Device } from '../device/device.ts'
import { TidemarkError } from '../errors.ts'
import type { CompactionPolicy, RelayTarget } from '../options.ts'
import type { Platform } from '../platform.ts'
import type { SyncProgress, SyncReport } from '../report.ts'
import type { BurstOutcomes } from '../schedule/schedule.ts'
import { reportUncaught } from '../uncaught.ts'
import { failureOf, notBegun, outcomesOf } from './outcome.ts'
import type { SyncScope } from './plan.ts'
import { NO_PROGRESS, RelayProgress, sameProgress, sumOfProgress } from './progress.ts'
import { RelaySync, type RelaySyncResult } from './relay-sync.ts'
import { Stop, type StopOptions } from './stop.ts'

export interface SyncOptions extends StopOptions {
  /** Milliseconds from the call on; what arrived by then is kept, and the report says what is left. */
  budgetMs?: number
  /** Only these. */
  documents?: readonly string[]
  /** List these vaults too. */
  vaults?: readonly string[]
  onProgress?: (progress: SyncProgress) => void
}

export interface SyncResult {
  readonly report: SyncReport
  /** No relay let us in, and this is why. */
  readonly failure: TidemarkError | null
  readonly outcomes: BurstOutcomes
}

export interface SyncerOptions {
  readonly device: Device
  readonly platform: Platform
  readonly relays: readonly Required<RelayTarget>[]
  readonly compaction: CompactionPolicy
  /** Documents that the app holds open now. */
  openDocuments(): ReadonlySet<string>
  /** Of the burst under way; null: there is none (any more). */
  progressed(progress: SyncProgress | null): void
}

/** After an entry was half applied the document is rebuilt and the burst repeated; each time one more entry is held. */
const REPEATS_MAX = 8

export class Syncer {
  readonly #options: SyncerOptions
  #tail: Promise<unknown> = Promise.resolve()
  #running = new Set<RelaySync>()
  #closed = false

  constructor(options: SyncerOptions) {
    this.#options = options
  }

  /**
   * A call during a burst waits for it, then runs one more.
   * @param only of the relays, by the schedule; null: all, as the app asks
   * @throws TidemarkError BAD_OPTION, CLOSED, STORE_FULL, STORE_FAILED. That no relay let us in is in the result.
   */
  async sync(options: SyncOptions, only: readonly string[] | null = null): Promise<SyncResult> {
    const { platform, relays } = this.#options
    const startedAt = platform.now()
    const stop = new Stop(options, platform)
    const targets = relays.filter(({ url }) => only === null || only.includes(url))
    const nothing = (): SyncResult => {
      return this.#result({ results: targets.map(notBegun), progress: NO_PROGRESS, stop, startedAt, options })
    }
    let isWaiting = true
    const burst = this.between(async () => {
      isWaiting = false
      return stop.reason === null ? this.#sync(options, targets, stop, startedAt, only === null) : nothing()
    })
    try {
      // The time that another burst takes is this one's too.
      return await Promise.race([burst, stop.whenStopped.then(() => (isWaiting ? nothing() : burst))])
    } finally {
      stop.release()
    }
  }

  /** Runs while no burst is under way. */
  between<Result>(task: () => Promise<Result>): Promise<Result> {
    const run = this.#tail.then(task)
    this.#tail = run.catch(() => undefined)
    return run
  }

  /** Ends the burst under way, and waits for it. */
  async close(): Promise<void> {
    this.#closed = true
    for (const relay of this.#running) relay.stop()
    await this.#tail
  }

  async #sync(
    options: SyncOptions,
    targets: readonly Required<RelayTarget>[],
    stop: Stop,
    startedAt: number,
    isAsked: boolean,
  ): Promise<SyncResult> {
    if (this.#closed) throw new TidemarkError('CLOSED', 'This Tidemark is closed')
    const { device, progressed } = this.#options
    const progress = new BurstProgress(targets, (value) => {
      progressed(value)
      options.onProgress?.(value)
    })
    const scope: SyncScope = {
      documents: options.documents ?? null,
      vaults: options.vaults ?? [],
      open: this.#options.openDocuments(),
    }
    if (isAsked) this.#endWaits(scope)
    let results: readonly RelaySyncResult[] = []
    stop.onStop(() => {
      for (const relay of this.#running) relay.stop()
    })
    progressed(NO_PROGRESS)
    try {
      for (let repeats = 0; repeats < REPEATS_MAX; repeats++) {
        results = await this.#syncRelays(scope, targets, progress, stop)
        if (stop.reason !== null || !device.inMemory().some(({ needsRebuild }) => needsRebuild)) break
        for (const document of device.inMemory()) if (document.needsRebuild) await document.rebuild()
      }
    } finally {
      progress.tell() // Whatever is told after the end would read as a burst that goes on.
      progressed(null)
    }
    return this.#result({ results, progress: progress.value, stop, startedAt, options })
  }

  /** The app asks: what was put off before that waits no longer. */
  #endWaits({ documents }: SyncScope): void {
    for (const { id, views } of this.#options.device.inMemory()) {
      if (documents === null || documents.includes(id)) for (const view of views.values()) view.endWait()
    }
  }

  async #syncRelays(
    scope: SyncScope,
    targets: readonly Required<RelayTarget>[],
    progress: BurstProgress,
    stop: Stop,
  ): Promise<readonly RelaySyncResult[]> {
    const { device, platform, compaction } = this.#options
    const runs = targets.map(async (target) => {
      const sync = new RelaySync({
        device,
        platform,
        target,
        scope,
        compaction,
        endsAtMs: stop.endsAtMs,
        progress: progress.ofRelay(target.url),
        progressed: () => progress.tell(),
      })
      this.#running.add(sync)
      if (stop.reason !== null || this.#closed) sync.stop()
      try {
        return await sync.run()
      } finally {
        this.#running.delete(sync)
      }
    })
    return Promise.all(runs)
  }

  #result(ended: EndedSync): SyncResult {
    const { results, progress, stop, startedAt, options } = ended
    const relays = results.map(({ report }) => report)
    const report: SyncReport = {
      complete: stop.reason === null && relays.every(({ complete }) => complete),
      stopped: stop.reason,
      startedAt,
      durationMs: this.#options.platform.now() - startedAt,
      progress,
      relays,
    }
    const isPartial = options.documents !== undefined
    return { report, failure: failureOf(results, report), outcomes: outcomesOf(results, report.stopped, isPartial) }
  }
}

interface EndedSync {
  readonly results: readonly RelaySyncResult[]
  readonly progress: SyncProgress
  readonly stop: Stop
  readonly startedAt: number
  readonly options: SyncOptions
}

/** Over all relays and repeats of one sync(); told whenever it has changed. */
class BurstProgress {
  readonly #relays: ReadonlyMap<string, RelayProgress>
  readonly #changed: (progress: SyncProgress) => void
  #value = NO_PROGRESS

  constructor(targets: readonly Required<RelayTarget>[], changed: (progress: SyncProgress) => void) {
    this.#relays = new Map(targets.map(({ url }) => [url, new RelayProgress()]))
    this.#changed = changed
  }

  ofRelay(url: string): RelayProgress {
    return this.#relays.get(url) as RelayProgress
  }

  get value(): SyncProgress {
    this.tell()
    return this.#value
  }

  tell(): void {
    const value = sumOfProgress([...this.#relays.values()].map((relay) => relay.value))
    if (sameProgress(value, this.#value)) return
    this.#value = value
    try {
      this.#changed(value)
    } catch (error) {
      reportUncaught(error)
    }
  }
}
