// A vault's bound: what counts, what is refused, and what passes all the same.
import assert from 'node:assert/strict'
import type { Appended, Bytes, RelayStore, StorePush } from '../contract.ts'
import { changedAfter, compact, patterned, stageWhole } from './acts.ts'
import {
  at,
  bytesPush,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  stored,
  textPush,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'
const QUOTA: Appended = { refused: 'QUOTA' }

export function quotaContract(test: ContractTest, openStore: OpenStore): void {
  boundContract(test, openStore)
  freedContract(test, openStore)
}

function bounded(vaultBytesMax: number, documentId: string, payload: Bytes): StorePush {
  return { ...bytesPush(documentId, payload), vaultBytesMax }
}

async function appendOne(store: RelayStore, push: StorePush): Promise<Appended> {
  return at(await store.append([push]), 0)
}

function boundContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: a vault takes what just fits, and nothing beyond, whichever document it is for',
    withStore(openStore, async (subject) => {
      const { store } = subject
      assert.deepEqual(await appendOne(store, bounded(99, NOVEL, patterned(100))), QUOTA)
      assert.equal(stored(await appendOne(store, bounded(100, NOVEL, patterned(100)))).index, 1)
      await subject.reopen()
      for (const name of [NOVEL, 'alice/diary']) {
        assert.deepEqual(await appendOne(subject.store, bounded(149, name, patterned(50, 1))), QUOTA)
      }
      assert.equal(stored(await appendOne(subject.store, bounded(150, 'alice/diary', patterned(50, 1)))).index, 1)
      assert.equal(stored(await appendOne(subject.store, bounded(150, 'bob/diary', patterned(150)))).index, 1)
      assert.equal(stored(await appendOne(subject.store, bytesPush(NOVEL, patterned(100, 2)))).index, 2)
      assert.deepEqual(await subject.store.usage('alice'), { bytes: 250, documents: 2 })
    }),
  )
  test(
    'append: what is refused begins no log, disturbs no other push, and is not in the feed',
    withStore(openStore, async ({ store }) => {
      const results = await store.append([
        bounded(200, NOVEL, patterned(100)),
        bounded(200, 'alice/new', patterned(101)),
        bounded(200, NOVEL, patterned(60, 1)),
        bounded(200, NOVEL, patterned(60, 2)),
        bounded(200, 'alice/diary', patterned(40)),
      ])
      assert.deepEqual(at(results, 1), QUOTA)
      assert.deepEqual(at(results, 3), QUOTA)
      assert.deepEqual(
        [0, 2, 4].map((position) => stored(at(results, position)).index),
        [1, 2, 1],
      )
      assert.equal((await judge(store, 'alice/new')).status, 'NEW')
      assert.deepEqual([...(await changedAfter(store, 'alice', EMPTY))].sort(), ['alice/diary', 'alice/novel'])
      assert.deepEqual(await store.usage('alice'), { bytes: 200, documents: 2 })
    }),
  )
  test(
    'append: calls at the same time share the bound',
    withStore(openStore, async ({ store }) => {
      const calls = Array.from({ length: 10 }, (_, salt) => appendOne(store, bounded(350, NOVEL, patterned(100, salt))))
      const results = await Promise.all(calls)
      assert.deepEqual(
        results.map((result) => 'refused' in result),
        results.map((_, position) => position >= 3),
      )
      assert.equal((await store.usage('alice')).bytes, 300)
    }),
  )
  test(
    'append: a push that is known passes a full vault; an upload that does not is dropped',
    withStore(openStore, async ({ store }) => {
      const push = bounded(10, NOVEL, patterned(10))
      const first = stored(await appendOne(store, push))
      assert.deepEqual(stored(await appendOne(store, { ...push, vaultBytesMax: 0 })), first)
      await stageWhole(store, 'u', patterned(5))
      const uploaded = { ...bounded(14, NOVEL, patterned(5)), payload: { upload: 'u' } }
      assert.deepEqual(await appendOne(store, uploaded), QUOTA)
      assert.equal(await store.hashUpload('u', EMPTY), 'gone')
      await stageWhole(store, 'u', patterned(5))
      assert.equal(stored(await appendOne(store, { ...uploaded, vaultBytesMax: 15 })).index, 2)
    }),
  )
}

function freedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: a compaction or a deletion makes room at once; what is retained does not count (case 36)',
    withStore(openStore, async (subject) => {
      const { store } = subject
      const [novel, diary] = await store.append([
        bytesPush(NOVEL, patterned(900)),
        bytesPush('alice/diary', patterned(100)),
      ])
      assert.ok(novel !== undefined && diary !== undefined)
      assert.deepEqual(await appendOne(store, bounded(1_000, NOVEL, patterned(50, 1))), QUOTA)
      await compact(store, NOVEL, { mark: stored(novel).receipt, bytes: patterned(50) })
      assert.deepEqual(await store.usage('alice'), { bytes: 150, documents: 2 })
      await subject.reopen()
      const room = bounded(1_000, NOVEL, patterned(850, 2))
      assert.equal(stored(await appendOne(subject.store, room)).index, 2)
      assert.deepEqual(await appendOne(subject.store, bounded(1_000, NOVEL, patterned(1, 3))), QUOTA)
      const mark = stored(diary).receipt
      assert.equal(await subject.store.delete({ documentId: 'alice/diary', mark }), 'OK')
      assert.deepEqual(await subject.store.usage('alice'), { bytes: 900, documents: 1 })
      assert.equal(stored(await appendOne(subject.store, bounded(1_000, NOVEL, patterned(100, 4)))).index, 3)
    }),
  )
  test(
    'append: a deleted document that is refused QUOTA is not begun anew',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = stored(await appendOne(store, textPush(NOVEL, 'one')))
      await store.delete({ documentId: NOVEL, mark })
      const push = { ...bounded(10, NOVEL, patterned(11)), create: true }
      assert.deepEqual(await appendOne(store, push), QUOTA)
      assert.equal((await judge(store, NOVEL)).status, 'DELETED')
      assert.equal(stored(await appendOne(store, { ...push, vaultBytesMax: 11 })).index, 1)
    }),
  )
}
