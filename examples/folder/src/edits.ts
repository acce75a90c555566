// A file knows nothing of Yjs: what its writer did to it is found out by comparing, and done to a shared text.
import diff from 'fast-diff'
import type * as Y from 'yjs'

/**
 * Makes `shared` say `text`, with about as few changes as were made: whole words rather than the letters in which they differ
 * (what `true` is for), since two writers who change one place at once would see their letters mixed.
 */
export function write(shared: Y.Text, text: string): void {
  const before = shared.toString()
  if (before === text) return
  shared.doc?.transact(() => {
    let at = 0
    for (const [operation, part] of diff(before, text, undefined, true)) {
      if (operation === diff.DELETE) shared.delete(at, part.length)
      else {
        if (operation === diff.INSERT) shared.insert(at, part)
        at += part.length
      }
    }
  })
}

/** Characters that are not in both. */
export function distance(one: string, other: string): number {
  return diff(one, other).reduce((sum, [operation, part]) => sum + (operation === diff.EQUAL ? 0 : part.length), 0)
}
