// The contract for records: keys, prefixes, last values.
import {
  bothNowAndReopened,
  counted,
  equal,
  type RegisterTest,
  record,
  recordTexts,
  TRICKY_NAMES,
  TRICKY_UNITS,
} from './check.ts'

export function recordTests(test: RegisterTest): void {
  test('a record is written, replaced and deleted', async (store, device) => {
    await store.commit({ records: [record('a', '1'), record('b', '2'), record('c', '')] })
    await store.commit({ records: [record('a', 'one'), { key: 'b', bytes: null }, { key: 'unknown', bytes: null }] })
    await bothNowAndReopened(store, device, async (store) => {
      equal(await recordTexts(store, ''), [
        ['a', 'one'],
        ['c', ''],
      ])
    })
  })

  test('records come in the order of their keys, by UTF-16 code unit', async (store, device) => {
    const keys = [...TRICKY_NAMES, ...TRICKY_UNITS, 'Z', 'z', '\u0000', '10', '9']
    await store.commit({ records: keys.map((key) => record(key, `value of ${key}`)) })
    await bothNowAndReopened(store, device, async (store) => {
      equal(
        (await store.records('')).map(({ key }) => key),
        [...keys].sort(),
      )
    })
  })

  test('a prefix finds the keys that begin with it and no others', async (store, device) => {
    const keys = [...TRICKY_NAMES, ...TRICKY_UNITS]
    await store.commit({ records: keys.map((key) => record(key, key)) })
    await bothNowAndReopened(store, device, async (store) => {
      for (const prefix of [...keys, 'nothing', '\ud83d\udc0b!']) {
        equal(
          (await store.records(prefix)).map(({ key }) => key),
          keys.filter((key) => key.startsWith(prefix)).sort(),
        )
      }
    })
  })

  test('a record that is written often has its last value', async (store, device) => {
    const large = 'x'.repeat(4096)
    for (const round of counted(50)) {
      await Promise.all(counted(10).map((key) => store.commit({ records: [record(key, `${round} ${large}`)] })))
    }
    await bothNowAndReopened(store, device, async (store) => {
      equal(
        await recordTexts(store, ''),
        counted(10).map((key) => [key, `49 ${large}`]),
      )
    })
  })
}
