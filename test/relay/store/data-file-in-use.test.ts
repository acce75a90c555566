// data.mdb as it is looked at while another process writes to it, which no look from outside can hold off: that one has the
// store, and its file is not to be called damaged.
import { copyFileSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { appendText } from '../../../relay/src/store/conformance/subject.ts'
import { checkDataFile } from '../../../relay/src/store/lmdb/data-file.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { newDirectory, removeDirectories } from './lmdb-data.ts'

/** What the other process does before the read of this number. */
const other = vi.hoisted(() => ({ before: 0, acts: (): void => undefined, reads: 0 }))

vi.mock('node:fs', async (importOriginal) => {
  const fs = await importOriginal<typeof import('node:fs')>()
  const readSync = (...args: Parameters<typeof fs.readSync>): number => {
    other.reads += 1
    if (other.reads === other.before) other.acts()
    return fs.readSync(...args)
  }
  return { ...fs, readSync }
})

const PAGE_BYTES = 4096
const TRANSACTION_AT = 152
let directory = ''
let path = ''

beforeEach(async () => {
  directory = newDirectory()
  path = join(directory, 'data.mdb')
  const store = await openLmdbStore({ directory })
  for (let number = 0; number < 20; number += 1) await appendText(store, `alice/${number}`, 'text '.repeat(400))
  await store.close()
})
afterEach(removeDirectories)

function lookWhile(before: number, acts: () => void): void {
  Object.assign(other, { before, acts, reads: 0 })
  checkDataFile(directory)
  expect(other.reads).toBeGreaterThanOrEqual(before)
}

it('may grow after it was opened', async () => {
  const grown = join(directory, 'grown')
  mkdirSync(grown)
  copyFileSync(path, join(grown, 'data.mdb'))
  const store = await openLmdbStore({ directory: grown })
  await appendText(store, 'alice/more', 'text '.repeat(100_000))
  await store.close()
  expect(statSync(join(grown, 'data.mdb')).size).toBeGreaterThan(statSync(path).size)
  lookWhile(1, () => copyFileSync(join(grown, 'data.mdb'), path))
})

it('may be written over while its pages are looked at', () => {
  truncateSync(path, statSync(path).size - PAGE_BYTES * 8)
  expect(() => lookWhile(0, () => undefined)).toThrow('was cut off')
  lookWhile(3, () => {
    const bytes = readFileSync(path)
    const newest = [0, PAGE_BYTES].map((page) => bytes.readBigUInt64LE(page + TRANSACTION_AT))
    const older = newest[0] === undefined || newest[1] === undefined || newest[0] < newest[1] ? 0 : PAGE_BYTES
    bytes.writeBigUInt64LE(bytes.readBigUInt64LE(older + TRANSACTION_AT) + 2n, older + TRANSACTION_AT)
    writeFileSync(path, bytes)
  })
})
