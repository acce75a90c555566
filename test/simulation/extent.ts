// What a document holds, by its ids: the yardstick of every invariant. Reads what Yjs has integrated, and nothing else.
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import type { IdSet } from '../../client/src/document/id-set.ts'
import { inspectUpdate } from '../../client/src/document/update.ts'

/** Structs and deletions that are integrated. */
export function extentOf(doc: Y.Doc): ChangeSet {
  const extent = new ChangeSet()
  for (const [client, structs] of doc.store.clients) {
    const last = structs[structs.length - 1]
    if (last !== undefined) extent.structs.add(client, 0, last.id.clock + last.length)
    for (const { id, length, deleted } of structs) if (deleted) extent.deletes.add(client, id.clock, id.clock + length)
  }
  return extent
}

/** What a document was given and cannot integrate, because something before it is missing. */
export function pendingOf({ store: { pendingStructs, pendingDs } }: Y.Doc): ChangeSet {
  const pending = new ChangeSet()
  for (const update of [pendingStructs?.update, pendingDs]) {
    if (update) pending.addAll(changesOf(Y.convertUpdateFormatV2ToV1(update)))
  }
  return pending
}

/** What an update names; nothing where it is no update. */
export function changesOf(update: Uint8Array): ChangeSet {
  const changes = inspectUpdate(update)
  return 'reason' in changes ? new ChangeSet() : changes
}

/** Applies and, as Yjs can keep what is complete pending for ever, applies what it has once more. */
export function applyAll(doc: Y.Doc, updates: Iterable<Uint8Array>): void {
  applyAsGiven(doc, updates)
  if (doc.store.pendingStructs !== null) applyAsGiven(doc, [Y.encodeStateAsUpdate(doc)])
}

function applyAsGiven(doc: Y.Doc, updates: Iterable<Uint8Array>): void {
  doc.transact((transaction) => {
    for (const update of updates) Y.applyUpdate(doc, update)
    // Otherwise Yjs would clean up the formats of nested texts afterwards: deletions that nobody has written anywhere.
    transaction.local = true
  })
}

/** What `part` has and `whole` has not, in words; null: nothing. */
export function lacking(whole: ChangeSet, part: ChangeSet): string | null {
  if (whole.structs.includes(part.structs) && whole.deletes.includes(part.deletes)) return null
  const missing = part.without(whole)
  return missing.isEmpty ? null : describe(missing)
}

function describe({ structs, deletes }: ChangeSet): string {
  const words = [...wordsOf('', structs), ...wordsOf('deletion of ', deletes)]
  return words.length > 6
    ? `${words.slice(0, 6).join(', ')} and ${words.length - 6} more`
    : words.join(', ') || 'nothing'
}

function wordsOf(what: string, set: IdSet): string[] {
  return [...set.clients()].flatMap((client) =>
    set.ranges(client).map(({ start, end }) => `${what}${client}:${start}${end > start + 1 ? `-${end - 1}` : ''}`),
  )
}
