// What the LMDB store's sweep leaves of what it dropped: no row; how much it does at once; and that the file stops growing.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  agree,
  type Clock,
  claim,
  compact,
  id,
  patterned,
  SHORT_LIMITS,
  stageWhole,
  sweepAll,
} from '../../../relay/src/store/conformance/acts.ts'
import { append, at, bytesPush, judge, readPage, textPush } from '../../../relay/src/store/conformance/subject.ts'
import type { RelayStore, StorePush } from '../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { countRows, newDirectory, removeDirectories } from './lmdb-data.ts'

const NOVEL = 'alice/novel'
const { retentionMs, retentionMaxMs, tombstoneMs, uploadIdleMs } = SHORT_LIMITS

afterEach(removeDirectories)

/** A store whose clock only moves when it is told to; the test says what rows are left once it is closed. */
async function withData(
  work: (store: RelayStore, clock: Clock) => Promise<void>,
): Promise<Readonly<Record<string, number>>> {
  const directory = newDirectory()
  const clock = { nowMs: 1_700_000_000_000 }
  const store = await openLmdbStore({ directory, limits: SHORT_LIMITS, now: () => clock.nowMs })
  await work(store, clock)
  await store.close()
  return countRows(directory)
}

function pushes(count: number, from = 0): readonly StorePush[] {
  return Array.from({ length: count }, (_, position) => textPush(NOVEL, `${from + position}`))
}

describe('lmdb store, what a sweep leaves', () => {
  it('of compactions: the snapshot, the entries after it, and no push id below it', async () => {
    const rows = await withData(async (store, clock) => {
      for (const from of [0, 100, 200]) {
        const results = await append(store, pushes(100, from))
        const baseExpected = (await judge(store, NOVEL)).tail.base
        await compact(store, NOVEL, { mark: at(results, 97).receipt, baseExpected, bytes: patterned(70_000, from) })
      }
      clock.nowMs += retentionMaxMs
      await sweepAll(store)
    })
    // The push ids of both entries stand in the document row.
    expect(rows).toEqual({ document: 1, vault: 1, entry: 2, blob: 3 })
  })

  it('of compactions that are retained: all of their rows but the push ids, until they are due', async () => {
    const rows = await withData(async (store, clock) => {
      const results = await append(store, pushes(100))
      await compact(store, NOVEL, { mark: at(results, 49).receipt })
      await compact(store, NOVEL, { mark: at(results, 79).receipt, baseExpected: 50 })
      await agree(store, NOVEL, at(results, 60).receipt)
      clock.nowMs += retentionMaxMs - 1
      expect(await store.sweep()).toEqual({ more: true })
      await sweepAll(store)
    })
    // Entries up to 50 are gone; the first snapshot was replaced by the compaction that is retained. Of the push ids
    // above the base, 80, the newest 16 stand in the document row.
    const kept = { entry: 50, push: 4, compaction: 1, snapshot: 1, trash: 1 }
    expect(rows).toEqual({ document: 1, vault: 1, claim: 1, blob: 2, ...kept })
  })

  it('of push ids that a compaction hid: none, also where the sweep went on after a restart', async () => {
    const directory = newDirectory()
    let store = await openLmdbStore({ directory })
    const results = await append(store, pushes(1_300))
    await compact(store, NOVEL, { mark: at(results, 1_199).receipt })
    const left: (number | undefined)[] = []
    for (let more = true; more; ) {
      more = (await store.sweep()).more
      await store.close()
      left.push((await countRows(directory)).push)
      store = await openLmdbStore({ directory })
    }
    expect(left.length).toBeGreaterThan(3)
    // Of the 100 above the base, the newest 16 stand in the document row.
    expect(left.at(-1)).toBe(84)
    expect((await readPage(store, NOVEL)).through).toBe(1_300)
    const again = await append(store, [...pushes(2, 1_200), ...pushes(2, 1_298), ...pushes(2, 1_198)])
    expect(again.map(({ index }) => index)).toEqual([1_201, 1_202, 1_299, 1_300, 1_301, 1_302])
    await store.close()
  })

  it('of push ids that a compaction hid: none, also where others leave room for a single row', async () => {
    const rows = await withData(async (store) => {
      for (const [documentId, count] of [
        ['alice/a', 498],
        ['alice/b', 600],
      ] as const) {
        const texts = Array.from({ length: count }, (_, edit) => textPush(documentId, `${edit}`))
        await compact(store, documentId, { mark: at(await append(store, texts), count - 1).receipt })
      }
      await sweepAll(store)
    })
    expect(rows.push).toBeUndefined()
  })

  it('of a push that came again above the base: its row, which means the later entry', async () => {
    const rows = await withData(async (store, clock) => {
      const results = await append(store, pushes(60))
      await compact(store, NOVEL, { mark: at(results, 59).receipt })
      // Comes again, and then leaves the document row: its row of its own is written over.
      await append(store, pushes(1))
      await append(store, pushes(60, 100))
      clock.nowMs += retentionMaxMs
      await sweepAll(store)
      expect((await append(store, pushes(1))).map(({ index }) => index)).toEqual([61])
      expect((await append(store, [...pushes(1, 1), ...pushes(1, 100)])).map(({ index }) => index)).toEqual([122, 62])
    })
    // 62 entries above the base, of which the newest 17 push ids stand in the document row.
    expect(rows).toEqual({ document: 1, vault: 1, entry: 62, push: 45, blob: 1 })
  })

  it('of push ids that leave the document row once their entries are dropped: no row', async () => {
    const rows = await withData(async (store, clock) => {
      const results = await append(store, pushes(30))
      await compact(store, NOVEL, { mark: at(results, 29).receipt })
      clock.nowMs += retentionMaxMs
      await sweepAll(store)
      await append(store, pushes(5, 100))
    })
    // Of 35, the newest 16 stand in the document row.
    expect(rows).toEqual({ document: 1, vault: 1, entry: 5, blob: 1 })
  })

  it('of a push whose row is written while the sweep drops its earlier entry: the row', async () => {
    await withData(async (store, clock) => {
      const results = await append(store, pushes(60))
      await compact(store, NOVEL, { mark: at(results, 59).receipt })
      await append(store, pushes(16))
      clock.nowMs += retentionMaxMs
      const sweeps = [store.sweep(), new Promise((resolve) => setImmediate(resolve)).then(() => store.sweep())]
      for (let from = 100; from < 130; from += 1) {
        await append(store, pushes(3, from * 10))
        sweeps.push(store.sweep())
      }
      await Promise.all(sweeps)
      await sweepAll(store)
      expect((await append(store, pushes(16))).map(({ index }) => index)).toEqual(
        Array.from({ length: 16 }, (_, position) => 61 + position),
      )
    })
  })

  it('of a deleted document: its tombstone, and in the end nothing', async () => {
    const work = (waitMs: number) => async (store: RelayStore, clock: Clock) => {
      const results = await append(store, [...pushes(100), bytesPush(NOVEL, patterned(200_000))])
      await compact(store, NOVEL, { mark: at(results, 49).receipt, bytes: patterned(70_000, 1) })
      const mark = at(results, 100).receipt
      await compact(store, NOVEL, { mark: at(results, 79).receipt, baseExpected: 50, bytes: patterned(70_000, 2) })
      await claim(store, NOVEL, { mark, device: 1 })
      const { incarnation } = await judge(store, NOVEL)
      await store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) })
      expect(await store.delete({ documentId: NOVEL, mark })).toBe('OK')
      clock.nowMs += waitMs
      await sweepAll(store)
    }
    expect(await withData(work(retentionMs))).toEqual({ document: 1, vault: 1, tombstone: 1, trash: 1 })
    expect(await withData(work(tombstoneMs))).toEqual({ vault: 1 })
  })

  it('of a document that was begun anew: only that', async () => {
    const rows = await withData(async (store, clock) => {
      const results = await append(store, pushes(100))
      await compact(store, NOVEL, { mark: at(results, 49).receipt })
      await store.delete({ documentId: NOVEL, mark: at(results, 99).receipt })
      await store.append([{ ...textPush(NOVEL, 'anew'), create: true }])
      clock.nowMs += tombstoneMs
      await sweepAll(store)
      expect((await readPage(store, NOVEL)).entries.length).toBe(1)
    })
    expect(rows).toEqual({ document: 1, vault: 1, entry: 1 })
  })

  it('of uploads that were dropped, begun anew, refused or never finished: nothing', async () => {
    const rows = await withData(async (store, clock) => {
      await stageWhole(store, 'dropped', patterned(200_000))
      await store.dropUpload('dropped')
      await stageWhole(store, 'anew', patterned(200_000))
      await store.stage({ key: 'anew', total: 10, offset: 0, bytes: patterned(5) })
      await stageWhole(store, 'refused', patterned(200_000))
      await stageWhole(store, 'known', patterned(200_000))
      const pushId = id(1)
      const refused = { documentId: 'alice/1', pushId, format: 1, payload: { upload: 'refused' }, vaultBytesMax: 1 }
      expect(await store.append([refused])).toEqual([{ refused: 'QUOTA' }])
      await append(store, [{ ...textPush(NOVEL, 'x'), pushId }])
      await append(store, [{ ...refused, documentId: NOVEL, payload: { upload: 'known' } }])
      await store.stage({ key: 'begun', total: 200_000, offset: 0, bytes: patterned(150_000) })
      clock.nowMs += uploadIdleMs
      await sweepAll(store)
    })
    expect(rows).toEqual({ document: 1, vault: 1, entry: 1 })
  })
})

describe('lmdb store, how much a sweep does', () => {
  it('is bounded in rows and in bytes, and goes on after a restart where it was', async () => {
    const directory = newDirectory()
    const clock = { nowMs: 1_700_000_000_000 }
    const open = (): Promise<RelayStore> => openLmdbStore({ directory, limits: SHORT_LIMITS, now: () => clock.nowMs })
    let store = await open()
    const results = await append(store, [...pushes(3_000), bytesPush(NOVEL, patterned(5_000_000))])
    await compact(store, NOVEL, { mark: at(results, 3_000).receipt })
    clock.nowMs += retentionMaxMs
    const before = await rowsAfter(store)
    let sweeps = 0
    let last = before
    for (let more = true; more; sweeps += 1) {
      more = (await store.sweep()).more
      const rows = await rowsAfter(store)
      expect(last.entry + last.push - rows.entry - rows.push).toBeLessThanOrEqual(500)
      expect(last.blob - rows.blob).toBeLessThanOrEqual(17)
      last = rows
      // In one step, with the first of its rows or before.
      expect((await judge(store, NOVEL, { mark: at(results, 2_999).receipt })).status).toBe('RESET')
    }
    expect(last).toEqual({ entry: 0, push: 0, blob: 1 })
    expect(sweeps).toBeGreaterThan(12)
    await store.close()

    async function rowsAfter(open_: RelayStore): Promise<{ entry: number; push: number; blob: number }> {
      await open_.close()
      const { entry = 0, push = 0, blob = 0 } = await countRows(directory)
      store = await open()
      return { entry, push, blob }
    }
  })

  it('goes by the limits that the store is opened with, whenever a thing was put to wait', async () => {
    const directory = newDirectory()
    const clock = { nowMs: 1_700_000_000_000 }
    const now = (): number => clock.nowMs
    const patient = await openLmdbStore({ directory, now })
    const results = await append(patient, pushes(3))
    await compact(patient, NOVEL, { mark: at(results, 1).receipt })
    clock.nowMs += retentionMaxMs
    await sweepAll(patient)
    expect((await readPage(patient, NOVEL)).through).toBe(3)
    await patient.close()
    const store = await openLmdbStore({ directory, now, limits: SHORT_LIMITS })
    await sweepAll(store)
    await store.close()
    expect(await countRows(directory)).toEqual({ document: 1, vault: 1, entry: 1, blob: 1 })
  })

  it('is shared out: what is due of many documents is dropped over several sweeps, appends between them', async () => {
    const rows = await withData(async (store, clock) => {
      const names = Array.from({ length: 120 }, (_, number) => `alice/${number}`)
      const results = await append(
        store,
        names.map((name) => textPush(name, '1')),
      )
      for (const [position, name] of names.entries()) {
        await store.delete({ documentId: name, mark: at(results, position).receipt })
      }
      clock.nowMs += tombstoneMs
      const sweeps = [store.sweep(), store.sweep()]
      await append(store, pushes(1))
      for (const { more } of await Promise.all(sweeps)) expect(more).toBe(true)
      await sweepAll(store)
    })
    expect(rows).toEqual({ document: 1, vault: 1, entry: 1 })
  })
})

describe('lmdb store, the file', () => {
  it('stops growing while a document grows and is compacted: pages of what was dropped are used again', async () => {
    const directory = newDirectory()
    const clock = { nowMs: 1_700_000_000_000 }
    const store = await openLmdbStore({ directory, limits: SHORT_LIMITS, now: () => clock.nowMs })
    const sizes: number[] = []
    let baseExpected = 0
    let heldBytes = 0
    for (let round = 1; round <= 20; round += 1) {
      // 200 entries of 2,000 bytes; the snapshot grows by a tenth of that.
      const texts = Array.from({ length: 200 }, (_, edit) => bytesPush(NOVEL, patterned(2_000, round * 200 + edit)))
      const results = await append(store, texts.map(withNumber(round)))
      // What is held at once, at most: these entries, the snapshot, and the one that it replaces.
      heldBytes = 400_000 + 2 * round * 40_000
      const mark = at(results, 199).receipt
      await compact(store, NOVEL, { mark, baseExpected, bytes: patterned(round * 40_000) })
      await agree(store, NOVEL, mark)
      baseExpected = at(results, 199).index
      clock.nowMs += retentionMs
      await sweepAll(store)
      sizes.push(statSync(join(directory, 'data.mdb')).size)
    }
    await store.close()
    expect(await countRows(directory)).toMatchObject({ document: 1, vault: 1 })
    expect(at(sizes, -1)).toBeLessThan(2 * heldBytes)
    expect(at(sizes, -1) - at(sizes, 9)).toBeLessThan(1_500_000)
  })

  it('grows by next to nothing when the sweep drops what a compaction hid', async () => {
    const directory = newDirectory()
    const clock = { nowMs: 1_700_000_000_000 }
    const store = await openLmdbStore({ directory, limits: SHORT_LIMITS, now: () => clock.nowMs })
    const growth: number[] = []
    const sweep = async (): Promise<void> => {
      const before = statSync(join(directory, 'data.mdb')).size
      await sweepAll(store)
      growth.push(statSync(join(directory, 'data.mdb')).size - before)
    }
    let [head, baseExpected] = [0, 0]
    const type = async (count: number): Promise<void> => {
      for (let edit = 0; edit < count; edit += 10, head += 10) await append(store, pushes(10, head))
    }
    while (head < 2_500) {
      await type(250)
      const { mark } = await readPage(store, NOVEL, baseExpected)
      await compact(store, NOVEL, { mark, baseExpected, bytes: patterned(20_000) })
      baseExpected = head
      await sweep()
      await type(250)
      await agree(store, NOVEL, (await readPage(store, NOVEL, baseExpected)).mark)
      clock.nowMs += retentionMs
      await sweep()
    }
    await store.close()
    // The pages of a push or two; where push ids were dropped with their entries, one by one, it was 28,672.
    expect(Math.max(...growth)).toBeLessThan(16_384)
  })
})

/** Payloads repeat: their ids do not. */
function withNumber(round: number): (push: StorePush, position: number) => StorePush {
  return (push, position) => {
    const pushId = Buffer.alloc(16)
    pushId.writeUInt32BE(round, 0)
    pushId.writeUInt32BE(position, 4)
    return { ...push, pushId }
  }
}
