// The only writer: one commit at a time, and what arrives while one is being flushed goes out with the next. Answers
// nothing that is not on disk. Once a commit fails for another reason than a full disk, nothing is written again.
import { statfs } from 'node:fs/promises'
import type { Appended, Staged, StagedPiece, StoreLimits, StorePush } from '../contract.ts'
import { RelayStoreError } from '../contract.ts'
import { appending } from './append.ts'
import { commit, type Environment, getRow, HEAD_KEY, type Write } from './environment.ts'
import type { FreeSpace } from './free-space.ts'
import { CommitPlan, type Operation, type PlanHead, type PlannedCall, type PlanSources } from './plan.ts'
import { decodeHead } from './records.ts'
import type { Sidecar } from './sidecar.ts'
import { staging } from './uploads.ts'

export interface WriterOptions {
  readonly environment: Environment
  readonly directory: string
  readonly head: PlanHead
  readonly random: (bytes: number) => Uint8Array
  readonly now: () => number
  readonly commitTimeoutMs: number
  readonly aroundCommit: ((commit: () => Promise<void>) => Promise<void>) | undefined
  readonly freeSpace: FreeSpace
  readonly sidecar: Sidecar
}

/** A plan this large goes out at once instead of at the end of the event turn: LMDB's thread works while more arrives. */
const ENTRIES_AT_ONCE = 1_024
const BYTES_AT_ONCE: number = 1024 * 1024
/** Free space at which a failed write is laid to a full disk: LMDB reports a write cut short as EIO, not as ENOSPC. */
const FREE_BYTES_BESIDE_COMMIT: number = 1024 * 1024
/** What a row may cost beside its payload, in pages that LMDB writes anew, or that come to be by a split. */
const BYTES_OF_WRITE_MAX: number = 8 * 1024
const ENOSPC = 28
const EDQUOT = 122

export class Writer {
  readonly failed: Promise<Error>
  readonly #options: WriterOptions
  readonly #sources: PlanSources
  readonly #resolveFailed: (reason: Error) => void
  #durableHead: PlanHead
  #next: CommitPlan
  #inFlight: CommitPlan | undefined
  #scheduled = false
  #failure: RelayStoreError | undefined
  #stuck = false
  #closed = false
  #drained: (() => void) | undefined

  constructor(options: WriterOptions) {
    this.#options = options
    this.#sources = { tables: options.environment.tables, random: options.random, now: options.now }
    this.#durableHead = options.head
    this.#next = new CommitPlan(this.#sources, options.head, undefined)
    let resolveFailed: (reason: Error) => void = () => {}
    this.failed = new Promise((resolve) => {
      resolveFailed = resolve
    })
    this.#resolveFailed = resolveFailed
  }

  append(pushes: readonly StorePush[]): Promise<readonly Appended[]> {
    return this.change(() => {
      this.#checkSpace()
      return appending(pushes)
    })
  }

  stage(piece: StagedPiece, limits: StoreLimits): Promise<Staged | 'full'> {
    return this.change(() => {
      // An empty one only asks.
      if (piece.bytes.length > 0) this.#checkSpace()
      return staging(piece, limits)
    })
  }

  /** @param prepare is called at once, to copy what the caller may change. */
  change<Result>(prepare: () => Operation<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#closed) throw new RelayStoreError('CLOSED', 'The store is closed')
      if (this.#failure !== undefined) throw this.#failure
      const operation = prepare()
      const plan = (next: CommitPlan): (() => void) => {
        const result = operation(next)
        return () => resolve(result)
      }
      try {
        this.#next.add({ plan, reject })
      } catch (error) {
        this.#planAnew(this.#next.calls)
        throw error
      }
      this.#schedule()
    })
  }

  /** What devices bring is refused before the disk is full; what else is written is little, or makes room. */
  #checkSpace(): void {
    if (this.#options.freeSpace.isShort) throw new RelayStoreError('STORAGE', 'The disk is nearly full')
  }

  /** Resolves when all that was begun is answered; false: a commit hangs, and LMDB must be left alone. */
  async close(): Promise<boolean> {
    this.#closed = true
    if (this.#inFlight !== undefined || this.#next.calls.length > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
      })
    }
    return !this.#stuck
  }

  #schedule(): void {
    if (this.#inFlight !== undefined) return
    if (this.#next.entries >= ENTRIES_AT_ONCE || this.#next.bytes >= BYTES_AT_ONCE) {
      this.#commit()
      return
    }
    if (this.#scheduled) return
    this.#scheduled = true
    // After the sockets that are ready in this turn have all been read.
    setImmediate(() => {
      this.#scheduled = false
      if (this.#inFlight === undefined) this.#commit()
    })
  }

  #commit(): void {
    const plan = this.#next
    if (plan.calls.length === 0) return
    try {
      const writes = plan.finish()
      this.#inFlight = plan
      this.#planAnew([])
      if (writes.length === 0) this.#committed(plan)
      else this.#issue(plan, writes)
    } catch (error) {
      this.#fail('A commit could not be made', error)
    }
  }

  #issue(plan: CommitPlan, writes: readonly Write[]): void {
    this.#checkOwner()
    const { environment, freeSpace, aroundCommit, commitTimeoutMs } = this.#options
    const write = async (): Promise<void> => {
      await freeSpace.room(plan.bytes + writes.length * BYTES_OF_WRITE_MAX + FREE_BYTES_BESIDE_COMMIT)
      await commit(environment, writes)
    }
    const deadline = setTimeout(() => {
      if (this.#inFlight !== plan) return
      this.#stuck = true
      this.#fail(`A commit did not end within ${commitTimeoutMs} ms`, undefined)
    }, commitTimeoutMs)
    const committed = aroundCommit === undefined ? write() : aroundCommit(write)
    committed.then(
      () => {
        clearTimeout(deadline)
        if (this.#inFlight === plan) this.#committed(plan)
      },
      (error: unknown) => {
        clearTimeout(deadline)
        if (this.#inFlight === plan) void this.#notCommitted(plan, error)
      },
    )
  }

  /** LMDB shares an environment between processes, this store does not: whoever took it over is to have it alone. */
  #checkOwner(): void {
    const row = getRow(this.#sources.tables.meta, HEAD_KEY)
    const owner = row === undefined ? undefined : decodeHead(row).owner
    if (owner === undefined || Buffer.compare(owner, this.#durableHead.owner) !== 0) {
      throw new Error('Another process has taken over the store')
    }
  }

  #committed(plan: CommitPlan): void {
    this.#durableHead = plan.head
    this.#options.sidecar.committed(plan.head)
    this.#options.freeSpace.took(plan.bytes)
    this.#inFlight = undefined
    this.#next.settled()
    plan.resolve()
    this.#goOn()
  }

  async #notCommitted(plan: CommitPlan, error: unknown): Promise<void> {
    const full = await this.#isDiskFull(plan, error)
    // The deadline may have passed meanwhile.
    if (this.#inFlight !== plan) return
    if (!full) {
      this.#fail('A commit failed', error)
      return
    }
    this.#inFlight = undefined
    this.#planAnew(this.#next.calls)
    plan.reject(new RelayStoreError('STORAGE', 'The disk is full', { cause: error }))
    this.#goOn()
  }

  #goOn(): void {
    if (this.#next.calls.length > 0) this.#schedule()
    else if (this.#inFlight === undefined) this.#drained?.()
  }

  /** Replaces the next plan by one of these calls; one that throws is answered so, and leaves nothing in it. */
  #planAnew(calls: readonly PlannedCall[]): void {
    let remaining = calls
    for (;;) {
      const plan = new CommitPlan(this.#sources, this.#inFlight?.head ?? this.#durableHead, this.#inFlight)
      const thrown = addUntilThrow(plan, remaining)
      if (thrown === undefined) {
        this.#next = plan
        return
      }
      thrown.call.reject(thrown.error)
      remaining = remaining.filter((call) => call !== thrown.call)
    }
  }

  async #isDiskFull(plan: CommitPlan, error: unknown): Promise<boolean> {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === ENOSPC || code === EDQUOT || code === 'ENOSPC' || code === 'EDQUOT') return true
    try {
      const { bavail, bsize } = await statfs(this.#options.directory)
      return bavail * bsize < 2 * plan.bytes + FREE_BYTES_BESIDE_COMMIT
    } catch {
      // A file system that cannot even say its size is no full disk.
      return false
    }
  }

  #fail(reason: string, cause: unknown): void {
    const failure = new RelayStoreError('STORAGE', `The store has failed: ${reason}`, { cause })
    this.#failure = failure
    const plans = [this.#inFlight, this.#next]
    this.#inFlight = undefined
    this.#next = new CommitPlan(this.#sources, this.#durableHead, undefined)
    for (const plan of plans) plan?.reject(failure)
    this.#resolveFailed(failure)
    this.#drained?.()
  }
}

function addUntilThrow(
  plan: CommitPlan,
  calls: readonly PlannedCall[],
): { readonly call: PlannedCall; readonly error: Error } | undefined {
  for (const call of calls) {
    try {
      plan.add(call)
    } catch (error) {
      return { call, error: error instanceof Error ? error : new Error(String(error)) }
    }
  }
  return undefined
}
