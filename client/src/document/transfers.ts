// The large payloads of one document that are under way, up or down, as rows of the device store: what a connection or a
// process leaves unfinished, the next one goes on with. Rows of what is no longer under way are removed.
import { sameBytes } from './bytes.ts'
import { ChangeSet } from './change-set.ts'
import { isLarge, type Outgoing } from './outgoing.ts'
import type { RelayView } from './relay-view.ts'
import type { RowQueue } from './row-queue.ts'
import type { OutgoingRow, PartialRow } from './rows.ts'

export class Transfers {
  readonly #queue: RowQueue
  readonly #views: ReadonlyMap<string, RelayView>

  constructor(queue: RowQueue, views: ReadonlyMap<string, RelayView>) {
    this.#queue = queue
    this.#views = views
  }

  /** Writes down what goes to `view`'s relay in pieces, before the first of them leaves. */
  keepOutgoing(view: RelayView): void {
    for (const outgoing of view.outgoing) {
      const { id, format, payload, changes, mark, rowId } = outgoing
      if (rowId !== null || !isLarge(outgoing) || this.#isQueued(view.relay, id)) continue
      this.#queue.append({ kind: 'outgoing', relay: view.relay, id, format, payload, changes, mark }, new ChangeSet())
    }
  }

  /** It arrived, or was refused. */
  dropOutgoing({ rowId }: Outgoing): void {
    if (rowId !== null) this.#queue.remove([rowId])
  }

  /** Writes down what came of a payload so far. */
  keepIncoming(view: RelayView): void {
    const row = view.incoming?.takeUnstored(view.relay) ?? null
    if (row !== null) this.#queue.append(row, new ChangeSet())
  }

  /** It is whole, or of no use any more. */
  dropIncoming(view: RelayView): void {
    const { incoming } = view
    view.incoming = null
    if (incoming !== null) this.#queue.remove(incoming.rowIds)
  }

  /** Nothing of what is under way either way is of use any more. */
  dropAll(view: RelayView): void {
    for (const outgoing of view.outgoing) this.dropOutgoing(outgoing)
    view.outgoing = []
    this.dropIncoming(view)
  }

  /** A row was written. What it is of may have ended before that. */
  committed(row: PartialRow | OutgoingRow, id: number): void {
    const view = this.#views.get(row.relay)
    if (row.kind === 'partial') {
      const incoming = view?.incoming ?? null
      if (incoming !== null && sameBytes(incoming.id, row.id)) incoming.rowIds.push(id)
      else this.#queue.remove([id])
      return
    }
    const outgoing = view?.outgoing.find((candidate) => sameBytes(candidate.id, row.id))
    if (outgoing === undefined) this.#queue.remove([id])
    else outgoing.rowId = id
  }

  #isQueued(relay: string, id: Uint8Array): boolean {
    return this.#queue.pending.some(
      ({ row }) => row.kind === 'outgoing' && row.relay === relay && sameBytes(row.id, id),
    )
  }
}
