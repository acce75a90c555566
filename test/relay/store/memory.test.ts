// The memory store held to the contract, and what it does beyond it: simulated durability, crashes, backups.
import { describe, expect, it } from 'vitest'
import { appendText, EMPTY, judge, readTexts, textPush } from '../../../relay/src/store/conformance/subject.ts'
import { type StoreUnderTest, storeContract } from '../../../relay/src/store/conformance.ts'
import { type MemoryRelayStore, type MemoryStoreOptions, memoryRelayStore } from '../../../relay/src/store/memory.ts'

describe('memory store, the contract', () => {
  storeContract(it, async (settings) => underTest(settings))
})

describe('memory store, every flush taking a turn', () => {
  const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  storeContract(it, async (settings) => underTest({ ...settings, flush }))
})

function underTest(
  options: MemoryStoreOptions = {},
  first: MemoryRelayStore = memoryRelayStore(options),
): StoreUnderTest {
  let store = first
  return {
    get store() {
      return store
    },
    async reopen() {
      await store.close()
      store = store.restore(store.snapshot(), { newEpoch: false })
    },
    async copy() {
      const other = memoryRelayStore(options)
      return underTest(options, other.restore(store.snapshot(), { newEpoch: true }))
    },
    dispose: () => store.close(),
  }
}

describe('memory store, simulated durability', () => {
  const NOVEL = 'alice/novel'

  it('shows and resolves nothing before the flush ends, and flushes once for all that waited', async () => {
    const disk = heldFlush()
    const store = memoryRelayStore({ flush: disk.flush })
    const settled: string[] = []
    const first = appendText(store, NOVEL, '1').then(() => settled.push('1'))
    await disk.begun()
    const others = ['2', '3'].map((text) => appendText(store, NOVEL, text).then(() => settled.push(text)))
    expect((await judge(store, NOVEL)).status).toBe('NEW')
    expect(settled).toEqual([])
    disk.end()
    await first
    expect(settled).toEqual(['1'])
    expect((await judge(store, NOVEL)).head).toBe(1)
    await disk.begun()
    disk.end()
    await Promise.all(others)
    expect(await readTexts(store, NOVEL)).toEqual(['1', '2', '3'])
    expect(disk.count()).toBe(2)
  })

  it('loses in a crash exactly what was not flushed', async () => {
    const disk = heldFlush()
    const store = memoryRelayStore({ flush: disk.flush })
    const flushed = appendText(store, NOVEL, 'flushed')
    await disk.begun()
    disk.end()
    await flushed
    const feedMark = (await store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 10 })).mark
    const lost = store.append([textPush(NOVEL, 'lost')])
    await disk.begun()
    const waiting = store.append([textPush(NOVEL, 'waiting')])
    const after = store.crash()
    await expect(lost).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(waiting).rejects.toMatchObject({ code: 'CLOSED' })
    disk.end()
    await new Promise((resolve) => setImmediate(resolve))
    expect(await readTexts(after, NOVEL)).toEqual(['flushed'])
    expect((await after.feed({ vault: 'alice', mark: feedMark, documentsMax: 10 })).reset).toBe(false)
    expect(after.epoch).toEqual(store.epoch)
    await expect(judge(store, NOVEL)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  it('rejects with STORAGE when a flush fails, stores nothing of it, and goes on', async () => {
    let broken = true
    const flush = async (): Promise<void> => {
      if (broken) throw new Error('disk full')
    }
    const store = memoryRelayStore({ flush })
    await expect(store.append([textPush(NOVEL, 'lost')])).rejects.toMatchObject({ code: 'STORAGE' })
    broken = false
    expect((await appendText(store, NOVEL, 'kept')).index).toBe(1)
  })

  it('restores a backup, with or without a new epoch, as often as asked', async () => {
    const store = memoryRelayStore()
    const kept = await appendText(store, NOVEL, '1')
    const backup = store.snapshot()
    const lost = await appendText(store, NOVEL, '2')
    const raw = store.restore(backup, { newEpoch: false })
    expect(raw.epoch).toEqual(store.epoch)
    expect((await judge(raw, NOVEL, { mark: kept.receipt })).status).toBe('OK')
    expect((await judge(raw, NOVEL, { mark: kept.receipt, receipt: lost.receipt })).status).toBe('RESET')
    await appendText(raw, NOVEL, 'other')
    const told = raw.restore(backup, { newEpoch: true })
    expect(told.epoch).not.toEqual(store.epoch)
    expect(await readTexts(told, NOVEL)).toEqual(['1'])
  })

  it('does the same for the same random bytes', async () => {
    const run = async (): Promise<unknown> => {
      let drawn = 0
      const options: MemoryStoreOptions = { now: () => 7, random: (bytes) => new Uint8Array(bytes).fill(++drawn) }
      const store = memoryRelayStore(options)
      const results = await store.append([textPush(NOVEL, '1'), textPush('alice/diary', '1')])
      return [store.epoch, results, await store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 10 })]
    }
    expect(await run()).toEqual(await run())
  })
})

/** A disk whose flush ends when it is told to. */
function heldFlush(): { flush: () => Promise<void>; begun: () => Promise<void>; end: () => void; count: () => number } {
  let count = 0
  let end: (() => void) | undefined
  return {
    flush: () => {
      count += 1
      return new Promise((resolve) => {
        end = resolve
      })
    },
    begun: async () => {
      while (end === undefined) await new Promise((resolve) => setImmediate(resolve))
    },
    end: () => {
      end?.()
      end = undefined
    },
    count: () => count,
  }
}
