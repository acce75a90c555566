// Works out what a group of writes does: which rows get which ids, what is written beside the journal, and the one change
// for the journal. Decides only; writes nothing.
import type { CommittedRows, StoreWrite } from '../contract.ts'
import { isInRanges, rangesOf } from '../id-ranges.ts'
import {
  type DocumentChange,
  type DocumentState,
  encodeRows,
  NO_DOCUMENT,
  type Row,
  type Segment,
  type StateChange,
  type StoreState,
} from './state.ts'

/** Bytes that are to be stored under a name of their own. */
export interface NewSegment {
  readonly segment: Omit<Segment, 'pieces'>
  readonly payload: Uint8Array
}

export interface Plan {
  readonly ids: readonly CommittedRows[]
  /** To be stored before the change. */
  readonly segments: ReadonlyMap<string, readonly NewSegment[]>
  /** Still without `segments`; null: nothing changes. */
  readonly change: StateChange | null
}

/** A row at least this large is a segment of its own, from the beginning: it is written once. */
export const ROW_ALONE_BYTES_MIN: number = 16 * 1024
/** Smaller rows are put into the journal, unless one group of writes brings more of them than this. */
const ROWS_IN_JOURNAL_BYTES_MAX = 32 * 1024
const SEGMENT_BYTES_MAX = 256 * 1024

/** `number` is that of the commit: no two have the same. */
export function planGroup(writes: readonly StoreWrite[], state: StoreState, number: number): Plan {
  const drafts = new Map<string, DocumentDraft>()
  const draftOf = (id: string): DocumentDraft => {
    const draft = drafts.get(id) ?? new DocumentDraft(state.documents.get(id) ?? NO_DOCUMENT)
    drafts.set(id, draft)
    return draft
  }
  const records = new Map<string, Uint8Array | null>()
  const ids: CommittedRows[] = []
  for (const write of writes) {
    for (const { documentId, ids } of write.remove ?? []) draftOf(documentId).remove(ids)
    ids.push((write.append ?? []).map(({ documentId, bytes }) => draftOf(documentId).append(bytes)))
    for (const { key, bytes } of write.records ?? []) records.set(key, bytes)
  }
  const changed = [...drafts].filter(([, draft]) => draft.isChanged)
  const smallBytes = changed.reduce((sum, [, draft]) => sum + draft.smallBytes, 0)
  const smallInJournal = smallBytes <= ROWS_IN_JOURNAL_BYTES_MAX
  const documents = new Map<string, DocumentChange>()
  const segments = new Map<string, readonly NewSegment[]>()
  let named = 0
  const newName = (): string => `${number}.${named++}`
  for (const [id, draft] of changed) {
    const inJournal = (row: Row): boolean => smallInJournal && isSmall(row)
    documents.set(id, draft.change(inJournal))
    segments.set(
      id,
      segmentsOf(
        draft.rows.map((row) => (inJournal(row) ? null : row)),
        newName,
      ),
    )
  }
  const isNothing = documents.size === 0 && records.size === 0
  return { ids, segments, change: isNothing ? null : { documents, records } }
}

/** Cuts rows, in the order of their ids, into segments; null stands for what is elsewhere and is not reached across. */
export function segmentsOf(rows: readonly (Row | null)[], newName: () => string): readonly NewSegment[] {
  const segments: NewSegment[] = []
  let group: Row[] = []
  let bytes = 0
  const end = (): void => {
    if (group.length > 0) segments.push(newSegment(group, newName()))
    group = []
    bytes = 0
  }
  for (const row of rows) {
    if (row === null || !isSmall(row) || bytes + row[1].length > SEGMENT_BYTES_MAX) end()
    if (row === null) continue
    group.push(row)
    bytes += row[1].length
    if (!isSmall(row)) end()
  }
  end()
  return segments
}

function newSegment(rows: readonly Row[], name: string): NewSegment {
  const payload = encodeRows(rows)
  const [first, last] = [rows[0] as Row, rows.at(-1) as Row]
  const segment = { name, byteLength: payload.length, first: first[0], last: last[0], count: rows.length }
  return { segment, payload }
}

function isSmall([, bytes]: Row): boolean {
  return bytes.length < ROW_ALONE_BYTES_MIN
}

/** One document while the writes of a group are gone through. */
class DocumentDraft {
  readonly #before: DocumentState
  readonly #appended = new Map<number, Uint8Array>()
  readonly #removed = new Set<number>()
  #lastId: number

  constructor(before: DocumentState) {
    this.#before = before
    this.#lastId = before.lastId
  }

  get isChanged(): boolean {
    return this.#lastId > this.#before.lastId || this.#removed.size > 0
  }

  get rows(): readonly Row[] {
    return [...this.#appended]
  }

  get smallBytes(): number {
    return this.rows.filter(isSmall).reduce((sum, [, bytes]) => sum + bytes.length, 0)
  }

  append(bytes: Uint8Array): number {
    this.#lastId++
    this.#appended.set(this.#lastId, bytes)
    return this.#lastId
  }

  remove(ids: readonly number[]): void {
    for (const id of ids) {
      if (id < 1 || id > this.#lastId || isInRanges(this.#before.removed, id)) continue
      this.#appended.delete(id)
      this.#removed.add(id)
    }
  }

  change(inJournal: (row: Row) => boolean): DocumentChange {
    const rows = this.rows.filter(inJournal)
    return { lastId: this.#lastId, removed: rangesOf(this.#removed), segments: [], rows }
  }
}
