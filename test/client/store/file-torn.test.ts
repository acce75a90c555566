// A commit that is cut at every byte of the files that it writes.
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { StoreWrite } from '../../../client/src/store/contract.ts'
import { appending, contentOf, contentsAfter } from './rows.ts'
import { newScratchDirectory } from './scratch.ts'

const DOCUMENTS = ['a', 'b']

/** Appends, a removal, a document that is replaced whole (a new file), and records that change and go. */
const WRITES: readonly StoreWrite[] = [
  { ...appending('a', 'one', 'two'), records: [{ key: 'document/a', bytes: Uint8Array.of(1) }] },
  { append: [...appending('a', 'three').append, ...appending('b', 'eins', 'zwei').append] },
  { remove: [{ documentId: 'a', ids: [1] }], records: [{ key: 'document/a', bytes: Uint8Array.of(2, 2) }] },
  { ...appending('b', 'x'.repeat(5000)) },
  { remove: [{ documentId: 'b', ids: [1, 2, 3] }], ...appending('b', 'base') },
  { remove: [{ documentId: 'b', ids: [4] }], records: [{ key: 'document/a', bytes: null }] },
  { ...appending('b', 'drei') },
]

/** Of a long file not every byte is cut: its ends are, and these steps between. */
const LONG_STEP = 97
const ENDS = 40

type Files = ReadonlyMap<string, Buffer>

vi.setConfig({ testTimeout: 120_000 })

let parent: string
beforeAll(async () => {
  parent = await newScratchDirectory()
})
afterAll(() => rm(parent, { recursive: true }))

describe('a commit that is cut', () => {
  it('at any byte of its rows leaves the commits before it', async () => {
    const contents = await contentsAfter(WRITES, DOCUMENTS)
    let cuts = 0
    for (const [i, { before, after }] of (await stages()).entries()) {
      for (const [name, bytes] of after) {
        const keptBytes = before.get(name)?.byteLength ?? 0
        if (name === 'journal' || bytes.byteLength === keptBytes) continue
        for (const length of lengths(keptBytes, bytes.byteLength)) {
          await expectContent(new Map([...before, [name, bytes.subarray(0, length)]]), contents[i] as string)
          cuts++
        }
      }
    }
    expect(cuts).toBeGreaterThan(200)
  })

  it('at any byte of its journal frame leaves the commits before it, also when the file has its full length', async () => {
    const contents = await contentsAfter(WRITES, DOCUMENTS)
    for (const [i, { before, after }] of (await stages()).entries()) {
      const [from, journal] = [(before.get('journal') as Buffer).byteLength, after.get('journal') as Buffer]
      for (const length of lengths(from, journal.byteLength)) {
        const isWhole = length === journal.byteLength
        const expected = contents[isWhole ? i + 1 : i] as string
        const files = new Map([...before, ...after])
        await expectContent(files.set('journal', journal.subarray(0, length)), expected)
        const padded = Buffer.concat([journal.subarray(0, length), Buffer.alloc(journal.byteLength - length)])
        // Zeros where the frame has zeros anyway make it whole.
        await expectContent(
          files.set('journal', padded),
          padded.equals(journal) ? (contents[i + 1] as string) : expected,
        )
      }
    }
  })
})

describe('damage that is no torn end', () => {
  it('in the journal is reported with file and offset, whichever byte it is in', async () => {
    const { before, after: files } = (await stages()).at(-1) as { before: Files; after: Files }
    const journal = files.get('journal') as Buffer
    const lastFrameAt = (before.get('journal') as Buffer).byteLength
    for (let at = 0; at < lastFrameAt; at++) {
      const damaged = Buffer.from(journal)
      damaged[at] = (damaged[at] as number) ^ 0x40
      const directory = await written(new Map([...files, ['journal', damaged]]))
      await expect(fileStore(directory).open(), `byte ${at}`).rejects.toMatchObject({
        code: 'FAILED',
        message: expect.stringMatching(/journal is damaged at offset \d+/),
      })
    }
  })

  it('in rows is reported with file and offset, and hurts no other document', async () => {
    const files = (await stages())[1]?.after as Files
    const [name, bytes] = [...files].find(([name, bytes]) => name !== 'journal' && bytes.includes('eins')) as [
      string,
      Buffer,
    ]
    const damages = Array.from({ length: bytes.byteLength }, (_, at) => {
      const damaged = Buffer.from(bytes)
      damaged[at] = (damaged[at] as number) ^ 0x01
      return damaged
    })
    for (const damaged of [...damages, bytes.subarray(0, -1), bytes.subarray(0, 3)]) {
      const store = await fileStore(await written(new Map([...files, [name, damaged]]))).open()
      await expect(store.rows('b')).rejects.toMatchObject({
        code: 'FAILED',
        message: expect.stringMatching(/rows\S+ is damaged at offset \d+/),
      })
      expect(await store.rows('a')).toHaveLength(3)
      await store.commit(appending('a', 'goes on'))
      await store.close()
    }
  })

  it('is a rows file that is gone or shorter than it was', async () => {
    const directory = await written((await stages())[1]?.after as Files)
    const names = await readdir(join(directory, 'rows'))
    await truncate(join(directory, 'rows', names[0] as string), 5)
    await rm(join(directory, 'rows', names[1] as string))
    const store = await fileStore(directory).open()
    for (const documentId of DOCUMENTS) {
      await expect(store.rows(documentId)).rejects.toMatchObject({ code: 'FAILED' })
      await expect(store.commit(appending(documentId, 'never'))).rejects.toMatchObject({ code: 'FAILED' })
    }
    await store.close()
  })

  it('is a journal that is gone', async () => {
    const files = new Map((await stages()).at(-1)?.after)
    files.delete('journal')
    await expect(fileStore(await written(files)).open()).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringContaining('no journal'),
    })
  })
})

let recorded: Promise<{ before: Files; after: Files }[]> | null = null

/** The files around each write; those that it deletes are in `before` only. */
function stages(): Promise<{ before: Files; after: Files }[]> {
  recorded ??= record()
  return recorded
}

async function record(): Promise<{ before: Files; after: Files }[]> {
  const directory = join(parent, 'recorded')
  const store = await fileStore(directory).open()
  const result: { before: Files; after: Files }[] = []
  for (const write of WRITES) {
    const before = await filesIn(directory)
    await store.commit(write)
    result.push({ before, after: await filesIn(directory) })
  }
  await store.close()
  return result
}

async function filesIn(directory: string): Promise<Files> {
  const copy = await mkdtemp(join(parent, 'copy-'))
  await cp(directory, copy, { recursive: true })
  const names = ['journal', ...(await readdir(join(copy, 'rows'))).map((name) => join('rows', name))]
  return new Map(
    await Promise.all(names.map(async (name): Promise<[string, Buffer]> => [name, await readFile(join(copy, name))])),
  )
}

async function written(files: Files): Promise<string> {
  const directory = await mkdtemp(join(parent, 'cut-'))
  await cp(join(parent, 'recorded', 'rows'), join(directory, 'rows'), {
    recursive: true,
    filter: (path) => path.endsWith('rows'),
  })
  await Promise.all([...files].map(([name, bytes]) => writeFile(join(directory, name), bytes)))
  return directory
}

async function expectContent(files: Files, content: string): Promise<void> {
  const directory = await written(files)
  for (let opened = 0; opened < 2; opened++) {
    const store = await fileStore(directory).open()
    expect(await contentOf(store, DOCUMENTS)).toBe(content)
    await store.commit(appending('later', 'works'))
    await store.close()
  }
  await rm(directory, { recursive: true })
}

function lengths(from: number, to: number): number[] {
  const all = Array.from({ length: to - from + 1 }, (_, i) => from + i)
  return all.filter((length) => length - from < ENDS * 5 || to - length < ENDS || (length - from) % LONG_STEP === 0)
}
