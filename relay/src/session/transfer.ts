// A long payload that is served in pieces, each read from the store when it can leave: an entry, or a snapshot. Knows
// where it stands and which frame carries the next piece; holds no bytes.
import type { Entries, Snapshot } from '@tidemark/protocol'
import type { PayloadRequest, SnapshotReference, StoredEntry } from '../store/contract.ts'

/** The frame that carries bytes from `offset` on. */
type FrameOf = (offset: number, bytes: Uint8Array) => Entries | Snapshot

export class Transfer {
  readonly of: PayloadRequest['of']
  readonly #frame: FrameOf
  readonly #total: number
  #offset: number

  /** From `offset` on, of which the device has the bytes before. */
  private constructor(of: PayloadRequest['of'], total: number, offset: number, frame: FrameOf) {
    this.of = of
    this.#total = total
    this.#offset = offset
    this.#frame = frame
  }

  static ofSnapshot(channel: number, { id, totalBytes: total }: SnapshotReference, from: number): Transfer {
    const frame = (offset: number, bytes: Uint8Array): Snapshot => {
      return { type: 'SNAPSHOT', channel, snapshotId: id, total, offset, bytes }
    }
    return new Transfer({ snapshotId: id }, total, from, frame)
  }

  static ofEntry(channel: number, { index, pushId, format, totalBytes: total }: StoredEntry, from: number): Transfer {
    const frame = (offset: number, bytes: Uint8Array): Entries => {
      return { type: 'ENTRIES', channel, entries: [{ pushId, format, total, offset, bytes }] }
    }
    return new Transfer({ index }, total, from, frame)
  }

  get offset(): number {
    return this.#offset
  }

  /** Bytes that are still to be given. */
  get rest(): number {
    return this.#total - this.#offset
  }

  /** The frame with the next bytes, which counts them as given. */
  frame(bytes: Uint8Array): Entries | Snapshot {
    const frame = this.#frame(this.#offset, bytes)
    this.#offset += bytes.length
    return frame
  }
}
