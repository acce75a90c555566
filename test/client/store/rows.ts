// Rows of text, and whole stores as text, for the tests of device stores.
import { createHash } from 'node:crypto'
import type { NewRow, OpenDeviceStore, StoredRow, StoreWrite } from '../../../client/src/store/contract.ts'
import { memoryStore } from '../../../client/src/store/memory.ts'

export function appending(documentId: string, ...rows: string[]): { append: NewRow[] } {
  return { append: rows.map((text) => ({ documentId, bytes: new TextEncoder().encode(text) })) }
}

export function texts(rows: readonly Pick<StoredRow, 'bytes'>[]): string[] {
  return rows.map(({ bytes }) => new TextDecoder().decode(bytes))
}

/** Everything in the store, to be compared: equal texts are equal contents. */
export async function contentOf(store: OpenDeviceStore, documentIds: readonly string[]): Promise<string> {
  const short = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  const lines = (await store.records('')).map(({ key, bytes }) => `${key} ${short(bytes)}`)
  for (const documentId of documentIds) {
    for (const { id, bytes } of await store.rows(documentId)) lines.push(`${documentId} ${id} ${short(bytes)}`)
  }
  return lines.join('\n')
}

/** The content before the first write and after each, by the store in memory. */
export async function contentsAfter(writes: readonly StoreWrite[], documentIds: readonly string[]): Promise<string[]> {
  const store = await memoryStore().open()
  const contents = [await contentOf(store, documentIds)]
  for (const write of writes) {
    await store.commit(write)
    contents.push(await contentOf(store, documentIds))
  }
  return contents
}

/** Numbers from 0 to below 1, the same for the same seed (a linear congruential generator). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
