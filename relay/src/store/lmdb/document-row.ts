// The row of a document: everything about its log but the entries, and the atomic switch for all of it.
//
//   1 version | 1 flags (1: deleted) | 6 serial | 16 incarnation | 8 generation | 6 head | 16 head chain | 6 bytes
//   | 6 feed index | 6 created at | 6 changed at | recent push ids, 16 each, the newest last
import { CHAIN_BYTES, GENERATION_BYTES, INCARNATION_BYTES, INDEX_BYTES, PUSH_ID_BYTES } from '../bookmark.ts'
import { chainOfEntry, checkVersion, pushIdOfEntry, ROW_VERSION } from './records.ts'

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
  recent: 78,
} as const
const DELETED = 1

/** A document row, read where it lies: most of its readers want two or three of its fields. */
export class DocumentRow {
  readonly row: Buffer

  constructor(row: Buffer) {
    checkVersion(row, 'document')
    this.row = row
  }

  /** A log without entries. */
  static begin(serial: number, incarnation: Uint8Array, seed: Uint8Array, nowMs: number): DocumentRow {
    const row = Buffer.alloc(AT.recent)
    row[0] = ROW_VERSION
    row.writeUIntBE(serial, AT.serial, INDEX_BYTES)
    row.set(incarnation, AT.incarnation)
    row.set(seed, AT.headChain)
    row.writeUIntBE(nowMs, AT.createdAt, INDEX_BYTES)
    return new DocumentRow(row)
  }

  get serial(): number {
    return this.row.readUIntBE(AT.serial, INDEX_BYTES)
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
    return this.row.readUIntBE(AT.head, INDEX_BYTES)
  }

  get headChain(): Buffer {
    return this.row.subarray(AT.headChain, AT.headChain + CHAIN_BYTES)
  }

  /** Payload bytes of the whole log. */
  get bytes(): number {
    return this.row.readUIntBE(AT.bytes, INDEX_BYTES)
  }

  /** 0: in no feed yet. */
  get feedIndex(): number {
    return this.row.readUIntBE(AT.feedIndex, INDEX_BYTES)
  }

  /** Push ids in the row itself: those of the newest entries. */
  get recentCount(): number {
    return (this.row.length - AT.recent) / PUSH_ID_BYTES
  }

  /** By position among the recent ones, the oldest first. */
  recentPushId(position: number): Buffer {
    const at = AT.recent + position * PUSH_ID_BYTES
    return this.row.subarray(at, at + PUSH_ID_BYTES)
  }

  /** The position among the recent ones, or -1. */
  recentPosition(pushId: Uint8Array): number {
    let at = this.row.indexOf(pushId, AT.recent)
    // A match across two of them is none.
    while (at >= 0 && (at - AT.recent) % PUSH_ID_BYTES !== 0) at = this.row.indexOf(pushId, at + 1)
    return at < 0 ? -1 : (at - AT.recent) / PUSH_ID_BYTES
  }

  /**
   * The row with what a commit changes in it.
   * @param dropped how many of the oldest recent push ids and added entries, taken as one list, it no longer holds.
   */
  changed(change: DocumentChange, added: readonly Buffer[], dropped: number): DocumentRow {
    const kept = Math.max(0, this.recentCount - dropped)
    const addedFrom = Math.max(0, dropped - this.recentCount)
    const count = kept + added.length - addedFrom
    const row = Buffer.allocUnsafe(AT.recent + count * PUSH_ID_BYTES)
    this.row.copy(row, 0, 0, AT.recent)
    row.writeUIntBE(change.head, AT.head, INDEX_BYTES)
    row.writeUIntBE(change.bytes, AT.bytes, INDEX_BYTES)
    row.writeUIntBE(change.feedIndex, AT.feedIndex, INDEX_BYTES)
    row.writeUIntBE(change.changedAtMs, AT.changedAt, INDEX_BYTES)
    this.row.copy(row, AT.recent, this.row.length - kept * PUSH_ID_BYTES)
    let at = AT.recent + kept * PUSH_ID_BYTES
    for (let position = addedFrom; position < added.length; position += 1) {
      const entry = added[position]
      if (entry !== undefined) row.set(pushIdOfEntry(entry), at)
      at += PUSH_ID_BYTES
    }
    const last = added.at(-1)
    if (last !== undefined) row.set(chainOfEntry(last), AT.headChain)
    return new DocumentRow(row)
  }
}

export interface DocumentChange {
  readonly head: number
  readonly bytes: number
  readonly feedIndex: number
  readonly changedAtMs: number
}
