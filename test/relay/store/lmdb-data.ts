// The data of LMDB stores in tests: directories that go away afterwards, their rows as they lie there, and commits that
// wait to be let through.
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'

const BINARY = { keyEncoding: 'binary', encoding: 'binary' } as const
const directories: string[] = []

export function newDirectory(): string {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'tidemark.store-')))
  directories.push(directory)
  return directory
}

export function removeDirectories(): void {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** How many rows each table has, but for empty ones; `meta` and `term` aside. The store must be closed. */
export async function countRows(directory: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {}
  await withRoot(directory, (root) => {
    for (const name of namesOf(root)) {
      const count = root.openDB<Uint8Array, Uint8Array>(name, BINARY).getCount({})
      if (count > 0 && name !== 'meta' && name !== 'term') counts[name] = count
    }
  })
  return counts
}

/** However many chunks each has. The store must be closed. */
export async function countBlobs(directory: string): Promise<number> {
  const ids = new Set<string>()
  await withRoot(directory, (root) => {
    for (const key of root.openDB<Uint8Array, Uint8Array>('blob', BINARY).getKeys({})) {
      ids.add(Buffer.from(key).toString('hex', 0, 6))
    }
  })
  return ids.size
}

export interface Rows {
  readonly [table: string]: readonly (readonly [key: Buffer, value: Buffer])[]
}

/** Begins data with these rows and no other. */
export async function putRows(directory: string, rows: Rows): Promise<void> {
  await withRoot(directory, (root) => {
    for (const [name, pairs] of Object.entries(rows)) {
      const table = root.openDB<Uint8Array, Uint8Array>(name, BINARY)
      for (const [key, value] of pairs) table.putSync(key, value)
    }
  })
}

async function withRoot(directory: string, use: (root: RootDatabase<Uint8Array, Uint8Array>) => void): Promise<void> {
  const root = open<Uint8Array, Uint8Array>({ path: directory, noSubdir: false, maxDbs: 32, ...BINARY })
  try {
    use(root)
  } finally {
    await root.close()
  }
}

function namesOf(root: RootDatabase<Uint8Array, Uint8Array>): readonly string[] {
  // lmdb-js stores the names of tables with their closing zero.
  return [...root.getKeys()].map((name) => Buffer.from(name).toString().replace(/\0$/, ''))
}

export interface HeldCommits {
  readonly aroundCommit: (commit: () => Promise<void>) => Promise<void>
  /** Resolves when a commit waits. */
  readonly begun: () => Promise<void>
  readonly letThrough: () => void
  readonly count: () => number
}

/** Commits that go through one by one, when they are told to. */
export function heldCommits(): HeldCommits {
  let count = 0
  let release: (() => void) | undefined
  return {
    aroundCommit: async (commit) => {
      count += 1
      await new Promise<void>((resolve) => {
        release = resolve
      })
      await commit()
    },
    begun: async () => {
      while (release === undefined) await turn()
    },
    letThrough: () => {
      release?.()
      release = undefined
    },
    count: () => count,
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
