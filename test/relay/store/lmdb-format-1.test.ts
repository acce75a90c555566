// A store of format 1, which had logs only, opened by this version. Its rows are in format-1.json: they were written by
// the last version that wrote that format (564aff1), and are not to be written anew.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import {
  claim,
  compact,
  id,
  patterned,
  SHORT_LIMITS,
  stageWhole,
  sweepAll,
} from '../../../relay/src/store/conformance/acts.ts'
import {
  append,
  at,
  bytesPush,
  EMPTY,
  judge,
  readPage,
  readTexts,
  textPush,
} from '../../../relay/src/store/conformance/subject.ts'
import type { RelayStore } from '../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { countRows, newDirectory, putRows, removeDirectories } from './lmdb-data.ts'

type Value = string | { readonly byte: number; readonly times: number }

interface Fixture {
  readonly receipts: Readonly<Record<string, string>>
  readonly feedMark: string
  readonly tables: Readonly<Record<string, readonly (readonly [key: string, value: Value])[]>>
}

const NOVEL = 'alice/novel'
const ALBUM = 'alice/album'
const fixture: Fixture = JSON.parse(readFileSync(join(import.meta.dirname, 'format-1.json'), 'utf8'))
const clock = { nowMs: 1_700_100_000_000 }

afterEach(removeDirectories)

describe('lmdb store, data of format 1', () => {
  it('is the same logs, feed and usage, across a restart too', async () => {
    const directory = await dataOfFormat1()
    for (const round of ['opened first', 'opened again']) {
      const store = await openStore(directory)
      expect(await readTexts(store, NOVEL), round).toEqual(Array.from({ length: 40 }, (_, n) => `entry ${n + 1}`))
      for (const [index, receipt] of Object.entries(fixture.receipts)) {
        const mark = Buffer.from(receipt, 'hex')
        const { status, markIndex, entriesToCome, tail } = await judge(store, NOVEL, { mark, receipt: mark })
        expect([status, markIndex, entriesToCome]).toEqual(['OK', Number(index), 40 - Number(index)])
        expect(tail).toEqual({ base: 0, entriesAfterBase: 40, bytesAfterBase: 311, snapshotBytes: 0 })
      }
      const { entries } = await readPage(store, ALBUM)
      expect(entries.map(({ totalBytes }) => totalBytes)).toEqual([5, 70_000, 3])
      expect(Buffer.from(at(entries, 1).payload ?? EMPTY).equals(Buffer.alloc(70_000, 7))).toBe(true)
      expect(await store.usage('alice')).toEqual({ bytes: 311 + 70_008 + 10, documents: 12 })
      const changed = await store.feed({ vault: 'alice', mark: Buffer.from(fixture.feedMark, 'hex'), documentsMax: 20 })
      expect(changed.reset).toBe(false)
      expect(changed.documents.map(({ documentId }) => documentId)).toEqual([
        ALBUM,
        ...Array.from({ length: 10 }, (_, n) => `alice/note ${n}`),
      ])
      await store.close()
    }
  })

  it('gives any part of a large payload, whose chunks are numbered', async () => {
    const store = await openStore(await dataOfFormat1())
    const { incarnation } = await judge(store, ALBUM)
    for (const [offset, bytesMax] of [
      [0, 10],
      [65_510, 20],
      [65_520, 5],
      [69_990, 100],
      [70_000, 1],
    ] as const) {
      const part = await store.readPayload({ documentId: ALBUM, incarnation, of: { index: 2 }, offset, bytesMax })
      expect(Buffer.from(part).equals(Buffer.alloc(Math.min(bytesMax, 70_000 - offset), 7))).toBe(true)
    }
    await store.close()
  })

  it('knows every push, and goes on from there', async () => {
    const store = await openStore(await dataOfFormat1())
    const again = await append(
      store,
      Array.from({ length: 42 }, (_, n) => textPush(NOVEL, `entry ${n + 1}`)),
    )
    expect(again.map(({ index }) => index)).toEqual(Array.from({ length: 42 }, (_, n) => n + 1))
    for (const [index, receipt] of Object.entries(fixture.receipts)) {
      expect(Buffer.from(at(again, Number(index) - 1).receipt).toString('hex')).toBe(receipt)
    }
    expect((await append(store, [bytesPush(ALBUM, new Uint8Array(70_000).fill(7))])).map(({ index }) => index)).toEqual(
      [2],
    )
    await store.close()
  })

  it('is compacted, claimed, repaired, swept and deleted like any other, and leaves nothing behind', async () => {
    const directory = await dataOfFormat1()
    const store = await openStore(directory)
    for (const documentId of [NOVEL, ALBUM]) {
      const { mark, tag } = await readPage(store, documentId)
      expect(await claim(store, documentId, { mark, device: 1 })).toBe('kept')
      await compact(store, documentId, { mark, bytes: patterned(80_000) })
      expect(await claim(store, documentId, { mark, device: 2 })).toBe('agrees')
      const { incarnation } = await judge(store, documentId)
      expect(await store.repair({ documentId, incarnation, fingerprint: id(1) })).toBe('drawn')
      clock.nowMs += SHORT_LIMITS.retentionMs
      await sweepAll(store)
      const judgement = await judge(store, documentId, { mark })
      expect([judgement.status, judgement.after, judgement.snapshot]).toEqual(['OK', judgement.head, null])
      expect((await judge(store, documentId)).snapshot?.base).toBe(judgement.head)
      expect((await readPage(store, documentId, judgement.head)).tag).not.toEqual(tag)
    }
    await store.delete({ documentId: ALBUM, mark: (await readPage(store, ALBUM, 3)).mark })
    clock.nowMs += SHORT_LIMITS.tombstoneMs
    await sweepAll(store)
    await store.close()
    // The novel has its snapshot, each of the eleven others its entry; what of the feed is not in the vault's row.
    expect(await countRows(directory)).toEqual({ document: 12, entry: 11, vault: 2, feed: 4, blob: 2, repair: 1 })
  })

  it('takes uploads, and holds them apart from payloads with numbered chunks', async () => {
    const store = await openStore(await dataOfFormat1())
    const payload = patterned(70_000, 3)
    await stageWhole(store, 'u', payload, 10_000)
    const pushId = createHash('sha256').update(payload).digest().subarray(0, 16)
    await append(store, [{ documentId: ALBUM, pushId, format: 1, payload: { upload: 'u' } }])
    const { entries } = await readPage(store, ALBUM)
    const payloads = entries.map((entry) => Buffer.from(entry.payload ?? EMPTY))
    expect(payloads.map((bytes) => bytes.length)).toEqual([5, 70_000, 3, 70_000])
    expect(at(payloads, 1).equals(Buffer.alloc(70_000, 7))).toBe(true)
    expect(at(payloads, 3).equals(payload)).toBe(true)
    await store.close()
  })
})

async function dataOfFormat1(): Promise<string> {
  const directory = newDirectory()
  const bytes = (value: Value): Buffer =>
    typeof value === 'string' ? Buffer.from(value, 'hex') : Buffer.alloc(value.times, value.byte)
  const tables = Object.entries(fixture.tables).map(
    ([name, rows]) => [name, rows.map(([key, value]) => [bytes(key), bytes(value)] as const)] as const,
  )
  await putRows(directory, Object.fromEntries(tables))
  return directory
}

function openStore(directory: string): Promise<RelayStore> {
  return openLmdbStore({ directory, limits: SHORT_LIMITS, now: () => clock.nowMs })
}
