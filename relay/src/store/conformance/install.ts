// Installing a snapshot: what the swap does, and what it is refused for.
import assert from 'node:assert/strict'
import type { Bytes, RelayStore } from '../contract.ts'
import { changedAfter, claim, compact, feedMark, id, patterned, sha256Of, stageWhole } from './acts.ts'
import {
  append,
  appendText,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  judge,
  type OpenStore,
  readTexts,
  type Stored,
  textPush,
  withBitFlipped,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function installContract(test: ContractTest, openStore: OpenStore): void {
  swapContract(test, openStore)
  successionContract(test, openStore)
  pushIdContract(test, openStore)
  changedContract(test, openStore)
  branchContract(test, openStore)
  goneContract(test, openStore)
}

/** Five entries of 1,000 bytes. */
function appendFive(store: RelayStore): Promise<readonly Stored[]> {
  return append(
    store,
    [1, 2, 3, 4, 5].map((salt) => bytesPush(NOVEL, patterned(1_000, salt))),
  )
}

function swapContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: the snapshot stands for the entries up to the mark, also where the head has moved',
    withStore(openStore, async (subject) => {
      const results = await appendFive(subject.store)
      const { receipt: mark } = at(results, 2)
      const bytes = patterned(300)
      const snapshotId = await compact(subject.store, NOVEL, { mark, bytes })
      for (const round of ['open', 'opened again']) {
        const judgement = await judge(subject.store, NOVEL)
        assert.equal(judgement.status, 'OK', round)
        assert.deepEqual([judgement.after, judgement.head, judgement.entriesToCome], [3, 5, 2])
        assert.equal(judgement.bytesToCome, 2_300)
        assert.deepEqual(judgement.tail, { base: 3, entriesAfterBase: 2, bytesAfterBase: 2_000, snapshotBytes: 300 })
        const { snapshot } = judgement
        assert.ok(snapshot !== null)
        assert.deepEqual([snapshot.base, snapshot.totalBytes], [3, 300])
        assertBytes(snapshot.id, snapshotId)
        assertBytes(snapshot.mark, mark)
        assert.deepEqual(await subject.store.usage('alice'), { bytes: 2_300, documents: 1 })
        await subject.reopen()
      }
      assert.equal((await appendText(subject.store, NOVEL, 'six')).index, 6)
    }),
  )
  test(
    'install: up to the head, nothing is left above the base, and the log goes on from there',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark, incarnation } = at(await appendFive(store), 4)
      await compact(store, NOVEL, { mark })
      const { after, entriesToCome, tail } = await judge(store, NOVEL)
      assert.deepEqual([after, entriesToCome], [5, 0])
      assert.deepEqual(tail, { base: 5, entriesAfterBase: 0, bytesAfterBase: 0, snapshotBytes: 10 })
      const six = await appendText(store, NOVEL, 'six')
      assert.equal(six.index, 6)
      assertBytes(six.incarnation, incarnation)
      assert.equal((await judge(store, NOVEL, { mark })).markIndex, 5)
      assert.equal((await judge(store, NOVEL, { mark: six.receipt, receipt: mark })).markIndex, 6)
    }),
  )
  test(
    'install: takes the upload, and leaves claims and the feed row where they are',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      const { receipt: mark } = at(results, 2)
      assert.equal(await claim(store, NOVEL, { mark, device: 1 }), 'kept')
      const before = await feedMark(store, 'alice')
      await compact(store, NOVEL, { mark })
      assert.equal(await store.hashUpload('snapshot', id(0)), 'gone')
      assert.deepEqual(await store.stage({ key: 'snapshot', total: 10, offset: 1, bytes: id(0).subarray(9) }), {
        staged: 0,
      })
      assert.deepEqual(await changedAfter(store, 'alice', before), [])
      assert.equal((await judge(store, NOVEL)).lastClaim?.index, 3)
      assert.equal(await claim(store, NOVEL, { mark, device: 2 }), 'agrees')
    }),
  )
}

function successionContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: one after another, each on the base of the one before',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      await compact(store, NOVEL, { mark: at(results, 1).receipt, baseExpected: 0 })
      await compact(store, NOVEL, { mark: at(results, 3).receipt, baseExpected: 2 })
      await compact(store, NOVEL, { mark: at(results, 4).receipt, baseExpected: 4 })
      assert.equal((await judge(store, NOVEL)).snapshot?.base, 5)
    }),
  )
  test(
    'install: copies what it is given',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      const mark = Uint8Array.from(at(results, 2).receipt)
      const snapshotId = id(7)
      await stageWhole(store, 'snapshot', patterned(10))
      const call = store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId, upload: 'snapshot' })
      mark.fill(255)
      snapshotId.fill(255)
      assert.equal(await call, 'OK')
      assertBytes((await judge(store, NOVEL)).snapshot?.id ?? mark, id(7))
    }),
  )
}

function pushIdContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: push ids are known above the base only; below it a push is stored again (case 28)',
    withStore(openStore, async (subject) => {
      const pushes = ['1', '2', '3', '4'].map((text) => textPush(NOVEL, text))
      const results = await append(subject.store, pushes)
      await compact(subject.store, NOVEL, { mark: at(results, 1).receipt })
      await subject.reopen()
      const again = await append(subject.store, pushes)
      assert.deepEqual(
        again.map(({ index }) => index),
        [5, 6, 3, 4],
      )
      assertBytes(at(again, 2).receipt, at(results, 2).receipt)
      const known = await append(subject.store, pushes)
      assert.deepEqual(
        known.map(({ index }) => index),
        [5, 6, 3, 4],
      )
      assert.equal((await judge(subject.store, NOVEL)).head, 6)
      await compact(subject.store, NOVEL, { mark: at(again, 0).receipt, baseExpected: 2 })
      const third = await append(subject.store, pushes)
      assert.deepEqual(
        third.map(({ index }) => index),
        [7, 6, 8, 9],
      )
    }),
  )
}

function changedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: CHANGED where base or mark does not fit, and nothing is done',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      const marks = results.map(({ receipt }) => receipt)
      const other = await appendText(store, 'alice/diary', 'same')
      await compact(store, NOVEL, { mark: at(marks, 2) })
      await stageWhole(store, 'upload', patterned(20))
      const install = (mark: Bytes, baseExpected: number, documentId = NOVEL): Promise<string> =>
        store.install({ documentId, mark, baseExpected, snapshotId: id(9), upload: 'upload' })
      const before = await judge(store, NOVEL)
      assert.equal(await install(at(marks, 3), 0), 'CHANGED', 'the base has moved')
      assert.equal(await install(at(marks, 3), 2), 'CHANGED', 'the base is another')
      assert.equal(await install(at(marks, 3), 4), 'CHANGED', 'the base is not there yet')
      assert.equal(await install(at(marks, 2), 3), 'CHANGED', 'the mark is the base')
      assert.equal(await install(at(marks, 1), 3), 'CHANGED', 'the mark is hidden')
      assert.equal(await install(other.receipt, 3), 'CHANGED', 'the mark is of another log')
      assert.equal(await install(new Uint8Array(0), 3), 'CHANGED', 'there is no mark')
      assert.equal(await install(Uint8Array.of(1), 3), 'CHANGED', 'no store made the mark')
      for (let position = 0; position < at(marks, 3).length; position += 1) {
        assert.equal(await install(withBitFlipped(at(marks, 3), position), 3), 'CHANGED', `byte ${position}`)
      }
      assert.equal(await install(at(marks, 3), 0, 'alice/none'), 'CHANGED', 'there is no log')
      assert.deepEqual(await judge(store, NOVEL), before)
      assertBytes(await wholeHash(store, 'upload'), sha256Of(patterned(20)))
      assert.equal(await install(at(marks, 3), 3), 'OK')
    }),
  )
  test(
    'install: of two at once, one',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      await stageWhole(store, 'one', patterned(20))
      await stageWhole(store, 'two', patterned(20))
      const install = (upload: string, position: number): Promise<string> =>
        store.install({
          documentId: NOVEL,
          mark: at(results, position).receipt,
          baseExpected: 0,
          snapshotId: id(position),
          upload,
        })
      const outcomes = await Promise.all([install('one', 2), install('two', 3)])
      assert.deepEqual([...outcomes].sort(), ['CHANGED', 'OK'])
      assert.equal((await judge(store, NOVEL)).snapshot?.base, outcomes[0] === 'OK' ? 3 : 4)
    }),
  )
  test(
    'install: among appends, each in its order',
    withStore(openStore, async ({ store }) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
      await stageWhole(store, 'upload', patterned(20))
      const { receipt: mark } = at(results, 1)
      const calls = [
        append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '3')]),
        store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'upload' }),
        append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '3'), textPush(NOVEL, '4')]),
      ] as const
      const [first, installed, last] = await Promise.all(calls)
      assert.equal(installed, 'OK')
      assert.deepEqual(
        [...first, ...last].map(({ index }) => index),
        [1, 3, 4, 3, 5],
      )
    }),
  )
}

function branchContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: from a branch that a restore has cut off, CHANGED even where base and index fit (case 46)',
    withStore(openStore, async (subject) => {
      await append(subject.store, [textPush(NOVEL, '1')])
      const restored = await subject.copy()
      try {
        const cutOff = await append(subject.store, [textPush(NOVEL, '2'), textPush(NOVEL, '3')])
        await append(restored.store, [textPush(NOVEL, '2b'), textPush(NOVEL, '3b'), textPush(NOVEL, '4b')])
        await stageWhole(restored.store, 'upload', patterned(20))
        for (const { receipt: mark } of cutOff) {
          assert.equal(
            await restored.store.install({
              documentId: NOVEL,
              mark,
              baseExpected: 0,
              snapshotId: id(1),
              upload: 'upload',
            }),
            'CHANGED',
          )
        }
        assert.equal((await judge(restored.store, NOVEL)).snapshot, null)
        assert.deepEqual(await readTexts(restored.store, NOVEL), ['1', '2b', '3b', '4b'])
      } finally {
        await restored.dispose()
      }
    }),
  )
}

function goneContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'install: GONE where the upload is not there whole, and nothing is done',
    withStore(openStore, async ({ store }) => {
      const results = await appendFive(store)
      const { receipt: mark } = at(results, 2)
      const install = (): Promise<string> =>
        store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'upload' })
      assert.equal(await install(), 'GONE')
      const bytes = patterned(20)
      await store.stage({ key: 'upload', total: 20, offset: 0, bytes: bytes.subarray(0, 19) })
      assert.equal(await install(), 'GONE')
      assert.equal((await judge(store, NOVEL)).snapshot, null)
      assert.deepEqual(await store.stage({ key: 'upload', total: 20, offset: 19, bytes: bytes.subarray(19) }), {
        staged: 20,
      })
      assert.equal(await install(), 'OK')
    }),
  )
  test(
    'install: a snapshot id of another length is a RangeError',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      await stageWhole(store, 'upload', patterned(20))
      const request = { documentId: NOVEL, mark, baseExpected: 0, upload: 'upload' }
      await assert.rejects(store.install({ ...request, snapshotId: id(1).subarray(1) }), RangeError)
      assert.equal(await store.install({ ...request, snapshotId: id(1) }), 'OK')
    }),
  )
}

async function wholeHash(store: RelayStore, key: string): Promise<Bytes> {
  const hash = await store.hashUpload(key, new Uint8Array(0))
  if (hash === 'gone') assert.fail('the upload is gone')
  return hash
}
