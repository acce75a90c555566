// A throw in the middle of any change leaves nothing of it (case 19), and so does one that shares its commit.
import assert from 'node:assert/strict'
import type { Bytes, RelayStore } from '../contract.ts'
import { changedAfter, claim, FallibleRandom, feedMark, id, patterned, SHORT_LIMITS, stageWhole } from './acts.ts'
import {
  append,
  appendText,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readTexts,
  type Stored,
  stored,
  textPush,
} from './subject.ts'

const NOVEL = 'alice/novel'

interface Broken {
  readonly store: RelayStore
  readonly last: Stored
  readonly generation: Bytes
}

/** Each of these reads the clock, to note when it was. */
const CHANGES: Readonly<Record<string, (broken: Broken) => Promise<unknown>>> = {
  append: ({ store }) => store.append([textPush(NOVEL, 'three'), textPush('alice/new', 'one')]),
  stage: ({ store }) => store.stage({ key: 'half', total: 20, offset: 10, bytes: patterned(10) }),
  install: ({ store, last }) =>
    store.install({ documentId: NOVEL, mark: last.receipt, baseExpected: 0, snapshotId: id(1), upload: 'whole' }),
  claim: ({ store, last, generation }) =>
    store.claim({ documentId: NOVEL, mark: last.receipt, generation, device: id(2), profile: 'p', digest: id(1) }),
  repair: ({ store, last }) => store.repair({ documentId: NOVEL, incarnation: last.incarnation, fingerprint: id(1) }),
  delete: ({ store, last }) => store.delete({ documentId: NOVEL, mark: last.receipt }),
  sweep: ({ store }) => store.sweep(),
}

export function throwsContract(test: ContractTest, openStore: OpenStore): void {
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`${name}: a throw inside leaves nothing of it`, async () => {
      let broken = false
      const now = (): number => {
        if (broken) throw new Error('no clock')
        return 1_700_000_000_000
      }
      const subject = await openStore({ now, limits: SHORT_LIMITS })
      try {
        const [, last] = await append(subject.store, [textPush(NOVEL, 'one'), textPush(NOVEL, 'two')])
        assert.ok(last)
        await stageWhole(subject.store, 'whole', patterned(20))
        await subject.store.stage({ key: 'half', total: 20, offset: 0, bytes: patterned(10) })
        await claim(subject.store, NOVEL, { mark: last.receipt, device: 1, profile: 'p' })
        const { generation } = await judge(subject.store, NOVEL)
        const feed = await feedMark(subject.store, 'alice')
        const before = await everything(subject.store, feed)
        broken = true
        await assert.rejects(change({ store: subject.store, last, generation }), /no clock/)
        broken = false
        assert.deepEqual(await everything(subject.store, feed), before)
        await subject.reopen()
        assert.deepEqual(await everything(subject.store, feed), before)
        await change({ store: subject.store, last, generation })
        assert.equal(stored((await subject.store.append([textPush('bob/1', '1')]))[0] ?? { refused: 'GONE' }).index, 1)
      } finally {
        await subject.dispose()
      }
    })
  }
  mixedContract(test, openStore)
}

function mixedContract(test: ContractTest, openStore: OpenStore): void {
  test('changes of every kind that come together are made in call order, without the one that throws', async () => {
    const entropy = new FallibleRandom()
    const subject = await openStore({ random: entropy.random })
    try {
      const { store } = subject
      const { receipt: mark, incarnation } = await appendText(store, NOVEL, 'one')
      entropy.broken = true
      const calls = [
        store.stage({ key: 'u', total: 20, offset: 0, bytes: patterned(20) }),
        store.append([textPush(NOVEL, 'two')]),
        store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }),
        store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'u' }),
        store.append([textPush(NOVEL, 'one'), textPush('alice/new', 'lost')]),
        store.append([textPush(NOVEL, 'one')]),
        store.delete({ documentId: NOVEL, mark }),
      ]
      const outcomes = await Promise.allSettled(calls)
      entropy.broken = false
      assert.deepEqual(
        outcomes.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : outcome.value)),
        [
          { staged: 20 },
          [await known(store, 'two')],
          'Error: no entropy',
          'OK',
          'Error: no entropy',
          [await known(store, 'one')],
          'CHANGED',
        ],
      )
      assert.deepEqual(await readTexts(store, NOVEL), ['one', 'two', 'one'])
      const { tail, generation } = await judge(store, NOVEL)
      assert.deepEqual([tail.base, [...generation]], [1, [0, 0, 0, 0, 0, 0, 0, 0]])
    } finally {
      await subject.dispose()
    }
  })
}

/** What a push of a text that is there was answered. */
async function known(store: RelayStore, text: string): Promise<Stored> {
  const [appended] = await append(store, [textPush(NOVEL, text)])
  return appended ?? assert.fail('nothing was appended')
}

/** All that can be asked of the test's documents and uploads. */
async function everything(store: RelayStore, feed: Bytes): Promise<unknown> {
  const staged = { key: 'half', total: 20, offset: 0, bytes: EMPTY }
  return {
    judgements: [await judge(store, NOVEL), await judge(store, 'alice/new')],
    texts: await readTexts(store, NOVEL),
    usage: await store.usage('alice'),
    changed: await changedAfter(store, 'alice', feed),
    half: await store.stage(staged),
    whole: await store.hashUpload('whole', EMPTY),
  }
}
