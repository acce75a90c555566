// What is looked at before LMDB maps data.mdb: a file that would end the process by a signal is refused with words, and
// nothing that can be read is.
import { copyFileSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { backup } from '../../../relay/src/backup.ts'
import { appendText } from '../../../relay/src/store/conformance/subject.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { checkStore } from '../../support/store-check.ts'
import { newDirectory, removeDirectories } from './lmdb-data.ts'

const PAGE_BYTES = 4096
const DOCUMENTS = 60
const LONG = 20_000

afterEach(removeDirectories)

describe('a data file', () => {
  it.each<[string, (whole: Buffer) => Buffer, string]>([
    ['of other bytes', () => Buffer.alloc(65_536, 'no data '), 'it does not begin as an LMDB file does'],
    ['that ends within its first page', (whole) => whole.subarray(0, 100), 'it does not begin as an LMDB file does'],
    ['that ends after its first page', (whole) => whole.subarray(0, PAGE_BYTES), 'it ends within its head'],
    ['of a version to come', ofVersion3, 'it is LMDB data of version 3, not 2'],
  ])('%s is refused, also by a backup', async (_name, change, reason) => {
    const directory = newDirectory()
    await fill(directory)
    const path = dataIn(directory)
    writeFileSync(path, change(readFileSync(path)))
    await expect(openLmdbStore({ directory })).rejects.toMatchObject({
      code: 'STORAGE',
      message: `${path} cannot be read: ${reason}. Put a backup in its place`,
    })
    await expect(backup(directory, join(newDirectory(), 'to'))).rejects.toMatchObject({
      code: 'DATA',
      message: expect.stringContaining(reason),
    })
  })

  it('that was cut off anywhere is refused, or holds everything', async () => {
    const directory = newDirectory()
    await fill(directory)
    const whole = await logsIn(directory)
    const { size } = statSync(dataIn(directory))
    let refused = 0
    for (let bytes = 2 * PAGE_BYTES; bytes <= size; bytes += PAGE_BYTES * 7) {
      const cut = newDirectory()
      copyFileSync(dataIn(directory), dataIn(cut))
      truncateSync(dataIn(cut), bytes)
      const found = await logsIn(cut).catch((error: unknown) => String(error))
      if (typeof found === 'string') {
        const words = `${dataIn(cut)} was cut off: it has ${bytes} bytes of ${size}`
        expect(found).toContain(words)
        // Else a backup is made, and said to be one, that cannot be restored.
        await expect(backup(cut, join(cut, 'to'))).rejects.toMatchObject({ message: expect.stringContaining(words) })
        refused += 1
      } else expect(found).toEqual(whole)
    }
    expect(refused).toBeGreaterThan(1)
    expect(await logsIn(directory)).toEqual(whole)
  })

  it('whose last pages nothing refers to may end before them', async () => {
    const directory = newDirectory()
    await fill(directory)
    const path = dataIn(directory)
    // As it lies where a transaction ended with pages that it had no more use for: LMDB counts them and never writes them.
    const bytes = readFileSync(path)
    for (const page of [0, PAGE_BYTES])
      bytes.writeBigUInt64LE(bytes.readBigUInt64LE(page + LAST_PAGE_AT) + 9n, page + LAST_PAGE_AT)
    writeFileSync(path, bytes)
    expect((await logsIn(directory)).size).toBe(DOCUMENTS)
  })
})

const LAST_PAGE_AT = 144

function ofVersion3(whole: Buffer): Buffer {
  whole.writeUInt32LE(3, 28)
  return whole
}

/** Rows of a few levels, and values that take pages of their own. */
async function fill(directory: string): Promise<void> {
  const store = await openLmdbStore({ directory })
  for (let number = 0; number < DOCUMENTS; number += 1) {
    await appendText(store, `alice/${number}`, 'text '.repeat(number % 7 === 0 ? LONG : 40))
  }
  await store.close()
}

async function logsIn(directory: string): Promise<Awaited<ReturnType<typeof checkStore>>> {
  const store = await openLmdbStore({ directory })
  try {
    return await checkStore(store, ['alice'])
  } finally {
    await store.close()
  }
}

function dataIn(directory: string): string {
  return join(directory, 'data.mdb')
}
