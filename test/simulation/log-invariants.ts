// What must hold of every relay's logs after each flush: what was acknowledged stays, a snapshot is exactly what it hides,
// and a deleted document begins anew only where an app asked for it.
import type { Ack } from '@tidemark/protocol'
import { equalBytes } from '../../relay/src/bytes.ts'
import { decodeBookmark, encodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { MemoryDocument, MemoryLogSnapshot } from '../../relay/src/store/memory-state.ts'
import { lacking, pendingOf } from './extent.ts'
import { readSnapshot } from './log-history.ts'
import { fail, hex, type Scene } from './scene.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

interface Acknowledged {
  readonly pushId: string
  readonly incarnation: string
  readonly index: number
}

/** Of one document at one relay, whatever became of it. */
interface Ever {
  readonly incarnations: Set<string>
  acknowledged: Acknowledged[]
}

export class LogInvariants {
  readonly #scene: Scene
  readonly #ever = new Map<string, Ever>()
  readonly #snapshotsSeen = new Set<string>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Call it whenever a flush has ended, and when a relay's data was replaced. */
  observe(relay: SimulatedRelay): void {
    for (const log of relay.state.documents.values()) {
      const ever = this.#everOf(relay, log.documentId)
      this.#checkBeginning(relay, log, ever)
      this.#scene.histories.of(relay, log).observe(log)
      if (log.snapshot === null || this.#snapshotsSeen.has(hex(log.snapshot.id))) continue
      this.#snapshotsSeen.add(hex(log.snapshot.id))
      this.#checkSnapshot(relay, log, log.snapshot)
    }
  }

  /** Whether an entry or a snapshot was ever on the relay's disk. */
  everHeld(relay: SimulatedRelay, documentId: string, id: string): boolean {
    const isKnown = (): boolean => this.#scene.histories.every(relay, documentId).some((log) => log.everHeld(id))
    if (isKnown()) return true
    this.observe(relay)
    return isKnown()
  }

  /** 1: an acknowledgement leaves the relay. */
  acknowledge(relay: SimulatedRelay, documentId: string, { pushId, receipt }: Ack): void {
    const bookmark = decodeBookmark(receipt)
    if (bookmark === undefined) fail(`1: ${relay.name} acknowledges ${hex(pushId)} with no bookmark`)
    const { incarnation, index } = bookmark
    const acknowledged = { pushId: hex(pushId), incarnation: hex(incarnation), index }
    if (this.#isGone(relay, documentId, acknowledged)) return
    if (!this.#isKept(relay, documentId, acknowledged)) {
      fail(`1: ${relay.name} acknowledges ${hex(pushId)} of ${documentId} before it is flushed`)
    }
    this.#everOf(relay, documentId).acknowledged.push(acknowledged)
  }

  /** 1: call it after a restart, and at the end; `lost` when a rollback took acknowledged entries with it. */
  checkAcknowledged(relay: SimulatedRelay, lost = false): void {
    for (const [key, ever] of this.#ever) {
      const [name, documentId] = key.split('\n') as [string, string]
      if (name !== relay.name) continue
      ever.acknowledged = ever.acknowledged.filter((one) => {
        if (this.#isGone(relay, documentId, one)) return false
        const isKept = this.#isKept(relay, documentId, one)
        if (!isKept && !lost) fail(`1: ${relay.name} acknowledged ${one.pushId} of ${documentId} and does not have it`)
        return isKept
      })
    }
  }

  #isKept(relay: SimulatedRelay, documentId: string, { pushId, incarnation, index }: Acknowledged): boolean {
    const log = relay.log(documentId)
    if (log === null || hex(log.incarnation) !== incarnation) return false
    return this.#scene.histories.of(relay, log).entries(log)[index - 1]?.pushId === pushId
  }

  /** Somebody deleted the document. */
  #isGone(relay: SimulatedRelay, documentId: string, { incarnation }: Acknowledged): boolean {
    const tombstones = relay.state.tombstones.get(documentId) ?? []
    return tombstones.some((tombstone) => hex(tombstone.incarnation) === incarnation)
  }

  /** A document that was deleted does not begin anew by itself. */
  #checkBeginning(relay: SimulatedRelay, log: MemoryDocument, ever: Ever): void {
    const incarnation = hex(log.incarnation)
    if (ever.incarnations.has(incarnation)) return
    ever.incarnations.add(incarnation)
    const isDeleted = relay.state.tombstones.has(log.documentId)
    if (isDeleted && !this.#scene.deeds.created.has(log.documentId)) {
      fail(`${relay.name} begins ${log.documentId} anew, which was deleted, and no app asked for it`)
    }
  }

  /** 6: a snapshot covers its prefix, and holds nothing else. */
  #checkSnapshot(
    relay: SimulatedRelay,
    log: MemoryDocument,
    { id, base, baseChain, payload }: MemoryLogSnapshot,
  ): void {
    const { deeds, histories } = this.#scene
    if (deeds.badSnapshots.has(hex(id))) return
    const what = `6: the snapshot of ${log.documentId} at ${relay.name} up to ${base}`
    const read = readSnapshot(this.#scene.keys.payloadsOf(log.documentId), payload)
    if (read === null) fail(`${what} cannot be read`)
    if (!equalBytes(read.header.mark, encodeBookmark(log.incarnation, base, baseChain)))
      fail(`${what} names another mark`)
    const history = histories.of(relay, log)
    // Who came by way of a bad one may know no better, until that is repaired.
    if (history.snapshotsOf(log).some((one) => deeds.badSnapshots.has(one.id))) return
    const lacks = lacking(read.replica.extent, history.extentAt(log, base))
    if (lacks !== null) fail(`${what} lacks ${lacks}`)
    const more = lacking(history.extentAt(log, base), read.replica.extent)
    if (more !== null) fail(`${what} holds ${more}, which the log does not`)
    if (base < history.entries(log).length) return
    const pending = lacking(read.replica.named, pendingOf(history.whole(log).doc))
    if (pending !== null) fail(`${what} lacks ${pending}, which is pending`)
  }

  #everOf({ name }: SimulatedRelay, documentId: string): Ever {
    const key = `${name}\n${documentId}`
    const ever = this.#ever.get(key) ?? { incarnations: new Set(), acknowledged: [] }
    this.#ever.set(key, ever)
    return ever
  }
}
