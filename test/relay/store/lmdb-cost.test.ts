// What the LMDB store's hot path costs, in rows: a push and the judgement of an OPEN touch as few as they did before there
// were snapshots, and what a log has beside its entries costs nothing until it is asked for. And in pages.
import { afterEach, describe, expect, it } from 'vitest'
import { agree, claim, compact, patterned, stageWhole } from '../../../relay/src/store/conformance/acts.ts'
import { append, at, bytesPush, EMPTY, readPage, textPush } from '../../../relay/src/store/conformance/subject.ts'
import type { Judgement, JudgeRequest, RelayStore } from '../../../relay/src/store/contract.ts'
import { FeedTerms } from '../../../relay/src/store/feed-terms.ts'
import { appending } from '../../../relay/src/store/lmdb/append.ts'
import { openRoot, openTables, type Table, type Tables } from '../../../relay/src/store/lmdb/environment.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { CommitPlan } from '../../../relay/src/store/lmdb/plan.ts'
import { Reader } from '../../../relay/src/store/lmdb/reader.ts'
import { PAGE_BYTES, usedPages } from '../../support/lmdb-pages.ts'
import { newDirectory, removeDirectories } from './lmdb-data.ts'

const NOVEL = 'alice/novel'
const PLAIN = 'alice/plain'

afterEach(removeDirectories)

describe('lmdb store, rows read', () => {
  it('judges a mark with the document row alone where it is at the head or the base, and one entry elsewhere', async () => {
    const marks = new Map<string, readonly Uint8Array[]>()
    const directory = await written(async (store) => {
      for (const documentId of [NOVEL, PLAIN]) marks.set(documentId, await appendHundreds(store, documentId, 10))
      await claim(store, PLAIN, { mark: at(marks.get(PLAIN) ?? [], 4), device: 1 })
      await compact(store, NOVEL, { mark: at(marks.get(NOVEL) ?? [], 5) })
      await agree(store, NOVEL, at(marks.get(NOVEL) ?? [], 7))
    })
    await withCounted(directory, (reader, read) => {
      const rowsFor = (documentId: string, position?: number): Readonly<Record<string, number>> => {
        const mark = position === undefined ? EMPTY : at(marks.get(documentId) ?? [], position)
        return read(() => judged(reader, { documentId, mark }))
      }
      expect(rowsFor(PLAIN)).toEqual({ document: 1 })
      expect(rowsFor(PLAIN, 9)).toEqual({ document: 1 })
      // The chain there, and the bytes up to there.
      expect(rowsFor(PLAIN, 4)).toEqual({ document: 1, entry: 2 })
      expect(rowsFor(NOVEL)).toEqual({ document: 1 })
      expect(rowsFor(NOVEL, 5)).toEqual({ document: 1 })
      expect(rowsFor(NOVEL, 9)).toEqual({ document: 1 })
      expect(rowsFor(NOVEL, 7)).toEqual({ document: 1, entry: 2 })
    })
  })

  it('reads no chunk of a payload that is too long for its page, and only those of the part that is asked for', async () => {
    const directory = await written(async (store) => {
      await stageWhole(store, 'u', patterned(1_000_000))
      await store.append([
        { ...bytesPush(NOVEL, EMPTY), payload: { upload: 'u' } },
        bytesPush(NOVEL, patterned(60_000)),
      ])
    })
    await withCounted(directory, (reader, read) => {
      const { incarnation } = judged(reader, { documentId: NOVEL })
      const page = { documentId: NOVEL, incarnation, after: 0, entriesMax: 10, bytesMax: 1e6 }
      expect(read(() => reader.read({ ...page, inlineBytesMax: 32_768 }))).toEqual({ document: 1, entry: 2 })
      const part = { documentId: NOVEL, incarnation, of: { index: 1 }, bytesMax: 32_768 }
      for (const offset of [0, 30_000, 500_000, 999_999]) {
        const rows = read(() => reader.readPayload({ ...part, offset }))
        expect(rows.blob, `${offset}`).toBeLessThanOrEqual(2)
      }
    })
  })

  it('finds any part of an upload that came byte by byte in a few chunks', async () => {
    const bytes = patterned(10_000)
    const directory = await written(async (store) => {
      for (let offset = 0; offset < 10_000; offset += 50) {
        const piece = { key: 'u', total: 10_000, offset, bytes: bytes.subarray(offset, offset + 50) }
        expect(await store.stage(piece)).toEqual({ staged: offset + 50 })
      }
      await store.append([{ ...bytesPush(NOVEL, EMPTY), payload: { upload: 'u' } }])
    })
    await withCounted(directory, (reader, read) => {
      const { incarnation } = judged(reader, { documentId: NOVEL })
      const part = { documentId: NOVEL, incarnation, of: { index: 1 } }
      expect(read(() => reader.readPayload({ ...part, offset: 0, bytesMax: 10_000 })).blob).toBeLessThanOrEqual(5)
      for (const offset of [0, 1_999, 2_000, 2_001, 7_777, 9_999]) {
        const got = reader.readPayload({ ...part, offset, bytesMax: 100 })
        expect(Buffer.from(got).equals(bytes.subarray(offset, offset + 100)), `${offset}`).toBe(true)
      }
    })
  })
})

describe('lmdb store, rows written', () => {
  it('writes four rows for a push, whatever else its log has', async () => {
    const directory = await written(async (store) => {
      for (const documentId of [NOVEL, PLAIN]) await appendHundreds(store, documentId, 3)
      const { mark } = await readPage(store, NOVEL)
      await compact(store, NOVEL, { mark })
      await agree(store, NOVEL, mark)
    })
    const root = openRoot(directory)
    const sources = { tables: openTables(root), random: (bytes: number) => new Uint8Array(bytes), now: () => 1 }
    for (const documentId of [NOVEL, PLAIN, 'alice/new']) {
      const head = { feedHead: 100, nextSerial: 100, owner: new Uint8Array(16), uploadBytes: 0 }
      const plan = new CommitPlan(sources, head, undefined)
      plan.add({ plan: appendPlanned(documentId, 'one'), reject: failed })
      expect(plan.finish().map(({ table }) => table)).toEqual(['entry', 'document', 'vault', 'meta'])
      const known = new CommitPlan(sources, plan.head, plan)
      known.add({ plan: appendPlanned(documentId, 'one'), reject: failed })
      expect(known.finish()).toEqual([])
      const more = new CommitPlan(sources, plan.head, plan)
      for (const text of ['two', 'three', 'one']) {
        more.add({ plan: appendPlanned(documentId, text), reject: failed })
      }
      expect(more.finish().map(({ table }) => table)).toEqual(['entry', 'entry', 'document', 'vault', 'meta'])
    }
    await root.close()
  })
})

describe('lmdb store, pages', () => {
  it('keeps a long payload on pages that are full, in whatever pieces it came', async () => {
    const bytes = patterned(2_000_000)
    const wholePages = Math.ceil(bytes.length / PAGE_BYTES)
    for (const pieceBytes of [3_000, 32_752, 50_001, 65_536, 2_000_000]) {
      const directory = await written((store) => stageWhole(store, 'u', bytes, pieceBytes))
      // Beside them those of the trees.
      expect((await usedPages(directory)).used, `${pieceBytes}`).toBeLessThan(wholePages + 20)
    }
    const pushed = await written(async (store) => {
      await append(store, [bytesPush(NOVEL, bytes)])
    })
    expect((await usedPages(pushed)).used).toBeLessThan(wholePages + 20)
  })
})

function failed(error: Error): never {
  throw error
}

function appendPlanned(documentId: string, text: string): (plan: CommitPlan) => () => void {
  const operation = appending([textPush(documentId, text)])
  return (plan) => {
    const [appended] = operation(plan)
    return () => expect(appended).toBeDefined()
  }
}

/** The marks of entries of 100 bytes. */
async function appendHundreds(store: RelayStore, documentId: string, count: number): Promise<readonly Uint8Array[]> {
  const pushes = Array.from({ length: count }, (_, salt) => bytesPush(documentId, patterned(100, salt)))
  return (await append(store, pushes)).map(({ receipt }) => receipt)
}

/** The directory of a store that was written to and closed. */
async function written(write: (store: RelayStore) => Promise<void>): Promise<string> {
  const directory = newDirectory()
  const store = await openLmdbStore({ directory })
  await write(store)
  await store.close()
  return directory
}

type CountRows = (reading: () => unknown) => Readonly<Record<string, number>>

async function withCounted(directory: string, use: (reader: Reader, read: CountRows) => void): Promise<void> {
  const root = openRoot(directory)
  const counts: Record<string, number> = {}
  const tables = Object.entries(openTables(root)).map(([name, table]: [string, Table]) => {
    const get = (key: Uint8Array): ReturnType<Table['getBinaryFast']> => {
      counts[name] = (counts[name] ?? 0) + 1
      return table.getBinaryFast(key)
    }
    const getKeys: Table['getKeys'] = (options) => table.getKeys(options)
    return [name, { getBinaryFast: get, getKeys }]
  })
  const reader = new Reader(Object.fromEntries(tables) as Tables, new FeedTerms([{ term: EMPTY, firstIndex: 1 }]))
  use(reader, (reading) => {
    for (const name of Object.keys(counts)) delete counts[name]
    reading()
    return { ...counts }
  })
  await root.close()
}

function judged(reader: Reader, presented: Partial<JudgeRequest> & { readonly documentId: string }): Judgement {
  const nothing = { incarnation: EMPTY, mark: EMPTY, receipt: EMPTY, create: false, partial: EMPTY }
  const judgement = reader.judge({ ...nothing, ...presented })
  expect(judgement.status).toBe('OK')
  return judgement
}
