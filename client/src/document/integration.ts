// What goes into a Y.Doc beside plain updates: freeing what Yjs keeps pending, and telling edits of hooks apart from what a
// relay gave. Knows no store and no relay.
import * as Y from 'yjs'
import { TidemarkError } from '../errors.ts'
import { reportUncaught } from '../uncaught.ts'
import { hasCompletePending } from './canon.ts'
import { ChangeSet } from './change-set.ts'
import type { Inspected } from './given.ts'
import type { HeldEntry } from './rows.ts'

/**
 * Yjs 13 can keep complete content pending for ever, because it notes only the first gap of a stack. Applying the
 * document's own state once frees what is complete; what still pends is a true gap.
 */
export function nudgePending(doc: Y.Doc, origin: object): void {
  if (hasCompletePending(doc)) applySound(doc, Y.encodeStateAsUpdate(doc), origin)
}

/** Applies what another Y.Doc of this SDK holds: what throws is an observer of the app's, and the document has it all the same. */
export function applySound(doc: Y.Doc, update: Uint8Array, origin: object): void {
  try {
    Y.applyUpdate(doc, update, origin)
  } catch (error) {
    reportUncaught(error)
  }
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

/** One of the updates threw, and is half applied; those after it were not tried. */
export interface Failure {
  readonly entry: HeldEntry
  readonly error: unknown
}

export function errorOf({ error: cause }: Failure, documentId: string): TidemarkError {
  return new TidemarkError('CANNOT_APPLY', `An entry cannot be applied: ${String(cause)}`, { documentId, cause })
}

/** Applies what a relay gave, in one transaction. @param begin called first, within it */
export function integrate(
  doc: Y.Doc,
  origin: object,
  entries: readonly Inspected[],
  begin: (transaction: Y.Transaction) => void,
): Failure | null {
  let failure: Failure | null = null
  try {
    doc.transact((transaction) => {
      begin(transaction)
      for (const { entry, update } of entries) {
        try {
          Y.applyUpdate(doc, update)
        } catch (error) {
          failure = { entry, error }
          return
        }
      }
    }, origin)
  } catch (error) {
    // The document took the entries; what threw was an observer of the app's.
    reportUncaught(error)
  }
  return failure
}

/** Updates tried on a copy of the document, one after the other, before they go into the document itself. */
export class Trial {
  readonly #doc: Y.Doc
  /** Null: there is none yet, or the last update broke it. */
  #copy: Y.Doc | null = null

  constructor(doc: Y.Doc) {
    this.#doc = doc
  }

  takes(update: Uint8Array): boolean {
    this.#copy ??= this.#copied()
    try {
      Y.applyUpdate(this.#copy, update)
      return true
    } catch {
      this.end()
      return false
    }
  }

  end(): void {
    this.#copy?.destroy()
    this.#copy = null
  }

  #copied(): Y.Doc {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(this.#doc))
    return copy
  }
}
