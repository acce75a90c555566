// A process that dies at any write: the workload that it dies in, and what has to be left, whatever the store.
import { expect } from 'vitest'
import type { DeviceStore, StoreWrite } from '../../../client/src/store/contract.ts'
import { appending, contentOf, seeded } from './rows.ts'

export const DOCUMENTS: readonly string[] = ['a', 'b', 'c']

/** One moment to die at, and what the disk holds then. */
export interface CrashPoint {
  readonly what: string
  /** How many commits had been resolved. */
  readonly resolved: number
  /** The store of the process that starts afterwards; asked for again, of the one after that. */
  restarted(): DeviceStore
}

/** @param contents of the store before the first write of the workload, and after each */
export async function expectWholeCommits(point: CrashPoint, contents: readonly string[]): Promise<void> {
  const store = await point.restarted().open()
  const kept = contents.indexOf(await contentOf(store, DOCUMENTS), point.resolved)
  expect(kept, point.what).toBeGreaterThanOrEqual(0)
  await store.commit(appending('later', 'works'))
  await store.close()
  const reopened = await point.restarted().open()
  expect(await contentOf(reopened, DOCUMENTS), `${point.what}, opened again`).toBe(contents[kept])
  expect(await reopened.rows('later')).toHaveLength(1)
  await reopened.close()
}

/** Rows of about `rowBytes` that are replaced now and then, so that what holds them is rewritten, removed and begun anew. */
export function growingWrites(count: number, rowBytes: number): StoreWrite[] {
  const chance = seeded(count)
  const ids = new Map(DOCUMENTS.map((id): [string, number] => [id, 0]))
  return Array.from({ length: count }, (_, i): StoreWrite => {
    const documentId = DOCUMENTS[i % 7 === 0 ? 1 : Math.floor(chance() * 3)] as string
    const texts = Array.from({ length: 1 + Math.floor(chance() * 3) }, (_, n) => `${i} ${n} `.repeat(rowBytes / 5))
    const last = ids.get(documentId) as number
    const isAppending = chance() < 0.9
    if (isAppending) ids.set(documentId, last + texts.length)
    const removedIds = Array.from({ length: last }, (_, n) => n + 1)
    return {
      ...(isAppending ? appending(documentId, ...texts) : {}),
      ...(chance() < 0.3 ? { remove: [{ documentId, ids: removedIds }] } : {}),
      records: [{ key: `document/${documentId}`, bytes: new TextEncoder().encode(`${i}`) }],
    }
  })
}

/** Large records, so that a journal outgrows its state. */
export function journalFillingWrites(count: number): StoreWrite[] {
  return Array.from({ length: count }, (_, i) => ({
    records: [{ key: 'large', bytes: new Uint8Array(100_000).fill(i) }],
  }))
}

/** Commits `atOnce` writes at a time; `resolved` is told of each that has resolved. */
export async function commitAll(
  store: { commit(write: StoreWrite): Promise<unknown> },
  writes: readonly StoreWrite[],
  atOnce: number,
  resolved: () => void,
): Promise<void> {
  for (let at = 0; at < writes.length; at += atOnce) {
    const commits = writes.slice(at, at + atOnce).map((write) => store.commit(write).then(resolved))
    for (const outcome of await Promise.allSettled(commits)) if (outcome.status === 'rejected') throw outcome.reason
  }
}

/** What a store did to its disk, and when what was resolved. */
export interface Recording<Call> {
  readonly calls: readonly Call[]
  /** How many commits had been resolved before each call, and one more at the end. */
  readonly resolvedBefore: readonly number[]
}

/** Commits all writes to an empty store, whose calls to its disk gather in `calls`. */
export async function record<Call>(
  device: DeviceStore,
  writes: readonly StoreWrite[],
  atOnce: number,
  calls: readonly Call[],
): Promise<Recording<Call>> {
  const store = await device.open()
  const resolvedBefore: number[] = []
  let resolved = 0
  const noteResolved = (): void => {
    while (resolvedBefore.length < calls.length) resolvedBefore.push(resolved)
  }
  await commitAll(store, writes, atOnce, () => {
    noteResolved()
    resolved++
  })
  noteResolved()
  const recorded = [...calls]
  await store.close()
  return { calls: recorded, resolvedBefore: [...resolvedBefore, resolved] }
}
