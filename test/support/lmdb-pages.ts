// What the file of an LMDB store holds, in pages: what counts, what is there only because it is retained, what is free.
// Reads copies, so that the store may be open meanwhile; but no commit may be under way. Changes nothing of the store.
import { copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { INDEX_BYTES } from '../../relay/src/store/bookmark.ts'
import { sweepAll } from '../../relay/src/store/conformance/acts.ts'
import { compactionAt } from '../../relay/src/store/lmdb/compaction-row.ts'
import {
  getRow,
  openRoot,
  openTables,
  reusableBytes,
  serialKey,
  type Tables,
} from '../../relay/src/store/lmdb/environment.ts'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'

export const PAGE_BYTES = 4_096
const DATA_FILE = 'data.mdb'
/** More than anything is retained for. */
const AGES_MS: number = 1_000 * 24 * 60 * 60 * 1_000

export interface FilePages {
  readonly file: number
  /** What does not go however long one waits, LMDB's own pages included. */
  readonly live: number
  /** What the sweep frees once all that is retained is due. */
  readonly retained: number
  /** What is written before the file grows. */
  readonly free: number
  /** When the oldest compaction was of which something is retained; null: there is none. */
  readonly oldestRetainedAtMs: number | null
}

/** @param nowMs by the clock of the store */
export async function pagesOfStore(directory: string, nowMs: number): Promise<FilePages> {
  const copy = mkdtempSync(join(tmpdir(), 'tidemark-pages-'))
  try {
    copyFileSync(join(directory, DATA_FILE), join(copy, DATA_FILE))
    const file = statSync(join(copy, DATA_FILE)).size / PAGE_BYTES
    const { used, oldestRetainedAtMs } = await usedPages(copy)
    const store = await openLmdbStore({ directory: copy, now: () => nowMs + AGES_MS })
    await sweepAll(store)
    await store.close()
    const { used: live } = await usedPages(copy)
    return { file, live, retained: used - live, free: file - used, oldestRetainedAtMs }
  } finally {
    rmSync(copy, { recursive: true })
  }
}

/** Of a store that is closed. */
export async function usedPages(
  directory: string,
): Promise<{ readonly used: number; readonly oldestRetainedAtMs: number | null }> {
  const bytes = statSync(join(directory, DATA_FILE)).size
  const root = openRoot(directory)
  try {
    const tables = openTables(root)
    const used = (bytes - reusableBytes({ root, tables })) / PAGE_BYTES
    return { used, oldestRetainedAtMs: oldestRetainedIn(tables) }
  } finally {
    await root.close()
  }
}

function oldestRetainedIn(tables: Tables): number | null {
  const times = [...tables.compaction.getKeys({ start: serialKey(0) })].map((bytes) => {
    const key = Buffer.from(bytes)
    const [serial, base] = [key.readUIntBE(0, INDEX_BYTES), key.readUIntBE(INDEX_BYTES, INDEX_BYTES)]
    return compactionAt((table, row) => getRow(tables[table], row), serial, base).atMs
  })
  return times.length === 0 ? null : Math.min(...times)
}
