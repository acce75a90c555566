// Closing: what was begun is finished, and nothing begins after.
import assert from 'node:assert/strict'
import type { RelayStoreError } from '../contract.ts'
import { claim, id, patterned } from './acts.ts'
import {
  append,
  appendText,
  at,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  readTexts,
  textPush,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'

export function closeContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'close: appends that were begun are finished first',
    withStore(openStore, async (subject) => {
      const calls: Promise<unknown>[] = []
      for (const text of ['1', '2', '3']) {
        calls.push(appendText(subject.store, NOVEL, text))
        await new Promise((resolve) => setImmediate(resolve))
      }
      calls.push(appendText(subject.store, NOVEL, '4'))
      const closed = subject.store.close()
      await Promise.all(calls)
      await closed
      await subject.reopen()
      assert.deepEqual(await readTexts(subject.store, NOVEL), ['1', '2', '3', '4'])
    }),
  )
  test(
    'close: changes of every kind that were begun are finished first',
    withStore(openStore, async (subject) => {
      const { store } = subject
      const results = await append(store, [textPush(NOVEL, '1'), textPush(NOVEL, '2'), textPush('alice/diary', '1')])
      const marks = results.map(({ receipt }) => receipt)
      const { incarnation } = at(results, 0)
      const calls = [
        store.stage({ key: 'u', total: 2, offset: 0, bytes: patterned(2) }),
        store.install({ documentId: NOVEL, mark: at(marks, 0), baseExpected: 0, snapshotId: id(1), upload: 'u' }),
        claim(store, NOVEL, { mark: at(marks, 0), device: 1, generation: new Uint8Array(8) }),
        store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }),
        store.delete({ documentId: 'alice/diary', mark: at(marks, 2) }),
      ]
      const closed = store.close()
      assert.deepEqual(await Promise.all(calls), [{ staged: 2 }, 'OK', 'kept', 'drawn', 'OK'])
      await closed
      await subject.reopen()
      const { tail, generation } = await judge(subject.store, NOVEL)
      assert.equal(tail.base, 1)
      assert.notDeepEqual([...generation], [...new Uint8Array(8)])
      assert.equal((await judge(subject.store, 'alice/diary')).status, 'DELETED')
    }),
  )
  laterContract(test, openStore)
}

function laterContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'close: every later call is CLOSED, and closing again is not',
    withStore(openStore, async ({ store }) => {
      const { incarnation, receipt: mark } = await appendText(store, NOVEL, 'one')
      const closed = store.close()
      const calls = [
        (): Promise<unknown> => store.append([textPush(NOVEL, 'two')]),
        (): Promise<unknown> => judge(store, NOVEL),
        (): Promise<unknown> => store.read({ documentId: NOVEL, incarnation, after: 0, entriesMax: 1, bytesMax: 1 }),
        (): Promise<unknown> => store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 1 }),
        (): Promise<unknown> => store.usage('alice'),
        (): Promise<unknown> =>
          store.readPayload({ documentId: NOVEL, incarnation, of: { index: 1 }, offset: 0, bytesMax: 1 }),
        (): Promise<unknown> => store.stage({ key: 'u', total: 2, offset: 0, bytes: id(1).subarray(14) }),
        (): Promise<unknown> => store.hashUpload('u', EMPTY),
        (): Promise<unknown> => store.dropUpload('u'),
        (): Promise<unknown> =>
          store.install({ documentId: NOVEL, mark, baseExpected: 0, snapshotId: id(1), upload: 'u' }),
        (): Promise<unknown> => claim(store, NOVEL, { mark, device: 1, generation: EMPTY }),
        (): Promise<unknown> => store.repair({ documentId: NOVEL, incarnation, fingerprint: id(1) }),
        (): Promise<unknown> => store.delete({ documentId: NOVEL, mark }),
        (): Promise<unknown> => store.sweep(),
      ]
      const isClosed = (error: RelayStoreError): boolean => error.code === 'CLOSED'
      for (const call of calls) await assert.rejects(call(), isClosed)
      await closed
      for (const call of calls) await assert.rejects(call(), isClosed)
      await store.close()
    }),
  )
  test(
    'failed: does not resolve while all is well',
    withStore(openStore, async ({ store }) => {
      await appendText(store, NOVEL, 'one')
      await store.close()
      const outcome = await Promise.race([store.failed, new Promise((resolve) => setImmediate(resolve, 'well'))])
      assert.equal(outcome, 'well')
    }),
  )
}
