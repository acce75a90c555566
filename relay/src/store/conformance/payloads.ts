// Payloads that are too long for a page or a message: pushed from uploads, left off pages, read in parts.
import assert from 'node:assert/strict'
import type { Appended, Bytes, PayloadRequest, RelayStore, StorePush } from '../contract.ts'
import { compact, id, patterned, stageWhole } from './acts.ts'
import {
  append,
  appendText,
  assertBytes,
  at,
  bytesPush,
  type ContractTest,
  EMPTY,
  judge,
  type OpenStore,
  payloadOf,
  readPage,
  readTexts,
  stored,
  textPush,
  withStore,
} from './subject.ts'

const NOVEL = 'alice/novel'
/** Around the sizes at which an engine changes how it keeps bytes. */
const SIZES = [1, 300, 65_519, 65_520, 65_536, 65_537, 131_041, 1_500_000]

export function payloadsContract(test: ContractTest, openStore: OpenStore): void {
  uploadedContract(test, openStore)
  goneContract(test, openStore)
  inlineContract(test, openStore)
  partsContract(test, openStore)
}

/** The push of these bytes, by way of an upload. */
function uploadedPush(documentId: string, payload: Bytes, upload: string): StorePush {
  return { ...bytesPush(documentId, payload), payload: { upload } }
}

async function appendOne(store: RelayStore, push: StorePush): Promise<Appended> {
  return at(await store.append([push]), 0)
}

async function isThere(store: RelayStore, key: string): Promise<boolean> {
  return (await store.hashUpload(key, EMPTY)) !== 'gone'
}

function uploadedContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: an upload is the payload, whatever its size, and is gone afterwards',
    withStore(openStore, async (subject) => {
      for (const [position, size] of SIZES.entries()) {
        await stageWhole(subject.store, `${position}`, patterned(size, position))
      }
      const results = await append(
        subject.store,
        SIZES.map((size, position) => uploadedPush(NOVEL, patterned(size, position), `${position}`)),
      )
      await subject.reopen()
      const { entries, mark } = await readPage(subject.store, NOVEL)
      for (const [position, entry] of entries.entries()) {
        assert.ok(
          Buffer.from(payloadOf(entry)).equals(patterned(at(SIZES, position), position)),
          `${SIZES[position]} bytes`,
        )
        assert.equal(await isThere(subject.store, `${position}`), false)
      }
      assertBytes(mark, at(results, -1).receipt)
      const bytes = SIZES.reduce((sum, size) => sum + size, 0)
      assert.deepEqual(await subject.store.usage('alice'), { bytes, documents: 1 })
    }),
  )
  test(
    'append: whether a payload came in one piece or several, the log is the same',
    withStore(openStore, async (subject) => {
      await appendText(subject.store, NOVEL, 'one')
      const other = await subject.copy()
      try {
        const payload = patterned(200_000)
        await stageWhole(subject.store, 'u', payload)
        const uploaded = stored(await appendOne(subject.store, uploadedPush(NOVEL, payload, 'u')))
        const whole = stored(await appendOne(other.store, bytesPush(NOVEL, payload)))
        assertBytes(uploaded.receipt, whole.receipt)
      } finally {
        await other.dispose()
      }
    }),
  )
  test(
    'append: an upload whose push is known already is dropped',
    withStore(openStore, async ({ store }) => {
      const payload = patterned(300)
      await append(store, [textPush(NOVEL, 'one'), bytesPush(NOVEL, payload)])
      await stageWhole(store, 'u', payload)
      assert.equal(stored(await appendOne(store, uploadedPush(NOVEL, payload, 'u'))).index, 2)
      assert.equal(await isThere(store, 'u'), false)
      assert.equal((await judge(store, NOVEL)).head, 2)
      // Known, it needs no upload at all.
      assert.equal(stored(await appendOne(store, uploadedPush(NOVEL, payload, 'u'))).index, 2)
    }),
  )
}

function goneContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'append: GONE where the upload is not there whole; it begins no log and disturbs no other push',
    withStore(openStore, async ({ store }) => {
      await store.stage({ key: 'half', total: 20, offset: 0, bytes: patterned(10) })
      const results = await store.append([
        uploadedPush('alice/new', patterned(20), 'never was'),
        uploadedPush(NOVEL, patterned(20), 'half'),
        textPush(NOVEL, 'one'),
      ])
      assert.deepEqual(results.slice(0, 2), [{ refused: 'GONE' }, { refused: 'GONE' }])
      assert.equal(stored(at(results, 2)).index, 1)
      assert.equal((await judge(store, 'alice/new')).status, 'NEW')
      assert.deepEqual(await readTexts(store, NOVEL), ['one'])
    }),
  )
  test(
    'append: an upload is taken once',
    withStore(openStore, async ({ store }) => {
      const payload = patterned(20)
      await stageWhole(store, 'u', payload)
      const results = await store.append([uploadedPush(NOVEL, payload, 'u'), uploadedPush('alice/diary', payload, 'u')])
      assert.equal(stored(at(results, 0)).index, 1)
      assert.deepEqual(at(results, 1), { refused: 'GONE' })
    }),
  )
}

function inlineContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'read: a payload longer than inlineBytesMax is left off its page, and counts nothing there',
    withStore(openStore, async ({ store }) => {
      const sizes = [10, 101, 100, 200_000, 50]
      const pushes = sizes.map((size, position) => bytesPush(NOVEL, patterned(size, position)))
      const { incarnation } = at(await append(store, pushes), 0)
      const request = { documentId: NOVEL, incarnation, after: 0, entriesMax: 10, bytesMax: 160, inlineBytesMax: 100 }
      const page = await store.read(request)
      assert.ok(page !== 'moved')
      assert.deepEqual(
        page.entries.map(({ totalBytes, payload }) => [totalBytes, payload?.length ?? null]),
        [
          [10, 10],
          [101, null],
          [100, 100],
          [200_000, null],
          [50, 50],
        ],
      )
      for (const [position, { index, pushId, format }] of page.entries.entries()) {
        assert.deepEqual([index, format], [position + 1, 1])
        assertBytes(pushId, at(pushes, position).pushId)
      }
      const shorter = await store.read({ ...request, bytesMax: 159 })
      assert.ok(shorter !== 'moved')
      assert.equal(shorter.through, 4)
    }),
  )
}

function partsContract(test: ContractTest, openStore: OpenStore): void {
  test(
    'readPayload: any part of an entry, fewer bytes at its end, none behind it',
    withStore(openStore, async (subject) => {
      await append(
        subject.store,
        SIZES.map((size, position) => bytesPush(NOVEL, patterned(size, position))),
      )
      await subject.reopen()
      const { incarnation } = await judge(subject.store, NOVEL)
      for (const [position, size] of SIZES.entries()) {
        const payload = patterned(size, position)
        const read = reader(subject.store, { documentId: NOVEL, incarnation, of: { index: position + 1 } })
        await assertParts(read, payload)
      }
    }),
  )
  test(
    'readPayload: any part of a snapshot, current or replaced',
    withStore(openStore, async (subject) => {
      const results = await append(subject.store, [textPush(NOVEL, '1'), textPush(NOVEL, '2')])
      const ids: Bytes[] = []
      for (const [position, size] of [70_000, 200].entries()) {
        const { receipt: mark } = at(results, position)
        ids.push(
          await compact(subject.store, NOVEL, { mark, baseExpected: position, bytes: patterned(size, position) }),
        )
      }
      await subject.reopen()
      const { incarnation } = await judge(subject.store, NOVEL)
      for (const [position, size] of [70_000, 200].entries()) {
        const of = { snapshotId: at(ids, position) }
        await assertParts(reader(subject.store, { documentId: NOVEL, incarnation, of }), patterned(size, position))
      }
    }),
  )
  test(
    'readPayload: gone where it never was, or is of another incarnation',
    withStore(openStore, async ({ store }) => {
      const { incarnation } = await appendText(store, NOVEL, 'one')
      const known = { documentId: NOVEL, incarnation, of: { index: 1 }, offset: 0, bytesMax: 10 }
      const elsewhere: PayloadRequest[] = [
        { ...known, documentId: 'alice/none' },
        { ...known, incarnation: id(1) },
        { ...known, incarnation: EMPTY },
        { ...known, of: { index: 0 } },
        { ...known, of: { index: 2 } },
        { ...known, of: { snapshotId: id(1) } },
      ]
      for (const request of elsewhere) assert.equal(await store.readPayload(request), 'gone')
      assertBytes(await read(store, known), new TextEncoder().encode('one'))
      await assert.rejects(store.readPayload({ ...known, offset: -1 }), RangeError)
    }),
  )
}

type Part = Pick<PayloadRequest, 'documentId' | 'incarnation' | 'of'>

function reader(store: RelayStore, part: Part): (offset: number, bytesMax: number) => Promise<Bytes> {
  return (offset, bytesMax) => read(store, { ...part, offset, bytesMax })
}

async function read(store: RelayStore, request: PayloadRequest): Promise<Bytes> {
  const bytes = await store.readPayload(request)
  return bytes === 'gone' ? assert.fail('gone') : bytes
}

async function assertParts(part: (offset: number, bytesMax: number) => Promise<Bytes>, payload: Bytes): Promise<void> {
  const { length } = payload
  const parts = [
    [0, length],
    [0, length + 1],
    [0, 1],
    [length - 1, 10],
    [length, 10],
    [length + 5, 10],
    [Math.floor(length / 3), Math.floor(length / 2)],
    [65_500, 100],
    [0, 0],
  ]
  for (const [offset = 0, bytesMax = 0] of parts) {
    const expected = payload.subarray(offset, offset + bytesMax)
    const actual = await part(offset, bytesMax)
    assert.ok(Buffer.from(actual).equals(expected), `${offset} to ${offset + bytesMax} of ${length}`)
  }
}
