// Storages that fail under a key-value store, are full, damaged, or of another version.
import { type KeyValueBackend, keyValueStore } from '@tidemark/client/key-value'
import { describe, expect, it } from 'vitest'
import { DeviceStoreError, type OpenDeviceStore, type StoreWrite } from '../../../client/src/store/contract.ts'
import { DOCUMENTS, growingWrites } from './crash-points.ts'
import { SHAPES, ValueDisk } from './key-value-storages.ts'
import { appending, contentOf, contentsAfter, texts } from './rows.ts'

const backendOn = SHAPES.AsyncStorage as (disk: ValueDisk) => KeyValueBackend
const synchronous = SHAPES['MMKV 4'] as typeof backendOn
const open = (disk: ValueDisk): Promise<OpenDeviceStore> => keyValueStore(backendOn(disk)).open()
const full = (): Error => new Error('database or disk is full (code 13 SQLITE_FULL)')

/** Large rows, so that commits are several writes, and a checkpoint now and then. */
const WRITES: readonly StoreWrite[] = [...growingWrites(5, 20_000), ...growingWrites(40, 1500)]

/** Commits all; returns those that were taken. */
async function commitEach(store: OpenDeviceStore, writes: readonly StoreWrite[]): Promise<StoreWrite[]> {
  const taken: StoreWrite[] = []
  for (const write of writes) {
    const error = await store.commit(write).then(
      () => null,
      (error: unknown) => error,
    )
    if (error === null) taken.push(write)
    else expect(error).toMatchObject({ code: 'FULL' })
  }
  return taken
}

describe('a full storage', () => {
  const attempts = [
    ['one write fails', (at: number) => (write: number) => write === at],
    ['writes fail for a while', (at: number) => (write: number) => write >= at && write < at + 7],
  ] as const

  for (const [what, failsFrom] of attempts) {
    it(`refuses with FULL, keeps what was promised and goes on: ${what}`, async () => {
      let refused = 0
      for (let at = 0; ; at++) {
        const disk = new ValueDisk()
        const fails = failsFrom(at)
        let writes = 0
        disk.fail = () => (fails(writes++) ? full() : null)
        const store = await keyValueStore(synchronous(disk)).open()
        const taken = await commitEach(store, WRITES)
        const expected = (await contentsAfter(taken, DOCUMENTS)).at(-1)
        expect(await contentOf(store, DOCUMENTS), `from write ${at}`).toBe(expected)
        const again = await keyValueStore(synchronous(new ValueDisk(disk.values))).open()
        expect(await contentOf(again, DOCUMENTS), `from write ${at}, opened again`).toBe(expected)
        refused += WRITES.length - taken.length
        if (writes <= at) break
      }
      expect(refused).toBeGreaterThan(WRITES.length)
    })
  }

  it('does not bring back a commit that was stored although it was refused', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    await store.commit(appending('d', 'before'))
    disk.fail = ([key, value]) => {
      if (value === null) return null
      disk.values.set(key, value)
      return full()
    }
    await expect(store.commit(appending('d', 'never'))).rejects.toMatchObject({ code: 'FULL' })
    expect(texts(await (await open(new ValueDisk(disk.values))).rows('d'))).toEqual(['before'])
  })

  it('takes nothing until a refused commit is known to be gone', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    await store.commit(appending('d', 'before'))
    let isStuck = true
    disk.fail = ([key, value]) => {
      if (!isStuck || !key.includes('/j/')) return null
      // It is written, and then says that it was not.
      if (value !== null) disk.values.set(key, value)
      return new Error('the storage hangs')
    }
    await expect(store.commit(appending('d', 'never'))).rejects.toMatchObject({ code: 'FAILED' })
    await expect(store.commit(appending('d', 'refused'))).rejects.toMatchObject({ code: 'FAILED' })
    isStuck = false
    expect(await store.commit(appending('d', 'after'))).toEqual([2])
    expect(texts(await (await open(new ValueDisk(disk.values))).rows('d'))).toEqual(['before', 'after'])
  })

  it('is known by what storages say of it', async () => {
    const messages = [
      'database or disk is full (code 13 SQLITE_FULL)',
      'Error code 13: database or disk is full',
      'No space left on device',
      'NSFileWriteOutOfSpaceError: out of space',
      'The quota has been exceeded.',
      'ENOSPC: no space left on device, write',
    ]
    for (const message of messages) expect(await codeOf(new Error(message)), message).toBe('FULL')
    expect(await codeOf(Object.assign(new Error('Failed.'), { name: 'QuotaExceededError' }))).toBe('FULL')
    expect(await codeOf(new DeviceStoreError('FULL', 'as the wrapper says'))).toBe('FULL')
    expect(await codeOf(new Error('the database is locked'))).toBe('FAILED')
  })

  it('is noticed where MMKV says nothing', async () => {
    const disk = new ValueDisk()
    const silent = keyValueStore((SHAPES['MMKV 3'] as typeof backendOn)(disk))
    const store = await silent.open()
    const write = disk.write.bind(disk)
    disk.write = (writes) => write(writes.filter(([, value]) => value === null))
    await expect(store.commit(appending('d', 'lost'))).rejects.toMatchObject({ code: 'FULL' })
    disk.write = write
    expect(await store.commit(appending('d', 'kept'))).toEqual([1])
  })
})

async function codeOf(error: Error): Promise<unknown> {
  const disk = new ValueDisk()
  const store = await open(disk)
  disk.fail = () => error
  return store.commit(appending('d', 'row')).catch((refusal: DeviceStoreError) => refusal.code)
}

describe('a key-value store that is damaged', () => {
  const damaged = async (damage: (values: ValueDisk['values']) => void): Promise<ValueDisk> => {
    const disk = new ValueDisk()
    const store = await open(disk)
    for (const write of WRITES) await store.commit(write)
    await store.commit({ append: [...appending('large', 'x'.repeat(20_000)).append, ...appending('a', 'last').append] })
    await store.commit(appending('a', 'and one more'))
    damage(disk.values)
    return disk
  }
  const named = (values: ValueDisk['values'], kind: string): string[] =>
    [...values.keys()].filter((key) => key.startsWith(`tidemark/${kind}/`))

  for (const [what, kind] of [
    ['its base', 'b'],
    ['an entry of its journal', 'j'],
  ] as const) {
    for (const [how, change] of [
      ['is gone', (values: ValueDisk['values'], key: string) => values.delete(key)],
      [
        'is cut',
        (values: ValueDisk['values'], key: string) => values.set(key, (values.get(key) as string).slice(0, 40)),
      ],
    ] as const) {
      it(`is refused, and left as it is, when ${what} ${how}`, async () => {
        const disk = await damaged((values) => change(values, named(values, kind)[0] as string))
        const before = new Map(disk.values)
        await expect(open(disk)).rejects.toMatchObject({
          code: 'FAILED',
          message: expect.stringMatching(/damaged at tidemark\/j\/\d+/),
        })
        expect(disk.values).toEqual(before)
      })
    }
  }

  it('names the segment that cannot be read, and hurts no other document', async () => {
    const disk = await damaged((values) => {
      const key = named(values, 's').at(-1) as string
      values.set(key, `${(values.get(key) as string).slice(0, -4)}AAAA`)
    })
    const store = await open(disk)
    await expect(store.rows('large')).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringMatching(/damaged at tidemark\/s\/\d+\.\d+/),
    })
    await store.commit(appending('a', 'goes on'))
    expect(texts(await store.rows('a')).slice(-3)).toEqual(['last', 'and one more', 'goes on'])
  })
})

describe('the format of a key-value store', () => {
  it('is refused with both versions when it is newer, and the values stay as they were', async () => {
    const disk = new ValueDisk()
    await (await open(disk)).commit(appending('d', 'row'))
    const [key, value] = [...disk.values][0] as [string, string]
    disk.values.set(key, `AgAA${value.slice(4)}`)
    const before = new Map(disk.values)
    await expect(open(disk)).rejects.toMatchObject({
      code: 'FAILED',
      message: expect.stringMatching(/format 2.*format 1/),
    })
    expect(disk.values).toEqual(before)
  })
})

describe('a storage that is shared', () => {
  it('holds stores of several names, and the values of others, untouched', async () => {
    const disk = new ValueDisk([
      ['of the app', 'untouched'],
      ['tidemark', 'untouched'],
      ['tidemark/x/1', 'untouched'],
    ])
    const backend = backendOn(disk)
    const names = ['tidemark', 'tidemark/x', 'tide', '', 'tidemark%2Fx']
    for (const text of ['first', 'second']) {
      for (const name of names) {
        const store = await keyValueStore(backend, name).open()
        await store.commit(appending('d', `${text} of ${name}`))
        await store.close()
      }
    }
    for (const name of names) {
      const store = await keyValueStore(backend, name).open()
      expect(texts(await store.rows('d'))).toEqual([`first of ${name}`, `second of ${name}`])
    }
    expect([...disk.values].filter(([, value]) => value === 'untouched')).toHaveLength(3)
  })

  it('is read while checkpoints put its rows elsewhere', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    const commits = (async () => {
      for (let i = 1; i <= 300; i++) await store.commit(appending('d', `${i}`, 'x'.repeat(2000)))
    })()
    let isDone = false
    const done = commits.then(() => {
      isDone = true
    })
    let reads = 0
    for (; !isDone; reads++) {
      await new Promise((resolve) => setImmediate(resolve))
      const ids = (await store.rows('d')).map(({ id }) => id)
      expect(ids).toEqual(ids.map((_, i) => i + 1))
      expect(ids.length % 2).toBe(0)
    }
    await done
    expect(reads).toBeGreaterThan(20)
    expect(
      disk.writes.filter(([key, value]) => value !== null && key.startsWith('tidemark/b/')).length,
    ).toBeGreaterThan(5)
  })

  it('gives back the space of rows that are removed one by one', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    const text = 'x'.repeat(1000)
    let ids = [...(await store.commit(appending('d', ...Array<string>(20).fill(text))))]
    let most = 0
    for (let i = 0; i < 600; i++) {
      // The first stays, among rows of which none does.
      const [first, second, ...others] = ids as [number, number, ...number[]]
      const [last] = await store.commit({ remove: [{ documentId: 'd', ids: [second] }], ...appending('d', text) })
      ids = [first, ...others, last as number]
      most = Math.max(most, charactersIn(disk))
    }
    expect(most).toBeLessThan(200_000)
    expect((await store.rows('d')).map(({ id }) => id)).toEqual(ids)
  })

  it('writes a large row once, whatever comes after it', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    await store.commit(appending('d', 'x'.repeat(100_000)))
    for (let i = 0; i < 400; i++) await store.commit(appending('d', 'y'.repeat(500)))
    const large = disk.writes.filter(([, value]) => value !== null && value.length > 130_000)
    expect(large).toHaveLength(1)
  })

  it('keeps the space that it takes within bounds, and few values per document', async () => {
    const disk = new ValueDisk()
    const store = await open(disk)
    const record = { key: 'document/d', bytes: new Uint8Array(500) }
    let ids: readonly number[] = []
    let most = 0
    for (let i = 0; i < 3000; i++) {
      // As a document's own compaction does it: a base takes the place of 500 rows.
      const isBase = i % 500 === 499
      const write = isBase ? { remove: [{ documentId: 'd', ids }] } : {}
      const added = await store.commit({
        ...write,
        ...appending('d', 'x'.repeat(isBase ? 50_000 : 60)),
        records: [record],
      })
      ids = isBase ? added : [...ids, ...added]
      most = Math.max(most, disk.values.size)
    }
    expect(most).toBeLessThan(80)
    expect(charactersIn(disk)).toBeLessThan(400_000)
    expect((await store.rows('d')).map(({ id }) => id)).toEqual(ids)
  })
})

function charactersIn(disk: ValueDisk): number {
  return [...disk.values].reduce((sum, [key, value]) => sum + key.length + value.length, 0)
}
