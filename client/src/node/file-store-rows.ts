// The rows of each document, in one file that only grows: rows/<SHA-256 of the id>.<generation>. A frame that names the
// document, then one frame per row, numbered with the row's id. Which part of a file counts, only the journal says.
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import type { StoredRow } from '../store/contract.ts'
import { isInRanges } from '../store/id-ranges.ts'
import { corruption, type FileDisk, forEachAtOnce, type OpenFile, readStart, writeAt } from './file-store-disk.ts'
import { encodeFrame, readFrame } from './file-store-frames.ts'
import { type DocumentFile, encodeName } from './file-store-state.ts'

/** What a commit does to one document's file. */
export interface RowsChange {
  readonly documentId: string
  readonly before: DocumentFile
  readonly after: DocumentFile
  /** Only for a new generation: the rows of the one before that go on living. */
  readonly keep: (id: number) => boolean
  readonly append: readonly Buffer[]
}

/** Files that are flushed at once: the thread pool has 4 threads, and a disk queues a few. */
const FILES_AT_ONCE_MAX = 8

export class RowsDirectory {
  readonly #disk: FileDisk
  readonly #directory: string

  constructor(disk: FileDisk, directory: string) {
    this.#disk = disk
    this.#directory = directory
  }

  /** Deletes what no document has: generations that were replaced, or whose commit never happened. */
  async sweep(documents: ReadonlyMap<string, DocumentFile>): Promise<void> {
    const used = new Set<string>()
    for (const [id, file] of documents) if (file.endBytes > 0) used.add(basename(this.#path(id, file)))
    const unused = (await this.#disk.namesIn(this.#directory)).filter((name) => !used.has(name))
    await forEachAtOnce(unused, FILES_AT_ONCE_MAX, (name) => this.#disk.remove(join(this.#directory, name)))
  }

  async read(documentId: string, file: DocumentFile): Promise<readonly StoredRow[]> {
    const rows: StoredRow[] = []
    await this.#eachRow(documentId, file, (id, payload) => {
      rows.push({ id, bytes: new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength) })
    })
    return rows
  }

  /** The bytes that each row takes in the file. */
  async frameBytes(documentId: string, file: DocumentFile): Promise<Map<number, number>> {
    const bytes = new Map<number, number>()
    await this.#eachRow(documentId, file, (id, _, frame) => bytes.set(id, frame.byteLength))
    return bytes
  }

  /** Resolves when all is durable. Changes nothing of what counted before; if it throws, it has cleaned up. */
  async write(changes: readonly RowsChange[]): Promise<void> {
    try {
      await forEachAtOnce(changes, FILES_AT_ONCE_MAX, (change) => this.#writeOne(change))
      if (changes.some(isNewFile)) await this.#disk.syncDirectory(this.#directory)
    } catch (error) {
      await this.undo(changes)
      throw error
    }
  }

  /** Frees the space of changes that did not come to count. Never fails: what stays behind is cut or swept later. */
  async undo(changes: readonly RowsChange[]): Promise<void> {
    await Promise.allSettled(
      changes.map(async (change) => {
        if (isNewFile(change)) await this.#disk.remove(this.#path(change.documentId, change.after))
        else if (change.append.length > 0) {
          const path = this.#path(change.documentId, change.before)
          await this.#disk.withFile(path, 'r+', (handle) => handle.truncate(change.before.endBytes))
        }
      }),
    )
  }

  /** Deletes the files that the changes have replaced. Never fails: what stays behind is swept at the next start. */
  async removeReplaced(changes: readonly RowsChange[]): Promise<void> {
    const replaced = changes.filter(
      ({ before, after }) => before.endBytes > 0 && before.generation !== after.generation,
    )
    await Promise.allSettled(
      replaced.map(({ documentId, before }) => this.#disk.remove(this.#path(documentId, before))),
    )
  }

  async #writeOne(change: RowsChange): Promise<void> {
    const { documentId, before, after, append } = change
    const path = this.#path(documentId, after)
    if (isNewFile(change)) {
      const kept = await this.#keptFrames(change)
      await this.#disk.withFile(path, 'w', async (handle) => {
        await writeAt(handle, Buffer.concat([encodeRowsHeader(documentId), ...kept, ...append]), 0)
        await handle.sync()
      })
    } else if (append.length > 0) {
      await this.#disk.withFile(path, 'r+', async (handle) => {
        await cutAt(handle, before.endBytes, path)
        await writeAt(handle, Buffer.concat(append), before.endBytes)
        await handle.datasync()
      })
    }
  }

  async #keptFrames({ documentId, before, keep }: RowsChange): Promise<Buffer[]> {
    const frames: Buffer[] = []
    await this.#eachRow(documentId, before, (id, _, frame) => {
      if (keep(id)) frames.push(frame)
    })
    return frames
  }

  async #eachRow(
    documentId: string,
    { endBytes, removed, ...file }: DocumentFile,
    visit: (id: number, payload: Buffer, frame: Buffer) => void,
  ): Promise<void> {
    if (endBytes === 0) return
    const path = this.#path(documentId, file)
    const bytes = await this.#disk.withFile(path, 'r', (handle) => readStart(handle, endBytes))
    if (bytes.byteLength < endBytes) throw corruption(path, bytes.byteLength, `it ends before offset ${endBytes}`)
    const header = encodeRowsHeader(documentId)
    if (header.compare(bytes, 0, header.byteLength) !== 0)
      throw corruption(path, 0, 'it is not the file of this document')
    let lastId = 0
    for (let at = header.byteLength; at < endBytes; ) {
      const frame = readFrame(bytes, at)
      if (frame === null || frame.number <= lastId)
        throw corruption(path, at, `the row after row ${lastId} is not whole`)
      lastId = frame.number
      if (!isInRanges(removed, lastId)) visit(lastId, frame.payload, bytes.subarray(at, frame.end))
      at = frame.end
    }
  }

  #path(documentId: string, { generation }: { readonly generation: number }): string {
    const hash = createHash('sha256').update(encodeName(documentId)).digest('hex')
    return join(this.#directory, `${hash}.${generation}`)
  }
}

export function encodeRowsHeader(documentId: string): Buffer {
  return encodeFrame(0, encodeName(documentId))
}

function isNewFile({ before, after }: RowsChange): boolean {
  return after.endBytes > 0 && after.generation !== before.generation
}

/** Cuts off what a commit that never happened has left. */
async function cutAt(handle: OpenFile, endBytes: number, path: string): Promise<void> {
  const { size } = await handle.stat()
  if (size < endBytes) throw corruption(path, size, `it ends before offset ${endBytes}`)
  if (size > endBytes) await handle.truncate(endBytes)
}
