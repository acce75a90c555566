// Reading pages: bounds, marks, tags, and logs that have moved.
import assert from 'node:assert/strict'
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
  payloadOf,
  readPage,
  textPush,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function readContract(test: ContractTest, openStore: OpenStore): void {
  boundsContract(test, openStore)
  marksContract(test, openStore)
  movedContract(test, openStore)
}

function boundsContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'read: pages of any size give the whole log in order, once',
    withStore(openStore, async ({ store }) => {
      const texts = Array.from({ length: 25 }, (_, position) => `${position}`)
      await append(
        store,
        texts.map((text) => textPush(NOVEL, text)),
      )
      for (const entriesMax of [1, 2, 7, 24, 25, 26]) {
        const read: string[] = []
        let after = 0
        for (;;) {
          const page = await readPage(store, NOVEL, after, { entriesMax })
          assert.ok(page.entries.length >= 1 && page.entries.length <= entriesMax)
          for (const [position, entry] of page.entries.entries()) {
            assert.equal(entry.index, after + position + 1)
            read.push(new TextDecoder().decode(payloadOf(entry)))
          }
          after = page.through
          assert.equal(after, read.length)
          assert.equal(page.atHead, after === 25)
          if (page.atHead) break
        }
        assert.deepEqual(read, texts)
      }
    }),
  )
  test(
    'read: a page holds what fits its bytes, and one entry that does not',
    withStore(openStore, async ({ store }) => {
      const sizes = [100, 100, 50, 70_000, 10, 200_000, 300]
      await append(
        store,
        sizes.map((size, position) => bytesPush(NOVEL, new Uint8Array(size).fill(position))),
      )
      const pagesOf = async (bytesMax: number): Promise<number[][]> => {
        const pages: number[][] = []
        for (let after = 0; after < sizes.length; ) {
          const page = await readPage(store, NOVEL, after, { bytesMax })
          pages.push(page.entries.map((entry) => payloadOf(entry).length))
          after = page.through
        }
        return pages
      }
      assert.deepEqual(await pagesOf(250), [[100, 100, 50], [70_000], [10], [200_000], [300]])
      assert.deepEqual(await pagesOf(249), [[100, 100], [50], [70_000], [10], [200_000], [300]])
      assert.deepEqual(await pagesOf(70_300), [[100, 100, 50, 70_000, 10], [200_000], [300]])
      assert.deepEqual(
        await pagesOf(0),
        sizes.map((size) => [size]),
      )
      assert.deepEqual(await pagesOf(1e9), [sizes])
      const both = await readPage(store, NOVEL, 0, { entriesMax: 2, bytesMax: 250 })
      assert.equal(both.entries.length, 2)
      assert.equal((await readPage(store, NOVEL, 0, { entriesMax: 0 })).entries.length, 1)
    }),
  )
}

function marksContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'read: the mark of a page is the receipt at its last entry, the same bytes for all',
    withStore(openStore, async ({ store }) => {
      const results = await append(
        store,
        ['1', '2', '3', '4'].map((text) => textPush(NOVEL, text)),
      )
      for (const { index, receipt } of results) {
        const page = await readPage(store, NOVEL, index - 1, { entriesMax: 1 })
        assertBytes(page.mark, receipt)
        const { status, after } = await judge(store, NOVEL, { mark: page.mark })
        assert.deepEqual([status, after], ['OK', index])
      }
    }),
  )
  test(
    'read: a page after the head is empty, with the mark and tag of the head',
    withStore(openStore, async ({ store }) => {
      const { receipt } = await appendText(store, NOVEL, 'one')
      const whole = await readPage(store, NOVEL)
      const page = await readPage(store, NOVEL, 1)
      assert.deepEqual([page.entries.length, page.through, page.atHead], [0, 1, true])
      assertBytes(page.mark, receipt)
      assertBytes(page.tag, whole.tag)
    }),
  )
  test(
    'read: the tag is that of the head, changes with it, and stands in the feed',
    withStore(openStore, async ({ store }) => {
      const tags = new Set<string>()
      for (const text of ['1', '2', '3']) {
        await appendText(store, NOVEL, text)
        const page = await readPage(store, NOVEL, 0, { entriesMax: 1 })
        assert.equal(page.tag.length, 8)
        const { documents } = await store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 1 })
        assertBytes(at(documents, 0).tag, page.tag)
        tags.add(Buffer.from(page.tag).toString('hex'))
      }
      assert.equal(tags.size, 3)
      await store.append([textPush(NOVEL, '1')])
      assert.ok(tags.has(Buffer.from((await readPage(store, NOVEL)).tag).toString('hex')))
    }),
  )
  test(
    'read: what was returned stays as it was',
    withStore(openStore, async ({ store }) => {
      await appendText(store, NOVEL, 'first')
      const page = await readPage(store, NOVEL)
      const kept = Buffer.from(payloadOf(at(page.entries, 0)))
      await append(store, [textPush(NOVEL, 'second'), textPush('alice/diary', 'third')])
      await readPage(store, NOVEL)
      await readPage(store, 'alice/diary')
      assertBytes(payloadOf(at(page.entries, 0)), kept)
      assertBytes(at(page.entries, 0).pushId, textPush(NOVEL, 'first').pushId)
    }),
  )
}

function movedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'read: an unknown log, another incarnation, and an index beyond the head have moved',
    withStore(openStore, async ({ store }) => {
      const { incarnation } = await appendText(store, NOVEL, 'one')
      const limits = { entriesMax: 10, bytesMax: 1_000 }
      const other = new Uint8Array(16)
      assert.equal(await store.read({ documentId: 'alice/none', incarnation, after: 0, ...limits }), 'moved')
      assert.equal(await store.read({ documentId: NOVEL, incarnation: other, after: 0, ...limits }), 'moved')
      assert.equal(await store.read({ documentId: NOVEL, incarnation: EMPTY, after: 0, ...limits }), 'moved')
      assert.equal(await store.read({ documentId: NOVEL, incarnation, after: 2, ...limits }), 'moved')
      assert.notEqual(await store.read({ documentId: NOVEL, incarnation, after: 1, ...limits }), 'moved')
    }),
  )
}
