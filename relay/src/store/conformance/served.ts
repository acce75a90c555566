// Judging where a snapshot stands: what is given first, marks among hidden entries, and snapshots that were replaced.
import assert from 'node:assert/strict'
import type { Bytes, Judgement, RelayStore } from '../contract.ts'
import { compact, id, patterned } from './acts.ts'
import {
  append,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  judge,
  type OpenStore,
  readPage,
  type Stored,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function servedContract(test: ContractTest, openStore: OpenStore): void {
  markContract(test, openStore)
  bytesContract(test, openStore)
  partialContract(test, openStore)
  pageContract(test, openStore)
}

/** Entries of 100 bytes. */
function appendHundreds(store: RelayStore, count: number): Promise<readonly Stored[]> {
  return append(
    store,
    Array.from({ length: count }, (_, salt) => bytesPush(NOVEL, patterned(100, salt))),
  )
}

function placeOf({ status, markIndex, receiptIndex, after, snapshot, entriesToCome, bytesToCome }: Judgement): unknown {
  return { status, markIndex, receiptIndex, after, base: snapshot?.base ?? null, entriesToCome, bytesToCome }
}

function markContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'judge: a mark at or above the base needs no snapshot',
    withStore(openStore, async (subject) => {
      const results = await appendHundreds(subject.store, 6)
      await compact(subject.store, NOVEL, { mark: at(results, 3).receipt })
      await subject.reopen()
      for (const { index, receipt } of results.slice(3)) {
        assert.deepEqual(placeOf(await judge(subject.store, NOVEL, { mark: receipt })), {
          status: 'OK',
          markIndex: index,
          receiptIndex: 0,
          after: index,
          base: null,
          entriesToCome: 6 - index,
          bytesToCome: (6 - index) * 100,
        })
      }
    }),
  )
  test(
    'judge: bookmarks among hidden entries are checked as ever',
    withStore(openStore, async ({ store }) => {
      const results = await appendHundreds(store, 6)
      const other = await append(store, [bytesPush('alice/diary', patterned(100))])
      await compact(store, NOVEL, { mark: at(results, 4).receipt })
      for (const { index, receipt } of results) {
        const both = await judge(store, NOVEL, { mark: receipt, receipt: at(results, 1).receipt })
        assert.deepEqual([both.status, both.markIndex, both.receiptIndex], ['OK', index, 2])
      }
      const alone = await judge(store, NOVEL, { receipt: at(results, 1).receipt })
      assert.deepEqual([alone.status, alone.markIndex, alone.receiptIndex], ['OK', null, 2])
      const reset = await judge(store, NOVEL, { mark: at(other, 0).receipt, receipt: at(results, 1).receipt })
      assert.deepEqual(placeOf(reset), {
        status: 'RESET',
        markIndex: null,
        receiptIndex: 0,
        after: 5,
        base: 5,
        entriesToCome: 1,
        bytesToCome: 110,
      })
    }),
  )
  test(
    'judge: what there is no bookmark of is null and zero',
    withStore(openStore, async ({ store }) => {
      await appendHundreds(store, 2)
      const { markIndex, receiptIndex, snapshot, tail, lastClaim, agreedIndex } = await judge(store, NOVEL)
      assert.deepEqual(
        { markIndex, receiptIndex, snapshot, lastClaim, agreedIndex },
        {
          markIndex: null,
          receiptIndex: 0,
          snapshot: null,
          lastClaim: null,
          agreedIndex: 0,
        },
      )
      assert.deepEqual(tail, { base: 0, entriesAfterBase: 2, bytesAfterBase: 200, snapshotBytes: 0 })
    }),
  )
}

function bytesContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'judge: a mark among hidden entries is served from these, unless snapshot and tail are fewer bytes',
    withStore(openStore, async (subject) => {
      const results = await appendHundreds(subject.store, 8)
      // Above the base: 200 bytes. With the snapshot: 450, less than five entries and more than four.
      await compact(subject.store, NOVEL, { mark: at(results, 5).receipt, bytes: patterned(250) })
      await subject.reopen()
      for (const { index, receipt } of results.slice(0, 6)) {
        const isShort = (8 - index) * 100 <= 450
        const place = placeOf(await judge(subject.store, NOVEL, { mark: receipt }))
        const fromEntries = { after: index, base: null, entriesToCome: 8 - index, bytesToCome: (8 - index) * 100 }
        const fromSnapshot = { after: 6, base: 6, entriesToCome: 2, bytesToCome: 450 }
        assert.deepEqual(place, {
          status: 'OK',
          markIndex: index,
          receiptIndex: 0,
          ...(index === 6 || isShort ? fromEntries : fromSnapshot),
        })
      }
    }),
  )
  test(
    'judge: as many bytes are not fewer',
    withStore(openStore, async ({ store }) => {
      const results = await appendHundreds(store, 8)
      await compact(store, NOVEL, { mark: at(results, 5).receipt, bytes: patterned(200) })
      const { receipt: mark } = at(results, 3)
      assert.equal((await judge(store, NOVEL, { mark })).snapshot, null)
      assert.equal((await judge(store, NOVEL, { mark: at(results, 2).receipt })).snapshot?.base, 6)
    }),
  )
  test(
    'judge: without a mark, the whole log where that is fewer bytes than its snapshot',
    withStore(openStore, async ({ store }) => {
      const results = await appendHundreds(store, 3)
      await compact(store, NOVEL, { mark: at(results, 1).receipt, bytes: patterned(900) })
      const { after, snapshot, entriesToCome, bytesToCome } = await judge(store, NOVEL)
      assert.deepEqual([after, snapshot, entriesToCome, bytesToCome], [0, null, 3, 300])
      assert.deepEqual((await readPage(store, NOVEL, 0)).entries.length, 3)
    }),
  )
}

function partialContract(test: ContractTest, openStore: OpenStore): void {
  const replaced = async (store: RelayStore): Promise<{ results: readonly Stored[]; ids: readonly Bytes[] }> => {
    const results = await appendHundreds(store, 8)
    const first = await compact(store, NOVEL, { mark: at(results, 2).receipt, bytes: patterned(30, 1) })
    const mark = at(results, 5).receipt
    const second = await compact(store, NOVEL, { mark, baseExpected: 3, bytes: patterned(40, 2) })
    return { results, ids: [first, second] }
  }
  test(
    'judge: a snapshot of which the asker has the first bytes is referred to, though it was replaced (case 17)',
    withStore(openStore, async (subject) => {
      const { results, ids } = await replaced(subject.store)
      await subject.reopen()
      const judgement = await judge(subject.store, NOVEL, { partial: at(ids, 0) })
      assert.deepEqual(placeOf(judgement), {
        status: 'OK',
        markIndex: null,
        receiptIndex: 0,
        after: 3,
        base: 3,
        entriesToCome: 5,
        bytesToCome: 530,
      })
      assertBytes(judgement.snapshot?.id ?? id(0), at(ids, 0))
      assert.equal(judgement.snapshot?.totalBytes, 30)
      assertBytes(judgement.snapshot?.mark ?? id(0), at(results, 2).receipt)
      assert.deepEqual(judgement.tail, { base: 6, entriesAfterBase: 2, bytesAfterBase: 200, snapshotBytes: 40 })
      assert.equal((await judge(subject.store, NOVEL, { partial: at(ids, 1) })).snapshot?.base, 6)
    }),
  )
  test(
    'judge: a partial is passed over where it is not retained, or the mark is beyond it',
    withStore(openStore, async ({ store }) => {
      const { results, ids } = await replaced(store)
      const baseFor = async (partial: Bytes, mark?: Bytes): Promise<number | undefined> =>
        (await judge(store, NOVEL, { partial, ...(mark && { mark }) })).snapshot?.base
      assert.equal(await baseFor(id(99)), 6)
      assert.equal(await baseFor(at(ids, 0), at(results, 0).receipt), 3)
      assert.equal(await baseFor(at(ids, 0), at(results, 2).receipt), 6)
      assert.equal(await baseFor(at(ids, 1), at(results, 5).receipt), undefined)
    }),
  )
  test(
    'judge: a mark at the base of a replaced snapshot goes on behind it',
    withStore(openStore, async ({ store }) => {
      const { results } = await replaced(store)
      const page = await readPage(store, NOVEL, 3)
      assert.deepEqual(
        page.entries.map(({ index }) => index),
        [4, 5, 6, 7, 8],
      )
      const { status, markIndex } = await judge(store, NOVEL, { mark: at(results, 2).receipt })
      assert.deepEqual([status, markIndex], ['OK', 3])
    }),
  )
}

function pageContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'read: hidden entries are read as any others, also when the base moves between two pages (case 17)',
    withStore(openStore, async (subject) => {
      const results = await appendHundreds(subject.store, 8)
      const first = await readPage(subject.store, NOVEL, 0, { entriesMax: 3 })
      await compact(subject.store, NOVEL, { mark: at(results, 5).receipt })
      await subject.reopen()
      const rest = await readPage(subject.store, NOVEL, 3)
      const read = [...first.entries, ...rest.entries].map(({ index }) => index)
      assert.deepEqual(read, [1, 2, 3, 4, 5, 6, 7, 8])
      assertBytes(rest.mark, at(results, 7).receipt)
      assertBytes(rest.tag, first.tag)
    }),
  )
}
