// The feed of a vault: order, paging, terms, and what a vault takes up.
import assert from 'node:assert/strict'
import type { Bytes, RelayStore, StoreFeedPage } from '../contract.ts'
import {
  append,
  appendText,
  at,
  type ContractTest,
  EMPTY,
  type OpenStore,
  textPush,
  withBitFlipped,
  withStore,
} from './subject.ts'

export function feedContract(test: ContractTest, openStore: OpenStore): void {
  orderContract(test, openStore)
  termContract(test, openStore)
  vaultContract(test, openStore)
}

function feed(store: RelayStore, vault: string, mark: Bytes = EMPTY, documentsMax = 1_000): Promise<StoreFeedPage> {
  return store.feed({ vault, mark, documentsMax })
}

function ids(page: StoreFeedPage): readonly string[] {
  return page.documents.map(({ documentId }) => documentId)
}

function orderContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'feed: least recently changed first, one row for each document',
    withStore(openStore, async ({ store }) => {
      for (const name of ['1', '2', '3', '1', '4', '2']) await appendText(store, `a/${name}`, `${Math.random()}`)
      const page = await feed(store, 'a')
      assert.deepEqual(ids(page), ['a/3', 'a/1', 'a/4', 'a/2'])
      assert.deepEqual([page.reset, page.more], [false, false])
      assert.ok(page.mark.length > 0 && page.mark.length <= 96)
      assert.deepEqual(
        page.documents.map(({ tag, deleted }) => [tag.length, deleted]),
        Array.from({ length: 4 }, () => [8, false]),
      )
    }),
  )
  test(
    'feed: after a mark only what changed since, and nothing for a push that came again',
    withStore(openStore, async ({ store }) => {
      await append(store, [textPush('a/1', 'x'), textPush('a/2', 'x'), textPush('a/3', 'x')])
      const first = await feed(store, 'a')
      assert.deepEqual(ids(await feed(store, 'a', first.mark)), [])
      await append(store, [textPush('a/2', 'x')])
      assert.deepEqual(ids(await feed(store, 'a', first.mark)), [])
      await append(store, [textPush('a/2', 'y'), textPush('a/9', 'new'), textPush('a/2', 'z')])
      const second = await feed(store, 'a', first.mark)
      assert.deepEqual([...ids(second)].sort(), ['a/2', 'a/9'])
      assert.notDeepEqual(
        second.documents.find(({ documentId }) => documentId === 'a/2')?.tag,
        first.documents.find(({ documentId }) => documentId === 'a/2')?.tag,
      )
      assert.deepEqual(ids(await feed(store, 'a', second.mark)), [])
      assert.deepEqual(ids(await feed(store, 'a', first.mark)), ids(second))
    }),
  )
  test(
    'feed: paging misses nothing that moves meanwhile',
    withStore(openStore, async ({ store }) => {
      const names = Array.from({ length: 30 }, (_, position) => `a/${position}`)
      for (const name of names) await appendText(store, name, 'x')
      const seen = new Map<string, string>()
      let mark = EMPTY
      for (let round = 0; ; round += 1) {
        const page = await feed(store, 'a', mark, 4)
        assert.equal(page.reset, false)
        assert.ok(page.documents.length <= 4)
        for (const { documentId, tag } of page.documents) seen.set(documentId, Buffer.from(tag).toString('hex'))
        mark = page.mark
        if (!page.more) break
        assert.equal(page.documents.length, 4)
        // Move one that is still to come, one that has been, and the one just seen.
        if (round < 5) {
          await append(store, [textPush(`a/${29 - round}`, `${round}`), textPush(`a/${round}`, `${round}`)])
          await append(store, [textPush(at(ids(page), -1), `${round} more`)])
        }
      }
      const whole = await feed(store, 'a')
      assert.equal(whole.documents.length, 30)
      for (const { documentId, tag } of whole.documents) {
        assert.equal(seen.get(documentId), Buffer.from(tag).toString('hex'), documentId)
      }
    }),
  )
  test(
    'feed: at least one document a page, and a mark where a vault is empty',
    withStore(openStore, async ({ store }) => {
      const empty = await feed(store, 'a')
      assert.deepEqual([empty.documents, empty.reset, empty.more], [[], false, false])
      await append(store, [textPush('a/1', 'x'), textPush('a/2', 'x')])
      assert.equal((await feed(store, 'a', empty.mark)).documents.length, 2)
      const page = await feed(store, 'a', empty.mark, 0)
      assert.deepEqual([page.documents.length, page.more], [1, true])
    }),
  )
}

function termContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'feed: marks of earlier starts hold',
    withStore(openStore, async (subject) => {
      await appendText(subject.store, 'a/1', 'x')
      const { mark } = await feed(subject.store, 'a')
      for (const name of ['2', '3', '4']) {
        await subject.reopen()
        const page = await feed(subject.store, 'a', mark)
        assert.deepEqual([page.reset, page.documents.length], [false, Number(name) - 2])
        await appendText(subject.store, `a/${name}`, 'x')
      }
      assert.deepEqual(ids(await feed(subject.store, 'a', mark)), ['a/2', 'a/3', 'a/4'])
    }),
  )
  test(
    'feed: what is no mark of this feed is reset, from the start',
    withStore(openStore, async (subject) => {
      await append(subject.store, [textPush('a/1', 'x'), textPush('a/2', 'x')])
      const { mark } = await feed(subject.store, 'a')
      const other = await subject.copy()
      try {
        await appendText(other.store, 'a/3', 'x')
        const strange = [
          Uint8Array.of(1),
          new Uint8Array(96),
          mark.subarray(1),
          withBitFlipped(mark, 0),
          (await feed(other.store, 'a')).mark,
        ]
        for (const bytes of strange) {
          const page = await feed(subject.store, 'a', bytes)
          assert.deepEqual([page.reset, ids(page)], [true, ['a/1', 'a/2']])
          assert.equal((await feed(subject.store, 'a', page.mark)).reset, false)
        }
      } finally {
        await other.dispose()
      }
    }),
  )
  test(
    'feed: a store rolled back resets marks of what it lost, also once it has grown past (case 31)',
    withStore(openStore, async (subject) => {
      await appendText(subject.store, 'a/1', 'x')
      const kept = (await feed(subject.store, 'a')).mark
      const backup = await subject.copy()
      try {
        // `copy` may have reopened the store: the term of `kept` ended there, and this one is another.
        const before = (await feed(subject.store, 'a')).mark
        await append(subject.store, [textPush('a/2', 'lost'), textPush('a/3', 'lost')])
        const lost = (await feed(subject.store, 'a')).mark
        for (const round of ['rolled back', 'grown past']) {
          assert.equal((await feed(backup.store, 'a', kept)).reset, false, round)
          assert.equal((await feed(backup.store, 'a', lost)).reset, true, round)
          assert.equal((await feed(subject.store, 'a', before)).reset, false, round)
          for (const name of ['2', '3', '4', '5']) await appendText(backup.store, `a/${name}`, round)
          await backup.reopen()
        }
      } finally {
        await backup.dispose()
      }
    }),
  )
}

function vaultContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'feed: a vault sees nothing of another, whatever their names share',
    withStore(openStore, async (subject) => {
      const vaults = ['a', 'a.b', 'ab', 'a~', 'A', 'a-b', 'b', 'é']
      for (const round of ['1', '2', '3']) {
        await append(
          subject.store,
          vaults.flatMap((vault) => Array.from({ length: 12 }, (_, name) => textPush(`${vault}/${name}`, round))),
        )
      }
      await subject.reopen()
      for (const vault of vaults) {
        const page = await feed(subject.store, vault)
        assert.deepEqual([...ids(page)].sort(), Array.from({ length: 12 }, (_, name) => `${vault}/${name}`).sort())
        assert.deepEqual(await subject.store.usage(vault), { bytes: 36, documents: 12 })
      }
      assert.deepEqual((await feed(subject.store, 'a/0')).documents, [])
    }),
  )
  test(
    'feed: a mark got in one vault holds in another',
    withStore(openStore, async ({ store }) => {
      await append(store, [textPush('a/1', 'x'), textPush('b/1', 'x')])
      const { mark } = await feed(store, 'a')
      assert.deepEqual(ids(await feed(store, 'b', mark)), [])
      await appendText(store, 'b/2', 'x')
      const page = await feed(store, 'b', mark)
      assert.deepEqual([page.reset, ids(page)], [false, ['b/2']])
    }),
  )
  test(
    'feed: ids come back as they are',
    withStore(openStore, async ({ store }) => {
      const names = ['a/é', 'a/e\u0301', 'a/𝄞', 'a/日本語', 'a/x/y', 'a/ ']
      await append(
        store,
        names.map((name) => textPush(name, 'x')),
      )
      assert.deepEqual(ids(await feed(store, 'a')), names)
    }),
  )
  test(
    'usage: payload bytes and documents, zeros where there is nothing',
    withStore(openStore, async (subject) => {
      assert.deepEqual(await subject.store.usage('a'), { bytes: 0, documents: 0 })
      await append(subject.store, [textPush('a/1', '12345'), textPush('a/2', '123'), textPush('b/1', '1')])
      await append(subject.store, [textPush('a/1', '12345'), textPush('a/1', 'ab')])
      await subject.reopen()
      assert.deepEqual(await subject.store.usage('a'), { bytes: 10, documents: 2 })
      assert.deepEqual(await subject.store.usage('b'), { bytes: 1, documents: 1 })
    }),
  )
}
