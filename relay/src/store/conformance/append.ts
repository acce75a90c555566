// Appending: order, atomicity, durability, and pushes that come twice.
import assert from 'node:assert/strict'
import type { StorePush } from '../contract.ts'
import { FallibleRandom } from './acts.ts'
import {
  append,
  appendText,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  judge,
  type OpenStore,
  payloadOf,
  readPage,
  readTexts,
  stored,
  textPush,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function appendContract(test: ContractTest, openStore: OpenStore): void {
  orderContract(test, openStore)
  durabilityContract(test, openStore)
  duplicateContract(test, openStore)
  payloadContract(test, openStore)
  throwContract(test, openStore)
}

function orderContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: begins a log with an incarnation of its own, and indexes from 1',
    withStore(openStore, async ({ store }) => {
      const novel = await appendText(store, NOVEL, 'one')
      const diary = await appendText(store, 'alice/diary', 'one')
      assert.deepEqual([novel.index, diary.index], [1, 1])
      assert.deepEqual([novel.incarnation.length, diary.incarnation.length], [16, 16])
      assert.notDeepEqual([...novel.incarnation], [...diary.incarnation])
      const again = await appendText(store, NOVEL, 'two')
      assert.equal(again.index, 2)
      assertBytes(again.incarnation, novel.incarnation)
      assert.ok(again.receipt.length > 0 && again.receipt.length <= 96)
    }),
  )
  test(
    'append: results stand in the order of the pushes, documents mixed',
    withStore(openStore, async ({ store }) => {
      const order = ['a/x', 'b/x', 'a/x', 'a/y', 'b/x', 'a/x']
      const results = await append(
        store,
        order.map((documentId, position) => textPush(documentId, `${position}`)),
      )
      assert.deepEqual(
        results.map(({ index }) => index),
        [1, 1, 2, 1, 2, 3],
      )
      assert.deepEqual(await readTexts(store, 'a/x'), ['0', '2', '5'])
      assert.deepEqual(await readTexts(store, 'b/x'), ['1', '4'])
    }),
  )
  test(
    'append: calls that overlap keep their order',
    withStore(openStore, async ({ store }) => {
      const texts = Array.from({ length: 300 }, (_, position) => `${position}`)
      const calls: Promise<unknown>[] = []
      for (const [position, text] of texts.entries()) {
        calls.push(appendText(store, NOVEL, text).then(({ index }) => assert.equal(index, position + 1)))
        // Some arrive while a flush is under way, some in the same turn.
        if (position % 7 === 0) await new Promise((resolve) => setImmediate(resolve))
      }
      await Promise.all(calls)
      assert.deepEqual(await readTexts(store, NOVEL), texts)
    }),
  )
  test(
    'append: of nothing resolves',
    withStore(openStore, async ({ store }) => {
      assert.deepEqual(await store.append([]), [])
    }),
  )
}

function durabilityContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: nothing is readable in the turn of the call',
    withStore(openStore, async ({ store }) => {
      const before = await appendText(store, NOVEL, 'one')
      const call = store.append([textPush(NOVEL, 'two'), textPush('alice/new', 'one')])
      const seen = await Promise.all([
        judge(store, NOVEL),
        judge(store, 'alice/new'),
        store.feed({ vault: 'alice', mark: new Uint8Array(), documentsMax: 10 }),
        store.usage('alice'),
        readPage(store, NOVEL),
      ])
      // Whoever is as fast as this has flushed: then, and only then, it may show.
      if (seen[0].head === 1) {
        assert.equal(seen[1].status, 'NEW')
        assert.equal(seen[2].documents.length, 1)
        assert.deepEqual(seen[3], { bytes: 3, documents: 1 })
      }
      await call
      assert.equal((await judge(store, NOVEL, { mark: before.receipt })).entriesToCome, 1)
    }),
  )
  test(
    'append: what was acknowledged is there after opening again',
    withStore(openStore, async (subject) => {
      const pushes = Array.from({ length: 40 }, (_, position) =>
        textPush(`v${position % 3}/d${position % 7}`, `${position}`),
      )
      const before = await append(subject.store, pushes)
      const { epoch } = subject.store
      await subject.reopen()
      assertBytes(subject.store.epoch, epoch)
      for (const [position, { index, receipt }] of before.entries()) {
        const push = at(pushes, position)
        const page = await readPage(subject.store, push.documentId, index - 1, { entriesMax: 1 })
        assertBytes(payloadOf(at(page.entries, 0)), push.payload)
        assertBytes(page.mark, receipt)
      }
      const next = await appendText(subject.store, 'v0/d0', 'after')
      assert.equal(next.index, (await judge(subject.store, 'v0/d0')).head)
    }),
  )
  test(
    'append: copies what it is given',
    withStore(openStore, async ({ store }) => {
      const push = textPush(NOVEL, 'as it was')
      const large = bytesPush(NOVEL, new Uint8Array(200_000).fill(7))
      const call = append(store, [push, large])
      for (const bytes of [push.payload, push.pushId, large.payload, large.pushId]) bytes.fill(255)
      await call
      const { entries } = await readPage(store, NOVEL)
      const expected = [textPush(NOVEL, 'as it was'), bytesPush(NOVEL, new Uint8Array(200_000).fill(7))]
      for (const [position, entry] of entries.entries()) {
        assertBytes(entry.pushId, at(expected, position).pushId)
        assertBytes(payloadOf(entry), at(expected, position).payload)
      }
    }),
  )
}

function duplicateContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: a push that comes again is not stored again, and has the same receipt',
    withStore(openStore, async (subject) => {
      const push = textPush(NOVEL, 'once')
      const [first, second] = await append(subject.store, [push, push])
      const inFlight = subject.store.append([push])
      await appendText(subject.store, NOVEL, 'next')
      const later = await append(subject.store, [push])
      await subject.reopen()
      const reopened = await append(subject.store, [push])
      for (const again of [second, ...(await inFlight).map(stored), ...later, ...reopened]) {
        assert.equal(again?.index, 1)
        assert.deepEqual(again?.receipt, first?.receipt)
      }
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['once', 'next'])
      assert.deepEqual(await subject.store.usage('alice'), { bytes: 8, documents: 1 })
    }),
  )
  test(
    'append: a push that comes again while the first is under way waits for it',
    withStore(openStore, async ({ store }) => {
      const push = textPush(NOVEL, 'once')
      const calls = [store.append([push])]
      await new Promise((resolve) => setImmediate(resolve))
      for (let time = 0; time < 3; time += 1) {
        calls.push(store.append([push, textPush(NOVEL, `other ${time}`)]))
        await new Promise((resolve) => setImmediate(resolve))
      }
      const results = await Promise.all(calls)
      assert.deepEqual(
        results.map((result) => stored(at(result, 0)).index),
        [1, 1, 1, 1],
      )
      assert.deepEqual(await readTexts(store, NOVEL), ['once', 'other 0', 'other 1', 'other 2'])
    }),
  )
  test(
    'append: the same push in another document is another entry',
    withStore(openStore, async ({ store }) => {
      await appendText(store, 'a/x', 'same')
      const other = await appendText(store, 'a/y', 'same')
      assert.equal(other.index, 1)
      assert.deepEqual(await readTexts(store, 'a/y'), ['same'])
    }),
  )
  test(
    'append: every push of a long log is known again, however old',
    withStore(openStore, async (subject) => {
      const pushes = Array.from({ length: 150 }, (_, position) => textPush(NOVEL, `${position}`))
      const first = await append(subject.store, pushes.slice(0, 90))
      for (const push of pushes.slice(90)) await subject.store.append([push])
      for (const round of ['open', 'opened again']) {
        const again = await append(subject.store, [...pushes].reverse())
        assert.deepEqual(
          again.map(({ index }) => index),
          pushes.map((_, position) => 150 - position),
          round,
        )
        assertBytes(at(again, 149).receipt, at(first, 0).receipt)
        await subject.reopen()
      }
      assert.equal((await judge(subject.store, NOVEL)).head, 150)
    }),
  )
}

function payloadContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: payloads of every size come back as they were',
    withStore(openStore, async (subject) => {
      const sizes = [0, 1, 300, 4_096, 65_519, 65_520, 65_535, 65_536, 65_537, 131_040, 131_041, 1_048_577]
      const pushes = sizes.map((size, position) => {
        const payload = new Uint8Array(size)
        for (let byte = 0; byte < size; byte += 1) payload[byte] = (byte * 31 + position) % 251
        return bytesPush(NOVEL, payload)
      })
      await append(subject.store, pushes)
      await subject.reopen()
      const { entries } = await readPage(subject.store, NOVEL)
      assert.equal(entries.length, sizes.length)
      for (const [position, entry] of entries.entries()) {
        assert.ok(Buffer.from(payloadOf(entry)).equals(at(pushes, position).payload), `${sizes[position]} bytes`)
        assertBytes(entry.pushId, at(pushes, position).pushId)
      }
      const bytes = sizes.reduce((sum, size) => sum + size, 0)
      assert.deepEqual(await subject.store.usage('alice'), { bytes, documents: 1 })
    }),
  )
  test(
    'append: every format comes back, and what is no format or id is a RangeError that stores nothing',
    withStore(openStore, async ({ store }) => {
      await append(
        store,
        [0, 1, 2, 255].map((format) => textPush(NOVEL, 'same text', format)),
      )
      const { entries } = await readPage(store, NOVEL)
      assert.deepEqual(
        entries.map(({ format }) => format),
        [0, 1, 2, 255],
      )
      const good = textPush(NOVEL, 'good')
      const wrong: StorePush[] = [
        { ...good, format: 256 },
        { ...good, format: 1.5 },
        { ...good, pushId: good.pushId.subarray(1) },
        { ...good, documentId: '' },
        { ...good, documentId: `a/${'é'.repeat(600)}` },
      ]
      for (const push of wrong) await assert.rejects(store.append([good, push]), RangeError)
      assert.equal((await judge(store, NOVEL)).head, 4)
    }),
  )
  test(
    'append: document ids are told apart byte by byte',
    withStore(openStore, async (subject) => {
      const ids = [
        'a/é',
        'a/e\u0301',
        'a/É',
        'a/𝄞',
        'a/𝄟',
        'a/x ',
        'a/x',
        'a/x/',
        'a/x/y',
        `a/${'語'.repeat(300)}`,
        'ä/x',
        'a',
      ]
      await append(
        subject.store,
        ids.map((documentId, position) => textPush(documentId, `${position}`)),
      )
      await subject.reopen()
      for (const [position, documentId] of ids.entries()) {
        assert.deepEqual(await readTexts(subject.store, documentId), [`${position}`], documentId)
      }
    }),
  )
}

function throwContract(test: ContractTest, openStore: OpenStore): void {
  test('append: a throw inside leaves nothing of its call and disturbs no other (case 19)', async () => {
    const entropy = new FallibleRandom()
    const subject = await openStore({ random: entropy.random })
    try {
      const { store } = subject
      await appendText(store, NOVEL, 'one')
      const feedMark = (await store.feed({ vault: 'alice', mark: new Uint8Array(), documentsMax: 10 })).mark
      entropy.broken = true
      const before = appendText(store, NOVEL, 'two')
      const thrown = store.append([textPush(NOVEL, 'lost'), textPush('alice/new', 'lost'), textPush(NOVEL, 'lost too')])
      const after = appendText(store, NOVEL, 'three')
      await assert.rejects(thrown, /no entropy/)
      assert.deepEqual([(await before).index, (await after).index], [2, 3])
      entropy.broken = false
      assert.equal((await judge(store, 'alice/new')).status, 'NEW')
      assert.deepEqual(await readTexts(store, NOVEL), ['one', 'two', 'three'])
      assert.equal((await store.feed({ vault: 'alice', mark: feedMark, documentsMax: 10 })).documents.length, 1)
      assert.deepEqual(await store.usage('alice'), { bytes: 11, documents: 1 })
      assert.equal((await appendText(store, 'alice/new', 'one')).index, 1)
      await subject.reopen()
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['one', 'two', 'three'])
      assert.deepEqual(await readTexts(subject.store, 'alice/new'), ['one'])
    } finally {
      await subject.dispose()
    }
  })
}
