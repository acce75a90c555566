// What a document holds of its relays' logs and cannot take in yet, and why. Rows that are on their way to the device store
// count too. Takes nothing in itself.
import type { TidemarkError } from '../errors.ts'
import { hexOf } from './bytes.ts'
import { FORMAT_SNAPSHOT } from './format.ts'
import { isSealed, type Obstacle, problemOf } from './obstacle.ts'
import type { Payloads } from './payloads.ts'
import type { PendingRow } from './row-queue.ts'
import type { HeldEntry, HeldRow } from './rows.ts'

export class HeldEntries {
  readonly #documentId: string
  readonly #payloads: Payloads
  /** Those in the device store, by their row ids. */
  readonly #stored: Map<number, HeldRow>
  readonly #pending: () => readonly PendingRow[]
  /** Of all, those that are on their way to the store included: a relay may give very many. */
  readonly #known = new Set<string>()
  /** By push id in hex. */
  readonly #obstacles = new Map<string, Obstacle>()
  /** Undefined: to be found out. */
  #problem: TidemarkError | null | undefined

  /** @param pending the rows that are not in the store yet */
  constructor(
    documentId: string,
    payloads: Payloads,
    stored: ReadonlyMap<number, HeldRow>,
    pending: () => readonly PendingRow[],
  ) {
    this.#documentId = documentId
    this.#payloads = payloads
    this.#stored = new Map(stored)
    this.#pending = pending
    for (const { relay, entry } of stored.values()) this.queued(relay, entry)
  }

  get stored(): ReadonlyMap<number, HeldRow> {
    return this.#stored
  }

  /** Whether some are still on their way to the device store. */
  get hasPending(): boolean {
    return this.#pending().some(({ row }) => row.kind === 'held')
  }

  /** Whether anything is held once these rows are in the store, too. */
  holdsWith(pending: readonly PendingRow[]): boolean {
    const replaced = new Set(pending.flatMap(({ replaces }) => replaces))
    return pending.some(({ row }) => row.kind === 'held') || [...this.#stored.keys()].some((id) => !replaced.has(id))
  }

  /**
   * Something here, of whatever relay, may be read with the right key. What is not authentic under a key that was proven
   * right is a stranger's.
   */
  get hasSealed(): boolean {
    return this.#all().some(({ entry }) => {
      const obstacle = this.#obstacleOf(entry)
      return isSealed(obstacle) && !(obstacle.cause === 'NOT_AUTHENTIC' && this.#payloads.isProven(obstacle.keyId))
    })
  }

  /** For the status; the same object until something changes. */
  get problem(): TidemarkError | null {
    this.#problem ??= problemOf(
      this.#documentId,
      this.#all().map(({ entry }) => this.#obstacleOf(entry)),
    )
    return this.#problem
  }

  /** Entries of this relay's log, snapshots left out. */
  of(relay: string): readonly HeldEntry[] {
    return this.#all().flatMap((row) =>
      row.relay === relay && row.entry.format !== FORMAT_SNAPSHOT ? [row.entry] : [],
    )
  }

  has(relay: string, { pushId }: HeldEntry): boolean {
    return this.#known.has(keyOf(relay, pushId))
  }

  /** What is stored of this relay's and may be read yet, but for these push ids, in hex. */
  sealedBut(given: ReadonlySet<string>, relay: string): readonly (readonly [number, HeldRow])[] {
    return [...this.#stored].filter(([, row]) => {
      const isGiven = given.has(hexOf(row.entry.pushId))
      return row.relay === relay && !isGiven && isSealed(this.#obstacleOf(row.entry))
    })
  }

  /** This is what stands in its way now. */
  note({ pushId }: HeldEntry, obstacle: Obstacle): void {
    this.#obstacles.set(hexOf(pushId), obstacle)
    this.#problem = undefined
  }

  /**
   * Forgets what a snapshot that this relay gave stands for: other snapshots, and, where it could be read, what was sealed,
   * since whoever made it could read that. @returns the ids of their rows
   */
  replaceBySnapshot(relay: string, wasRead: boolean): readonly number[] {
    const replaced = [...this.#stored].filter(([, row]) => {
      const isOlder = row.entry.format === FORMAT_SNAPSHOT || (wasRead && isSealed(this.#obstacleOf(row.entry)))
      return row.relay === relay && isOlder
    })
    const ids = replaced.map(([id]) => id)
    this.removed(ids)
    return ids
  }

  /** It goes to the device store as this row. */
  queued(relay: string, entry: HeldEntry): HeldRow {
    this.#known.add(keyOf(relay, entry.pushId))
    return { kind: 'held', relay, entry }
  }

  committed(id: number, row: HeldRow): void {
    this.#stored.set(id, row)
    this.#problem = undefined
  }

  /** These rows are gone. */
  removed(ids: readonly number[]): void {
    for (const id of ids) {
      const row = this.#stored.get(id)
      if (row !== undefined) this.#known.delete(keyOf(row.relay, row.entry.pushId))
      this.#stored.delete(id)
    }
    this.#problem = undefined
  }

  #all(): readonly HeldRow[] {
    const pending = this.#pending().flatMap(({ row }) => (row.kind === 'held' ? [row] : []))
    return [...this.#stored.values(), ...pending]
  }

  #obstacleOf({ pushId }: HeldEntry): Obstacle {
    return this.#obstacles.get(hexOf(pushId)) ?? { cause: 'CANNOT_APPLY' }
  }
}

function keyOf(relay: string, pushId: Uint8Array): string {
  return `${relay}\n${hexOf(pushId)}`
}
