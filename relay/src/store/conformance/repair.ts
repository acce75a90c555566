// Repair: new generations, once for each cause, and ever longer waits where they change nothing.
import assert from 'node:assert/strict'
import { type Bytes, FINGERPRINTS_KEPT_MAX, REPAIR_WAIT_MS_MAX, type RelayStore } from '../contract.ts'
import { changedAfter, claim, compact, FallibleRandom, feedMark, id, SHORT_LIMITS, withClock } from './acts.ts'
import {
  appendText,
  assertBytes,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readPage,
  readTexts,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'
const { repairWaitMs } = SHORT_LIMITS
const DAY_MS: number = 24 * 60 * 60 * 1000

export function repairContract(test: ContractTest, openStore: OpenStore): void {
  generationContract(test, openStore)
  refusedContract(test, openStore)
  knownContract(test, openStore)
  waitContract(test, openStore)
}

async function repair(store: RelayStore, fingerprint: Bytes): Promise<'drawn' | 'known' | 'later' | 'moved'> {
  const { incarnation } = await judge(store, NOVEL)
  return store.repair({ documentId: NOVEL, incarnation, fingerprint })
}

function generationContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'repair: draws a generation, and the log stays what it is',
    withStore(openStore, async (subject) => {
      const { receipt: mark, incarnation } = await appendText(subject.store, NOVEL, 'one')
      const before = await judge(subject.store, NOVEL)
      assertBytes(before.generation, new Uint8Array(8))
      assert.equal(await repair(subject.store, id(1)), 'drawn')
      const { generation } = await judge(subject.store, NOVEL)
      assert.equal(generation.length, 8)
      assert.notDeepEqual([...generation], [...before.generation])
      await subject.reopen()
      const after = await judge(subject.store, NOVEL, { mark })
      assertBytes(after.generation, generation)
      assert.deepEqual([after.status, after.markIndex, after.entriesToCome], ['OK', 1, 0])
      assertBytes(after.incarnation, incarnation)
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['one'])
    }),
  )
  test(
    'repair: changes the tag and moves the feed row, so that closed documents learn of it (case 43)',
    withStore(openStore, async (subject) => {
      await appendText(subject.store, NOVEL, 'one')
      await appendText(subject.store, 'alice/diary', 'one')
      const before = await readPage(subject.store, NOVEL)
      const mark = await feedMark(subject.store, 'alice')
      assert.equal(await repair(subject.store, id(1)), 'drawn')
      await subject.reopen()
      const page = await subject.store.feed({ vault: 'alice', mark, documentsMax: 10 })
      assert.deepEqual(
        page.documents.map(({ documentId, deleted }) => [documentId, deleted]),
        [[NOVEL, false]],
      )
      const { tag } = await readPage(subject.store, NOVEL)
      assert.notDeepEqual([...tag], [...before.tag])
      assertBytes(page.documents[0]?.tag ?? EMPTY, tag)
      assert.deepEqual(await changedAfter(subject.store, 'alice', EMPTY), ['alice/diary', NOVEL])
    }),
  )
  test(
    'repair: drops the claims',
    withStore(openStore, async (subject) => {
      const { receipt: mark } = await appendText(subject.store, NOVEL, 'one')
      await claim(subject.store, NOVEL, { mark, device: 1, digest: 1 })
      await repair(subject.store, id(1))
      await subject.reopen()
      assert.equal((await judge(subject.store, NOVEL)).lastClaim, null)
      assert.equal(await claim(subject.store, NOVEL, { mark, device: 2, digest: 2 }), 'kept')
    }),
  )
}

function refusedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'repair: moved where there is no log, or another',
    withStore(openStore, async ({ store }) => {
      const { incarnation } = await appendText(store, NOVEL, 'one')
      const request = { documentId: NOVEL, incarnation, fingerprint: id(1) }
      const before = await feedMark(store, 'alice')
      assert.equal(await store.repair({ ...request, documentId: 'alice/none' }), 'moved')
      assert.equal(await store.repair({ ...request, incarnation: id(1) }), 'moved')
      assert.equal(await store.repair({ ...request, incarnation: EMPTY }), 'moved')
      await assert.rejects(store.repair({ ...request, fingerprint: EMPTY }), RangeError)
      assertBytes((await judge(store, NOVEL)).generation, new Uint8Array(8))
      assert.deepEqual(await changedAfter(store, 'alice', before), [])
      assert.equal(await store.repair(request), 'drawn')
    }),
  )
  test('repair: a throw inside leaves nothing of it', async () => {
    const entropy = new FallibleRandom()
    const subject = await openStore({ random: entropy.random })
    try {
      const { store } = subject
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      await claim(store, NOVEL, { mark, device: 1 })
      const [before, feed] = [await judge(store, NOVEL), await feedMark(store, 'alice')]
      entropy.broken = true
      await assert.rejects(repair(store, id(1)), /no entropy/)
      entropy.broken = false
      assert.deepEqual(await judge(store, NOVEL), before)
      assert.deepEqual(await changedAfter(store, 'alice', feed), [])
      assert.equal(await repair(store, id(1)), 'drawn')
    } finally {
      await subject.dispose()
    }
  })
}

function knownContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'repair: known where the fingerprint has had its repair, until the base moves',
    withClock(openStore, async (subject, clock) => {
      const { receipt: mark } = await appendText(subject.store, NOVEL, 'one')
      assert.equal(await repair(subject.store, id(1)), 'drawn')
      const drawn = await judge(subject.store, NOVEL)
      for (let time = 0; time < 3; time += 1) {
        assert.equal(await repair(subject.store, id(1)), 'known')
        clock.nowMs += 30 * 24 * 60 * 60 * 1000
        await subject.reopen()
      }
      assert.deepEqual(await judge(subject.store, NOVEL), drawn)
      await appendText(subject.store, NOVEL, 'two')
      assert.equal(await repair(subject.store, id(1)), 'known')
      await compact(subject.store, NOVEL, { mark })
      assert.equal(await repair(subject.store, id(1)), 'drawn')
      assert.equal(await repair(subject.store, id(1)), 'known')
    }),
  )
  test(
    `repair: the newest ${FINGERPRINTS_KEPT_MAX} fingerprints are remembered`,
    withClock(openStore, async (subject, clock) => {
      for (let number = 0; number <= FINGERPRINTS_KEPT_MAX; number += 1) {
        clock.nowMs += 2 * DAY_MS
        await appendText(subject.store, NOVEL, `${number}`)
        assert.equal(await repair(subject.store, id(number)), 'drawn')
        assert.equal(await repair(subject.store, id(0)), number === FINGERPRINTS_KEPT_MAX ? 'later' : 'known')
      }
      await subject.reopen()
      assert.equal(await repair(subject.store, id(1)), 'known')
      assert.equal(await repair(subject.store, id(FINGERPRINTS_KEPT_MAX)), 'known')
      clock.nowMs += 2 * DAY_MS
      assert.equal(await repair(subject.store, id(0)), 'drawn')
    }),
  )
  test(
    'repair: of two at once, one is drawn',
    withStore(openStore, async ({ store }) => {
      await appendText(store, NOVEL, 'one')
      const outcomes = await Promise.all([repair(store, id(1)), repair(store, id(1)), repair(store, id(2))])
      assert.deepEqual(outcomes, ['drawn', 'known', 'later'])
    }),
  )
}

function waitContract(test: ContractTest, openStore: OpenStore): void {
  /** How long the next one has to wait, to the millisecond. */
  const waitedFor = async (
    store: RelayStore,
    clock: { nowMs: number },
    waitMs: number,
    cause: Bytes,
  ): Promise<void> => {
    if (waitMs > 0) {
      clock.nowMs += waitMs - 1
      assert.equal(await repair(store, cause), 'later', `after ${waitMs - 1} ms`)
      clock.nowMs += 1
    }
    assert.equal(await repair(store, cause), 'drawn', `after ${waitMs} ms`)
  }
  test(
    'repair: waits twice as long each time, until one that changed something lies a day back',
    withClock(openStore, async (subject, clock) => {
      await appendText(subject.store, NOVEL, 'one')
      for (const [cause, factor] of [0, 1, 2, 4, 8].entries()) {
        await waitedFor(subject.store, clock, factor * repairWaitMs, id(cause))
        if (cause === 2) await subject.reopen()
      }
      // Also after one that changed something: a peer that writes on must not have the others resync for ever.
      await appendText(subject.store, NOVEL, 'two')
      await waitedFor(subject.store, clock, 16 * repairWaitMs, id(10))
      clock.nowMs += 2 * DAY_MS
      assert.equal(await repair(subject.store, id(11)), 'drawn', 'it had changed nothing')
      await waitedFor(subject.store, clock, 64 * repairWaitMs, id(12))
      await appendText(subject.store, NOVEL, 'three')
      clock.nowMs += 2 * DAY_MS
      assert.equal(await repair(subject.store, id(13)), 'drawn')
      await waitedFor(subject.store, clock, repairWaitMs, id(14))
    }),
  )
  test(
    'repair: one that is put off changes nothing, and may be asked for again',
    withClock(openStore, async ({ store }, clock) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      await repair(store, id(1))
      await claim(store, NOVEL, { mark, device: 1 })
      const [before, feed] = [await judge(store, NOVEL), await feedMark(store, 'alice')]
      clock.nowMs += repairWaitMs - 1
      assert.equal(await repair(store, id(2)), 'later')
      assert.deepEqual(await judge(store, NOVEL), before)
      assert.deepEqual(await changedAfter(store, 'alice', feed), [])
      clock.nowMs += 1
      assert.equal(await repair(store, id(2)), 'drawn')
    }),
  )
  test(
    'repair: waits a week at most, and each document for itself',
    withClock(
      openStore,
      async ({ store }, clock) => {
        await appendText(store, NOVEL, 'one')
        for (const [cause, waitMs] of [0, 3, 6, 7, 7].entries()) {
          await waitedFor(store, clock, Math.min(waitMs * 24 * 60 * 60 * 1000, REPAIR_WAIT_MS_MAX), id(cause))
        }
        const { incarnation } = await appendText(store, 'alice/diary', 'one')
        assert.equal(await store.repair({ documentId: 'alice/diary', incarnation, fingerprint: id(0) }), 'drawn')
      },
      { repairWaitMs: 3 * 24 * 60 * 60 * 1000 },
    ),
  )
  test(
    'repair: a push that was known already has changed nothing',
    withClock(openStore, async ({ store }, clock) => {
      await appendText(store, NOVEL, 'one')
      assert.equal(await repair(store, id(1)), 'drawn')
      await appendText(store, NOVEL, 'one')
      clock.nowMs += 2 * DAY_MS
      assert.equal(await repair(store, id(2)), 'drawn')
      await waitedFor(store, clock, 2 * repairWaitMs, id(3))
    }),
  )
}
