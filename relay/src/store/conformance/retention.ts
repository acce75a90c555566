// Retention: when the sweep drops what a compaction hid and replaced, and what is known of a log then.
import assert from 'node:assert/strict'
import type { Bytes, RelayStore } from '../contract.ts'
import { agree, type Clock, claim, compact, id, patterned, SHORT_LIMITS, sweepAll, withClock } from './acts.ts'
import {
  append,
  appendText,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  judge,
  type OpenStore,
  readPage,
  type Stored,
} from './subject.ts'

const NOVEL = 'alice/novel'
const { retentionMs, retentionMaxMs } = SHORT_LIMITS

export function retentionContract(test: ContractTest, openStore: OpenStore): void {
  dueContract(test, openStore)
  agreementContract(test, openStore)
  oldestContract(test, openStore)
  nothingLeftContract(test, openStore)
  replacedContract(test, openStore)
  wholeContract(test, openStore)
}

function appendHundreds(store: RelayStore, count: number, from = 0): Promise<readonly Stored[]> {
  return append(
    store,
    Array.from({ length: count }, (_, salt) => bytesPush(NOVEL, patterned(100, from + salt))),
  )
}

/** Whether the entry of this index is still there. */
async function isRetained(store: RelayStore, index: number): Promise<boolean> {
  const { incarnation } = await judge(store, NOVEL)
  const part = await store.readPayload({ documentId: NOVEL, incarnation, of: { index }, offset: 0, bytesMax: 100 })
  const page = await store.read({ documentId: NOVEL, incarnation, after: index - 1, entriesMax: 1, bytesMax: 100 })
  assert.equal(page === 'moved', part === 'gone')
  return page !== 'moved'
}

function dueContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: without claims that agree, what was hidden stays for retentionMaxMs',
    withClock(openStore, async (subject, clock) => {
      const results = await appendHundreds(subject.store, 4)
      await compact(subject.store, NOVEL, { mark: at(results, 2).receipt })
      for (const waitedMs of [retentionMs, retentionMaxMs - retentionMs - 1]) {
        clock.nowMs += waitedMs
        await sweepAll(subject.store)
        assert.equal(await isRetained(subject.store, 1), true)
      }
      await subject.reopen()
      clock.nowMs += 1
      await sweepAll(subject.store)
      for (const round of ['open', 'opened again']) {
        assert.equal(await isRetained(subject.store, 1), false, round)
        assert.equal(await isRetained(subject.store, 3), false, round)
        assert.equal(await isRetained(subject.store, 4), true, round)
        await subject.reopen()
      }
    }),
  )
  test(
    'sweep: once two devices have agreed, for retentionMs, counted from the compaction',
    withClock(openStore, async (subject, clock) => {
      const results = await appendHundreds(subject.store, 4)
      await compact(subject.store, NOVEL, { mark: at(results, 2).receipt })
      clock.nowMs += retentionMs / 2
      await agree(subject.store, NOVEL, at(results, 2).receipt)
      await subject.reopen()
      clock.nowMs += retentionMs / 2 - 1
      await sweepAll(subject.store)
      assert.equal(await isRetained(subject.store, 1), true)
      clock.nowMs += 1
      await sweepAll(subject.store)
      assert.equal(await isRetained(subject.store, 1), false)
    }),
  )
  test(
    'sweep: where they agree later than that, from then on',
    withClock(openStore, async ({ store }, clock) => {
      const results = await appendHundreds(store, 4)
      await compact(store, NOVEL, { mark: at(results, 2).receipt })
      clock.nowMs += retentionMs + 1
      await sweepAll(store)
      assert.equal(await isRetained(store, 1), true)
      await agree(store, NOVEL, at(results, 3).receipt)
      await sweepAll(store)
      assert.equal(await isRetained(store, 1), false)
    }),
  )
}

function agreementContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: claims of one device, of two profiles, or of two indexes are no agreement',
    withClock(openStore, async ({ store }, clock) => {
      const results = await appendHundreds(store, 4)
      const [third, fourth] = [at(results, 2).receipt, at(results, 3).receipt]
      await compact(store, NOVEL, { mark: third })
      assert.equal(await claim(store, NOVEL, { mark: third, device: 1 }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark: third, device: 1 }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark: third, device: 2, profile: '1/14.0/' }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark: fourth, device: 3 }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark: third, device: 4, digest: 1 }), 'differs')
      clock.nowMs += retentionMs
      await sweepAll(store)
      assert.equal(await isRetained(store, 1), true)
    }),
  )
  test(
    'sweep: neither an agreement below the base counts, nor one before the compaction',
    withClock(openStore, async ({ store }, clock) => {
      const results = await appendHundreds(store, 4)
      await agree(store, NOVEL, at(results, 3).receipt)
      await compact(store, NOVEL, { mark: at(results, 2).receipt })
      await agree(store, NOVEL, at(results, 1).receipt)
      clock.nowMs += retentionMs
      await sweepAll(store)
      assert.equal(await isRetained(store, 1), true)
    }),
  )
  test(
    'sweep: an agreement counts for every compaction at or below it',
    withClock(openStore, async ({ store }, clock) => {
      const results = await appendHundreds(store, 6)
      await compact(store, NOVEL, { mark: at(results, 1).receipt })
      await compact(store, NOVEL, { mark: at(results, 3).receipt, baseExpected: 2 })
      await compact(store, NOVEL, { mark: at(results, 4).receipt, baseExpected: 4 })
      await agree(store, NOVEL, at(results, 3).receipt)
      clock.nowMs += retentionMs
      await sweepAll(store)
      const retained = await Promise.all([2, 4, 5, 6].map((index) => isRetained(store, index)))
      assert.deepEqual(retained, [false, false, true, true])
    }),
  )
  test(
    'sweep: an agreement outlives the claims that made it',
    withClock(openStore, async (subject, clock) => {
      const results = await appendHundreds(subject.store, 4)
      await compact(subject.store, NOVEL, { mark: at(results, 2).receipt })
      await agree(subject.store, NOVEL, at(results, 2).receipt)
      const { incarnation } = await judge(subject.store, NOVEL)
      assert.equal(await subject.store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }), 'drawn')
      await subject.reopen()
      clock.nowMs += retentionMs
      await sweepAll(subject.store)
      assert.equal(await isRetained(subject.store, 1), false)
    }),
  )
}

/** Bases 3 and 6 of eight entries; entries up to 3 are dropped, so the oldest retained index is 4. */
async function swept(store: RelayStore, clock: Clock): Promise<readonly Stored[]> {
  const results = await appendHundreds(store, 8)
  await compact(store, NOVEL, { mark: at(results, 2).receipt, bytes: patterned(30, 1) })
  clock.nowMs += retentionMs
  await compact(store, NOVEL, { mark: at(results, 5).receipt, baseExpected: 3, bytes: patterned(140, 2) })
  clock.nowMs += retentionMaxMs - retentionMs
  await sweepAll(store)
  return results
}

function oldestContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: a mark before the one before the oldest entry is too old to be checked; every other is what it was',
    withClock(openStore, async (subject, clock) => {
      const results = await swept(subject.store, clock)
      await subject.reopen()
      for (const { index, receipt } of results) {
        const { status, markIndex, snapshot, after } = await judge(subject.store, NOVEL, { mark: receipt })
        if (index < 3) assert.deepEqual([status, markIndex, snapshot?.base, after], ['RESET', null, 6, 6], `${index}`)
        // Snapshot and tail are 340 bytes.
        else if (index < 5)
          assert.deepEqual([status, markIndex, snapshot?.base, after], ['OK', index, 6, 6], `${index}`)
        else assert.deepEqual([status, markIndex, snapshot, after], ['OK', index, null, index], `${index}`)
      }
      assert.equal((await judge(subject.store, NOVEL)).snapshot?.base, 6)
    }),
  )
  test(
    'sweep: a receipt that is too old to be checked is covered by a valid mark, and by nothing else',
    withClock(openStore, async (subject, clock) => {
      const results = await swept(subject.store, clock)
      const { receipt } = at(results, 0)
      for (const { index, receipt: mark } of results.slice(2)) {
        const judgement = await judge(subject.store, NOVEL, { mark, receipt })
        assert.deepEqual([judgement.status, judgement.markIndex, judgement.receiptIndex], ['OK', index, 1])
      }
      assert.equal((await judge(subject.store, NOVEL, { receipt })).status, 'RESET')
      assert.equal((await judge(subject.store, NOVEL, { mark: at(results, 1).receipt, receipt })).status, 'RESET')
      const above = await judge(subject.store, NOVEL, { mark: at(results, 2).receipt, receipt: at(results, 6).receipt })
      assert.deepEqual([above.status, above.receiptIndex], ['OK', 7])
    }),
  )
  test(
    'sweep: a page after the one before the oldest entry is there; one before that has moved',
    withClock(openStore, async ({ store }, clock) => {
      const results = await swept(store, clock)
      const { incarnation } = await judge(store, NOVEL)
      const limits = { entriesMax: 2, bytesMax: 1_000 }
      for (const after of [0, 1, 2]) {
        assert.equal(await store.read({ documentId: NOVEL, incarnation, after, ...limits }), 'moved')
      }
      const page = await readPage(store, NOVEL, 3, limits)
      assert.deepEqual(
        page.entries.map(({ index }) => index),
        [4, 5],
      )
      assertBytes(page.mark, at(results, 4).receipt)
    }),
  )
}

function nothingLeftContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: a log of which nothing but its snapshot is left goes on',
    withClock(openStore, async (subject, clock) => {
      const results = await appendHundreds(subject.store, 3)
      const { receipt: mark } = at(results, 2)
      const { tag } = await readPage(subject.store, NOVEL, 3)
      await compact(subject.store, NOVEL, { mark })
      clock.nowMs += retentionMaxMs
      await sweepAll(subject.store)
      await subject.reopen()
      const empty = await readPage(subject.store, NOVEL, 3)
      assert.deepEqual([empty.entries.length, empty.through, empty.atHead], [0, 3, true])
      assertBytes(empty.mark, mark)
      assertBytes(empty.tag, tag)
      const { status, snapshot, entriesToCome } = await judge(subject.store, NOVEL, { mark })
      assert.deepEqual([status, snapshot, entriesToCome], ['OK', null, 0])
      const next = await appendText(subject.store, NOVEL, 'four')
      assert.equal(next.index, 4)
      assertBytes(next.incarnation, at(results, 0).incarnation)
      const tail = await readPage(subject.store, NOVEL, 3)
      assertBytes(tail.mark, next.receipt)
      await compact(subject.store, NOVEL, { mark: next.receipt, baseExpected: 3 })
      assert.equal((await judge(subject.store, NOVEL, { mark })).markIndex, 3)
    }),
  )
}

function replacedContract(test: ContractTest, openStore: OpenStore): void {
  const has = async (store: RelayStore, snapshotId: Bytes): Promise<boolean> => {
    const { incarnation } = await judge(store, NOVEL)
    const request = { documentId: NOVEL, incarnation, of: { snapshotId }, offset: 0, bytesMax: 1_000 }
    return (await store.readPayload(request)) !== 'gone'
  }
  test(
    'sweep: a replaced snapshot is dropped with what replaced it, and no longer referred to',
    withClock(openStore, async (subject, clock) => {
      const results = await appendHundreds(subject.store, 6)
      const first = await compact(subject.store, NOVEL, { mark: at(results, 1).receipt, bytes: patterned(30, 1) })
      clock.nowMs += 2_000
      const mark = at(results, 3).receipt
      const second = await compact(subject.store, NOVEL, { mark, baseExpected: 2, bytes: patterned(40, 2) })
      clock.nowMs += retentionMaxMs - 1
      await sweepAll(subject.store)
      await subject.reopen()
      assert.deepEqual([await isRetained(subject.store, 2), await isRetained(subject.store, 3)], [false, true])
      assert.equal(await has(subject.store, first), true)
      assert.equal((await judge(subject.store, NOVEL, { partial: first })).snapshot?.base, 2)
      clock.nowMs += 1
      await sweepAll(subject.store)
      assert.equal(await isRetained(subject.store, 4), false)
      assert.deepEqual([await has(subject.store, first), await has(subject.store, second)], [false, true])
      assert.equal((await judge(subject.store, NOVEL, { partial: first })).snapshot?.base, 4)
    }),
  )
}

function wholeContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: changes neither feed nor usage, and comes to an end',
    withClock(openStore, async ({ store }, clock) => {
      const names = Array.from({ length: 150 }, (_, number) => `alice/${number}`)
      const marks = await append(
        store,
        names.map((name) => bytesPush(name, patterned(100))),
      )
      for (const [position, name] of names.entries()) await compact(store, name, { mark: at(marks, position).receipt })
      const whole = { vault: 'alice', mark: new Uint8Array(0), documentsMax: 1_000 }
      const [feed, usage] = [await store.feed(whole), await store.usage('alice')]
      assert.deepEqual(usage, { bytes: 1_500, documents: 150 })
      await sweepAll(store)
      for (const name of names) assert.equal((await readPage(store, name)).through, 1, name)
      clock.nowMs += retentionMaxMs
      const swept = sweepAll(store)
      const during = await append(store, [bytesPush('bob/1', patterned(10))])
      assert.equal(at(during, 0).index, 1)
      await swept
      assert.deepEqual(await store.sweep(), { more: false })
      assert.deepEqual(await store.usage('alice'), usage)
      assert.deepEqual((await store.feed(whole)).documents, feed.documents)
      for (const name of names) {
        const { incarnation } = await judge(store, name)
        const first = { documentId: name, incarnation, after: 0, entriesMax: 1, bytesMax: 1 }
        assert.equal(await store.read(first), 'moved', name)
      }
    }),
  )
}
