// The memory store held to the contract, and what it does beyond it: simulated durability, crashes, backups.
import { describe, expect, it } from 'vitest'
import { claim, compact, id, sweepAll } from '../../../relay/src/store/conformance/acts.ts'
import { append, appendText, EMPTY, judge, readTexts, textPush } from '../../../relay/src/store/conformance/subject.ts'
import { type StoreUnderTest, storeContract } from '../../../relay/src/store/conformance.ts'
import type { RelayStore } from '../../../relay/src/store/contract.ts'
import {
  type MemoryRelayStore,
  type MemorySnapshot,
  type MemoryStoreOptions,
  memoryRelayStore,
} from '../../../relay/src/store/memory.ts'
import { baseOf, entryAt, headOf, indexOfMark } from '../../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../../relay/src/store/memory-state.ts'

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

const NOVEL = 'alice/novel'

describe('memory store, simulated durability', () => {
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

describe('memory store, changes of every kind', () => {
  /** One entry of each of two documents, and half of two uploads. */
  async function prepared(store: RelayStore): Promise<{ mark: Uint8Array; incarnation: Uint8Array }> {
    const [novel] = await append(store, [textPush(NOVEL, '1'), textPush('alice/diary', '1')])
    await store.stage({ key: 'u', total: 2, offset: 0, bytes: Uint8Array.of(1) })
    await store.stage({ key: 'dropped', total: 2, offset: 0, bytes: Uint8Array.of(1) })
    return { mark: novel?.receipt ?? EMPTY, incarnation: novel?.incarnation ?? EMPTY }
  }

  function changes(store: RelayStore, { mark, incarnation }: { mark: Uint8Array; incarnation: Uint8Array }) {
    return [
      store.stage({ key: 'u', total: 2, offset: 1, bytes: Uint8Array.of(2) }),
      store.dropUpload('dropped'),
      store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'u' }),
      claim(store, NOVEL, { mark, device: 1, generation: new Uint8Array(8) }),
      store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }),
      store.append([textPush(NOVEL, '2')]),
      store.delete({ documentId: 'alice/diary', mark: id(1) }),
      store.delete({ documentId: 'alice/lost', mark }),
      store.sweep(),
    ]
  }

  const DONE = [{ staged: 2 }, undefined, 'OK', 'kept', 'drawn', [{ index: 2 }], 'CHANGED', 'OK', { more: false }]

  it('show and resolve nothing before their flush ends, and share it', async () => {
    const disk = heldFlush()
    const store = memoryRelayStore({ flush: disk.flush })
    const ready = prepared(store)
    for (let flush = 0; flush < 3; flush += 1) {
      await disk.begun()
      disk.end()
    }
    const known = await ready
    const before = store.snapshot()
    let settled = 0
    const calls = changes(store, known).map((call) => call.finally(() => settled++))
    await disk.begun()
    for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(store.snapshot()).toEqual(before)
    expect(settled).toBe(0)
    disk.end()
    expect(await Promise.all(calls)).toMatchObject(DONE)
    expect(disk.count()).toBe(4)
    expect(store.snapshot()).not.toEqual(before)
  })

  it('are lost in a crash, all of them, where they were not flushed, and none where they were', async () => {
    const disk = heldFlush()
    let isHeld = false
    const store = memoryRelayStore({ flush: () => (isHeld ? disk.flush() : Promise.resolve()) })
    const known = await prepared(store)
    const before = store.snapshot()
    isHeld = true
    const calls = changes(store, known).map((call) => expect(call).rejects.toMatchObject({ code: 'CLOSED' }))
    await disk.begun()
    const crashed = store.crash()
    await Promise.all(calls)
    disk.end()
    await new Promise((resolve) => setImmediate(resolve))
    isHeld = false
    // What the dead process had under way is made nowhere, not even in its own memory.
    expect(store.snapshot()).toEqual(before)
    expect(withoutTerms(crashed.snapshot())).toEqual(withoutTerms(before))
    expect(await Promise.all(changes(crashed, known))).toMatchObject(DONE)
    const after = crashed.snapshot()
    expect(withoutTerms(crashed.crash().snapshot())).toEqual(withoutTerms(after))
  })

  it('are refused STORAGE where their flush fails, and leave nothing behind', async () => {
    let isBroken = false
    const flush = async (): Promise<void> => {
      if (isBroken) throw new Error('disk full')
    }
    const store = memoryRelayStore({ flush })
    const known = await prepared(store)
    const before = store.snapshot()
    isBroken = true
    for (const call of changes(store, known).map((change) =>
      expect(change).rejects.toMatchObject({ code: 'STORAGE' }),
    )) {
      await call
    }
    isBroken = false
    expect(store.snapshot()).toEqual(before)
    expect(await Promise.all(changes(store, known))).toMatchObject(DONE)
  })

  it('leave a backup alone, which can be restored again and again', async () => {
    const store = memoryRelayStore()
    const known = await prepared(store)
    const backup = store.snapshot()
    const kept = structuredClone(backup)
    await Promise.all(changes(store, known))
    let restored = store
    for (let time = 0; time < 2; time += 1) {
      restored = restored.restore(backup, { newEpoch: false })
      expect(await Promise.all(changes(restored, known))).toMatchObject(DONE)
      expect(backup).toEqual(kept)
    }
  })

  it('are the same for the same random bytes and times', async () => {
    const run = async (): Promise<unknown> => {
      let drawn = 0
      const store = memoryRelayStore({ now: () => ++drawn, random: (bytes) => new Uint8Array(bytes).fill(++drawn) })
      const results = await Promise.all(changes(store, await prepared(store)))
      return [results, store.snapshot()]
    }
    expect(await run()).toEqual(await run())
  })
})

describe('memory store, what its state says', () => {
  it('finds entries by index, also once the first of them are dropped', async () => {
    let nowMs = 1_000
    const store = memoryRelayStore({ now: () => nowMs, limits: { retentionMaxMs: 10 } })
    const results = await append(
      store,
      ['1', '2', '3', '4'].map((text) => textPush(NOVEL, text)),
    )
    const marks = results.map(({ receipt }) => receipt)
    const log = (): MemoryDocument => store.snapshot().state.documents.get(NOVEL) as MemoryDocument
    await compact(store, NOVEL, { mark: marks[1] ?? EMPTY })
    expect([log().oldest, headOf(log()), baseOf(log())]).toEqual([1, 4, 2])
    expect(new TextDecoder().decode(entryAt(log(), 1)?.payload)).toBe('1')
    nowMs += 10
    await sweepAll(store)
    expect([log().oldest, headOf(log()), baseOf(log())]).toEqual([3, 4, 2])
    expect([1, 2, 3, 4, 5].map((index) => new TextDecoder().decode(entryAt(log(), index)?.payload))).toEqual([
      '',
      '',
      '3',
      '4',
      '',
    ])
    expect(marks.map((mark) => indexOfMark(log(), mark))).toEqual([undefined, 2, 3, 4])
    expect([...log().indexOfPush.values()]).toEqual([3, 4])
  })

  it('keeps the log of a deleted document beside its tombstone until it is due', async () => {
    let nowMs = 1_000
    const store = memoryRelayStore({ now: () => nowMs, limits: { retentionMs: 10, tombstoneMs: 20 } })
    const { receipt: mark } = await appendText(store, NOVEL, '1')
    await store.delete({ documentId: NOVEL, mark })
    const rows = (): unknown => {
      const { documents, tombstones } = store.snapshot().state
      return [documents.size, tombstones.get(NOVEL)?.map(({ log }) => log?.entries.length ?? null)]
    }
    expect(rows()).toEqual([0, [1]])
    for (const expected of [[1], [null], undefined]) {
      await sweepAll(store)
      expect(rows()).toEqual([0, expected])
      nowMs += 10
    }
  })
})

/** Each start draws a term of its own. */
function withoutTerms({ state }: MemorySnapshot): unknown {
  return { ...state, terms: [] }
}

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
