// Claims: which are compared, which are kept, and which are thrown away.
import assert from 'node:assert/strict'
import { CLAIMS_KEPT_MAX } from '../contract.ts'
import { claim, compact, id, SHORT_LIMITS, sweepAll, withClock } from './acts.ts'
import {
  append,
  appendText,
  at,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  textPush,
  withBitFlipped,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function claimsContract(test: ContractTest, openStore: OpenStore): void {
  compareContract(test, openStore)
  keptContract(test, openStore)
  staleContract(test, openStore)
}

function compareContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'claim: agrees or differs with those of its profile at its index, across a restart',
    withStore(openStore, async (subject) => {
      const { receipt: mark } = await appendText(subject.store, NOVEL, 'one')
      assert.equal(await claim(subject.store, NOVEL, { mark, device: 1, digest: 5 }), 'kept')
      await subject.reopen()
      assert.equal(await claim(subject.store, NOVEL, { mark, device: 2, digest: 5 }), 'agrees')
      assert.equal(await claim(subject.store, NOVEL, { mark, device: 3, digest: 6 }), 'differs')
      assert.equal(await claim(subject.store, NOVEL, { mark, device: 3, digest: 5 }), 'agrees')
    }),
  )
  test(
    'claim: other profiles, indexes and documents are not compared (case 30)',
    withStore(openStore, async ({ store }) => {
      const [first, second] = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
      const diary = await appendText(store, 'alice/diary', '1')
      assert.ok(first && second)
      assert.equal(await claim(store, NOVEL, { mark: first.receipt, device: 1, digest: 1 }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark: second.receipt, device: 2, digest: 2 }), 'kept')
      assert.equal(await claim(store, 'alice/diary', { mark: diary.receipt, device: 3, digest: 3 }), 'kept')
      for (const [position, profile] of ['1/13.7/', '2/13.6/', '1/13.6/k1', ''].entries()) {
        assert.equal(
          await claim(store, NOVEL, { mark: first.receipt, device: 4, digest: 10 + position, profile }),
          'kept',
        )
      }
    }),
  )
  test(
    "claim: a device's own claim agrees with nothing, and differs where it says something else (case 30)",
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      assert.equal(await claim(store, NOVEL, { mark, device: 1, digest: 1 }), 'kept')
      assert.equal(await claim(store, NOVEL, { mark, device: 1, digest: 1 }), 'kept')
      assert.equal((await judge(store, NOVEL)).agreedIndex, 0)
      assert.equal(await claim(store, NOVEL, { mark, device: 1, digest: 2 }), 'differs')
    }),
  )
  test(
    'claim: one that differs is not stored',
    withClock(openStore, async ({ store }, clock) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      await claim(store, NOVEL, { mark, device: 1, digest: 1 })
      const before = await judge(store, NOVEL)
      clock.nowMs += 10
      assert.equal(await claim(store, NOVEL, { mark, device: 2, digest: 2 }), 'differs')
      assert.deepEqual(await judge(store, NOVEL), before)
      assert.equal(await claim(store, NOVEL, { mark, device: 3, digest: 1 }), 'agrees')
    }),
  )
}

function keptContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'claim: the newest, and where devices agreed, stand in the judgement',
    withClock(openStore, async (subject, clock) => {
      const marks = (await append(subject.store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])).map(
        ({ receipt }) => receipt,
      )
      const expectJudged = async (index: number, device: number, agreedIndex: number): Promise<void> => {
        const judgement = await judge(subject.store, NOVEL)
        assert.deepEqual(
          { ...judgement.lastClaim, device: [...(judgement.lastClaim?.device ?? [])] },
          { index, atMs: clock.nowMs, device: [...id(device)] },
        )
        assert.equal(judgement.agreedIndex, agreedIndex)
      }
      await claim(subject.store, NOVEL, { mark: at(marks, 1), device: 1 })
      await expectJudged(2, 1, 0)
      clock.nowMs += 10
      await claim(subject.store, NOVEL, { mark: at(marks, 1), device: 2 })
      await expectJudged(2, 2, 2)
      clock.nowMs += 10
      await claim(subject.store, NOVEL, { mark: at(marks, 0), device: 3 })
      await claim(subject.store, NOVEL, { mark: at(marks, 0), device: 4 })
      await subject.reopen()
      await expectJudged(1, 4, 2)
    }),
  )
  test(
    'claim: moves neither the feed nor the tag',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      const whole = { vault: 'alice', mark: EMPTY, documentsMax: 10 }
      const before = await store.feed(whole)
      await claim(store, NOVEL, { mark, device: 1 })
      assert.deepEqual((await store.feed(whole)).documents, before.documents)
      assert.deepEqual((await store.feed({ ...whole, mark: before.mark })).documents, [])
    }),
  )
  test(
    `claim: the newest ${CLAIMS_KEPT_MAX} are kept, one for each device and profile`,
    withStore(openStore, async (subject) => {
      const marks = (await append(subject.store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])).map(
        ({ receipt }) => receipt,
      )
      const [first, second] = [at(marks, 0), at(marks, 1)]
      assert.equal(await claim(subject.store, NOVEL, { mark: first, device: 1, digest: 1 }), 'kept')
      // Each of these takes the place of the one before.
      for (let time = 0; time < CLAIMS_KEPT_MAX + 2; time += 1) {
        await claim(subject.store, NOVEL, { mark: second, device: 2 })
      }
      for (let device = 3; device < CLAIMS_KEPT_MAX + 1; device += 1) {
        await claim(subject.store, NOVEL, { mark: second, device })
      }
      await subject.reopen()
      assert.equal(await claim(subject.store, NOVEL, { mark: first, device: 50, digest: 2 }), 'differs')
      await claim(subject.store, NOVEL, { mark: second, device: 2, profile: '1/14.0/' })
      await subject.reopen()
      assert.equal(await claim(subject.store, NOVEL, { mark: first, device: 50, digest: 2 }), 'kept')
    }),
  )
}

function staleContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'claim: stale where the mark is not of the log, and nothing is kept of it',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      const other = await appendText(store, 'alice/diary', 'one')
      const generation = new Uint8Array(8)
      assert.equal(await claim(store, 'alice/none', { mark, device: 1, generation }), 'stale')
      assert.equal(await claim(store, NOVEL, { mark: other.receipt, device: 1 }), 'stale')
      assert.equal(await claim(store, NOVEL, { mark: EMPTY, device: 1 }), 'stale')
      for (const position of [0, 20, 30]) {
        assert.equal(await claim(store, NOVEL, { mark: withBitFlipped(mark, position), device: 1 }), 'stale')
      }
      assert.equal((await judge(store, NOVEL)).lastClaim, null)
      assert.equal(await claim(store, NOVEL, { mark, device: 1, digest: 9 }), 'kept')
    }),
  )
  test(
    'claim: stale where it was made before the newest repair (case 30)',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark, incarnation } = await appendText(store, NOVEL, 'one')
      const { generation } = await judge(store, NOVEL)
      assert.equal(await claim(store, NOVEL, { mark, device: 1, generation: id(1).subarray(8) }), 'stale')
      assert.equal(await claim(store, NOVEL, { mark, device: 1, digest: 1 }), 'kept')
      assert.equal(await store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }), 'drawn')
      assert.equal(await claim(store, NOVEL, { mark, device: 2, digest: 2, generation }), 'stale')
      assert.equal((await judge(store, NOVEL)).lastClaim, null)
      assert.equal(await claim(store, NOVEL, { mark, device: 2, digest: 2 }), 'kept')
    }),
  )
  test(
    'claim: stale where the mark is too old to be checked',
    withClock(openStore, async ({ store }, clock) => {
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2'), textPush(NOVEL, '3')])
      await compact(store, NOVEL, { mark: at(results, 1).receipt })
      assert.equal(await claim(store, NOVEL, { mark: at(results, 0).receipt, device: 1 }), 'kept')
      clock.nowMs += SHORT_LIMITS.retentionMaxMs
      await sweepAll(store)
      assert.equal(await claim(store, NOVEL, { mark: at(results, 0).receipt, device: 2 }), 'stale')
      assert.equal(await claim(store, NOVEL, { mark: at(results, 1).receipt, device: 2 }), 'kept')
    }),
  )
  test(
    'claim: an id or a digest of another length is a RangeError',
    withStore(openStore, async ({ store }) => {
      const { receipt: mark } = await appendText(store, NOVEL, 'one')
      const good = { documentId: NOVEL, mark, generation: new Uint8Array(8), device: id(1), profile: '', digest: id(1) }
      await assert.rejects(store.claim({ ...good, device: EMPTY }), RangeError)
      await assert.rejects(store.claim({ ...good, digest: id(1).subarray(1) }), RangeError)
      assert.equal(await store.claim(good), 'kept')
    }),
  )
}
