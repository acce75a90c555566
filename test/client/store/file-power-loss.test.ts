// A power cut after every call that a file store makes to the disk.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { fileStore } from '../../../client/src/node/file-store.ts'
import type { StoreWrite } from '../../../client/src/store/contract.ts'
import {
  DOCUMENTS,
  expectWholeCommits,
  growingWrites,
  journalFillingWrites,
  type Recording,
  record,
} from './crash-points.ts'
import { PowerLossDisk } from './power-loss.ts'
import { type DiskCall, recorder } from './recorded-files.ts'
import { contentsAfter, seeded } from './rows.ts'
import { newScratchDirectory } from './scratch.ts'

vi.setConfig({ testTimeout: 120_000 })

vi.mock('node:fs/promises', async (importOriginal) =>
  (await import('./recorded-files.ts')).recordedFiles(await importOriginal()),
)

const CUTS_PER_CALL = 2
const ROW_BYTES = 1500

let parent: string
beforeAll(async () => {
  parent = await newScratchDirectory()
})
beforeEach(() => {
  recorder.calls = []
})
afterAll(() => rm(parent, { recursive: true }))

const newRecording = (name: string, writes: readonly StoreWrite[], atOnce: number): Promise<Recording<DiskCall>> =>
  record(fileStore(join(parent, name)), writes, atOnce, recorder.calls)

describe('a power cut', () => {
  it('keeps every resolved commit, and of the others a beginning, each whole', async () => {
    const writes = [...growingWrites(25, ROW_BYTES), ...journalFillingWrites(6), ...growingWrites(10, ROW_BYTES)]
    const contents = await contentsAfter(writes, DOCUMENTS)
    const recording = await newRecording('one-by-one', writes, 1)
    expect(recording.calls.some(({ kind, path }) => kind === 'unlink' && path.includes('rows'))).toBe(true)
    expect(recording.calls.filter(({ kind }) => kind === 'rename').length).toBeGreaterThan(1)
    await expectEveryCutIsHarmless('one-by-one', recording, contents)
  })

  it('does so with many commits in flight', async () => {
    const writes = growingWrites(50, ROW_BYTES)
    await expectEveryCutIsHarmless(
      'in-flight',
      await newRecording('in-flight', writes, 7),
      await contentsAfter(writes, DOCUMENTS),
    )
  })

  it('is noticed by these tests when a flush is left out', async () => {
    const writes = growingWrites(20, ROW_BYTES)
    const recording = await newRecording('unflushed', writes, 1)
    const calls = recording.calls.map(
      (call): DiskCall =>
        call.kind === 'sync' ? { kind: 'write', path: call.path, position: 0, bytes: Buffer.alloc(0) } : call,
    )
    const cuts = expectEveryCutIsHarmless('unflushed', { ...recording, calls }, await contentsAfter(writes, DOCUMENTS))
    await expect(cuts).rejects.toThrow(/a cut before call|is damaged/)
  })
})

async function expectEveryCutIsHarmless(
  name: string,
  { calls, resolvedBefore }: Recording<DiskCall>,
  contents: readonly string[],
): Promise<void> {
  const disk = new PowerLossDisk()
  for (const [at, call] of [...calls, null].entries()) {
    for (let cut = 0; cut < CUTS_PER_CALL; cut++) {
      const remains = join(parent, `cut-${at}-${cut}`)
      await disk.writeRemains(join(parent, name), remains, seeded(at * CUTS_PER_CALL + cut))
      const resolved = resolvedBefore[at] as number
      const point = { what: `a cut before call ${at}`, resolved, restarted: () => fileStore(remains) }
      await expectWholeCommits(point, contents)
      await rm(remains, { recursive: true })
    }
    if (call !== null) disk.apply(call)
  }
}
