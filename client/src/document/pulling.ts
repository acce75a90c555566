// What a relay gives of one document in one exchange, from its pieces to what the device stores: entries and snapshots are
// gathered until a mark covers them, then applied and queued in one go. Asks for nothing.
import type { Entries, Snapshot } from '@tidemark/protocol'
import * as Y from 'yjs'
import { type ErrorCode, TidemarkError } from '../errors.ts'
import { sameBytes } from './bytes.ts'
import { firstContentConflict } from './content-conflicts.ts'
import { FORMAT_YJS_1 } from './format.ts'
import { Incoming, type Piece } from './incoming.ts'
import type { LiveDocument } from './live-document.ts'
import { payloadId } from './payload-id.ts'
import type { RelayView } from './relay-view.ts'
import type { HeldEntry } from './rows.ts'
import { decodeSnapshotPayload, type SnapshotPayload, type SnapshotRefusal, snapshotIdOf } from './snapshot-payload.ts'
import { changesOfTransaction } from './update.ts'

/** Rows of what has come of a payload are written about so often, and when the exchange ends. */
const BYTES_UNSTORED_MAX: number = 1024 * 1024
/** Bytes of whole entries that wait for their mark, and one payload more. */
const COLLECTED_BYTES_MAX: number = 64 * 1024 * 1024

export interface PullingOptions {
  readonly document: LiveDocument
  readonly view: RelayView
  /** What was given is of no use, and nothing more of it is taken. */
  fail(error: TidemarkError): void
  /** A repair is to be asked for: these bytes, by their id, cannot be applied. */
  cannotApply(id: Uint8Array): void
  /** A snapshot was taken in. */
  tookSnapshot(): void
  /** These entries were taken in. */
  took(payloads: readonly Uint8Array[]): void
}

export class Pulling {
  readonly #options: PullingOptions
  /** What comes now is void: the log is given anew in the next round. */
  isVoid = false
  entriesPulled = 0
  #hasMoved = false
  #collected: HeldEntry[] = []
  #collectedBytes = 0
  #snapshot: { readonly id: Uint8Array; readonly payload: SnapshotPayload } | null = null
  /** All that the relay gave since the resync of this exchange began; null: none began in it. */
  #givenSinceResync: Uint8Array[] | null = null

  constructor(options: PullingOptions) {
    this.#options = options
  }

  /** Whether bytes of a payload have come since the last call. */
  takeMoved(): boolean {
    const hasMoved = this.#hasMoved
    this.#hasMoved = false
    return hasMoved
  }

  /** For each OPENED. */
  begin(): void {
    this.isVoid = false
    this.#collected = []
    this.#collectedBytes = 0
    this.#snapshot = null
  }

  beginResync(): void {
    this.#givenSinceResync = []
  }

  /** Acknowledged: it counts as given. */
  acknowledged(payload: Uint8Array): void {
    this.#givenSinceResync?.push(payload)
  }

  entries({ entries }: Entries): void {
    if (this.isVoid) return
    for (const { pushId, format, total, offset, bytes } of entries) {
      if (this.#collectedBytes > COLLECTED_BYTES_MAX) {
        this.#fail('MALFORMED', 'The relay gives more entries than it may before it names their mark')
        return
      }
      const payload = this.#assemble({ of: 'entry', id: pushId, format, total, offset, bytes })
      if (payload === null) continue
      this.#collectedBytes += payload.length
      if (sameBytes(payloadId(payload, format), pushId))
        this.#collected.push({ pushId: pushId.slice(), format, payload })
      else this.#fail('BAD_HASH', 'An entry from the relay does not have the bytes that its push id names')
    }
  }

  snapshot({ snapshotId, total, offset, bytes }: Snapshot): void {
    if (this.isVoid) return
    const payload = this.#assemble({ of: 'snapshot', id: snapshotId, format: 0, total, offset, bytes })
    if (payload === null) return
    if (!sameBytes(snapshotIdOf(payload), snapshotId)) {
      this.#fail('BAD_HASH', 'A snapshot from the relay does not have the bytes that its id names')
      return
    }
    const decoded = decodeSnapshotPayload(payload)
    if ('reason' in decoded) this.#takeNothing(snapshotId, decoded)
    else this.#snapshot = { id: snapshotId.slice(), payload: decoded }
  }

  /** Everything up to `mark` has been given: apply it, and store it with the mark. */
  mark(mark: Uint8Array): void {
    // Another relay's entry was half applied: what this one gives is asked for again when the document is whole.
    if (this.#options.document.needsRebuild) this.isVoid = true
    if (this.isVoid) return
    this.#collectedBytes = 0
    try {
      if (this.#snapshot !== null) this.#takeSnapshot(this.#snapshot.id, this.#snapshot.payload, mark)
      this.#takeEntries()
    } catch (error) {
      // Nothing of this page is stored, so the mark stays where it was.
      if (error instanceof TidemarkError) this.#options.fail(error)
      else this.#fail('CANNOT_APPLY', `What the relay gave cannot be taken in: ${String(error)}`)
      return
    }
    const { document, view } = this.#options
    view.mark = mark
    document.touch()
  }

  /**
   * All was given: what the relay still lacks of this document is known now.
   * What Yjs derives from the relay's own entries (an overwritten map key, say) the relay's readers derive too. It can be
   * told apart only with all of the log at hand; without, it is pushed once too often, and nothing is lost.
   */
  finishResync(): void {
    const { view } = this.#options
    if (!view.resyncing) return
    view.resyncing = false
    view.receipt = view.mark
    if (this.#givenSinceResync !== null) this.#knowDerived(this.#givenSinceResync)
    this.#givenSinceResync = null
  }

  #assemble(piece: Piece): Uint8Array | null {
    const { document, view } = this.#options
    this.#hasMoved = true
    // A view of a message would keep all of it.
    if (piece.offset === 0 && piece.bytes.length === piece.total) {
      if (view.incoming !== null) document.transfers.dropIncoming(view)
      return piece.bytes.slice()
    }
    if (view.incoming?.continues(piece) !== true) {
      document.transfers.dropIncoming(view)
      if (!Incoming.accepts(piece)) {
        this.#fail('MALFORMED', `A piece at ${piece.offset} of ${piece.total} bytes does not follow the one before it`)
        return null
      }
      view.incoming = new Incoming(piece)
    }
    const { incoming } = view
    if (incoming === null) return null
    incoming.add(piece.bytes.slice())
    if (!incoming.isWhole) {
      if (incoming.received - incoming.storedBytes >= BYTES_UNSTORED_MAX) document.transfers.keepIncoming(view)
      return null
    }
    const payload = incoming.payload()
    document.transfers.dropIncoming(view)
    return payload
  }

  #takeEntries(): void {
    const entries = this.#collected
    if (entries.length === 0) return
    const { document, view, cannotApply, took } = this.#options
    const held = document.apply(view, entries)
    for (const { pushId } of held) cannotApply(pushId)
    this.#collected = []
    this.entriesPulled += entries.length
    const payloads = entries.filter((entry) => !held.includes(entry)).map(({ payload }) => payload)
    this.#givenSinceResync?.push(...payloads)
    took(payloads)
  }

  /** What the relay has is what the snapshot holds, and what it gives after it. */
  #takeSnapshot(id: Uint8Array, { mark, update, held }: SnapshotPayload, given: Uint8Array): void {
    this.#snapshot = null
    const { document, view, cannotApply, tookSnapshot } = this.#options
    if (!sameBytes(mark, given)) {
      const { relay } = view
      throw new TidemarkError('MALFORMED', 'The relay gave a snapshot under another mark than it was made', { relay })
    }
    this.#resyncBySnapshot()
    const entry: HeldEntry = { pushId: id, format: FORMAT_YJS_1, payload: update }
    const isUsable = document.canTake(entry)
    // Of no use, it holds nothing: all that is known of what it stood for is owed, and goes up again.
    if (isUsable) this.#lookForConflict(update)
    else cannotApply(id)
    // Whoever made the snapshot could not apply these either, and a repair was asked for then.
    document.apply(view, isUsable ? [entry, ...held] : held)
    if (isUsable) this.#givenSinceResync?.push(update)
    tookSnapshot()
  }

  /** A snapshot of which nothing can be read: the log is what comes after it. */
  #takeNothing(id: Uint8Array, { reason, isNewer }: SnapshotRefusal): void {
    if (isNewer) {
      this.#fail('VERSION', `The snapshot was made by a newer version: ${reason}`)
      return
    }
    this.#resyncBySnapshot()
    this.#options.cannotApply(id)
    this.#options.tookSnapshot()
  }

  #resyncBySnapshot(): void {
    const { document, view } = this.#options
    view.resync(document.committedChanges(), Y.encodeStateAsUpdate(document.doc).length)
    this.#givenSinceResync = []
  }

  #lookForConflict(update: Uint8Array): void {
    const { document } = this.#options
    if (document.conflict !== '' || document.doc.store.clients.size === 0) return
    const scratch = new Y.Doc()
    try {
      Y.applyUpdate(scratch, update)
      const conflict = firstContentConflict(scratch, document.doc)
      if (conflict !== null) document.conflict = `${conflict.client}:${conflict.clock}`
    } catch {
      // It is applied to the document itself next, where a throw has its consequences.
    } finally {
      scratch.destroy()
    }
  }

  #knowDerived(given: readonly Uint8Array[]): void {
    const { view } = this.#options
    const scratch = new Y.Doc()
    // Not what Yjs does by itself afterwards: that clean-up is no relay's yet.
    scratch.on('afterTransaction', (transaction: Y.Transaction) => {
      if (!transaction.local) view.known(changesOfTransaction(transaction), 0)
    })
    for (const payload of given) {
      try {
        Y.applyUpdate(scratch, payload)
      } catch {
        // Held by the document as well; the scratch document only saves bytes.
      }
    }
    scratch.destroy()
  }

  #fail(code: ErrorCode, message: string): void {
    const { document, view, fail } = this.#options
    fail(new TidemarkError(code, message, { relay: view.relay, documentId: document.id }))
  }
}

/** A payload that was cut off, as the next OPEN names it; null: none was. */
export function partialOf({ incoming }: RelayView): { readonly id: Uint8Array; readonly offset: number } | null {
  return incoming === null ? null : { id: incoming.id, offset: incoming.received }
}
