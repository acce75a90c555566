// Works out what a group of writes does to the files: which rows get which ids, what each rows file becomes, and the one
// change for the journal. Decides only; writes nothing.
import type { CommittedRows, StoreWrite } from '../store/contract.ts'
import { rangesOf } from '../store/id-ranges.ts'
import { encodeFrame } from './file-store-frames.ts'
import { encodeRowsHeader, type RowsChange } from './file-store-rows.ts'
import type { DocumentFile, StateChange, StoreState } from './file-store-state.ts'

export interface Plan {
  readonly ids: readonly CommittedRows[]
  readonly rows: readonly RowsChange[]
  /** To be committed to the journal once `rows` is durable; null: nothing changes. */
  readonly change: StateChange | null
  /** What becomes of the known sizes: call it once the commit has happened. */
  noteSizes(): void
}

/** The bytes that each living row of a document takes in its file. */
export type RowSizes = Map<number, number>

export interface PlanSources {
  readonly state: StoreState
  /** Those that have been asked for before; kept up to date by `noteSizes`. */
  readonly sizes: Map<string, RowSizes>
  readSizes(documentId: string, file: DocumentFile): Promise<RowSizes>
  /** False: rows files are not rewritten in this attempt, because that takes space. */
  readonly mayRewrite: boolean
  /** Below so much that is removed, nothing is rewritten. */
  readonly garbageBytesMin: number
}

/** A file is rewritten when more than half of it is removed rows; below a disk block that gains nothing. */
const GARBAGE_SHARE_MAX = 0.5
export const GARBAGE_BYTES_MIN: number = 4096

const NO_FILE: DocumentFile = { generation: 0, endBytes: 0, lastId: 0, removed: [] }

/** @throws DeviceStoreError FAILED when a document that rows are removed from cannot be read */
export async function planGroup(writes: readonly StoreWrite[], sources: PlanSources): Promise<Plan> {
  const drafts = new Map<string, DocumentDraft>()
  const draftOf = (id: string): DocumentDraft => {
    const draft = drafts.get(id) ?? new DocumentDraft(id, sources)
    drafts.set(id, draft)
    return draft
  }
  const records = new Map<string, Uint8Array | null>()
  const ids: CommittedRows[] = []
  for (const write of writes) {
    for (const { documentId, ids } of write.remove ?? []) await draftOf(documentId).remove(ids)
    ids.push((write.append ?? []).map(({ documentId, bytes }) => draftOf(documentId).append(bytes)))
    for (const { key, bytes } of write.records ?? []) records.set(key, bytes)
  }
  const changed = [...drafts.values()].filter((draft) => draft.isChanged)
  const rows = changed.map((draft) => draft.rowsChange(sources.mayRewrite))
  const documents = new Map(rows.map(({ documentId, after }) => [documentId, after]))
  const isNothing = documents.size === 0 && records.size === 0
  return {
    ids,
    rows,
    change: isNothing ? null : { documents, records },
    noteSizes: () => {
      changed.forEach((draft, i) => {
        draft.noteSizes((rows[i] as RowsChange).after)
      })
    },
  }
}

/** One document while the writes of a group are gone through. */
class DocumentDraft {
  readonly #documentId: string
  readonly #sources: PlanSources
  readonly #before: DocumentFile
  readonly #appended = new Map<number, Buffer>()
  /** Of the rows that are in the file. */
  readonly #removed = new Set<number>()
  #lastId: number

  constructor(documentId: string, sources: PlanSources) {
    this.#documentId = documentId
    this.#sources = sources
    this.#before = sources.state.documents.get(documentId) ?? NO_FILE
    this.#lastId = this.#before.lastId
  }

  get isChanged(): boolean {
    return this.#lastId > this.#before.lastId || this.#removed.size > 0
  }

  append(bytes: Uint8Array): number {
    this.#lastId++
    this.#appended.set(this.#lastId, encodeFrame(this.#lastId, bytes))
    return this.#lastId
  }

  async remove(ids: readonly number[]): Promise<void> {
    for (const id of ids) {
      if (this.#appended.delete(id) || id > this.#before.lastId) continue
      if ((await this.#sizes()).has(id)) this.#removed.add(id)
    }
  }

  rowsChange(mayRewrite: boolean): RowsChange {
    const append = [...this.#appended.values()]
    const keep = (id: number): boolean => !this.#removed.has(id)
    return { documentId: this.#documentId, before: this.#before, after: this.#after(mayRewrite), keep, append }
  }

  noteSizes(after: DocumentFile): void {
    const sizes = this.#sources.sizes.get(this.#documentId)
    if (sizes === undefined) return
    if (after.generation !== this.#before.generation) {
      // Read again when rows are removed again: a document at rest costs no memory.
      this.#sources.sizes.delete(this.#documentId)
      return
    }
    for (const id of this.#removed) sizes.delete(id)
    for (const [id, frame] of this.#appended) sizes.set(id, frame.byteLength)
  }

  #after(mayRewrite: boolean): DocumentFile {
    const { generation, endBytes } = this.#before
    const appendedBytes = sum([...this.#appended.values()].map((frame) => frame.byteLength))
    const newFile = { generation: generation + 1, lastId: this.#lastId, removed: [] }
    const headerBytes = encodeRowsHeader(this.#documentId).byteLength
    const liveBytes = this.#liveBytes()
    if (endBytes > 0 && !this.#isRewriteDue(headerBytes, liveBytes, mayRewrite)) {
      const removed = rangesOf(this.#removed)
      return { generation, endBytes: endBytes + appendedBytes, lastId: this.#lastId, removed }
    }
    const bytes = liveBytes + appendedBytes
    return { ...newFile, endBytes: bytes === 0 ? 0 : headerBytes + bytes }
  }

  /** Of the rows that stay in the file; counted only when rows are removed from it. */
  #liveBytes(): number {
    const { endBytes } = this.#before
    const sizes = this.#sources.sizes.get(this.#documentId)
    if (this.#removed.size === 0 || sizes === undefined) return endBytes
    return sum([...sizes].map(([id, bytes]) => (this.#removed.has(id) ? 0 : bytes)))
  }

  #isRewriteDue(headerBytes: number, liveBytes: number, mayRewrite: boolean): boolean {
    if (liveBytes === 0 && this.#appended.size === 0) return true // Deletes the file.
    const garbageBytes = this.#before.endBytes - headerBytes - liveBytes
    const isGarbageMost = garbageBytes > this.#before.endBytes * GARBAGE_SHARE_MAX
    return mayRewrite && isGarbageMost && garbageBytes > this.#sources.garbageBytesMin
  }

  async #sizes(): Promise<RowSizes> {
    const { sizes, readSizes } = this.#sources
    const known = sizes.get(this.#documentId) ?? (await readSizes(this.#documentId, this.#before))
    sizes.set(this.#documentId, known)
    return known
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
