// Which structs and which deletions: the unit in which a device accounts for what a relay has and lacks.
// A state vector alone does not do: it stays where it is when text is only deleted.
import type * as decoding from 'lib0/decoding'
import type * as encoding from 'lib0/encoding'
import { IdSet } from './id-set.ts'

export class ChangeSet {
  readonly structs: IdSet
  readonly deletes: IdSet

  constructor(structs: IdSet = new IdSet(), deletes: IdSet = new IdSet()) {
    this.structs = structs
    this.deletes = deletes
  }

  get isEmpty(): boolean {
    return this.structs.isEmpty && this.deletes.isEmpty
  }

  addAll(other: ChangeSet): void {
    this.structs.addAll(other.structs)
    this.deletes.addAll(other.deletes)
  }

  removeAll(other: ChangeSet): void {
    this.structs.removeAll(other.structs)
    this.deletes.removeAll(other.deletes)
  }

  without(other: ChangeSet): ChangeSet {
    return new ChangeSet(this.structs.without(other.structs), this.deletes.without(other.deletes))
  }

  /** Whether all of `other` is in this one. */
  includes(other: ChangeSet): boolean {
    return this.structs.includes(other.structs) && this.deletes.includes(other.deletes)
  }

  intersects(other: ChangeSet): boolean {
    return this.structs.intersects(other.structs) || this.deletes.intersects(other.deletes)
  }

  copy(): ChangeSet {
    return new ChangeSet(this.structs.copy(), this.deletes.copy())
  }

  write(encoder: encoding.Encoder): void {
    this.structs.write(encoder)
    this.deletes.write(encoder)
  }

  static read(decoder: decoding.Decoder): ChangeSet {
    return new ChangeSet(IdSet.read(decoder), IdSet.read(decoder))
  }
}
