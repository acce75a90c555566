// How a key-value store becomes durable, one key at a time. A commit counts from the moment when the head of its journal
// entry is written; what it names was written before. Now and then a checkpoint writes the whole state as a base under a
// name of its own and removes the journal and the base before it: no value that counts is ever overwritten.
import type { CommittedRows, DeviceStoreError, StoreWrite } from '../contract.ts'
import { Blobs, pieceNames } from './blobs.ts'
import { type Rearrangement, rearrange } from './checkpoint.ts'
import { type NewSegment, planGroup } from './plan.ts'
import {
  baseName,
  entryBytes,
  journalName,
  type LogExtent,
  type Recovered,
  recover,
  segmentBlobName,
} from './recovery.ts'
import {
  applyChange,
  type DocumentState,
  decodeRows,
  encodeChange,
  type Row,
  type Segment,
  type StateChange,
  type StoreState,
  wholeState,
} from './state.ts'
import type { Values } from './values.ts'

/** A checkpoint is due when the journal outweighs the base, and a minimum, this by default. */
export const JOURNAL_BYTES_MIN: number = 64 * 1024

export class Journal {
  readonly state: StoreState
  readonly #values: Values
  readonly #blobs: Blobs
  readonly #journalBytesMin: number
  #number: number
  #log: LogExtent
  #touched: Set<string>
  #checkpointAtBytes: number
  /** Of a commit that failed, the names that may be there; their head first. */
  #unsettled: readonly string[] = []

  /** @throws DeviceStoreError FAILED */
  static async open(values: Values, journalBytesMin: number): Promise<Journal> {
    const blobs = new Blobs(values)
    const recovered = await recover(values, blobs)
    const journal = new Journal(values, blobs, journalBytesMin, recovered)
    await journal.#discard(recovered.unused)
    return journal
  }

  private constructor(
    values: Values,
    blobs: Blobs,
    journalBytesMin: number,
    { state, number, log, touched }: Recovered,
  ) {
    this.state = state
    this.#values = values
    this.#blobs = blobs
    this.#journalBytesMin = journalBytesMin
    this.#number = number
    this.#log = log
    this.#touched = touched
    this.#checkpointAtBytes = this.#checkpointAt(0, log.baseBytes)
  }

  /** Resolves when all of it is durable. @throws DeviceStoreError after which nothing of it counts */
  async commit(writes: readonly StoreWrite[]): Promise<readonly CommittedRows[]> {
    await this.#settle()
    const number = this.#number + 1
    const { ids, segments, change } = planGroup(writes, this.state, number)
    if (change === null) return ids
    const written: string[] = []
    try {
      await this.#writeSegments([...segments.values()].flat(), written)
      const documents = new Map(
        [...change.documents].map(([id, document]) => [
          id,
          { ...document, segments: this.#storedSegments(segments.get(id)) },
        ]),
      )
      const entry = { documents, records: change.records }
      const payload = encodeChange(entry)
      await this.#writeHead(journalName(number), payload, written)
      this.#noteCommit(number, payload, entry)
      await this.#discard(applyChange(this.state, entry).flatMap(namesOf))
    } catch (error) {
      this.#unsettled = written
      await this.#settle().catch(() => undefined) // Tried again before the next commit.
      throw error
    }
    return ids
  }

  get isCheckpointDue(): boolean {
    return this.#log.journalBytes >= this.#checkpointAtBytes
  }

  /** Only saves space and time. Never fails: then the journal goes on growing, and it is tried again later. */
  async checkpoint(): Promise<void> {
    const number = this.#number
    const written: string[] = []
    try {
      const rearranged = await rearrange(this.state, this.#touched, number, (segments) => this.#readable(segments))
      await this.#writeSegments(
        [...rearranged.values()].flatMap(({ added }) => added),
        written,
      )
      const documents = new Map(this.state.documents)
      for (const [id, rearrangement] of rearranged) {
        documents.set(id, this.#rearranged(documents.get(id) as DocumentState, rearrangement))
      }
      const base = encodeChange(wholeState({ documents, records: this.state.records }))
      const names = await this.#writeHead(baseName(number), base, written)
      const replaced = [...rearranged.values()].flatMap((one) => one.replaced.flatMap(namesOf))
      const outdated = [...this.#log.names, ...replaced]
      this.#log = { names, baseBytes: base.length, journalBytes: 0 }
      this.#checkpointAtBytes = this.#checkpointAt(0, base.length)
      this.#touched = new Set()
      for (const id of rearranged.keys()) this.state.documents.set(id, documents.get(id) as DocumentState)
      await this.#discard(outdated)
    } catch {
      // A base that is whole all the same says what the journal says: it does no harm, but what it names must stay then.
      this.#checkpointAtBytes = this.#checkpointAt(this.#log.journalBytes, this.#log.baseBytes)
      await this.#removeHeadFirst(written).catch(() => undefined)
    }
  }

  /** The rows of segments, also removed ones. @throws DeviceStoreError FAILED, naming the one that is damaged */
  async rowsOf(segments: readonly Segment[]): Promise<readonly Row[]> {
    const found = await this.#readable(segments)
    return found.flatMap((rows, i) => {
      if (rows === null)
        throw this.#values.damage(segmentBlobName(segments[i] as Segment), 'it is missing or not whole')
      return rows
    })
  }

  async #readable(segments: readonly Segment[]): Promise<readonly (readonly Row[] | null)[]> {
    const blobs = await this.#blobs.get(segments.map(segmentBlobName))
    return blobs.map((blob) => blob && decodeRows(blob.payload))
  }

  #rearranged(document: DocumentState, { kept, added }: Rearrangement): DocumentState {
    const segments = [...kept, ...this.#storedSegments(added)].sort((a, b) => a.first - b.first)
    return { ...document, segments, recent: new Map() }
  }

  #checkpointAt(journalBytes: number, baseBytes: number): number {
    return journalBytes + Math.max(this.#journalBytesMin, baseBytes)
  }

  #storedSegments(segments: readonly NewSegment[] = []): readonly Segment[] {
    return segments.map(({ segment, payload }) => ({ ...segment, pieces: this.#blobs.piecesOf(payload) }))
  }

  async #writeSegments(segments: readonly NewSegment[], written: string[]): Promise<void> {
    written.push(...this.#storedSegments(segments).flatMap(namesOf))
    await this.#blobs.put(segments.map(({ segment, payload }) => ({ name: segmentBlobName(segment), payload })))
  }

  /** Writes what makes all that was written before it count. Its names come to be the first of `written`. */
  async #writeHead(name: string, payload: Uint8Array, written: string[]): Promise<string[]> {
    const names = pieceNames(name, this.#blobs.piecesOf(payload))
    written.unshift(...names)
    await this.#blobs.put([{ name, payload }])
    return names
  }

  #noteCommit(number: number, payload: Uint8Array, { documents }: StateChange): void {
    this.#number = number
    this.#log.names.push(...pieceNames(journalName(number), this.#blobs.piecesOf(payload)))
    this.#log.journalBytes += entryBytes(payload)
    for (const id of documents.keys()) this.#touched.add(id)
  }

  /** A commit that was rejected must not come back: until it is known to be gone, no other is accepted. */
  async #settle(): Promise<void> {
    if (this.#unsettled.length === 0) return
    await this.#removeHeadFirst(this.#unsettled)
    this.#unsettled = []
  }

  /** @throws DeviceStoreError */
  async #removeHeadFirst([head, ...rest]: readonly string[]): Promise<void> {
    if (head === undefined) return
    await this.#values.remove([head])
    await this.#discard(rest)
  }

  /** Of what counts no more. What stays behind is swept when the store is opened. */
  async #discard(names: readonly string[]): Promise<void> {
    await this.#values.remove(names).catch((error: DeviceStoreError) => error)
  }
}

function namesOf(segment: Segment): readonly string[] {
  return pieceNames(segmentBlobName(segment), segment.pieces)
}
