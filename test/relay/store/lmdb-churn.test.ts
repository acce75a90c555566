// The LMDB store killed at any moment of its work: pushes, uploads, compactions, claims, deletions and sweeps. Whatever
// was acknowledged is there when it is opened again, as entries or in a snapshot; and nothing is left that nobody reaches.
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { changedAfter, sweepAll } from '../../../relay/src/store/conformance/acts.ts'
import { EMPTY, judge } from '../../../relay/src/store/conformance/subject.ts'
import type { RelayStore } from '../../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { countBlobs, countRows, newDirectory, removeDirectories } from './lmdb-data.ts'
import { buildProgram, removePrograms, runUntilKilled } from './lmdb-programs.ts'
import { wholeLog } from './programs/whole-log.ts'

const NAMES = ['v0', 'v1'].flatMap((vault) => Array.from({ length: 6 }, (_, number) => `${vault}/d${number}`))
/** A payload of this many bytes and more lies in a blob, however it came. */
const LARGE_PAYLOAD_BYTES = 64 * 1024

let churner: string

beforeAll(async () => {
  churner = await buildProgram('churner')
})

afterAll(removePrograms)
afterEach(removeDirectories)

/** What was acknowledged, over all runs. */
class Acknowledged {
  readonly pushed: { readonly documentId: string; readonly index: number; readonly pushId: string }[] = []
  readonly deleted: { readonly documentId: string; readonly mark: Buffer }[] = []
  readonly bases = new Map<string, number>()
  readonly staged = new Map<string, number>()
  compactions = 0

  take(line: string): void {
    // Keys and names of documents hold blanks.
    const [, word, name = '', last = ''] = /^(\S+) (.*) (\S+)$/.exec(line) ?? []
    if (word === 'pushed') {
      const [documentId = '', index] = name.split(' ')
      this.pushed.push({ documentId, index: Number(index), pushId: last })
    } else if (word === 'deleted') this.deleted.push({ documentId: name, mark: Buffer.from(last, 'hex') })
    else if (word === 'staged') this.staged.set(name, Number(last))
    else if (word === 'taking') this.staged.delete(`${name} ${last}`)
    else if (word === 'compacted') {
      this.bases.set(name, Number(last))
      this.compactions += 1
    } else if (line !== 'open') throw new Error(`What is "${line}"?`)
  }
}

describe('lmdb store, killed at its work', () => {
  it('holds what it acknowledged, whole, and goes on (kill -9)', async () => {
    const directory = newDirectory()
    const acknowledged = new Acknowledged()
    for (const enough of [2, 150, 600, 350, 900]) {
      for (const line of await runUntilKilled(churner, [directory], enough)) acknowledged.take(line)
      const store = await openLmdbStore({ directory })
      await expectAcknowledged(store, acknowledged)
      await store.close()
    }
    expect(acknowledged.compactions).toBeGreaterThan(20)
    expect(acknowledged.deleted.length).toBeGreaterThan(10)
    expect(acknowledged.staged.size).toBeGreaterThan(5)
    await expectNothingLeft(directory)
  }, 120_000)
})

async function expectAcknowledged(store: RelayStore, acknowledged: Acknowledged): Promise<void> {
  const logs = new Map<string, readonly string[]>()
  const used = { v0: { bytes: 0, documents: 0 }, v1: { bytes: 0, documents: 0 } }
  for (const documentId of new Set([...NAMES, ...acknowledged.deleted.map((deleted) => deleted.documentId)])) {
    const log = await wholeLog(store, documentId)
    if (log === undefined) continue
    const { tail, head } = log.judgement
    logs.set(documentId, log.pushIds)
    expect(log.pushIds.length).toBe(head)
    expect((await judge(store, documentId, { mark: log.mark })).markIndex).toBe(head)
    expect(tail.base).toBeGreaterThanOrEqual(acknowledged.bases.get(documentId) ?? 0)
    const usage = documentId.startsWith('v0/') ? used.v0 : used.v1
    usage.bytes += tail.snapshotBytes + tail.bytesAfterBase
    usage.documents += 1
  }
  for (const { documentId, index, pushId } of acknowledged.pushed) {
    expect(logs.get(documentId)?.[index - 1], `${documentId} ${index}`).toBe(pushId)
  }
  for (const { documentId, mark } of acknowledged.deleted) {
    expect((await judge(store, documentId, { mark })).status).toBe('DELETED')
  }
  for (const vault of ['v0', 'v1'] as const) {
    // Of a document that was begun and not yet deleted when the process died, nothing was said.
    const listed = (await changedAfter(store, vault, EMPTY)).filter((name) => !name.endsWith('!'))
    expect(listed).toEqual(expect.arrayContaining([...logs.keys()].filter((name) => name.startsWith(`${vault}/`))))
    const usage = await store.usage(vault)
    expect(usage.documents).toBe(listed.length)
    if (listed.length === used[vault].documents) expect(usage.bytes).toBe(used[vault].bytes)
  }
  await expectStaged(store, acknowledged.staged)
}

async function expectStaged(store: RelayStore, staged: ReadonlyMap<string, number>): Promise<void> {
  for (const [key, bytes] of staged) {
    const expected = Buffer.from(`${key} `.repeat(4_000))
    const answer = await store.stage({ key, total: expected.length, offset: 0, bytes: EMPTY })
    if (answer === 'full') throw new Error('An empty piece is never too much')
    expect(answer.staged).toBeGreaterThanOrEqual(bytes)
    if (answer.staged < expected.length) continue
    const hash = await store.hashUpload(key, EMPTY)
    expect(Buffer.from(hash)).toEqual(createHash('sha256').update(expected).digest())
  }
}

/** A hundred years on, after the sweep, each row that is there belongs to a log. */
async function expectNothingLeft(directory: string): Promise<void> {
  const store = await openLmdbStore({ directory, now: () => Date.now() + 100 * 365 * 24 * 60 * 60 * 1000 })
  await sweepAll(store)
  const expected = { document: 0, entry: 0, blob: 0 }
  const names = [...(await changedAfter(store, 'v0', EMPTY)), ...(await changedAfter(store, 'v1', EMPTY))]
  for (const documentId of names) {
    const { incarnation, tail, head } = await judge(store, documentId)
    expected.document += 1
    expected.entry += tail.entriesAfterBase
    expected.blob += tail.snapshotBytes > 0 ? 1 : 0
    const limits = { entriesMax: 1e6, bytesMax: 1e9, inlineBytesMax: 0 }
    const page = await store.read({ documentId, incarnation, after: tail.base, ...limits })
    if (page === 'moved') throw new Error('The base is where the entries begin')
    expect(page.through).toBe(head)
    expected.blob += page.entries.filter(({ totalBytes }) => totalBytes >= LARGE_PAYLOAD_BYTES).length
  }
  await store.close()
  const { push = 0, claim = 0, feed = 0, ...rows } = await countRows(directory)
  expect({ ...rows, blob: await countBlobs(directory) }).toEqual({ ...expected, vault: 2 })
  expect(push).toBeLessThanOrEqual(expected.entry)
  expect(claim).toBeLessThanOrEqual(expected.document)
  expect(feed).toBeLessThanOrEqual(expected.document)
}
