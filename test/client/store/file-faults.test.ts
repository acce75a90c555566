// Calls to the disk that fail under a file store.
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { OpenDeviceStore } from '../../../client/src/store/contract.ts'
import { type DiskCall, errorWith, recorder } from './recorded-files.ts'
import { appending, texts } from './rows.ts'

vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('./recorded-files.ts')).recordedFiles(await importOriginal()),
)

let directory: string
let store: OpenDeviceStore
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-faults-'))
  store = await fileStore(directory).open()
  await store.commit(appending('d', 'before'))
  recorder.calls = []
})
afterEach(async () => {
  recorder.fail = () => null
  await store.close()
  await rm(directory, { recursive: true })
})

const isJournal = ({ path }: DiskCall): boolean => path.endsWith('journal')
const isRows = ({ path }: DiskCall): boolean => path.includes('rows')

/** Every call that this picks fails with `code`. */
function failing(code: string, picks: (call: DiskCall) => boolean): void {
  recorder.fail = (call) => (picks(call) ? errorWith(code) : null)
}

async function reopened(): Promise<OpenDeviceStore> {
  recorder.fail = () => null
  await store.close()
  store = await fileStore(directory).open()
  return store
}

describe('a call to the disk that fails once', () => {
  const commitCalls = [
    ['the write of the rows', (call: DiskCall) => call.kind === 'write' && isRows(call)],
    ['the flush of the rows', (call: DiskCall) => call.kind === 'sync' && isRows(call)],
    ['the creation of a rows file', (call: DiskCall) => call.kind === 'create' && isRows(call)],
    ['the flush of the directory', (call: DiskCall) => call.kind === 'syncDirectory'],
    ['the write of the journal', (call: DiskCall) => call.kind === 'write' && isJournal(call)],
  ] as const

  for (const [what, picks] of commitCalls) {
    for (const [code, expected] of [
      ['ENOSPC', 'FULL'],
      ['EDQUOT', 'FULL'],
      ['EIO', 'FAILED'],
    ] as const) {
      it(`${what}, with ${code}: the commit is refused as ${expected}, leaves nothing, and the next goes on`, async () => {
        failing(code, picks)
        const write = { append: [...appending('d', 'never').append, ...appending('new', 'never').append] }
        await expect(
          store.commit({ ...write, records: [{ key: 'k', bytes: new Uint8Array(1) }] }),
        ).rejects.toMatchObject({
          code: expected,
        })
        expect(await readdir(join(directory, 'rows'))).toHaveLength(1)
        recorder.fail = () => null
        expect(await store.commit(appending('d', 'after'))).toEqual([2])
        expect(texts(await store.rows('d'))).toEqual(['before', 'after'])
        expect(texts(await (await reopened()).rows('d'))).toEqual(['before', 'after'])
        expect([await store.rows('new'), await store.records('')]).toEqual([[], []])
      })
    }
  }

  it('spoils only the commits that it concerns, of those in flight', async () => {
    failing('EIO', (call) => call.kind === 'write' && isRows(call) && call.bytes.includes('spoilt'))
    const outcomes = await Promise.allSettled(
      ['1', 'spoilt', '2', 'spoilt', '3'].map((text) => store.commit(appending('d', text))),
    )
    expect(outcomes.map(({ status }) => status[0])).toEqual(['f', 'r', 'f', 'r', 'f'])
    expect(texts(await (await reopened()).rows('d'))).toEqual(['before', '1', '2', '3'])
  })

  it('in the flush of the journal: the frame is cut off again', async () => {
    const journal = await readFile(join(directory, 'journal'))
    let flushes = 0
    failing('EIO', (call) => call.kind === 'sync' && isJournal(call) && flushes++ === 0)
    await expect(store.commit(appending('d', 'never'))).rejects.toMatchObject({ code: 'FAILED' })
    expect((await readFile(join(directory, 'journal'))).equals(journal)).toBe(true)
    await store.commit(appending('d', 'after'))
    expect(texts(await (await reopened()).rows('d'))).toEqual(['before', 'after'])
  })
})

describe('a disk of which it is unknown what it holds', () => {
  it('takes no more commits until it is opened again, and keeps the rows that the last one may need', async () => {
    failing('EIO', (call) => isJournal(call) && (call.kind === 'sync' || call.kind === 'truncate'))
    const unknown = store.commit(appending('d', 'perhaps'))
    await expect(unknown).rejects.toMatchObject({ code: 'FAILED', message: expect.stringContaining('unknown') })
    recorder.fail = () => null
    await expect(store.commit(appending('d', 'refused'))).rejects.toMatchObject({ code: 'FAILED' })
    expect(texts(await store.rows('d'))).toEqual(['before'])
    expect(texts(await (await reopened()).rows('d'))).toEqual(['before', 'perhaps'])
    expect(await store.commit(appending('d', 'after'))).toEqual([3])
  })

  it('is also one whose rewritten journal could not be put in its place for certain', async () => {
    failing('EIO', (call) => call.kind === 'syncDirectory')
    const large = { records: [{ key: 'large', bytes: new Uint8Array(300_000) }] }
    await store.commit(large)
    await expect(store.commit(appending('d', 'refused'))).rejects.toMatchObject({ code: 'FAILED' })
    expect(texts(await (await reopened()).rows('d'))).toEqual(['before'])
    expect((await store.records('large'))[0]?.bytes.byteLength).toBe(300_000)
  })
})

describe('space that is needed only to save space', () => {
  it('is not needed to rewrite the journal', async () => {
    failing('ENOSPC', ({ path }) => path.endsWith('journal.new'))
    for (let i = 0; i < 5; i++)
      await store.commit({ records: [{ key: 'large', bytes: new Uint8Array(200_000).fill(i) }] })
    const rename = recorder.calls.filter(({ kind }) => kind === 'rename')
    expect(rename).toEqual([])
    expect((await (await reopened()).records('large'))[0]?.bytes[0]).toBe(4)
  })

  it('is not needed to remove rows', async () => {
    const ids = await store.commit(appending('d', ...['1', '2', '3', '4'].map((text) => text.repeat(5000))))
    failing('ENOSPC', (call) => call.kind === 'create')
    await store.commit({ remove: [{ documentId: 'd', ids: ids.slice(0, 3) }] })
    expect(texts(await (await reopened()).rows('d'))).toEqual(['before', '4'.repeat(5000)])
  })
})
