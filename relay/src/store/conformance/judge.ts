// Judging bookmarks: which are of a log, and what is answered where one is not.
import assert from 'node:assert/strict'
import {
  append,
  appendText,
  assertBytes,
  at,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readPage,
  textPush,
  withBitFlipped,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function judgeContract(test: ContractTest, openStore: OpenStore): void {
  placeContract(test, openStore)
  foreignContract(test, openStore)
  rollbackContract(test, openStore)
}

function placeContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'judge: no log and no bookmark is NEW, and creates nothing',
    withStore(openStore, async ({ store }) => {
      for (const presented of [{}, { create: true }, { incarnation: new Uint8Array(16).fill(1) }]) {
        const judgement = await judge(store, NOVEL, presented)
        const { status, after, head, entriesToCome, bytesToCome } = judgement
        assert.deepEqual(
          { status, after, head, entriesToCome, bytesToCome },
          {
            status: 'NEW',
            after: 0,
            head: 0,
            entriesToCome: 0,
            bytesToCome: 0,
          },
        )
        assert.deepEqual([judgement.incarnation.length, judgement.generation.length], [0, 8])
      }
      const { documents } = await store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 10 })
      assert.deepEqual(documents, [])
      assert.deepEqual(await store.usage('alice'), { bytes: 0, documents: 0 })
    }),
  )
  test(
    'judge: a log without a bookmark is served from its beginning',
    withStore(openStore, async ({ store }) => {
      const { incarnation } = await appendText(store, NOVEL, 'four')
      await appendText(store, NOVEL, 'seven77')
      for (const presented of [{}, { incarnation }, { incarnation: new Uint8Array(16) }, { create: true }]) {
        const judgement = await judge(store, NOVEL, presented)
        assert.equal(judgement.status, 'OK')
        assertBytes(judgement.incarnation, incarnation)
        assert.deepEqual([judgement.after, judgement.head], [0, 2])
        assert.deepEqual([judgement.entriesToCome, judgement.bytesToCome], [2, 11])
      }
    }),
  )
  test(
    'judge: a mark says where serving goes on, and what is to come',
    withStore(openStore, async (subject) => {
      const texts = Array.from({ length: 12 }, (_, position) => 'x'.repeat(position + 1))
      const results = await append(
        subject.store,
        texts.map((text) => textPush(NOVEL, text)),
      )
      for (const round of ['open', 'opened again']) {
        for (const { index, receipt } of results) {
          for (const presented of [{ mark: receipt }, { mark: receipt, receipt }]) {
            const { status, after, entriesToCome, bytesToCome } = await judge(subject.store, NOVEL, presented)
            const bytes = texts.slice(index).reduce((sum, text) => sum + text.length, 0)
            assert.deepEqual([status, after, entriesToCome, bytesToCome], ['OK', index, 12 - index, bytes], round)
          }
        }
        await subject.reopen()
      }
    }),
  )
  test(
    'judge: a receipt is checked above the mark, moves nothing, and may come alone',
    withStore(openStore, async ({ store }) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2'), textPush(NOVEL, '3')])
      const [first, second, third] = results.map(({ receipt }) => receipt)
      assert.ok(first && second && third)
      const above = await judge(store, NOVEL, { mark: first, receipt: third })
      assert.deepEqual([above.status, above.after], ['OK', 1])
      const below = await judge(store, NOVEL, { mark: third, receipt: first })
      assert.deepEqual([below.status, below.after], ['OK', 3])
      const alone = await judge(store, NOVEL, { receipt: second })
      assert.deepEqual([alone.status, alone.after, alone.entriesToCome], ['OK', 0, 3])
    }),
  )
}

function foreignContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'judge: a bookmark with any bit turned is RESET, served from the beginning',
    withStore(openStore, async ({ store }) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2'), textPush(NOVEL, '3')])
      const { receipt } = at(results, 1)
      for (let position = 0; position < receipt.length; position += 1) {
        const flipped = withBitFlipped(receipt, position)
        for (const presented of [
          { mark: flipped },
          { receipt: flipped },
          { mark: at(results, 0).receipt, receipt: flipped },
        ]) {
          const { status, after, head, entriesToCome, bytesToCome } = await judge(store, NOVEL, presented)
          assert.deepEqual([status, after, head, entriesToCome, bytesToCome], ['RESET', 0, 3, 3, 3], `byte ${position}`)
        }
      }
    }),
  )
  test(
    'judge: what no store made is RESET',
    withStore(openStore, async ({ store }) => {
      const { receipt } = await appendText(store, NOVEL, 'one')
      const strange = [
        Uint8Array.of(0),
        new Uint8Array(96).fill(255),
        receipt.subarray(1),
        Uint8Array.of(...receipt, 0),
      ]
      for (const bytes of strange) {
        assert.equal((await judge(store, NOVEL, { mark: bytes })).status, 'RESET')
        assert.equal((await judge(store, NOVEL, { receipt: bytes })).status, 'RESET')
        assert.equal((await judge(store, NOVEL, { mark: receipt, receipt: bytes })).status, 'RESET')
      }
    }),
  )
  test(
    'judge: a bookmark of another document is RESET, even with the same entries',
    withStore(openStore, async ({ store }) => {
      const novel = await appendText(store, NOVEL, 'same')
      const diary = await appendText(store, 'alice/diary', 'same')
      assert.equal((await judge(store, NOVEL, { mark: diary.receipt })).status, 'RESET')
      assert.equal((await judge(store, NOVEL, { mark: novel.receipt, receipt: diary.receipt })).status, 'RESET')
    }),
  )
  test(
    'judge: a bookmark where there is no log is RESET, and creates nothing',
    withStore(openStore, async ({ store }) => {
      const { receipt } = await appendText(store, 'alice/diary', 'one')
      for (const presented of [{ mark: receipt }, { receipt }, { mark: receipt, receipt, create: true }]) {
        const { status, incarnation, head } = await judge(store, NOVEL, presented)
        assert.deepEqual([status, incarnation.length, head], ['RESET', 0, 0])
      }
    }),
  )
}

function rollbackContract(test: ContractTest, openStore: OpenStore): void {
  test('judge: bookmarks of a store that was wiped are RESET, also once the same was pushed again', async () => {
    const [lost, wiped] = [await openStore(), await openStore()]
    try {
      const { receipt } = await appendText(lost.store, NOVEL, 'one')
      assert.equal((await judge(wiped.store, NOVEL, { mark: receipt })).status, 'RESET')
      await appendText(wiped.store, NOVEL, 'one')
      assert.equal((await judge(wiped.store, NOVEL, { mark: receipt })).status, 'RESET')
    } finally {
      await lost.dispose()
      await wiped.dispose()
    }
  })
  test(
    'judge: a store rolled back knows what it still holds, and nothing after, also once it has grown past (case 9)',
    withStore(openStore, async (subject) => {
      const [first] = await append(subject.store, [textPush(NOVEL, '1')])
      const backup = await subject.copy()
      try {
        const [second, third] = await append(subject.store, [textPush(NOVEL, '2'), textPush(NOVEL, '3')])
        assert.ok(first && second && third)
        const check = async (): Promise<void> => {
          const { store } = backup
          const kept = await judge(store, NOVEL, { mark: first.receipt, receipt: first.receipt })
          assert.deepEqual([kept.status, kept.after], ['OK', 1])
          assert.equal((await judge(store, NOVEL, { mark: second.receipt })).status, 'RESET')
          assert.equal((await judge(store, NOVEL, { mark: third.receipt, receipt: second.receipt })).status, 'RESET')
          // Case 27: the mark still holds, the acknowledged push above it is gone.
          assert.equal((await judge(store, NOVEL, { mark: first.receipt, receipt: second.receipt })).status, 'RESET')
        }
        await check()
        await append(
          backup.store,
          ['2b', '3b', '4b'].map((text) => textPush(NOVEL, text)),
        )
        await check()
        const ahead = (await readPage(backup.store, NOVEL)).mark
        assert.equal((await judge(subject.store, NOVEL, { mark: ahead })).status, 'RESET')
      } finally {
        await backup.dispose()
      }
    }),
  )
  test(
    'judge: a store rolled back that got the same entries in the same order is the same log',
    withStore(openStore, async (subject) => {
      await appendText(subject.store, NOVEL, '1')
      const backup = await subject.copy()
      try {
        const here = await append(subject.store, [textPush(NOVEL, '2'), textPush(NOVEL, '3')])
        await append(backup.store, [textPush(NOVEL, '2'), textPush(NOVEL, '3')])
        const { status, after } = await judge(backup.store, NOVEL, { mark: at(here, 1).receipt })
        assert.deepEqual([status, after], ['OK', 3])
      } finally {
        await backup.dispose()
      }
    }),
  )
}
