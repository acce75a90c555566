// Changes of every kind in the LMDB store's commits: none of them shows before its flush, each is worked out upon what is
// in flight, and what a commit loses leaves nothing behind.
import { afterEach, describe, expect, it, vi } from 'vitest'
import {
  type Clock,
  changedAfter,
  claim,
  compact,
  id,
  patterned,
  SHORT_LIMITS,
  sha256Of,
  stageWhole,
  sweepAll,
} from '../../../relay/src/store/conformance/acts.ts'
import {
  append,
  at,
  bytesPush,
  EMPTY,
  judge,
  readTexts,
  textPush,
} from '../../../relay/src/store/conformance/subject.ts'
import type { RelayStore, StoreLimits } from '../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { countRows, heldCommits, newDirectory, removeDirectories, turn } from './lmdb-data.ts'

const NOVEL = 'alice/novel'
const { retentionMaxMs, tombstoneMs } = SHORT_LIMITS

afterEach(() => {
  vi.restoreAllMocks()
  removeDirectories()
})

interface Held {
  readonly store: RelayStore
  readonly clock: Clock
  readonly directory: string
  /** From now on commits wait, until `letThrough`. */
  hold(): void
  begun(): Promise<void>
  letThrough(): void
  /** The commits to come fail as on a full disk. */
  full: boolean
}

async function openHeld(limits: Partial<StoreLimits> = {}): Promise<Held> {
  const gate = heldCommits()
  let holds = false
  const clock = { nowMs: 1_700_000_000_000 }
  const directory = newDirectory()
  const held: { full: boolean } = { full: false }
  const aroundCommit = (commit: () => Promise<void>): Promise<void> => {
    const limited = async (): Promise<void> => {
      if (held.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
      await commit()
    }
    return holds ? gate.aroundCommit(limited) : limited()
  }
  const options = { directory, aroundCommit, limits: { ...SHORT_LIMITS, ...limits }, now: () => clock.nowMs }
  const store = await openLmdbStore(options)
  return Object.assign(held, {
    store,
    clock,
    directory,
    hold: () => {
      holds = true
    },
    begun: gate.begun,
    letThrough: () => {
      holds = false
      gate.letThrough()
    },
  })
}

/** A log of two entries, an upload, and calls that change all that can be changed. */
async function everyChange(store: RelayStore): Promise<readonly (() => Promise<unknown>)[]> {
  const [first, last] = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
  const diary = at(await append(store, [textPush('alice/diary', '1')]), 0)
  await stageWhole(store, 'whole', patterned(70_000))
  await stageWhole(store, 'payload', patterned(70_000, 1))
  if (first === undefined || last === undefined) return []
  const { incarnation, receipt: mark } = last
  const install = { documentId: NOVEL, mark: first.receipt, baseExpected: 0, snapshotId: id(1), upload: 'whole' }
  return [
    () => store.stage({ key: 'u', total: 200_000, offset: 0, bytes: patterned(150_000) }),
    () => store.append([{ ...bytesPush('alice/new', EMPTY), payload: { upload: 'payload' } }]),
    () => store.install(install),
    () => claim(store, NOVEL, { mark, device: 1, generation: new Uint8Array(8) }),
    () => store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }),
    () => store.delete({ documentId: 'alice/diary', mark: diary.receipt }),
  ]
}

/** All that can be asked of it. */
async function everything(store: RelayStore): Promise<unknown> {
  const names = [NOVEL, 'alice/diary', 'alice/new']
  return {
    judgements: await Promise.all(names.map((name) => judge(store, name))),
    feed: await changedAfter(store, 'alice', EMPTY),
    usage: await store.usage('alice'),
    hashes: await Promise.all(['whole', 'payload', 'u'].map((key) => store.hashUpload(key, EMPTY))),
  }
}

describe('lmdb store, changes while a commit is held', () => {
  it('shows none of them, and resolves none, before the flush (case 13)', async () => {
    const held = await openHeld()
    const { store } = held
    const changes = await everyChange(store)
    const before = await everything(store)
    held.hold()
    let settled = 0
    const calls = changes.map((change) => change().then(() => (settled += 1)))
    await held.begun()
    for (let turns = 0; turns < 10; turns += 1) await turn()
    expect(settled).toBe(0)
    expect(await everything(store)).toEqual(before)
    held.letThrough()
    await Promise.all(calls)
    const { tail, generation, lastClaim } = await judge(store, NOVEL)
    expect([tail.base, lastClaim]).toEqual([1, null])
    expect(generation).not.toEqual(new Uint8Array(8))
    expect((await judge(store, 'alice/new')).bytesToCome).toBe(70_000)
    expect((await judge(store, 'alice/diary')).status).toBe('DELETED')
    await store.close()
  })

  it('loses all of them on a full disk, leaves nothing of them, and takes them when they come again', async () => {
    const held = await openHeld()
    const { store } = held
    const changes = await everyChange(store)
    const before = await everything(store)
    held.full = true
    const lost = await Promise.allSettled(changes.map((change) => change()))
    for (const outcome of lost) expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORAGE' } })
    expect(await everything(store)).toEqual(before)
    held.full = false
    const made = await Promise.all(changes.map((change) => change()))
    expect(made[0]).toEqual({ staged: 150_000 })
    expect(made.slice(2)).toEqual(['OK', 'kept', 'drawn', 'OK'])
    const { snapshot } = await judge(store, NOVEL, { partial: id(1) })
    expect(Buffer.from(snapshot?.id ?? EMPTY)).toEqual(Buffer.from(id(1)))
    await store.close()
  })

  it('plans what waited anew where the commit before it is lost', async () => {
    const held = await openHeld()
    const { store } = held
    const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
    const { receipt: mark } = at(results, 1)
    const snapshot = { documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'u' }
    held.hold()
    held.full = true
    const lost = stageWhole(store, 'u', patterned(30))
    await held.begun()
    const install = store.install(snapshot)
    const claimed = claim(store, NOVEL, { mark, device: 1, generation: new Uint8Array(8) })
    held.letThrough()
    await expect(lost).rejects.toMatchObject({ code: 'STORAGE' })
    held.full = false
    // The upload that it would have taken was never there.
    expect(await install).toBe('GONE')
    expect(await claimed).toBe('kept')
    await store.close()
  })

  it('counts what uploads take up as it is planned, and not what was lost', async () => {
    const held = await openHeld({ uploadBytesMax: 1_000 })
    const { store } = held
    const stage = (key: string, length: number): Promise<unknown> =>
      store.stage({ key, total: 2_000, offset: 0, bytes: patterned(length) })
    held.full = true
    await expect(stage('lost', 400)).rejects.toMatchObject({ code: 'STORAGE' })
    held.full = false
    held.hold()
    const first = stage('a', 400)
    await held.begun()
    const others = [stage('b', 1), store.dropUpload('a'), stage('b', 488), stage('c', 1)]
    held.letThrough()
    expect(await first).toEqual({ staged: 400 })
    expect(await Promise.all(others)).toEqual(['full', undefined, { staged: 488 }, 'full'])
    await store.close()
    const again = await openLmdbStore({ directory: held.directory, limits: { uploadBytesMax: 1_000 } })
    expect(await again.stage({ key: 'c', total: 2_000, offset: 0, bytes: patterned(1) })).toBe('full')
    await again.close()
  })

  it('knows no push of a log that was deleted while a change of it was in flight', async () => {
    const held = await openHeld()
    const { store } = held
    const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
    const { receipt: mark, incarnation } = at(results, 1)
    held.hold()
    const repaired = store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) })
    await held.begun()
    const deleted = store.delete({ documentId: NOVEL, mark })
    const anew = append(store, [{ ...textPush(NOVEL, '2'), create: true }, textPush(NOVEL, '1')])
    held.letThrough()
    expect([await repaired, await deleted]).toEqual(['drawn', 'OK'])
    expect((await anew).map(({ index }) => index)).toEqual([1, 2])
    expect(await readTexts(store, NOVEL)).toEqual(['2', '1'])
    await store.close()
  })

  it('keeps the row of a push that is in flight, where the sweep drops an earlier entry of that push', async () => {
    const held = await openHeld()
    const { store, clock } = held
    const pushes = (count: number, from = 0) =>
      Array.from({ length: count }, (_, position) => textPush(NOVEL, `${from + position}`))
    const results = await append(store, pushes(60))
    await compact(store, NOVEL, { mark: at(results, 59).receipt })
    await append(store, pushes(1))
    clock.nowMs += retentionMaxMs
    // This one drops the compaction, the next one its entries.
    expect(await store.sweep()).toEqual({ more: true })
    held.hold()
    // The push that came again leaves the document row with this commit.
    const others = append(store, pushes(40, 100))
    await held.begun()
    const swept = store.sweep()
    held.letThrough()
    await Promise.all([others, swept])
    expect((await append(store, pushes(1))).map(({ index }) => index)).toEqual([61])
    await sweepAll(store)
    expect((await append(store, pushes(1))).map(({ index }) => index)).toEqual([61])
    await store.close()
  })

  it('removes in two sweeps at once what is there once, and all of what came in the commit before', async () => {
    const held = await openHeld()
    const { store, clock } = held
    const { receipt: mark } = at(await append(store, [textPush(NOVEL, '1')]), 0)
    clock.nowMs += tombstoneMs
    held.hold()
    const staged = store.stage({ key: 'u', total: 400_000, offset: 0, bytes: patterned(300_000) })
    const large = store.append([bytesPush(NOVEL, patterned(300_000))])
    await held.begun()
    // Both of the chunks in flight become garbage in the next commit; the sweeps of that one do not see them yet.
    const dropped = [store.dropUpload('u'), store.sweep(), store.sweep()]
    held.letThrough()
    await Promise.all([staged, large, ...dropped])
    await sweepAll(store)
    const { receipt } = at(await append(store, [bytesPush(NOVEL, patterned(300_000))]), 0)
    expect(await store.delete({ documentId: NOVEL, mark })).toBe('CHANGED')
    expect(await store.delete({ documentId: NOVEL, mark: receipt })).toBe('OK')
    clock.nowMs += tombstoneMs
    held.hold()
    const first = store.sweep()
    await held.begun()
    const second = store.sweep()
    held.letThrough()
    expect(await Promise.all([first, second])).toEqual([{ more: true }, { more: false }])
    await sweepAll(store)
    await store.close()
    expect(await countRows(held.directory)).toEqual({ vault: 1 })
  })
})

describe('lmdb store, tombstones', () => {
  it('are told apart from what looks like one: part of a name before an incarnation', async () => {
    const store = await openLmdbStore({ directory: newDirectory() })
    const { receipt: mark, incarnation } = at(await append(store, [textPush(NOVEL, '1')]), 0)
    await store.delete({ documentId: NOVEL, mark })
    const longer = Buffer.concat([Buffer.from('l'), incarnation])
    expect((await judge(store, NOVEL.slice(0, -1), { incarnation: longer })).status).toBe('NEW')
    expect((await judge(store, NOVEL, { incarnation })).status).toBe('DELETED')
    await store.close()
  })
})

describe('lmdb store, hashing an upload', () => {
  it('lets the event loop turn between its steps, and is gone where the upload goes meanwhile', async () => {
    const store = await openLmdbStore({ directory: newDirectory() })
    const bytes = patterned(3_000_000)
    await stageWhole(store, 'u', bytes, 250_000)
    let turns = 0
    let isDone = false
    const counting = (async () => {
      for (; !isDone; turns += 1) await turn()
    })()
    const hash = await store.hashUpload('u', EMPTY)
    isDone = true
    await counting
    expect(Buffer.from(hash).equals(Buffer.from(sha256Of(bytes)))).toBe(true)
    expect(turns).toBeGreaterThanOrEqual(10)
    let goOn: (() => void) | undefined
    vi.spyOn(globalThis, 'setImmediate').mockImplementationOnce((next) => {
      goOn = next as () => void
      return setImmediate(() => {})
    })
    const hashing = store.hashUpload('u', EMPTY)
    await store.dropUpload('u')
    await stageWhole(store, 'u', bytes, 250_000)
    goOn?.()
    expect(await hashing).toBe('gone')
    // Looked at from the start: it may reject before the store has closed.
    const closing = expect(store.hashUpload('u', EMPTY)).rejects.toMatchObject({ code: 'CLOSED' })
    await store.close()
    await closing
  })
})
