// A file knows nothing of Yjs: what its writer did to it is found out by comparing, and done to a shared text.
import type * as Y from 'yjs'
import { changesBetween } from './word-changes.ts'

/**
 * Makes `shared` say `text`, with about as few changes as were made: whole words rather than the letters in which they differ,
 * since two writers who change one place at once would see their letters mixed.
 */
export function write(shared: Y.Text, text: string): void {
  const before = shared.toString()
  if (before === text) return
  shared.doc?.transact(() => {
    let shift = 0
    for (const { at, removed, added } of changesBetween(before, text)) {
      if (removed > 0) shared.delete(at + shift, removed)
      if (added !== '') shared.insert(at + shift, added)
      shift += added.length - removed
    }
  })
}
