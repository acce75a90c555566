// sync(): one burst with each relay at a time, and one report of them all.
import type { Device } from '../device/device.ts'
import { TidemarkError } from '../errors.ts'
import type { CompactionPolicy, RelayTarget } from '../options.ts'
import type { AbortSignalLike, Platform } from '../platform.ts'
import type { SyncProgress, SyncReport } from '../report.ts'
import { reportUncaught } from '../uncaught.ts'
import type { SyncScope } from './plan.ts'
import { RelaySync, type RelaySyncResult } from './relay-sync.ts'

export interface SyncOptions {
  /** Milliseconds; what arrived by then is kept, and the report says what is left. */
  budgetMs?: number
  signal?: AbortSignalLike
  /** Only these. */
  documents?: readonly string[]
  /** List these vaults too. */
  vaults?: readonly string[]
  onProgress?: (progress: SyncProgress) => void
}

export interface SyncerOptions {
  readonly device: Device
  readonly platform: Platform
  readonly relays: readonly Required<RelayTarget>[]
  readonly compaction: CompactionPolicy
  /** Documents that the app holds open now. */
  openDocuments(): ReadonlySet<string>
}

/** After an entry was half applied the document is rebuilt and the burst repeated; each time one more entry is held. */
const REPEATS_MAX = 8

export class Syncer {
  readonly #options: SyncerOptions
  #tail: Promise<unknown> = Promise.resolve()
  #running = new Set<RelaySync>()
  #closed = false
  /** Milliseconds that the relays of the newest burst asked to be left alone. */
  returnAfterMs = 0

  constructor(options: SyncerOptions) {
    this.#options = options
  }

  /** A call during a burst waits for it, then runs one more. @throws TidemarkError if no relay let us in */
  sync(options: SyncOptions = {}): Promise<SyncReport> {
    return this.between(() => this.#sync(options))
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

  async #sync(options: SyncOptions): Promise<SyncReport> {
    if (this.#closed) throw new TidemarkError('CLOSED', 'This Tidemark is closed')
    const { platform, device } = this.#options
    const startedAt = platform.now()
    const stop = new Stop(options, platform, () => {
      for (const relay of this.#running) relay.stop()
    })
    const scope: SyncScope = {
      documents: options.documents ?? null,
      vaults: options.vaults ?? [],
      open: this.#options.openDocuments(),
    }
    let results: readonly RelaySyncResult[] = []
    try {
      for (let repeats = 0; repeats < REPEATS_MAX; repeats++) {
        results = await this.#syncRelays(scope, options, stop)
        if (stop.reason !== null || !device.inMemory().some(({ needsRebuild }) => needsRebuild)) break
        for (const document of device.inMemory()) if (document.needsRebuild) await document.rebuild()
      }
    } finally {
      stop.release()
    }
    this.returnAfterMs = Math.max(0, ...results.flatMap(wishesOf))
    return this.#report(results, stop.reason, startedAt)
  }

  async #syncRelays(scope: SyncScope, options: SyncOptions, stop: Stop): Promise<readonly RelaySyncResult[]> {
    const { device, platform, relays, compaction } = this.#options
    const progress = new Map<string, SyncProgress>()
    const runs = relays.map(async (target) => {
      const sync = new RelaySync({
        device,
        platform,
        target,
        scope,
        compaction,
        progress: (one) => {
          progress.set(target.url, one)
          try {
            options.onProgress?.(sumOfProgress([...progress.values()]))
          } catch (error) {
            reportUncaught(error)
          }
        },
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

  #report(results: readonly RelaySyncResult[], stopped: Stop['reason'], startedAt: number): SyncReport {
    const relays = results.map(({ report }) => report)
    const report: SyncReport = {
      complete: stopped === null && relays.every(({ complete }) => complete),
      stopped,
      startedAt,
      durationMs: this.#options.platform.now() - startedAt,
      relays,
    }
    const failure = relays.find(({ error }) => error !== null)?.error
    if (failure && stopped === null && !results.some(({ wasLetIn }) => wasLetIn)) {
      const { code, message, retryAfterMs, relay } = failure
      throw new TidemarkError(code, message, { retryAfterMs, relay, report, cause: failure })
    }
    return report
  }
}

/** Why a burst is to end early: its budget, or the app's signal. */
class Stop {
  reason: SyncReport['stopped'] = null
  readonly release: () => void

  constructor({ budgetMs, signal }: SyncOptions, platform: Platform, stopped: () => void) {
    const stop = (reason: 'budget' | 'signal'): void => {
      this.reason ??= reason
      stopped()
    }
    const onAbort = (): void => stop('signal')
    const timer = budgetMs === undefined ? null : platform.setTimeout(() => stop('budget'), budgetMs)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) this.reason = 'signal'
    this.release = () => {
      if (timer !== null) platform.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }
}

/** How long the relay asked to be left alone, on the whole and by each error; in milliseconds. */
function wishesOf({ returnAfterMs, report }: RelaySyncResult): readonly number[] {
  const errors = [report.error, ...report.documents.map(({ error }) => error)]
  return [returnAfterMs, ...errors.map((error) => error?.retryAfterMs ?? 0)]
}

function sumOfProgress(all: readonly SyncProgress[]): SyncProgress {
  const sum = { bytesDone: 0, bytesTotal: 0, documentsDone: 0, documentsTotal: 0 }
  for (const one of all) {
    sum.bytesDone += one.bytesDone
    sum.bytesTotal += one.bytesTotal
    sum.documentsDone += one.documentsDone
    sum.documentsTotal += one.documentsTotal
  }
  return sum
}
