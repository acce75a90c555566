// The plainest model of a vault whose documents are compacted, swept, deleted and begun anew: arrays, nothing dropped.
import assert from 'node:assert/strict'
import type { Appended, Bytes, LogTail } from '../contract.ts'
import { SHORT_LIMITS } from './acts.ts'
import { assertBytes, stored } from './subject.ts'

export class ModelVault {
  readonly logs: Map<string, ModelLog> = new Map()
  readonly #tombstones: { readonly name: string; readonly log: ModelLog; readonly atMs: number }[] = []
  readonly #ended: { readonly name: string; readonly log: ModelLog }[] = []

  append(name: string, pushId: Bytes, bytes: number, create: boolean): number | 'DELETED' {
    const isDeleted = this.#tombstones.some((tombstone) => tombstone.name === name)
    if (!this.logs.has(name) && isDeleted && !create) return 'DELETED'
    const log = this.logs.get(name) ?? new ModelLog()
    this.logs.set(name, log)
    return log.append(hex(pushId), bytes)
  }

  confirm(name: string, expected: number, appended: Appended): void {
    const { index, receipt, incarnation } = stored(appended)
    assert.equal(index, expected)
    this.logs.get(name)?.confirm(index, receipt, incarnation)
  }

  delete(name: string, atMs: number): void {
    const log = this.logs.get(name)
    if (log === undefined) return
    this.logs.delete(name)
    this.#tombstones.push({ name, log, atMs })
    this.#ended.push({ name, log })
  }

  sweep(nowMs: number): void {
    for (const log of this.logs.values()) log.sweep(nowMs)
    const kept = this.#tombstones.filter(({ atMs }) => nowMs < atMs + SHORT_LIMITS.tombstoneMs)
    this.#tombstones.splice(0, this.#tombstones.length, ...kept)
  }

  anyPlace(name: string, pick: (below: number) => number): { log: ModelLog; index: number } | undefined {
    const log = this.logs.get(name)
    return log && { log, index: 1 + pick(log.head) }
  }

  usage(): { bytes: number; documents: number } {
    const bytes = [...this.logs.values()].reduce((sum, log) => sum + log.usedBytes(), 0)
    return { bytes, documents: this.logs.size }
  }

  feed(): readonly string[] {
    const deleted = new Set(this.#tombstones.map(({ name }) => name).filter((name) => !this.logs.has(name)))
    return [...this.logs.keys(), ...[...deleted].map((name) => `${name}!`)]
  }

  /** Logs that were deleted, whether or not their tombstones are still there. */
  ended(): readonly { readonly name: string; readonly log: ModelLog; readonly isTombstone: boolean }[] {
    const isTombstone = (log: ModelLog): boolean => this.#tombstones.some((tombstone) => tombstone.log === log)
    return this.#ended.map(({ name, log }) => ({ name, log, isTombstone: isTombstone(log) }))
  }
}

interface ModelSnapshot {
  readonly id: Bytes
  readonly bytes: number
  readonly base: number
  readonly atMs: number
  agreed: boolean
}

export class ModelLog {
  incarnation: Bytes = new Uint8Array(0)
  oldest = 1
  readonly everInstalled: Bytes[] = []
  #agreedIndex = 0
  readonly #entries: { readonly pushId: string; readonly bytes: number; receipt: Bytes | null }[] = []
  /** Of those that were installed, how many are dropped: not the newest. */
  #snapshotsDropped = 0
  #swapsDone = 0
  readonly #snapshots: ModelSnapshot[] = []

  get head(): number {
    return this.#entries.length
  }

  get base(): number {
    return this.#snapshots.at(-1)?.base ?? 0
  }

  append(pushId: string, bytes: number): number {
    const { base } = this
    const known = this.#entries.findIndex((entry, position) => position >= base && entry.pushId === pushId)
    return known >= 0 ? known + 1 : this.#entries.push({ pushId, bytes, receipt: null })
  }

  confirm(index: number, receipt: Bytes, incarnation: Bytes): void {
    const entry = this.#entries[index - 1]
    assert.ok(entry !== undefined)
    if (entry.receipt !== null) assertBytes(receipt, entry.receipt)
    if (this.incarnation.length > 0) assertBytes(incarnation, this.incarnation)
    entry.receipt = receipt
    this.incarnation = incarnation
  }

  receiptAt(index: number): Bytes {
    return this.#entries[index - 1]?.receipt ?? assert.fail(`no receipt at ${index}`)
  }

  isCheckable(index: number): boolean {
    return index >= this.oldest - 1
  }

  install(index: number, baseExpected: number, { id, bytes }: { id: Bytes; bytes: number }, atMs: number): string {
    if (baseExpected !== this.base || index <= this.base) return 'CHANGED'
    this.#snapshots.push({ id, bytes, base: index, atMs, agreed: false })
    this.everInstalled.push(id)
    return 'OK'
  }

  agree(index: number): void {
    this.#agreedIndex = Math.max(this.#agreedIndex, index)
    for (const snapshot of this.#snapshots) snapshot.agreed ||= snapshot.base <= index
  }

  /** Each swap drops, once it is due, what it hid and the snapshot before its own. */
  sweep(nowMs: number): void {
    const { retentionMs, retentionMaxMs } = SHORT_LIMITS
    for (;;) {
      const swap = this.#snapshots[this.#swapsDone]
      if (swap === undefined || nowMs < swap.atMs + (swap.agreed ? retentionMs : retentionMaxMs)) return
      this.oldest = swap.base + 1
      this.#snapshotsDropped = this.#swapsDone
      this.#swapsDone += 1
    }
  }

  usedBytes(): number {
    return this.#bytesAfter(this.base) + (this.#snapshots.at(-1)?.bytes ?? 0)
  }

  tail(): LogTail {
    const { base } = this
    const entriesAfterBase = this.head - base
    return {
      base,
      entriesAfterBase,
      bytesAfterBase: this.#bytesAfter(base),
      snapshotBytes: this.#snapshots.at(-1)?.bytes ?? 0,
    }
  }

  /** For a mark at an index; 0: none. */
  judged(index: number, partial: Bytes): unknown {
    const isValid = index === 0 || this.isCheckable(index)
    const start = isValid ? index : 0
    const snapshot = this.#snapshotFor(start, partial)
    const after = snapshot?.base ?? start
    return {
      status: isValid ? 'OK' : 'RESET',
      markIndex: isValid && index > 0 ? index : null,
      base: snapshot?.base ?? null,
      after,
      head: this.head,
      entriesToCome: this.head - after,
      bytesToCome: this.#bytesAfter(after) + (snapshot?.bytes ?? 0),
      agreedIndex: this.#agreedIndex,
    }
  }

  entriesAfter(after: number, count: number): unknown {
    return this.#entries.slice(after, after + count).map(({ pushId, bytes }) => [pushId, bytes])
  }

  #snapshotFor(start: number, partial: Bytes): ModelSnapshot | undefined {
    const retained = this.#snapshots.slice(this.#snapshotsDropped)
    const held = retained.find(({ id }) => hex(id) === hex(partial))
    if (held !== undefined && held.base > start) return held
    const current = this.#snapshots.at(-1)
    if (current === undefined || start >= current.base) return undefined
    const isRetained = start + 1 >= this.oldest
    const isMore = this.#bytesAfter(start) > current.bytes + this.#bytesAfter(current.base)
    return isRetained && !isMore ? undefined : current
  }

  #bytesAfter(index: number): number {
    return this.#entries.slice(index).reduce((sum, { bytes }) => sum + bytes, 0)
  }
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes).toString('hex')
}
