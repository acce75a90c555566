// The order of commits for drivers that pay per flush: those that arrive while one flush is under way share the next.
// Never reorders, and never lets one commit's failure reach another.
import { type CommittedRows, DeviceStoreError, type StoreWrite } from './contract.ts'

/** Applies all of the writes in order, or nothing of them. Resolves to the ids of each when they are durable. */
export type ApplyWrites = (writes: readonly StoreWrite[]) => Promise<readonly CommittedRows[]>

/** What one flush takes on: the writes before the one that passes this, and that one. */
const GROUP_BYTES_MAX = 8 * 1024 * 1024

interface WaitingCommit {
  readonly write: StoreWrite
  resolve(rows: CommittedRows): void
  reject(error: unknown): void
}

export class CommitQueue {
  readonly #apply: ApplyWrites
  #waiting: WaitingCommit[] = []
  #running: Promise<void> | null = null
  #closedBecause: string | null = null

  constructor(apply: ApplyWrites) {
    this.#apply = apply
  }

  commit(write: StoreWrite): Promise<CommittedRows> {
    return new Promise((resolve, reject) => {
      this.assertOpen()
      this.#waiting.push({ write, resolve, reject })
      this.#running ??= this.#run()
    })
  }

  /** @throws DeviceStoreError CLOSED */
  assertOpen(): void {
    if (this.#closedBecause !== null) throw new DeviceStoreError('CLOSED', this.#closedBecause)
  }

  /** Refuses later commits and waits for the earlier ones. */
  async close(because: string): Promise<void> {
    this.#closedBecause ??= because
    await this.#running
  }

  async #run(): Promise<void> {
    await Promise.resolve() // What is committed in one turn goes into one flush.
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, groupLength(this.#waiting))
      if (!(await this.#applyAsOne(group))) await this.#applyOneByOne(group)
    }
    this.#running = null
  }

  async #applyAsOne(group: readonly WaitingCommit[]): Promise<boolean> {
    try {
      const rows = await this.#apply(group.map(({ write }) => write))
      group.forEach(({ resolve }, i) => {
        resolve(rows[i] as CommittedRows)
      })
      return true
    } catch (error) {
      if (group.length > 1) return false
      group[0]?.reject(error)
      return true
    }
  }

  /** A group fails as one; alone, each fails only for a reason of its own. */
  async #applyOneByOne(group: readonly WaitingCommit[]): Promise<void> {
    for (const waiting of group) await this.#applyAsOne([waiting])
  }
}

function groupLength(waiting: readonly WaitingCommit[]): number {
  let bytes = 0
  for (let i = 0; i < waiting.length; i++) {
    bytes += writeBytes((waiting[i] as WaitingCommit).write)
    if (bytes > GROUP_BYTES_MAX) return i + 1
  }
  return waiting.length
}

function writeBytes({ records = [], append = [] }: StoreWrite): number {
  const sum = (parts: readonly { readonly bytes: Uint8Array | null }[]): number =>
    parts.reduce((total, { bytes }) => total + (bytes?.byteLength ?? 0), 0)
  return sum(records) + sum(append)
}
