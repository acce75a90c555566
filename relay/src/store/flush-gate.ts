// The disk of a memory store, simulated: changes wait for a flush, and are made, in order, once it has ended. One flush
// at a time, each for all that waited when it began. What was not flushed is nowhere but here.
import { RelayStoreError } from './contract.ts'

interface Waiting {
  make(): void
  reject(error: Error): void
}

export class FlushGate {
  readonly #flush: () => Promise<void>
  readonly #waiting: Waiting[] = []
  #inFlight: readonly Waiting[] = []
  #flushing: Promise<void> | undefined
  #isAbandoned = false

  constructor(flush: () => Promise<void>) {
    this.#flush = flush
  }

  /**
   * Resolves with what `change` returned once its flush has ended; it is called then. It must either change all or
   * throw, which disturbs no other change. Rejects with STORAGE where the flush fails.
   */
  commit<Result>(change: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const make = (): void => {
        try {
          resolve(change())
        } catch (error) {
          reject(error)
        }
      }
      this.#waiting.push({ make, reject })
      this.#flushing ??= this.#flushWhileWaiting()
    })
  }

  /** Resolves once nothing waits. */
  async settled(): Promise<void> {
    await this.#flushing
  }

  /** What was not flushed is lost, also where its flush is under way. */
  abandon(error: Error): void {
    this.#isAbandoned = true
    for (const { reject } of [...this.#inFlight, ...this.#waiting.splice(0)]) reject(error)
  }

  async #flushWhileWaiting(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      this.#inFlight = this.#waiting.splice(0)
      try {
        await this.#flush()
      } catch (error) {
        const failure = new RelayStoreError('STORAGE', 'The flush failed', { cause: error })
        for (const { reject } of this.#inFlight) reject(failure)
        continue
      }
      if (this.#isAbandoned) return
      for (const { make } of this.#inFlight) make()
    }
    this.#inFlight = []
    this.#flushing = undefined
  }
}
