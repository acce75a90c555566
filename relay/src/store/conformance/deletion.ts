// Deleting a document: its tombstone, what the log was, and how it is handed back.
import assert from 'node:assert/strict'
import type { RelayStore } from '../contract.ts'
import {
  changedAfter,
  claim,
  compact,
  FallibleRandom,
  feedMark,
  id,
  patterned,
  SHORT_LIMITS,
  stageWhole,
  sweepAll,
  withClock,
} from './acts.ts'
import {
  append,
  appendText,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readTexts,
  type Stored,
  textPush,
  withBitFlipped,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function deletionContract(test: ContractTest, openStore: OpenStore): void {
  tombstoneContract(test, openStore)
  refusedContract(test, openStore)
  anewContract(test, openStore)
  changedContract(test, openStore)
  handedBackContract(test, openStore)
  sweptContract(test, openStore)
}

/** Two entries, and a tombstone. */
async function deleted(store: RelayStore, documentId = NOVEL): Promise<readonly Stored[]> {
  const results = await append(store, [textPush(documentId, '1'), textPush(documentId, '2')])
  assert.equal(await store.delete({ documentId, mark: at(results, 1).receipt }), 'OK')
  return results
}

function tombstoneContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'delete: whoever knew the document is told, whoever did not may begin it anew',
    withStore(openStore, async (subject) => {
      const [first, last] = await deleted(subject.store)
      assert.ok(first && last)
      const { receipt: foreign } = await appendText(subject.store, 'alice/diary', '1')
      await subject.reopen()
      const { incarnation } = last
      const told = [
        {},
        { incarnation },
        { incarnation, create: true },
        { mark: last.receipt },
        { mark: first.receipt, create: true },
        { receipt: first.receipt },
        { mark: foreign, incarnation },
        { incarnation: id(9) },
      ]
      for (const presented of told) {
        const judgement = await judge(subject.store, NOVEL, presented)
        assert.equal(judgement.status, 'DELETED', JSON.stringify(presented))
        assertBytes(judgement.incarnation, incarnation)
        const { head, after, entriesToCome, bytesToCome, snapshot, tail } = judgement
        assert.deepEqual([head, after, entriesToCome, bytesToCome, snapshot, tail.base], [0, 0, 0, 0, null, 0])
      }
      const statusOf = async (presented: object): Promise<string> =>
        (await judge(subject.store, NOVEL, presented)).status
      assert.equal(await statusOf({ create: true }), 'NEW')
      assert.equal(await statusOf({ incarnation: id(9), create: true }), 'NEW')
      assert.equal(await statusOf({ mark: foreign }), 'RESET')
    }),
  )
  test(
    'delete: the feed lists it, with a tag of zeros, and the vault no longer holds it',
    withStore(openStore, async (subject) => {
      await append(subject.store, [textPush(NOVEL, '1'), textPush('alice/diary', '12')])
      const mark = await feedMark(subject.store, 'alice')
      await deleted(subject.store)
      await subject.reopen()
      const { documents } = await subject.store.feed({ vault: 'alice', mark, documentsMax: 10 })
      assert.deepEqual(
        documents.map(({ documentId, deleted: isDeleted, tag }) => [documentId, isDeleted, [...tag]]),
        [[NOVEL, true, [0, 0, 0, 0, 0, 0, 0, 0]]],
      )
      assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), ['alice/diary', `${NOVEL}!`])
      assert.deepEqual(await subject.store.usage('alice'), { bytes: 2, documents: 1 })
    }),
  )
  test(
    'delete: nothing of the log can be read or changed any more',
    withStore(openStore, async ({ store }) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
      const { receipt: mark, incarnation } = at(results, 1)
      const snapshotId = await compact(store, NOVEL, { mark: at(results, 0).receipt })
      await store.delete({ documentId: NOVEL, mark })
      const limits = { entriesMax: 10, bytesMax: 1_000 }
      assert.equal(await store.read({ documentId: NOVEL, incarnation, after: 1, ...limits }), 'moved')
      for (const of of [{ index: 2 }, { snapshotId }]) {
        assert.equal(await store.readPayload({ documentId: NOVEL, incarnation, of, offset: 0, bytesMax: 1 }), 'gone')
      }
      assert.equal(await claim(store, NOVEL, { mark, device: 1, generation: new Uint8Array(8) }), 'stale')
      assert.equal(await store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }), 'moved')
      await stageWhole(store, 'u', patterned(10))
      const install = { documentId: NOVEL, mark, baseExpected: 1, snapshotId: id(1), upload: 'u' }
      assert.equal(await store.install(install), 'CHANGED')
    }),
  )
}

function refusedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: to a deleted document is refused DELETED, also what it held; other pushes are stored',
    withStore(openStore, async (subject) => {
      await deleted(subject.store)
      await subject.reopen()
      await stageWhole(subject.store, 'u', patterned(10))
      const results = await subject.store.append([
        textPush(NOVEL, '3'),
        textPush('alice/diary', '1'),
        textPush(NOVEL, '1'),
        { ...bytesPush(NOVEL, patterned(10)), payload: { upload: 'u' } },
      ])
      const refused = { refused: 'DELETED' }
      assert.deepEqual([at(results, 0), at(results, 2), at(results, 3)], [refused, refused, refused])
      assert.ok('index' in at(results, 1))
      assert.equal(await subject.store.hashUpload('u', EMPTY), 'gone')
      assert.equal((await judge(subject.store, NOVEL)).status, 'DELETED')
    }),
  )
}

function anewContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: create begins a deleted document anew, from its push on',
    withStore(openStore, async (subject) => {
      const { incarnation: old } = at(await deleted(subject.store), 1)
      const mark = await feedMark(subject.store, 'alice')
      const results = await subject.store.append([
        textPush(NOVEL, 'before'),
        { ...textPush(NOVEL, '1'), create: true },
        textPush(NOVEL, 'after'),
        { ...textPush(NOVEL, 'again'), create: true },
      ])
      assert.deepEqual(at(results, 0), { refused: 'DELETED' })
      const [first, second, third] = results.slice(1)
      assert.ok(first && 'index' in first && second && 'index' in second && third && 'index' in third)
      assert.deepEqual([first.index, second.index, third.index], [1, 2, 3])
      assert.notDeepEqual([...first.incarnation], [...old])
      await subject.reopen()
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['1', 'after', 'again'])
      assert.deepEqual(await changedAfter(subject.store, 'alice', mark), [NOVEL])
      assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), [NOVEL])
      assert.deepEqual(await subject.store.usage('alice'), { bytes: 11, documents: 1 })
      assert.equal((await appendText(subject.store, NOVEL, '2')).index, 4)
    }),
  )
  test(
    'judge: DELETED for whoever knows the old incarnation of a document that was begun anew (case 42)',
    withStore(openStore, async (subject) => {
      const [first, last] = await deleted(subject.store)
      assert.ok(first && last)
      await subject.store.append([{ ...textPush(NOVEL, '1'), create: true }])
      await subject.reopen()
      const anew = await judge(subject.store, NOVEL)
      assert.deepEqual([anew.status, anew.head], ['OK', 1])
      const old = last.incarnation
      const knowing = [
        { incarnation: old },
        { incarnation: old, create: true },
        { mark: first.receipt },
        { mark: last.receipt, receipt: last.receipt, create: true },
        { receipt: last.receipt },
      ]
      for (const presented of knowing) {
        const judgement = await judge(subject.store, NOVEL, presented)
        assert.equal(judgement.status, 'DELETED', JSON.stringify(presented))
        assertBytes(judgement.incarnation, old)
        assert.equal(judgement.entriesToCome, 0)
      }
      const both = await judge(subject.store, NOVEL, { incarnation: anew.incarnation, mark: last.receipt })
      assert.equal(both.status, 'RESET')
      assert.equal((await judge(subject.store, NOVEL, { incarnation: id(9) })).status, 'OK')
    }),
  )
  test('append: a throw while a document is begun anew leaves it deleted', async () => {
    const entropy = new FallibleRandom()
    const subject = await openStore({ random: entropy.random })
    try {
      const { store } = subject
      await deleted(store)
      const feed = await feedMark(store, 'alice')
      entropy.broken = true
      await assert.rejects(store.append([{ ...textPush(NOVEL, '1'), create: true }]), /no entropy/)
      entropy.broken = false
      assert.equal((await judge(store, NOVEL)).status, 'DELETED')
      assert.deepEqual(await changedAfter(store, 'alice', feed), [])
    } finally {
      await subject.dispose()
    }
  })
}

function changedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'delete: CHANGED where the log has moved past the mark, or the mark is not of it, and nothing is done',
    withStore(openStore, async ({ store }) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
      const other = await appendText(store, 'alice/diary', '1')
      const [first, last] = results.map(({ receipt }) => receipt)
      assert.ok(first && last)
      const before = await judge(store, NOVEL)
      const feed = await feedMark(store, 'alice')
      const strange = Array.from(last, (_, position) => withBitFlipped(last, position))
      for (const mark of [first, other.receipt, EMPTY, Uint8Array.of(1), last.subarray(1), ...strange]) {
        assert.equal(await store.delete({ documentId: NOVEL, mark }), 'CHANGED')
      }
      assert.deepEqual(await judge(store, NOVEL), before)
      assert.deepEqual(await changedAfter(store, 'alice', feed), [])
      assert.equal(await store.delete({ documentId: NOVEL, mark: last }), 'OK')
    }),
  )
  test(
    'delete: of a push and a deletion at once, the one that came first decides',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, '1')
      const pushed = store.append([textPush(NOVEL, '2')])
      assert.equal(await store.delete({ documentId: NOVEL, mark }), 'CHANGED')
      const { receipt } = at(await pushed, 0) as Stored
      const outcomes = await Promise.all([
        store.delete({ documentId: NOVEL, mark: receipt }),
        store.append([textPush(NOVEL, '3')]),
      ])
      assert.deepEqual(outcomes, ['OK', [{ refused: 'DELETED' }]])
    }),
  )
  test(
    'delete: again is OK, also once the document was begun anew, which it leaves alone (case 39)',
    withStore(openStore, async (subject) => {
      const [first, last] = await deleted(subject.store)
      assert.ok(first && last)
      const feed = await feedMark(subject.store, 'alice')
      const again = async (): Promise<void> => {
        for (const { receipt: mark } of [last, first]) {
          assert.equal(await subject.store.delete({ documentId: NOVEL, mark }), 'OK')
        }
      }
      await again()
      assert.deepEqual(await changedAfter(subject.store, 'alice', feed), [])
      await subject.store.append([{ ...textPush(NOVEL, '1'), create: true }])
      await subject.reopen()
      await again()
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['1'])
    }),
  )
  test(
    'delete: what was begun anew can be deleted in turn, and each incarnation is known',
    withStore(openStore, async ({ store }) => {
      const { receipt: old } = at(await deleted(store), 1)
      const [anew] = await append(store, [{ ...textPush(NOVEL, '1'), create: true }])
      assert.ok(anew)
      assert.equal(await store.delete({ documentId: NOVEL, mark: anew.receipt }), 'OK')
      assert.deepEqual(await changedAfter(store, 'alice', EMPTY), [`${NOVEL}!`])
      assertBytes((await judge(store, NOVEL)).incarnation, anew.incarnation)
      for (const mark of [old, anew.receipt]) {
        assert.equal((await judge(store, NOVEL, { mark, create: true })).status, 'DELETED')
      }
    }),
  )
  test(
    'delete: after a compaction, at the head that it left',
    withClock(openStore, async ({ store }, clock) => {
      const { receipt: mark } = await appendText(store, NOVEL, '1')
      await compact(store, NOVEL, { mark })
      clock.nowMs += SHORT_LIMITS.retentionMaxMs
      await sweepAll(store)
      assert.equal(await store.delete({ documentId: NOVEL, mark }), 'OK')
      assert.deepEqual(await store.usage('alice'), { bytes: 0, documents: 0 })
    }),
  )
}

function handedBackContract(test: ContractTest, openStore: OpenStore): void {
  test('delete: where there is no log, the tombstone is made that devices hand back', async () => {
    const [lost, wiped] = [await openStore(), await openStore()]
    try {
      const [first, last] = await deleted(lost.store)
      assert.ok(first && last)
      assert.equal((await judge(wiped.store, NOVEL, { mark: last.receipt })).status, 'RESET')
      assert.equal(await wiped.store.delete({ documentId: NOVEL, mark: first.receipt }), 'OK')
      await wiped.reopen()
      assert.deepEqual(await changedAfter(wiped.store, 'alice', EMPTY), [`${NOVEL}!`])
      assert.deepEqual(await wiped.store.usage('alice'), { bytes: 0, documents: 0 })
      const judgement = await judge(wiped.store, NOVEL, { mark: last.receipt })
      assert.equal(judgement.status, 'DELETED')
      assertBytes(judgement.incarnation, last.incarnation)
      assert.deepEqual(await wiped.store.append([textPush(NOVEL, '1')]), [{ refused: 'DELETED' }])
      const strange = await wiped.store.delete({ documentId: NOVEL, mark: Uint8Array.of(1) })
      assert.equal(strange, 'CHANGED')
    } finally {
      await lost.dispose()
      await wiped.dispose()
    }
  })
  test('delete: a tombstone of another incarnation stands beside the one that is there', async () => {
    const [lost, other] = [await openStore(), await openStore()]
    try {
      const { receipt: here } = at(await deleted(other.store), 1)
      const { receipt: there } = at(await deleted(lost.store), 1)
      assert.equal(await other.store.delete({ documentId: NOVEL, mark: there }), 'OK')
      for (const mark of [here, there]) assert.equal((await judge(other.store, NOVEL, { mark })).status, 'DELETED')
      assert.deepEqual(await changedAfter(other.store, 'alice', EMPTY), [`${NOVEL}!`])
    } finally {
      await lost.dispose()
      await other.dispose()
    }
  })
}

function sweptContract(test: ContractTest, openStore: OpenStore): void {
  const { retentionMs, tombstoneMs } = SHORT_LIMITS
  test(
    'sweep: the tombstone outlives the rows, and is dropped after tombstoneMs, from the feed as well',
    withClock(openStore, async (subject, clock) => {
      const { receipt: mark, incarnation } = at(await deleted(subject.store), 1)
      for (const waitedMs of [retentionMs, tombstoneMs - retentionMs - 1]) {
        clock.nowMs += waitedMs
        await sweepAll(subject.store)
        await subject.reopen()
        assert.equal((await judge(subject.store, NOVEL, { mark })).status, 'DELETED')
        assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), [`${NOVEL}!`])
      }
      clock.nowMs += 1
      await sweepAll(subject.store)
      await subject.reopen()
      assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), [])
      assert.equal((await judge(subject.store, NOVEL, { mark })).status, 'RESET')
      assert.equal((await judge(subject.store, NOVEL, { incarnation })).status, 'NEW')
      assert.equal((await appendText(subject.store, NOVEL, '1')).index, 1)
      assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), [NOVEL])
    }),
  )
  test(
    'sweep: of a document that was begun anew only the old tombstone goes',
    withClock(openStore, async ({ store }, clock) => {
      const { receipt: mark } = at(await deleted(store), 1)
      await store.append([{ ...textPush(NOVEL, '1'), create: true }])
      clock.nowMs += tombstoneMs - 1
      await sweepAll(store)
      assert.equal((await judge(store, NOVEL, { mark })).status, 'DELETED')
      clock.nowMs += 1
      await sweepAll(store)
      const { status, head } = await judge(store, NOVEL, { mark })
      assert.deepEqual([status, head], ['RESET', 1])
      assert.deepEqual(await changedAfter(store, 'alice', EMPTY), [NOVEL])
      assert.deepEqual(await readTexts(store, NOVEL), ['1'])
      assert.deepEqual(await store.usage('alice'), { bytes: 1, documents: 1 })
    }),
  )
  test(
    'sweep: a tombstone that was dropped can be handed back again',
    withClock(openStore, async ({ store }, clock) => {
      const { receipt: mark } = at(await deleted(store), 1)
      clock.nowMs += tombstoneMs
      await sweepAll(store)
      assert.equal(await store.delete({ documentId: NOVEL, mark }), 'OK')
      clock.nowMs += tombstoneMs - 1
      await sweepAll(store)
      assert.equal((await judge(store, NOVEL, { mark })).status, 'DELETED')
    }),
  )
}
