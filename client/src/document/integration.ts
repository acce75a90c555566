// What goes into a Y.Doc beside plain updates: freeing what Yjs keeps pending, and telling edits of hooks apart from what a
// relay gave. Knows no store and no relay.
import * as Y from 'yjs'
import { hasCompletePending } from './canon.ts'
import { ChangeSet } from './change-set.ts'

/**
 * Yjs 13 can keep complete content pending for ever, because it notes only the first gap of a stack. Applying the
 * document's own state once frees what is complete; what still pends is a true gap.
 */
export function nudgePending(doc: Y.Doc, origin: object): void {
  if (hasCompletePending(doc)) Y.applyUpdate(doc, Y.encodeStateAsUpdate(doc), origin)
}

/** What a 'beforeTransaction' listener of the app's did inside a transaction of ours; null: nothing. */
export function editsOfHooks(doc: Y.Doc, transaction: Y.Transaction): ChangeSet | null {
  const structs = [...Y.decodeStateVector(Y.encodeStateVector(doc))]
  const isUntouched =
    transaction.deleteSet.clients.size === 0 &&
    structs.every(([client, clock]) => clock === (transaction.beforeState.get(client) ?? 0))
  if (isUntouched) return null
  const changes = new ChangeSet()
  for (const [client, clock] of structs) {
    changes.structs.add(client, transaction.beforeState.get(client) ?? 0, clock)
  }
  for (const [client, ranges] of transaction.deleteSet.clients) {
    for (const { clock, len } of ranges) changes.deletes.add(client, clock, clock + len)
  }
  return changes
}

/** Whether the update can be applied to what the document holds; tried on a copy. */
export function canApply(doc: Y.Doc, update: Uint8Array): boolean {
  const scratch = new Y.Doc()
  try {
    Y.applyUpdate(scratch, Y.encodeStateAsUpdate(doc))
    Y.applyUpdate(scratch, update)
    return true
  } catch {
    return false
  } finally {
    scratch.destroy()
  }
}
