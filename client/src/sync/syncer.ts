// sync(): a burst with each relay, as soon as the one before it with that relay has ended, and one report of them all.
import type { Device } from '../device/device.ts'
import { TidemarkError } from '../errors.ts'
import type { CompactionPolicy, RelayTarget } from '../options.ts'
import type { Platform } from '../platform.ts'
import type { SyncProgress, SyncReport } from '../report.ts'
import type { BurstEnded } from '../schedule/schedule.ts'
import type { BurstOutcome } from '../schedule/turn.ts'
import { storeError } from '../store/errors.ts'
import { reportUncaught } from '../uncaught.ts'
import { failureOf, notBegun, outcomeOf } from './outcome.ts'
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
}

export interface SyncerOptions {
  readonly device: Device
  readonly platform: Platform
  readonly relays: readonly Required<RelayTarget>[]
  readonly compaction: CompactionPolicy
  /** Documents that the app holds open now. */
  openDocuments(): ReadonlySet<string>
  /** Bursts with these relays are asked for. @returns to be called once for each, when it has ended */
  begin(relays: readonly string[]): BurstEnded
  /** Of the bursts under way, and of those that ended meanwhile; null: there is none (any more). */
  progressed(progress: SyncProgress | null): void
}

/** After an entry was half applied the document is rebuilt and the burst repeated; each time one more entry is held. */
const REPEATS_MAX = 8

export class Syncer {
  readonly #options: SyncerOptions
  /** By relay: the end of the newest burst. Never rejects, nor does the next. */
  readonly #bursts = new Map<string, Promise<unknown>>()
  /** The end of what was done between the bursts. */
  #between: Promise<unknown> = Promise.resolve()
  readonly #running = new Set<RelaySync>()
  #burstsUnderWay = 0
  #progress: BurstProgress
  #closed = false

  constructor(options: SyncerOptions) {
    this.#options = options
    this.#progress = new BurstProgress(options.progressed)
  }

  /**
   * A burst with a relay waits for the one under way with it, and for no other relay's.
   * @param only of the relays, by the schedule; null: all, as the app asks
   * @throws TidemarkError BAD_OPTION, CLOSED. That no relay let us in is in the result.
   */
  async sync(options: SyncOptions, only: readonly string[] | null = null): Promise<SyncResult> {
    const { platform, relays } = this.#options
    const startedAt = platform.now()
    const stop = new Stop(options, platform)
    const progress = new BurstProgress((value) => options.onProgress?.(value))
    const asked: AskedSync = { options, stop, progress, startedAt, isByApp: only === null }
    const targets = relays.filter(({ url }) => only === null || only.includes(url))
    const ended = this.#options.begin(targets.map(({ url }) => url))
    const bursts = targets.map(async (target) => {
      let outcome: BurstOutcome = { result: 'failed', retryAfterMs: 0 }
      try {
        const result = await this.#inTurn(target, asked)
        outcome = outcomeOf(result, stop.reason, options.documents !== undefined)
        return result
      } finally {
        ended(target.url, outcome)
      }
    })
    // Hermes has no allSettled.
    await Promise.all(bursts.map((burst) => burst.catch(() => undefined)))
    stop.release()
    return this.#result(asked, await Promise.all(bursts))
  }

  /** Runs while no burst is under way; those that are asked for meanwhile wait. */
  between<Result>(task: () => Promise<Result>): Promise<Result> {
    const run = Promise.all([this.#between, ...this.#bursts.values()]).then(task)
    this.#between = run.catch(() => undefined)
    return run
  }

  /** Ends the bursts under way, and waits for them. */
  async close(): Promise<void> {
    this.#closed = true
    for (const relay of this.#running) relay.stop()
    await Promise.all([this.#between, ...this.#bursts.values()])
  }

  #inTurn(target: Required<RelayTarget>, asked: AskedSync): Promise<RelaySyncResult> {
    const { stop } = asked
    let isWaiting = true
    const burst = Promise.all([this.#between, this.#bursts.get(target.url)]).then(() => {
      isWaiting = false
      return stop.reason === null ? this.#burst(target, asked) : notBegun(target)
    })
    this.#bursts.set(
      target.url,
      burst.catch(() => undefined),
    )
    // The time that another burst takes is this one's too.
    return Promise.race([burst, stop.whenStopped.then(() => (isWaiting ? notBegun(target) : burst))])
  }

  async #burst(target: Required<RelayTarget>, asked: AskedSync): Promise<RelaySyncResult> {
    if (this.#closed) throw new TidemarkError('CLOSED', 'This Tidemark is closed')
    const { device, openDocuments, progressed } = this.#options
    const { documents = null, vaults = [] } = asked.options
    const scope: SyncScope = { documents, vaults, open: openDocuments() }
    if (asked.isByApp) this.#endWaits(target.url, scope)
    const progress = new RelayProgress()
    if (++this.#burstsUnderWay === 1) progressed(NO_PROGRESS)
    for (const sum of [asked.progress, this.#progress]) sum.begin(target.url, progress)
    let result = notBegun(target)
    try {
      for (let repeats = 0; repeats < REPEATS_MAX; repeats++) {
        result = await this.#run(target, scope, progress, asked)
        if (asked.stop.reason !== null || !result.isRepeatDue) break
        for (const document of device.inMemory()) if (document.needsRebuild) await document.rebuild()
      }
      return result
    } catch (failure) {
      // The device store: it keeps no other relay's report from the app.
      return { ...result, report: { ...result.report, complete: false, error: storeError(failure) } }
    } finally {
      this.#tell(asked) // Whatever is told after the end would read as a burst that goes on.
      if (--this.#burstsUnderWay === 0) {
        this.#progress = new BurstProgress(progressed)
        progressed(null)
      }
    }
  }

  async #run(
    target: Required<RelayTarget>,
    scope: SyncScope,
    progress: RelayProgress,
    asked: AskedSync,
  ): Promise<RelaySyncResult> {
    const { device, platform, compaction } = this.#options
    const progressed = (): void => this.#tell(asked)
    const { endsAtMs } = asked.stop
    const sync = new RelaySync({ device, platform, target, scope, compaction, endsAtMs, progress, progressed })
    this.#running.add(sync)
    if (this.#closed) sync.stop()
    asked.stop.onStop(() => {
      if (this.#running.has(sync)) sync.stop()
    })
    try {
      return await sync.run()
    } finally {
      this.#running.delete(sync)
    }
  }

  #tell({ progress }: AskedSync): void {
    this.#progress.tell()
    progress.tell()
  }

  /** The app asks: what was put off before that waits no longer. */
  #endWaits(relay: string, { documents }: SyncScope): void {
    for (const { id, views } of this.#options.device.inMemory())
      if (documents === null || documents.includes(id)) views.get(relay)?.endWait()
  }

  #result({ progress, stop, startedAt }: AskedSync, results: readonly RelaySyncResult[]): SyncResult {
    const relays = results.map(({ report }) => report)
    const report: SyncReport = {
      complete: stop.reason === null && relays.every(({ complete }) => complete),
      stopped: stop.reason,
      startedAt,
      durationMs: this.#options.platform.now() - startedAt,
      progress: progress.value,
      relays,
    }
    return { report, failure: failureOf(results, report) }
  }
}

/** One call. */
interface AskedSync {
  readonly options: SyncOptions
  readonly stop: Stop
  /** Of its own bursts. */
  readonly progress: BurstProgress
  readonly startedAt: number
  readonly isByApp: boolean
}

/** Over the newest bursts with all relays, repeats and all; told whenever it has changed. */
class BurstProgress {
  readonly #relays = new Map<string, RelayProgress>()
  readonly #changed: (progress: SyncProgress) => void
  #value = NO_PROGRESS

  constructor(changed: (progress: SyncProgress) => void) {
    this.#changed = changed
  }

  begin(url: string, relay: RelayProgress): void {
    this.#relays.set(url, relay)
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
