// The contract for rows: order, ids, removal, sizes.
import type { StoredRow } from '../contract.ts'
import {
  appending,
  bothNowAndReopened,
  byNumber,
  bytesOf,
  counted,
  DOCUMENT,
  equal,
  isTrue,
  patternOf,
  type RegisterTest,
  recordTexts,
  rowsOf,
  sameBytes,
  TRICKY_NAMES,
  TRICKY_UNITS,
  texts,
} from './check.ts'

export function rowTests(test: RegisterTest): void {
  appendTests(test)
  removalTests(test)
  sizeTests(test)
}

function appendTests(test: RegisterTest): void {
  test('an unknown document has no rows', async (store) => {
    equal(await store.rows(DOCUMENT), [])
  })

  test('rows come back in the order in which they were appended', async (store, device) => {
    const ids = await store.commit(appending(DOCUMENT, 'one', '', 'three'))
    equal(ids, [...ids].sort(byNumber))
    isTrue(
      ids.every((id) => Number.isSafeInteger(id) && id > 0),
      'ids are positive integers',
    )
    const more = await store.commit(appending(DOCUMENT, 'four'))
    isTrue((more[0] as number) > (ids[2] as number), 'ids grow')
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), ['one', '', 'three', 'four'])
      equal(
        (await store.rows(DOCUMENT)).map(({ id }) => id),
        [...ids, ...more],
      )
    })
  })

  test('one commit appends to several documents, and its ids are in the order of append', async (store) => {
    await store.commit(appending('b', 'b1'))
    const ids = await store.commit({
      append: [...rowsOf('a', 'a1'), ...rowsOf('b', 'b2'), ...rowsOf('a', 'a2')],
    })
    const [a, b] = [await store.rows('a'), await store.rows('b')]
    equal(
      [texts(a), texts(b)],
      [
        ['a1', 'a2'],
        ['b1', 'b2'],
      ],
    )
    equal(ids, [a[0]?.id, b[1]?.id, a[1]?.id])
  })

  test('documents whose ids look alike are kept apart', async (store, device) => {
    const names = [...TRICKY_NAMES, ...TRICKY_UNITS]
    await store.commit({ append: names.map((name, i) => ({ documentId: name, bytes: bytesOf(`row ${i}`) })) })
    await bothNowAndReopened(store, device, async (store) => {
      for (const [i, name] of names.entries()) equal(texts(await store.rows(name)), [`row ${i}`])
    })
  })
}

function removalTests(test: RegisterTest): void {
  test('remove deletes exactly the named rows', async (store, device) => {
    const ids = await store.commit(appending(DOCUMENT, '1', '2', '3', '4', '5'))
    await store.commit(appending('other', 'stays'))
    const [one, , three, four] = ids as [number, number, number, number]
    await store.commit({ remove: [{ documentId: DOCUMENT, ids: [four, one, one, 999_999] }] })
    await store.commit({
      remove: [
        { documentId: DOCUMENT, ids: [one, three] },
        { documentId: 'unknown', ids: [1] },
      ],
    })
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), ['2', '5'])
      equal(texts(await store.rows('other')), ['stays'])
    })
  })

  test('an id that was removed before it existed is not lost later', async (store) => {
    const [first] = await store.commit(appending(DOCUMENT, 'first'))
    await store.commit({ remove: [{ documentId: DOCUMENT, ids: [1, 2, 3].map((more) => (first as number) + more) }] })
    await store.commit(appending(DOCUMENT, 'second', 'third'))
    equal(texts(await store.rows(DOCUMENT)), ['first', 'second', 'third'])
  })

  test('removal comes before appending: a base takes the place of what it stands for', async (store, device) => {
    let ids = await store.commit(appending(DOCUMENT, ...counted(20)))
    for (const round of counted(20)) {
      const remove = [{ documentId: DOCUMENT, ids }]
      ids = await store.commit({ remove, ...appending(DOCUMENT, `base ${round}`, `after ${round}`) })
    }
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), ['base 19', 'after 19'])
    })
  })

  test('ids are never used again, not after all rows are gone and the store was opened again', async (store, device) => {
    const ids = await store.commit(appending(DOCUMENT, ...counted(100)))
    await store.commit({ remove: [{ documentId: DOCUMENT, ids }] })
    equal(await store.rows(DOCUMENT), [])
    await bothNowAndReopened(store, device, async (store) => {
      const [id] = await store.commit(appending(DOCUMENT, 'new'))
      isTrue((id as number) > (ids[99] as number), `${id} is above ${ids[99]}`)
      await store.commit({ remove: [{ documentId: DOCUMENT, ids: [id as number] }] })
      equal(await store.rows(DOCUMENT), [])
    })
  })
}

function sizeTests(test: RegisterTest): void {
  test('large rows and rows of every byte survive', async (store, device) => {
    const large = patternOf(5 * 1024 * 1024)
    const everyByte = Uint8Array.from({ length: 256 }, (_, i) => i)
    await store.commit({
      append: [large, everyByte, new Uint8Array()].map((bytes) => ({ documentId: DOCUMENT, bytes })),
    })
    await bothNowAndReopened(store, device, async (store) => {
      const rows = await store.rows(DOCUMENT)
      equal(
        rows.map(({ bytes }) => bytes.byteLength),
        [large.byteLength, 256, 0],
      )
      isTrue(sameBytes((rows[0] as StoredRow).bytes, large), 'the large row is unchanged')
      isTrue(sameBytes((rows[1] as StoredRow).bytes, everyByte), 'every byte is unchanged')
    })
  })

  test('a view of a larger buffer is stored without what is around it', async (store, device) => {
    const around = bytesOf('before-inside-after')
    const inside = around.subarray(7, 13)
    await store.commit({ append: [{ documentId: DOCUMENT, bytes: inside }], records: [{ key: 'k', bytes: inside }] })
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), ['inside'])
      equal(await recordTexts(store, ''), [['k', 'inside']])
    })
  })

  test('a document of many rows comes back whole', async (store, device) => {
    await store.commit(appending(DOCUMENT, ...counted(10_000)))
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), counted(10_000))
    })
  })
}
