// Why a sync() is to end early: its budget, which runs from the call on, or the app's signal.
import { TidemarkError } from '../errors.ts'
import type { AbortSignalLike, Platform } from '../platform.ts'
import type { SyncReport } from '../report.ts'

export interface StopOptions {
  budgetMs?: number
  signal?: AbortSignalLike
}

/** What timers of all platforms can count. */
const BUDGET_MS_MAX = 2 ** 31 - 1

export class Stop {
  reason: SyncReport['stopped'] = null
  /** By the budget; null: there is none. */
  readonly endsAtMs: number | null
  /** Resolves when there is a reason. */
  readonly whenStopped: Promise<void>
  readonly release: () => void
  readonly #listeners = new Set<() => void>()

  /** @throws TidemarkError BAD_OPTION */
  constructor({ budgetMs, signal }: StopOptions, platform: Platform) {
    const isBudget = typeof budgetMs === 'number' && budgetMs >= 0 && budgetMs <= BUDGET_MS_MAX
    if (budgetMs !== undefined && !isBudget) {
      throw new TidemarkError('BAD_OPTION', `budgetMs must be a number of milliseconds from 0 to ${BUDGET_MS_MAX}`)
    }
    this.endsAtMs = budgetMs === undefined ? null : platform.now() + budgetMs
    this.whenStopped = new Promise((resolve) => this.#listeners.add(resolve))
    const stop = (reason: 'budget' | 'signal'): void => {
      if (this.reason !== null) return
      this.reason = reason
      for (const listener of this.#listeners) listener()
    }
    const onAbort = (): void => stop('signal')
    const timer = budgetMs === undefined ? null : platform.setTimeout(() => stop('budget'), budgetMs)
    signal?.addEventListener('abort', onAbort)
    if (signal?.aborted) stop('signal')
    if (budgetMs === 0) stop('budget')
    this.release = () => {
      if (timer !== null) platform.clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  /** Called at once where there is a reason already. */
  onStop(listener: () => void): void {
    if (this.reason !== null) listener()
    else this.#listeners.add(listener)
  }
}
