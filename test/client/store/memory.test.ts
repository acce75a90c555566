import { describe, expect, it } from 'vitest'
import { deviceStoreContract } from '../../../client/src/store/conformance.ts'
import { DeviceStoreError, type StoreWrite } from '../../../client/src/store/contract.ts'
import { memoryStore } from '../../../client/src/store/memory.ts'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { commitAll, DOCUMENTS, expectWholeCommits, growingWrites } from './crash-points.ts'
import { appending, contentsAfter, texts } from './rows.ts'

describe('MemoryDisk', () => {
  deviceStoreContract(it, async () => {
    const store = new MemoryDisk()
    return { store, another: () => store, isShared: false, dispose: async () => {} }
  })
})

describe('memoryStore', () => {
  it('given to a later Tidemark is a restart of the device: the earlier one is cut off', async () => {
    const store = memoryStore()
    const before = await store.open()
    await before.commit(appending('d', 'kept'))
    const after = await store.open()
    expect(texts(await after.rows('d'))).toEqual(['kept'])
    await expect(before.commit(appending('d', 'too late'))).rejects.toMatchObject({ code: 'CLOSED' })
    await after.commit(appending('d', 'next'))
    expect(texts(await after.rows('d'))).toEqual(['kept', 'next'])
  })
})

describe('MemoryDisk under a gate', () => {
  deviceStoreContract(it, async () => {
    const store = new MemoryDisk({ gate: () => new Promise((resolve) => setImmediate(resolve)) })
    return { store, another: () => store, isShared: false, dispose: async () => {} }
  })

  it('shows nothing before it is durable, and keeps the call order when gates open in another', async () => {
    const gates = new Gates()
    const store = await new MemoryDisk({ gate: gates.gate }).open()
    const settled: string[] = []
    const commits = ['a', 'b'].map((text) => store.commit(appending('d', text)).then(() => settled.push(text)))
    gates.open(1)
    await turn()
    expect([settled, await store.rows('d')]).toEqual([[], []])
    gates.open(0)
    await Promise.all(commits)
    expect([settled, texts(await store.rows('d'))]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ])
  })

  it('refuses a commit whose gate rejects, and goes on', async () => {
    const gate = async (write: StoreWrite): Promise<void> => {
      if (write.records !== undefined) throw new DeviceStoreError('FULL', 'no space')
    }
    const store = await new MemoryDisk({ gate }).open()
    const refused = store.commit({ ...appending('d', 'never'), records: [{ key: 'k', bytes: new Uint8Array(1) }] })
    const taken = store.commit(appending('d', 'kept'))
    await expect(refused).rejects.toMatchObject({ code: 'FULL' })
    expect(await taken).toEqual([1])
    expect([texts(await store.rows('d')), await store.records('')]).toEqual([['kept'], []])
  })

  it('loses at a crash exactly what was not durable, and opens again', async () => {
    const gates = new Gates()
    const disk = new MemoryDisk({ gate: gates.gate })
    const store = await disk.open()
    const kept = store.commit(appending('d', 'kept'))
    gates.open(0)
    await kept
    const lost = store.commit(appending('d', 'lost'))
    disk.crash()
    await expect(lost).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(store.rows('d')).rejects.toMatchObject({ code: 'CLOSED' })
    const after = await disk.open()
    gates.open(1)
    await turn()
    expect(texts(await after.rows('d'))).toEqual(['kept'])
    await store.close()
    await expect(disk.open()).rejects.toMatchObject({ code: 'IN_USE' })
  })

  for (const atOnce of [1, 5]) {
    it(`keeps at a crash in any commit what had resolved, and nothing of the others: ${atOnce} in flight`, async () => {
      const writes = growingWrites(40, 200)
      const contents = await contentsAfter(writes, DOCUMENTS)
      for (let point = 0; point < writes.length; point++) {
        let gates = 0
        const never = new Promise<never>(() => undefined)
        const disk = new MemoryDisk({ gate: async () => (gates++ === point ? never : undefined) })
        let resolved = 0
        const dying = commitAll(await disk.open(), writes, atOnce, () => resolved++)
        await turn()
        disk.crash()
        await dying.catch((error: DeviceStoreError) => expect(error.code).toBe('CLOSED'))
        await expectWholeCommits({ what: `a crash in commit ${point}`, resolved, restarted: () => disk }, contents)
      }
    })
  }

  it('is cloned and restored without either seeing the other', async () => {
    const disk = new MemoryDisk()
    const store = await disk.open()
    await store.commit(appending('d', 'first'))
    const backup = disk.snapshot()
    const clone = await disk.clone().open()
    await store.commit({ remove: [{ documentId: 'd', ids: [1] }], ...appending('d', 'second') })
    await clone.commit(appending('d', 'of the clone'))
    expect(texts(await clone.rows('d'))).toEqual(['first', 'of the clone'])
    expect(() => disk.restore(backup)).toThrow(DeviceStoreError)
    await store.close()
    disk.restore(backup)
    const restored = await disk.open()
    expect(texts(await restored.rows('d'))).toEqual(['first'])
    expect(await restored.commit(appending('d', 'again'))).toEqual([2])
  })
})

class Gates {
  readonly #openers: (() => void)[] = []
  readonly gate = (): Promise<void> => new Promise((resolve) => this.#openers.push(resolve))

  open(index: number): void {
    this.#openers[index]?.()
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
