// The contract for commits in flight and for reads beside them.
import {
  appending,
  bothNowAndReopened,
  byNumber,
  counted,
  DOCUMENT,
  equal,
  isTrue,
  type RegisterTest,
  record,
  recordTexts,
  texts,
} from './check.ts'

export function orderTests(test: RegisterTest): void {
  test('an empty commit resolves, after those before it', async (store) => {
    const order: string[] = []
    const first = store.commit(appending(DOCUMENT, 'row')).then(() => order.push('first'))
    equal(await store.commit({}), [])
    order.push('empty')
    await first
    equal(order, ['first', 'empty'])
  })

  test('commits in flight take effect in call order', async (store, device) => {
    const settled: number[] = []
    const ids = await Promise.all(
      Array.from({ length: 1000 }, async (_, i) => {
        const [id] = await store.commit({ ...appending(DOCUMENT, `${i}`), records: [record('last', `${i}`)] })
        settled.push(i)
        return id as number
      }),
    )
    equal(settled, [...settled].sort(byNumber))
    equal(ids, [...ids].sort(byNumber))
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), counted(1000))
      equal(await recordTexts(store, ''), [['last', '999']])
    })
  })

  test('a commit in flight removes what an earlier one in flight appended', async (store, device) => {
    const [id] = await store.commit(appending(DOCUMENT, 'first'))
    const next = (id as number) + 1
    const rows = store.commit(appending(DOCUMENT, 'second'))
    const removal = store.commit({ remove: [{ documentId: DOCUMENT, ids: [next] }] })
    const third = store.commit(appending(DOCUMENT, 'third'))
    equal(await rows, [next])
    await removal
    isTrue(((await third)[0] as number) > next, 'the removed id is not used again')
    await bothNowAndReopened(store, device, async (store) => {
      equal(texts(await store.rows(DOCUMENT)), ['first', 'third'])
    })
  })

  test('a read shows what had resolved when it was called, and every commit whole', async (store) => {
    const commits: Promise<unknown>[] = []
    let resolved = 0
    let base: readonly number[] = await store.commit({ ...appending(DOCUMENT, '0'), records: [record('at', '0')] })
    for (let i = 1; i <= 60; i++) {
      const write = { remove: [{ documentId: DOCUMENT, ids: base }], ...appending(DOCUMENT, `${i}`) }
      base = [(base[0] as number) + 1]
      commits.push(store.commit({ ...write, records: [record('at', `${i}`)] }).then(() => resolved++))
      const atLeast = resolved
      const [rows, records] = await Promise.all([store.rows(DOCUMENT), recordTexts(store, 'at')])
      equal(rows.length, 1)
      isTrue(Number(texts(rows)[0]) >= atLeast, 'rows are not behind')
      isTrue(Number(records[0]?.[1]) >= atLeast, 'records are not behind')
    }
    await Promise.all(commits)
    equal(texts(await store.rows(DOCUMENT)), ['60'])
  })
}
