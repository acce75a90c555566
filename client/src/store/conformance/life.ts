// The contract for opening and closing.
import { appending, byNumber, counted, DOCUMENT, equal, type RegisterTest, rejects, texts } from './check.ts'

export function lifeTests(test: RegisterTest): void {
  test('close waits for the commits under way', async (store, device) => {
    const commits = counted(20).map((text) => store.commit(appending(DOCUMENT, text)))
    await store.close()
    equal((await Promise.all(commits)).length, 20)
    const reopened = await device.another().open()
    equal(texts(await reopened.rows(DOCUMENT)), counted(20))
    await reopened.close()
  })

  test('after close every call is refused with CLOSED, and closing again is harmless', async (store) => {
    await Promise.all([store.close(), store.close()])
    await store.close()
    await rejects('CLOSED', () => store.commit(appending(DOCUMENT, 'late')))
    await rejects('CLOSED', () => store.rows(DOCUMENT))
    await rejects('CLOSED', () => store.records(''))
  })

  test('the same store opens again after close', async (store, device) => {
    await store.commit(appending(DOCUMENT, 'kept'))
    await store.close()
    const again = await device.store.open()
    equal(texts(await again.rows(DOCUMENT)), ['kept'])
    await store.close()
    await again.commit(appending(DOCUMENT, 'more'))
    await again.close()
  })

  test('a second one is refused with IN_USE, or shares everything', async (store, device) => {
    if (!device.isShared) {
      await rejects('IN_USE', () => device.another().open())
      await rejects('IN_USE', () => device.store.open())
      await store.commit(appending(DOCUMENT, 'unharmed'))
      return
    }
    const other = await device.another().open()
    const commits = counted(200).map((text, i) => (i % 2 === 0 ? store : other).commit(appending(DOCUMENT, text)))
    const ids = (await Promise.all(commits)).flat()
    equal(new Set(ids).size, 200)
    const rows = await other.rows(DOCUMENT)
    equal(await store.rows(DOCUMENT), rows)
    equal(
      rows.map(({ id }) => id),
      [...ids].sort(byNumber),
    )
    await other.close()
    await store.commit(appending(DOCUMENT, 'unharmed'))
  })
}
