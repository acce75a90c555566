// A process on a key-value store that dies before, in and after every single write.
import { keyValueStore } from '@tidemark/client/key-value'
import { describe, expect, it, vi } from 'vitest'
import type { StoreWrite } from '../../../client/src/store/contract.ts'
import {
  type CrashPoint,
  DOCUMENTS,
  expectWholeCommits,
  growingWrites,
  journalFillingWrites,
  type Recording,
  record,
} from './crash-points.ts'
import { applyWrite, SHAPES, type StoredValue, ValueDisk, type ValueWrite } from './key-value-storages.ts'
import { contentsAfter } from './rows.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Small rows stay in the journal, larger ones do not; of the large ones each is a segment. */
const WRITES: readonly StoreWrite[] = [
  ...growingWrites(60, 40),
  ...growingWrites(6, 20_000),
  ...growingWrites(20, 1500),
  ...journalFillingWrites(2),
  ...growingWrites(10, 200),
]
/** Where values are short each large row takes 27 of them, and a base a few. */
const SHORT_WRITES: readonly StoreWrite[] = [
  ...growingWrites(50, 40),
  ...growingWrites(2, 20_000),
  ...growingWrites(30, 1500),
]

/** The others differ from these in nothing that a crash could show. */
const CRASHED = ['AsyncStorage', 'MMKV 4', 'SQLite', 'short bytes']

for (const shape of CRASHED) {
  const backendOn = SHAPES[shape] as (typeof SHAPES)[string]
  describe(`a crash of a process on ${shape}`, () => {
    for (const [how, atOnce, isReversed] of [
      ['one commit at a time', 1, false],
      ['five commits in flight, the values of one call written from behind', 5, true],
    ] as const) {
      it(`leaves every resolved commit, and of the others a beginning, each whole: ${how}`, async () => {
        const workload = shape.startsWith('short') ? SHORT_WRITES : WRITES
        const disk = new ValueDisk([], { isReversed })
        const recording = await record(keyValueStore(backendOn(disk)), workload, atOnce, disk.writes)
        expect(recording.calls.some(([key, value]) => value !== null && key.startsWith('tidemark/b/'))).toBe(true)
        await expectEveryCrashIsHarmless(recording, backendOn, await contentsAfter(workload, DOCUMENTS))
      })
    }

    it('is noticed by these tests when what a commit names is written after it', async () => {
      const workload = growingWrites(6, 20_000)
      const disk = new ValueDisk()
      const recording = await record(keyValueStore(backendOn(disk)), workload, 1, disk.writes)
      const crashes = expectEveryCrashIsHarmless(
        { ...recording, calls: headsFirst(recording.calls) },
        backendOn,
        await contentsAfter(workload, DOCUMENTS),
      )
      await expect(crashes).rejects.toThrow(/write \d+|is damaged/)
    })
  })
}

async function expectEveryCrashIsHarmless(
  { calls, resolvedBefore }: Recording<ValueWrite>,
  backendOn: (typeof SHAPES)[string],
  contents: readonly string[],
): Promise<void> {
  const values = new Map<string, StoredValue>()
  for (const [at, write] of [...calls, null].entries()) {
    const resolved = resolvedBefore[at] as number
    await expectWholeCommits(crashPoint(`before write ${at}`, resolved, values, backendOn), contents)
    if (write === null) break
    const torn = new Map(values)
    applyWrite(torn, [write[0], halfOf(write[1])])
    await expectWholeCommits(crashPoint(`in write ${at}`, resolved, torn, backendOn), contents)
    applyWrite(values, write)
  }
}

/** Each journal entry before the segments that it names. */
function headsFirst(writes: readonly ValueWrite[]): ValueWrite[] {
  const ordered: ValueWrite[] = []
  let segments: ValueWrite[] = []
  for (const write of writes) {
    if (write[0].startsWith('tidemark/s/') && write[1] !== null) segments.push(write)
    else {
      ordered.push(write, ...segments)
      segments = []
    }
  }
  return ordered
}

function crashPoint(
  what: string,
  resolved: number,
  values: ReadonlyMap<string, StoredValue>,
  backendOn: (typeof SHAPES)[string],
): CrashPoint {
  const disk = new ValueDisk(values)
  return { what, resolved, restarted: () => keyValueStore(backendOn(disk)) }
}

function halfOf(value: StoredValue | null): StoredValue | null {
  return value === null ? null : value.slice(0, Math.floor(value.length / 2))
}
