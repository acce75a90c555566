// The row of a document: everything about its log but the entries, and the atomic switch for all of it. What most logs
// need stands first; the rest only from the first compaction, claim or repair on. Rows of store format 1 are of version 1.
//
//   1 version | 1 flags (1: deleted; 2: there is a last claim) | 6 serial | 16 incarnation | 8 generation | 6 head
//   | 16 head chain | 6 bytes | 6 feed index | 6 created at | 6 changed at
//   | in version 2: 6 base | 16 base chain | 6 bytes through the base | 6 dropped | 16 snapshot id | 6 snapshot bytes
//   |   6 snapshot blob | 6 due base | 6 due since | 6 agreed base | 6 agreed index | last claim: 6 index | 6 at | 16 device
//   | recent push ids, 16 each, the newest last
import { CHAIN_BYTES, GENERATION_BYTES, INCARNATION_BYTES, INDEX_BYTES, PUSH_ID_BYTES } from '../bookmark.ts'
import type { Bytes, Judgement } from '../contract.ts'
import { chainOfEntry, ID_BYTES, pushIdOfEntry } from './records.ts'

const AT = {
  flags: 1,
  serial: 2,
  incarnation: 8,
  generation: 24,
  head: 32,
  headChain: 38,
  bytes: 54,
  feedIndex: 60,
  createdAt: 66,
  changedAt: 72,
  base: 78,
  baseChain: 84,
  baseBytes: 100,
  dropped: 106,
  snapshotId: 112,
  snapshotBytes: 128,
  snapshotBlob: 134,
  dueBase: 140,
  dueSince: 146,
  agreedBase: 152,
  agreedIndex: 158,
  claimIndex: 164,
  claimAt: 170,
  claimDevice: 176,
} as const
const SHORT_BYTES: number = AT.base
const LONG_BYTES: number = AT.claimDevice + ID_BYTES
const SHORT_VERSION = 1
const LONG_VERSION = 2
const DELETED = 1
const CLAIMED = 2

/** What changes without an append. */
export interface DocumentState {
  /** 8 bytes. */
  readonly generation: Bytes
  /** The current snapshot, and what is known of the log where it ends. */
  readonly snapshot: DocumentSnapshot | null
  /** Entries up to this index are dropped; what is left of their rows is trash. */
  readonly dropped: number
  /** Of what compactions hid and is still retained, the oldest, which is dropped first. */
  readonly due: { readonly base: number; readonly sinceMs: number } | null
  /** Compactions up to this base have been agreed on since. */
  readonly agreedBase: number
  readonly agreedIndex: number
  readonly lastClaim: Judgement['lastClaim']
}

export interface DocumentSnapshot {
  readonly id: Bytes
  readonly bytes: number
  readonly blobId: number
  /** Index of the last entry that it stands for, the chain there, and the payload bytes of the log up to there. */
  readonly base: number
  readonly baseChain: Bytes
  readonly baseBytes: number
}

/** A document row, read where it lies: most of its readers want two or three of its fields. */
export class DocumentRow {
  readonly row: Buffer
  /** Where the recent push ids begin. */
  readonly #recentAt: number

  constructor(row: Buffer) {
    const version = row[0]
    if (version !== SHORT_VERSION && version !== LONG_VERSION) {
      throw new Error(
        `A row of the table document has version ${version}, expected ${SHORT_VERSION} or ${LONG_VERSION}`,
      )
    }
    this.row = row
    this.#recentAt = version === SHORT_VERSION ? SHORT_BYTES : LONG_BYTES
  }

  /** A log without entries. */
  static begin(serial: number, incarnation: Uint8Array, seed: Uint8Array, nowMs: number): DocumentRow {
    const row = Buffer.alloc(SHORT_BYTES)
    row[0] = SHORT_VERSION
    row.writeUIntBE(serial, AT.serial, INDEX_BYTES)
    row.set(incarnation, AT.incarnation)
    row.set(seed, AT.headChain)
    row.writeUIntBE(nowMs, AT.createdAt, INDEX_BYTES)
    return new DocumentRow(row)
  }

  /** What stays of a log that is deleted. */
  static tombstone(serial: number, incarnation: Uint8Array, nowMs: number): DocumentRow {
    const { row } = DocumentRow.begin(serial, incarnation, Buffer.alloc(CHAIN_BYTES), nowMs)
    row[AT.flags] = DELETED
    return new DocumentRow(row)
  }

  get serial(): number {
    return this.#number(AT.serial)
  }

  get incarnation(): Buffer {
    return this.row.subarray(AT.incarnation, AT.incarnation + INCARNATION_BYTES)
  }

  get generation(): Buffer {
    return this.row.subarray(AT.generation, AT.generation + GENERATION_BYTES)
  }

  get deleted(): boolean {
    return ((this.row[AT.flags] ?? 0) & DELETED) !== 0
  }

  get head(): number {
    return this.#number(AT.head)
  }

  get headChain(): Buffer {
    return this.row.subarray(AT.headChain, AT.headChain + CHAIN_BYTES)
  }

  /** Payload bytes of all entries that there ever were. */
  get bytes(): number {
    return this.#number(AT.bytes)
  }

  /** 0: in no feed yet. */
  get feedIndex(): number {
    return this.#number(AT.feedIndex)
  }

  get createdAtMs(): number {
    return this.#number(AT.createdAt)
  }

  get changedAtMs(): number {
    return this.#number(AT.changedAt)
  }

  /** 0: there is no snapshot. */
  get base(): number {
    return this.#isLong ? this.#number(AT.base) : 0
  }

  get dropped(): number {
    return this.#isLong ? this.#number(AT.dropped) : 0
  }

  get state(): DocumentState {
    const { generation } = this
    if (!this.#isLong) {
      return { generation, snapshot: null, dropped: 0, due: null, agreedBase: 0, agreedIndex: 0, lastClaim: null }
    }
    const dueBase = this.#number(AT.dueBase)
    return {
      generation,
      snapshot: this.#snapshot(),
      dropped: this.dropped,
      due: dueBase === 0 ? null : { base: dueBase, sinceMs: this.#number(AT.dueSince) },
      agreedBase: this.#number(AT.agreedBase),
      agreedIndex: this.#number(AT.agreedIndex),
      lastClaim: this.#lastClaim(),
    }
  }

  /** Push ids in the row itself: those of the newest entries. */
  get recentCount(): number {
    return (this.row.length - this.#recentAt) / PUSH_ID_BYTES
  }

  /** By position among the recent ones, the oldest first. */
  recentPushId(position: number): Buffer {
    const at = this.#recentAt + position * PUSH_ID_BYTES
    return this.row.subarray(at, at + PUSH_ID_BYTES)
  }

  /** The first position from `from` on among the recent ones, or -1. */
  recentPosition(pushId: Uint8Array, from: number): number {
    const start = this.#recentAt + from * PUSH_ID_BYTES
    let at = this.row.indexOf(pushId, start)
    // A match across two of them is none.
    while (at >= 0 && (at - start) % PUSH_ID_BYTES !== 0) at = this.row.indexOf(pushId, at + 1)
    return at < 0 ? -1 : (at - this.#recentAt) / PUSH_ID_BYTES
  }

  /**
   * The row with what a commit changes in it.
   * @param dropped how many of the oldest recent push ids and added entries, taken as one list, it no longer holds.
   * @param state undefined: it has not changed.
   */
  changed(
    change: DocumentChange,
    added: readonly Buffer[],
    dropped: number,
    state: DocumentState | undefined,
  ): DocumentRow {
    const kept = Math.max(0, this.recentCount - dropped)
    const addedFrom = Math.max(0, dropped - this.recentCount)
    const count = kept + added.length - addedFrom
    const recentAt = state === undefined ? this.#recentAt : LONG_BYTES
    const row = Buffer.allocUnsafe(recentAt + count * PUSH_ID_BYTES)
    this.row.copy(row, 0, 0, this.#recentAt)
    row.writeUIntBE(change.head, AT.head, INDEX_BYTES)
    row.writeUIntBE(change.bytes, AT.bytes, INDEX_BYTES)
    row.writeUIntBE(change.feedIndex, AT.feedIndex, INDEX_BYTES)
    row.writeUIntBE(change.changedAtMs, AT.changedAt, INDEX_BYTES)
    if (state !== undefined) writeState(row, state)
    this.row.copy(row, recentAt, this.row.length - kept * PUSH_ID_BYTES)
    let at = recentAt + kept * PUSH_ID_BYTES
    for (let position = addedFrom; position < added.length; position += 1) {
      const entry = added[position]
      if (entry !== undefined) row.set(pushIdOfEntry(entry), at)
      at += PUSH_ID_BYTES
    }
    const last = added.at(-1)
    if (last !== undefined) row.set(chainOfEntry(last), AT.headChain)
    return new DocumentRow(row)
  }

  get #isLong(): boolean {
    return this.#recentAt === LONG_BYTES
  }

  #snapshot(): DocumentSnapshot | null {
    if (this.base === 0) return null
    return {
      id: this.row.subarray(AT.snapshotId, AT.snapshotId + ID_BYTES),
      bytes: this.#number(AT.snapshotBytes),
      blobId: this.#number(AT.snapshotBlob),
      base: this.base,
      baseChain: this.row.subarray(AT.baseChain, AT.baseChain + CHAIN_BYTES),
      baseBytes: this.#number(AT.baseBytes),
    }
  }

  #lastClaim(): Judgement['lastClaim'] {
    if (((this.row[AT.flags] ?? 0) & CLAIMED) === 0) return null
    const device = this.row.subarray(AT.claimDevice, AT.claimDevice + ID_BYTES)
    return { index: this.#number(AT.claimIndex), atMs: this.#number(AT.claimAt), device }
  }

  #number(at: number): number {
    return this.row.readUIntBE(at, INDEX_BYTES)
  }
}

export interface DocumentChange {
  readonly head: number
  readonly bytes: number
  readonly feedIndex: number
  readonly changedAtMs: number
}

/** Makes the row one of version 2. */
function writeState(row: Buffer, state: DocumentState): void {
  const { generation, snapshot, dropped, due, agreedBase, agreedIndex, lastClaim } = state
  const number = (value: number, at: number): void => {
    row.writeUIntBE(value, at, INDEX_BYTES)
  }
  row.fill(0, SHORT_BYTES, LONG_BYTES)
  row[0] = LONG_VERSION
  row[AT.flags] = ((row[AT.flags] ?? 0) & ~CLAIMED) | (lastClaim === null ? 0 : CLAIMED)
  row.set(generation, AT.generation)
  number(dropped, AT.dropped)
  number(agreedBase, AT.agreedBase)
  number(agreedIndex, AT.agreedIndex)
  if (snapshot !== null) {
    row.set(snapshot.id, AT.snapshotId)
    row.set(snapshot.baseChain, AT.baseChain)
    number(snapshot.bytes, AT.snapshotBytes)
    number(snapshot.blobId, AT.snapshotBlob)
    number(snapshot.base, AT.base)
    number(snapshot.baseBytes, AT.baseBytes)
  }
  if (due !== null) {
    number(due.base, AT.dueBase)
    number(due.sinceMs, AT.dueSince)
  }
  if (lastClaim !== null) {
    number(lastClaim.index, AT.claimIndex)
    number(lastClaim.atMs, AT.claimAt)
    row.set(lastClaim.device, AT.claimDevice)
  }
}
