// What a background task calls: a cold start on the device's store, one burst over plain HTTP, and the end. Nothing here is of
// Node: in React Native the same function is called by a task of expo-background-task or of react-native-background-fetch.
import { type DeviceStore, Tidemark, TidemarkError, type TokenSource } from '@tidemark/client'

export interface BackgroundSync {
  readonly store: DeviceStore
  /** wss://…; the address for HTTP is derived from it. */
  readonly relay: string
  readonly token: TokenSource
  /** Vaults whose documents are to be here before the writer opens the app again. */
  readonly vaults: readonly string[]
  /** Less than the system gives: iOS about 30 seconds, WorkManager ten minutes, and the end takes a moment, too. */
  readonly budgetMs: number
  /** The system takes the time back: the expiration handler of iOS, onStopped of Android. */
  readonly signal?: AbortSignal
}

/**
 * done: everything is in sync. later: what was moved is kept, and the next task goes on there; WorkManager's retry, and a new
 * request on iOS. stuck: only the app in the foreground can help, as `problem` says.
 */
export interface Outcome {
  readonly result: 'done' | 'later' | 'stuck'
  readonly documentsLeft: number
  readonly problem: string | null
}

export async function backgroundSync(options: BackgroundSync): Promise<Outcome> {
  const { store, relay, token, vaults, budgetMs, signal } = options
  const tidemark = new Tidemark({
    // One POST each way, and nothing to keep alive: the system may freeze the process at any moment.
    relays: [{ url: relay, carrier: 'http' }],
    token,
    store,
    mirror: vaults,
    schedule: false,
    // A phone in a pocket does not do this for others.
    compaction: 'never',
  })
  try {
    const report = await tidemark.sync({ budgetMs, ...(signal === undefined ? {} : { signal }) })
    const { documentsDone, documentsTotal } = report.progress
    const documentsLeft = documentsTotal - documentsDone
    const problem = problemOf(
      report.relays.flatMap(({ error, documents }) => [error, ...documents.map((one) => one.error)]),
    )
    const result = report.complete ? 'done' : problem === null || problem.retryable ? 'later' : 'stuck'
    return { result, documentsLeft, problem: problem?.message ?? null }
  } catch (error) {
    if (!(error instanceof TidemarkError)) throw error
    return { result: error.retryable ? 'later' : 'stuck', documentsLeft: 0, problem: error.message }
  } finally {
    await tidemark.close()
  }
}

/** What only the app can help against comes first. */
function problemOf(errors: readonly (TidemarkError | null)[]): TidemarkError | null {
  return errors.find((error) => error?.retryable === false) ?? errors.find((error) => error !== null) ?? null
}
