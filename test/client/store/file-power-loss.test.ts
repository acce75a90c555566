// A power cut after every call that a file store makes to the disk.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { StoreWrite } from '../../../client/src/store/contract.ts'
import { PowerLossDisk } from './power-loss.ts'
import { type DiskCall, recorder } from './recorded-files.ts'
import { appending, contentOf, contentsAfter, seeded } from './rows.ts'
import { newScratchDirectory } from './scratch.ts'

vi.setConfig({ testTimeout: 120_000 })

vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('./recorded-files.ts')).recordedFiles(await importOriginal()),
)

const CUTS_PER_CALL = 2
const DOCUMENTS = ['a', 'b', 'c']

let parent: string
beforeAll(async () => {
  parent = await newScratchDirectory()
})
beforeEach(() => {
  recorder.calls = []
})
afterAll(() => rm(parent, { recursive: true }))

interface Recording {
  readonly directory: string
  readonly calls: readonly DiskCall[]
  /** How many commits had been resolved before each call, and one more at the end. */
  readonly resolvedBefore: readonly number[]
}

describe('a power cut', () => {
  it('keeps every resolved commit, and of the others a beginning, each whole', async () => {
    const writes = [...growingWrites(25), ...journalFillingWrites(6), ...growingWrites(10)]
    const contents = await contentsAfter(writes, DOCUMENTS)
    const recording = await record('one-by-one', writes, 1)
    expect(recording.calls.some(({ kind, path }) => kind === 'unlink' && path.includes('rows'))).toBe(true)
    expect(recording.calls.filter(({ kind }) => kind === 'rename').length).toBeGreaterThan(1)
    await expectEveryCutIsHarmless(recording, contents)
  })

  it('does so with many commits in flight', async () => {
    const writes = growingWrites(50)
    await expectEveryCutIsHarmless(await record('in-flight', writes, 7), await contentsAfter(writes, DOCUMENTS))
  })

  it('is noticed by these tests when a flush is left out', async () => {
    const writes = growingWrites(20)
    const recording = await record('unflushed', writes, 1)
    const calls = recording.calls.map(
      (call): DiskCall =>
        call.kind === 'sync' ? { kind: 'write', path: call.path, position: 0, bytes: Buffer.alloc(0) } : call,
    )
    const cuts = expectEveryCutIsHarmless({ ...recording, calls }, await contentsAfter(writes, DOCUMENTS))
    await expect(cuts).rejects.toThrow(/a cut before call|is damaged/)
  })
})

/** Rows of 1.5 KB that are replaced now and then, so that files are rewritten, deleted and begun anew. */
function growingWrites(count: number): StoreWrite[] {
  const chance = seeded(count)
  const ids = new Map(DOCUMENTS.map((id): [string, number] => [id, 0]))
  return Array.from({ length: count }, (_, i): StoreWrite => {
    const documentId = DOCUMENTS[i % 7 === 0 ? 1 : Math.floor(chance() * 3)] as string
    const texts = Array.from({ length: 1 + Math.floor(chance() * 3) }, (_, n) => `${i} ${n} `.repeat(300))
    const last = ids.get(documentId) as number
    const isAppending = chance() < 0.9
    if (isAppending) ids.set(documentId, last + texts.length)
    const removedIds = Array.from({ length: last }, (_, n) => n + 1)
    return {
      ...(isAppending ? appending(documentId, ...texts) : {}),
      ...(chance() < 0.3 ? { remove: [{ documentId, ids: removedIds }] } : {}),
      records: [{ key: `document/${documentId}`, bytes: new TextEncoder().encode(`${i}`) }],
    }
  })
}

function journalFillingWrites(count: number): StoreWrite[] {
  return Array.from({ length: count }, (_, i) => ({
    records: [{ key: 'large', bytes: new Uint8Array(100_000).fill(i) }],
  }))
}

async function record(name: string, writes: readonly StoreWrite[], atOnce: number): Promise<Recording> {
  const directory = join(parent, name)
  const store = await fileStore(directory).open()
  const resolvedBefore: number[] = []
  let resolved = 0
  const noteResolved = (): void => {
    while (resolvedBefore.length < recorder.calls.length) resolvedBefore.push(resolved)
  }
  for (let at = 0; at < writes.length; at += atOnce) {
    await Promise.all(
      writes.slice(at, at + atOnce).map(async (write) => {
        await store.commit(write)
        noteResolved()
        resolved++
      }),
    )
  }
  noteResolved()
  resolvedBefore.push(resolved)
  await store.close()
  return { directory, calls: [...recorder.calls], resolvedBefore }
}

async function expectEveryCutIsHarmless(
  { directory, calls, resolvedBefore }: Recording,
  contents: readonly string[],
): Promise<void> {
  const disk = new PowerLossDisk()
  for (const [at, call] of [...calls, null].entries()) {
    for (let cut = 0; cut < CUTS_PER_CALL; cut++) {
      const remains = join(parent, `cut-${at}-${cut}`)
      await disk.writeRemains(directory, remains, seeded(at * CUTS_PER_CALL + cut))
      const store = await fileStore(remains).open()
      const kept = contents.indexOf(await contentOf(store, DOCUMENTS), resolvedBefore[at] as number)
      expect(kept, `a cut before call ${at}`).toBeGreaterThanOrEqual(0)
      await store.commit(appending('later', 'works'))
      await store.close()
      const reopened = await fileStore(remains).open()
      expect(await contentOf(reopened, DOCUMENTS)).toBe(contents[kept])
      await reopened.close()
      await rm(remains, { recursive: true })
    }
    if (call !== null) disk.apply(call)
  }
}
