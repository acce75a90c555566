// What a relay gives of one document in one exchange, from its pieces to what the device stores: entries and snapshots are
// gathered until a mark covers them, then applied and queued in one go. Asks for nothing.
import type { Entries, Snapshot } from '@tidemark/protocol'
import * as Y from 'yjs'
import { type ErrorCode, TidemarkError } from '../errors.ts'
import { hexOf, sameBytes } from './bytes.ts'
import { firstContentConflict } from './content-conflicts.ts'
import { FORMAT_SNAPSHOT } from './format.ts'
import { CANNOT_APPLY, entriesOfSnapshot, type GivenEntry } from './given.ts'
import { Incoming, type Piece } from './incoming.ts'
import type { LiveDocument } from './live-document.ts'
import type { Obstacle } from './obstacle.ts'
import { payloadId } from './payload-id.ts'
import type { RelayView } from './relay-view.ts'
import type { HeldEntry } from './rows.ts'
import { decodeSnapshotPayload, type SnapshotPayload, type SnapshotRefusal, snapshotIdOf } from './snapshot-payload.ts'
import { changesOfTransaction } from './update.ts'

interface GivenSnapshot {
  readonly id: Uint8Array
  readonly payload: Uint8Array
  readonly decoded: SnapshotPayload | SnapshotRefusal
}

/** Rows of what has come of a payload are written about so often, and when the exchange ends. */
const BYTES_UNSTORED_MAX: number = 1024 * 1024
/** What an entry takes in memory beside its payload. */
const ENTRY_BYTES = 256
/** Bytes of whole entries that wait for their mark, and one payload more. */
const COLLECTED_BYTES_MAX: number = 64 * 1024 * 1024
/** Of a log that is given anew, what is kept to find out what Yjs derives from it; of more, that is pushed once too often. */
const GIVEN_BYTES_MAX: number = 256 * 1024 * 1024

export interface PullingOptions {
  readonly document: LiveDocument
  readonly view: RelayView
  /** What was given is of no use, and nothing more of it is taken. */
  fail(error: TidemarkError): void
  /** This entry or snapshot, by its id, cannot be taken in. */
  refused(id: Uint8Array, obstacle: Obstacle): void
  /** A snapshot was given, and what it stands for is known: the relay has what it holds, and nothing else. */
  tookSnapshot(): void
  /** What these entries carry was taken in. */
  took(updates: readonly Uint8Array[]): void
}

export class Pulling {
  readonly #options: PullingOptions
  /** What comes now is void: the log is given anew in the next round. */
  isVoid = false
  entriesPulled = 0
  #hasMoved = false
  #collected: HeldEntry[] = []
  #collectedBytes = 0
  #snapshot: GivenSnapshot | null = null
  /** The updates that the relay gave since the resync of this exchange began; null: none began in it. */
  #givenSinceResync: Uint8Array[] | null = null
  #givenBytes = 0
  /** Ids, in hex, of what was given and is held. */
  readonly #held = new Set<string>()

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
    this.#givenBytes = 0
    this.#held.clear()
  }

  /** Whether `acknowledged` makes a difference. */
  get isNoting(): boolean {
    return this.#givenSinceResync !== null
  }

  /** Acknowledged: it counts as given. */
  acknowledged(update: Uint8Array): void {
    this.#noteGiven([update])
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
      this.#collectedBytes += payload.length + ENTRY_BYTES
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
    const { payloads } = this.#options.document
    const decoded = decodeSnapshotPayload(payload, (header, content) => payloads.openSnapshot(header, content))
    if ('reason' in decoded && decoded.isNewer) {
      this.#fail('VERSION', `The snapshot was made by a newer version: ${decoded.reason}`)
    } else {
      this.#snapshot = { id: snapshotId.slice(), payload, decoded }
    }
  }

  /** Everything up to `mark` has been given: apply it, and store it with the mark. */
  mark(mark: Uint8Array): void {
    // Another relay's entry was half applied: what this one gives is asked for again when the document is whole.
    if (this.#options.document.needsRebuild) this.isVoid = true
    if (this.isVoid) return
    // What is known without a mark cannot be found to be lost.
    if (mark.length === 0) return this.#fail('MALFORMED', 'The relay gave an empty mark')
    this.#collectedBytes = 0
    try {
      if (this.#snapshot !== null) this.#takeSnapshot(this.#snapshot, mark)
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
    const { document, view } = this.#options
    if (!view.resyncing) return
    document.disownHeld(view.relay, this.#held)
    view.resyncing = false
    if (view.mark.length > 0) view.receipt = view.mark
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
    const updates = this.#apply(entries)
    this.#collected = []
    this.entriesPulled += entries.length
    this.#options.took(updates)
  }

  #apply(entries: readonly GivenEntry[]): readonly Uint8Array[] {
    const { document, view, refused } = this.#options
    const taken = document.apply(view, entries)
    for (const { entry, obstacle } of taken.refused) {
      this.#held.add(hexOf(entry.pushId))
      refused(entry.pushId, obstacle)
    }
    this.#noteGiven(taken.updates)
    return taken.updates
  }

  #noteGiven(updates: readonly Uint8Array[]): void {
    for (const update of updates) this.#givenBytes += update.length + ENTRY_BYTES
    if (this.#givenBytes > GIVEN_BYTES_MAX) this.#givenSinceResync = null
    else this.#givenSinceResync?.push(...updates)
  }

  #takeSnapshot({ id, payload, decoded }: GivenSnapshot, given: Uint8Array): void {
    this.#snapshot = null
    if ('reason' in decoded) {
      this.#takeNothing({ pushId: id, format: FORMAT_SNAPSHOT, payload }, decoded.obstacle ?? CANNOT_APPLY)
      return
    }
    const { document, view, tookSnapshot } = this.#options
    if (!sameBytes(decoded.mark, given)) {
      const { relay } = view
      throw new TidemarkError('MALFORMED', 'The relay gave a snapshot under another mark than it was made', { relay })
    }
    this.#resyncBySnapshot()
    const [state, ...held] = entriesOfSnapshot(id, decoded)
    const obstacle = document.obstacleTo(state)
    // Of no use, it holds nothing: all that is known of what it stood for is owed, and goes up again.
    if (obstacle === null) this.#lookForConflict(decoded.update)
    else this.#options.refused(id, obstacle)
    document.dropHeldBefore(view.relay, obstacle === null)
    // Whoever made the snapshot could not apply these either, and a repair was asked for then.
    this.#apply(obstacle === null ? [state, ...held] : held)
    tookSnapshot()
  }

  /** Nothing of the snapshot can be read. */
  #takeNothing(snapshot: HeldEntry, obstacle: Obstacle): void {
    const { document, view, refused, tookSnapshot } = this.#options
    document.dropHeldBefore(view.relay, false)
    if (obstacle.cause !== 'CANNOT_APPLY') {
      this.#held.add(hexOf(snapshot.pushId))
      document.hold(view.relay, snapshot, obstacle)
    }
    // A plain one in an encrypted document is as good as none, and what it hides others have to give back.
    refused(snapshot.pushId, obstacle.cause === 'NOT_ENCRYPTED' ? CANNOT_APPLY : obstacle)
    // Others can read it, who will notice what it misses: what this device has, the relay has as before.
    if (obstacle.cause === 'UNKNOWN_KEY' || obstacle.cause === 'UNKNOWN_SUITE') return
    this.#resyncBySnapshot()
    tookSnapshot()
  }

  #resyncBySnapshot(): void {
    const { document, view } = this.#options
    view.resync(document.committedChanges(), Y.encodeStateAsUpdate(document.doc).length)
    this.beginResync()
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
    for (const update of given) {
      try {
        Y.applyUpdate(scratch, update)
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
