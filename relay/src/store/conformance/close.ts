// Closing: what was begun is finished, and nothing begins after.
import assert from 'node:assert/strict'
import type { RelayStoreError } from '../contract.ts'
import {
  appendText,
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
    'close: every later call is CLOSED, and closing again is not',
    withStore(openStore, async ({ store }) => {
      const { incarnation } = await appendText(store, NOVEL, 'one')
      const closed = store.close()
      const calls = [
        (): Promise<unknown> => store.append([textPush(NOVEL, 'two')]),
        (): Promise<unknown> => judge(store, NOVEL),
        (): Promise<unknown> => store.read({ documentId: NOVEL, incarnation, after: 0, entriesMax: 1, bytesMax: 1 }),
        (): Promise<unknown> => store.feed({ vault: 'alice', mark: EMPTY, documentsMax: 1 }),
        (): Promise<unknown> => store.usage('alice'),
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
