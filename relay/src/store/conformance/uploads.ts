// Uploads: pieces in order, how far they are, their hash, their bound, and their end.
import assert from 'node:assert/strict'
import type { RelayStore } from '../contract.ts'
import { patterned, SHORT_LIMITS, sha256Of, stageWhole, sweepAll, withClock } from './acts.ts'
import { assertBytes, type ContractTest, EMPTY, type OpenStore, withStore } from './subject.ts'

const { uploadIdleMs } = SHORT_LIMITS
const PIECE_OVERHEAD_BYTES = 512

export function uploadsContract(test: ContractTest, openStore: OpenStore): void {
  pieceContract(test, openStore)
  keyContract(test, openStore)
  hashContract(test, openStore)
  boundContract(test, openStore)
  idleContract(test, openStore)
}

/** How many bytes of an upload are there, where one of this total is. */
async function staged(store: RelayStore, key: string, total: number): Promise<number> {
  const answer = await store.stage({ key, total, offset: 0, bytes: EMPTY })
  return answer === 'full' ? assert.fail('an empty piece is never too much') : answer.staged
}

function pieceContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'stage: a piece that continues is added; any other only asks',
    withStore(openStore, async (subject) => {
      const bytes = patterned(100)
      const piece = async (from: number, to: number): Promise<unknown> =>
        subject.store.stage({ key: 'u', total: 100, offset: from, bytes: bytes.subarray(from, to) })
      assert.deepEqual(await piece(0, 0), { staged: 0 })
      assert.deepEqual(await piece(10, 20), { staged: 0 })
      assert.deepEqual(await piece(0, 40), { staged: 40 })
      await subject.reopen()
      assert.deepEqual(await piece(0, 40), { staged: 40 })
      assert.deepEqual(await piece(50, 60), { staged: 40 })
      assert.deepEqual(await piece(30, 50), { staged: 40 })
      assert.deepEqual(await piece(40, 40), { staged: 40 })
      assert.deepEqual(await piece(40, 41), { staged: 41 })
      assert.deepEqual(await piece(41, 100), { staged: 100 })
      assert.deepEqual(await piece(99, 100), { staged: 100 })
      assert.deepEqual(await piece(100, 100), { staged: 100 })
      await subject.reopen()
      assertBytes(await wholeHash(subject.store, 'u'), sha256Of(bytes))
    }),
  )
  test(
    'stage: pieces that overlap in time are added in call order',
    withStore(openStore, async ({ store }) => {
      const bytes = patterned(100)
      const pieces = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90]
      const answers = await Promise.all(
        pieces.map((offset) =>
          store.stage({ key: 'u', total: 100, offset, bytes: bytes.subarray(offset, offset + 10) }),
        ),
      )
      assert.deepEqual(
        answers,
        pieces.map((offset) => ({ staged: offset + 10 })),
      )
      assertBytes(await wholeHash(store, 'u'), sha256Of(bytes))
    }),
  )
  test(
    'stage: a piece with another total begins the upload anew',
    withStore(openStore, async ({ store }) => {
      await store.stage({ key: 'u', total: 100, offset: 0, bytes: patterned(40) })
      assert.deepEqual(await store.stage({ key: 'u', total: 101, offset: 40, bytes: patterned(20) }), { staged: 0 })
      assert.equal(await staged(store, 'u', 100), 0)
      await store.stage({ key: 'u', total: 100, offset: 0, bytes: patterned(40) })
      assert.deepEqual(await store.stage({ key: 'u', total: 20, offset: 0, bytes: patterned(20, 1) }), { staged: 20 })
      assertBytes(await wholeHash(store, 'u'), sha256Of(patterned(20, 1)))
    }),
  )
  test(
    'stage: copies what it is given',
    withStore(openStore, async ({ store }) => {
      for (const length of [20, 70_000]) {
        const bytes = patterned(length)
        const call = store.stage({ key: `${length}`, total: length, offset: 0, bytes })
        bytes.fill(255)
        await call
        assertBytes(await wholeHash(store, `${length}`), sha256Of(patterned(length)))
      }
    }),
  )
}

function keyContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'stage: uploads are told apart by their keys, byte by byte',
    withStore(openStore, async (subject) => {
      const keys = [
        'a',
        'a/',
        'a/b',
        'A',
        'é',
        'e\u0301',
        '𝄞',
        'k'.repeat(1_200),
        `${'k'.repeat(1_199)}l`,
        'a\u0000b',
        'a ',
      ]
      for (const [position, key] of keys.entries()) {
        await subject.store.stage({ key, total: 100, offset: 0, bytes: patterned(position + 1) })
      }
      await subject.reopen()
      for (const [position, key] of keys.entries())
        assert.equal(await staged(subject.store, key, 100), position + 1, key)
      await subject.store.dropUpload('a')
      for (const [position, key] of keys.slice(1).entries()) {
        assert.equal(await staged(subject.store, key, 100), position + 2, key)
      }
    }),
  )
  test(
    'stage: what is no piece is a RangeError, and stages nothing',
    withStore(openStore, async ({ store }) => {
      const good = { key: 'u', total: 10, offset: 0, bytes: patterned(5) }
      const wrong = [
        { ...good, key: '' },
        { ...good, key: 'k'.repeat(1_201) },
        { ...good, key: `${'k'.repeat(1_199)}é` },
        { ...good, total: 0, bytes: EMPTY },
        { ...good, total: 1.5 },
        { ...good, offset: -1 },
        { ...good, offset: 6 },
        { ...good, total: 4 },
      ]
      for (const piece of wrong) await assert.rejects(store.stage(piece), RangeError)
      assert.equal(await staged(store, 'u', 10), 0)
      await assert.rejects(store.hashUpload('', EMPTY), RangeError)
      await assert.rejects(store.dropUpload('k'.repeat(1_201)), RangeError)
    }),
  )
}

function hashContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'hashUpload: SHA-256 of the prefix and the whole upload behind it, whatever the pieces',
    withStore(openStore, async (subject) => {
      const sizes = [1, 4_096, 65_519, 65_520, 65_521, 131_040, 131_041, 3_000_000]
      for (const [position, size] of sizes.entries()) {
        await stageWhole(subject.store, `${position}`, patterned(size, position), position % 2 === 0 ? 65_536 : 50_001)
      }
      await subject.reopen()
      for (const [position, size] of sizes.entries()) {
        const bytes = patterned(size, position)
        assertBytes(await wholeHash(subject.store, `${position}`), sha256Of(bytes), `${size} bytes`)
        const prefixed = await subject.store.hashUpload(`${position}`, Uint8Array.of(1, 2))
        assertBytes(prefixed === 'gone' ? EMPTY : prefixed, sha256Of(Uint8Array.of(1, 2), bytes))
      }
    }),
  )
  test(
    'hashUpload: gone where the upload is not whole, was dropped, or never was',
    withStore(openStore, async ({ store }) => {
      assert.equal(await store.hashUpload('u', EMPTY), 'gone')
      await store.stage({ key: 'u', total: 20, offset: 0, bytes: patterned(19) })
      assert.equal(await store.hashUpload('u', EMPTY), 'gone')
      await store.stage({ key: 'u', total: 20, offset: 19, bytes: patterned(20).subarray(19) })
      assertBytes(await wholeHash(store, 'u'), sha256Of(patterned(20)))
      await store.dropUpload('u')
      assert.equal(await store.hashUpload('u', EMPTY), 'gone')
      assert.equal(await staged(store, 'u', 20), 0)
      await store.dropUpload('u')
      await store.dropUpload('never was')
    }),
  )
}

function boundContract(test: ContractTest, openStore: OpenStore): void {
  const uploadBytesMax = 10_000
  test(
    'stage: full where all uploads together would pass the bound, pieces counted as well; and nothing is staged',
    withClock(
      openStore,
      async (subject) => {
        const total = uploadBytesMax
        const largest = uploadBytesMax - 2 * PIECE_OVERHEAD_BYTES - 100
        const one = (length: number): ReturnType<RelayStore['stage']> =>
          subject.store.stage({ key: 'one', total, offset: 0, bytes: patterned(length) })
        assert.deepEqual(await subject.store.stage({ key: 'two', total, offset: 0, bytes: patterned(100) }), {
          staged: 100,
        })
        assert.equal(await one(largest + 1), 'full')
        assert.equal(await staged(subject.store, 'one', total), 0)
        assert.deepEqual(await one(largest), { staged: largest })
        await subject.reopen()
        const more = { key: 'one', total, offset: largest, bytes: patterned(1) }
        assert.equal(await subject.store.stage(more), 'full')
        assert.equal(await subject.store.stage({ ...more, key: 'three', offset: 0 }), 'full')
        assert.equal(await staged(subject.store, 'one', total), largest)
        await subject.store.dropUpload('two')
        assert.deepEqual(await subject.store.stage(more), { staged: largest + 1 })
      },
      { uploadBytesMax },
    ),
  )
  test(
    'stage: many small pieces pass the bound as well; what is taken or dropped makes room',
    withClock(
      openStore,
      async ({ store }) => {
        const pieces = Math.floor(uploadBytesMax / (PIECE_OVERHEAD_BYTES + 1))
        for (let offset = 0; offset < pieces; offset += 1) {
          const answer = await store.stage({ key: 'u', total: 1_000, offset, bytes: patterned(1) })
          assert.deepEqual(answer, { staged: offset + 1 })
        }
        assert.equal(await store.stage({ key: 'u', total: 1_000, offset: pieces, bytes: patterned(1) }), 'full')
        await store.dropUpload('u')
        for (const name of ['1', '2', '3']) {
          await stageWhole(store, name, patterned(9_000))
          const push = { documentId: `alice/${name}`, pushId: new Uint8Array(16), format: 1, payload: { upload: name } }
          const [appended] = await store.append([push])
          assert.ok(appended !== undefined && 'index' in appended)
        }
      },
      { uploadBytesMax },
    ),
  )
}

function idleContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'sweep: an upload is dropped once no piece has come for uploadIdleMs',
    withClock(openStore, async (subject, clock) => {
      const { store } = subject
      await stageWhole(store, 'whole', patterned(30))
      await store.stage({ key: 'goes on', total: 30, offset: 0, bytes: patterned(10) })
      clock.nowMs += uploadIdleMs - 1
      await store.stage({ key: 'goes on', total: 30, offset: 10, bytes: patterned(10) })
      await sweepAll(store)
      assert.deepEqual([await staged(store, 'whole', 30), await staged(store, 'goes on', 30)], [30, 20])
      await subject.reopen()
      clock.nowMs += 1
      await sweepAll(subject.store)
      assert.equal(await subject.store.hashUpload('whole', EMPTY), 'gone')
      assert.deepEqual([await staged(subject.store, 'whole', 30), await staged(subject.store, 'goes on', 30)], [0, 20])
      clock.nowMs += uploadIdleMs - 1
      await sweepAll(subject.store)
      assert.equal(await staged(subject.store, 'goes on', 30), 0)
    }),
  )
  test(
    'sweep: what it drops of uploads makes room',
    withClock(
      openStore,
      async ({ store }, clock) => {
        const piece = { total: 900, offset: 0, bytes: patterned(400) }
        assert.deepEqual(await store.stage({ key: 'one', ...piece }), { staged: 400 })
        assert.equal(await store.stage({ key: 'two', ...piece }), 'full')
        clock.nowMs += uploadIdleMs
        await sweepAll(store)
        assert.deepEqual(await store.stage({ key: 'two', ...piece }), { staged: 400 })
      },
      { uploadBytesMax: 1_000 },
    ),
  )
}

async function wholeHash(store: RelayStore, key: string): Promise<Uint8Array> {
  const hash = await store.hashUpload(key, EMPTY)
  return hash === 'gone' ? assert.fail(`${key} is not whole`) : hash
}
