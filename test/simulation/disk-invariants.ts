// What must hold of every device's disk after each of its commits: nothing is lost there, marks are honest, and what a
// relay lacks is in the outbox. Checked against the logs, never against what the device believes.
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import type { RelayViewRecord } from '../../client/src/document/record.ts'
import { encodeChanges } from '../../client/src/document/update.ts'
import { equalBytes } from '../../relay/src/bytes.ts'
import { decodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import {
  deviceIdOn,
  documentsOn,
  extentWithHeld,
  heldOn,
  outboxOf,
  readStored,
  type StoredDocument,
} from './disk-reading.ts'
import { applyAll, changesOf, extentOf, lacking } from './extent.ts'
import type { LogHistory } from './log-history.ts'
import { fail, type Scene } from './scene.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

const NOTHING = new ChangeSet()

/** One document's log at one relay, with all that it ever held. */
interface Log {
  readonly relay: SimulatedRelay
  readonly log: MemoryDocument
  readonly history: LogHistory
}

export class DiskInvariants {
  readonly #scene: Scene
  /** As each disk was read last. */
  readonly #disks = new Map<SimulatedDevice, ReadonlyMap<string, StoredDocument>>()
  readonly #deviceIds = new Map<SimulatedDevice, string>()
  /** What was done to a document here, and was not called safe yet. */
  readonly #edits = new WeakMap<Y.Doc, ChangeSet>()
  readonly #extentsWithHeld = new WeakMap<StoredDocument['rows'], ChangeSet>()

  constructor(scene: Scene) {
    this.#scene = scene
  }

  /** Reads a device's disk anew: call it when a commit has ended, and when a disk was replaced (`isNew`). */
  read(device: SimulatedDevice, isNew = false): ReadonlyMap<string, StoredDocument> {
    const { image } = device.disk
    const known = this.#disks.get(device)
    const stored = new Map(documentsOn(image).map((id) => [id, readStored(image, id, known?.get(id))]))
    this.#disks.set(device, stored)
    this.#deviceIds.set(device, deviceIdOn(image))
    for (const [id, old] of isNew ? [] : (known ?? [])) {
      // The rows of a document that this device deleted go when every relay was told.
      if (old.record?.deleting) continue
      const lost = lacking(stored.get(id)?.extent ?? NOTHING, old.extent)
      if (lost !== null) fail(`2: the disk of ${device.name} lost ${lost} of ${id}`)
    }
    this.checkViews(device)
    return stored
  }

  /** As it was read last. */
  of(device: SimulatedDevice): ReadonlyMap<string, StoredDocument> {
    return this.#disks.get(device) ?? new Map()
  }

  /** What the disk holds of a document, read or not. */
  extentOf(device: SimulatedDevice, id: string): ChangeSet {
    const stored = this.of(device).get(id)
    return stored === undefined ? NOTHING : this.#withHeld(stored)
  }

  /** In hex; equal for clones. */
  deviceId(device: SimulatedDevice): string {
    return this.#deviceIds.get(device) ?? ''
  }

  /** Marks and outbox of one device, against the logs. */
  checkViews(device: SimulatedDevice): void {
    for (const stored of this.of(device).values()) {
      for (const view of stored.record?.views ?? []) {
        const relay = this.#scene.relays.find(({ url }) => url === view.relay)
        if (relay !== undefined && !view.deleted) this.#checkView(device, stored, view, relay)
      }
    }
  }

  /** Whatever does not come from a relay is an edit: also what observers and clean-up do. */
  watch(doc: Y.Doc): void {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      const isFromRelay = typeof origin === 'object' && origin !== null && 'tidemark' in origin
      if (isFromRelay) return
      const edits = this.#edits.get(doc) ?? new ChangeSet()
      edits.addAll(changesOf(update))
      this.#edits.set(doc, edits)
    })
  }

  /** 2: what counts as saved is on the disk. Cheap where nothing was done. */
  checkSaved(device: SimulatedDevice): void {
    for (const [id, { doc, document }] of device.open) {
      const edits = this.#edits.get(doc)
      if (edits === undefined) continue
      const { safety } = document.status
      if (safety === 'unsaved') continue
      const extent = this.of(device).get(id)?.extent ?? NOTHING
      const unsaved = lacking(extent, edits)
      if (unsaved !== null) fail(`2: ${device.name} calls ${id} '${safety}' without ${unsaved} on disk`)
      this.#edits.delete(doc)
      if (safety !== 'on-device') this.#checkOnRelay(device, id, extent, safety)
    }
  }

  /** 2: a document that was opened again holds what was on the disk. */
  checkOpened(device: SimulatedDevice, id: string, doc: Y.Doc): void {
    const lost = lacking(extentOf(doc), this.read(device).get(id)?.extent ?? NOTHING)
    if (lost !== null) fail(`2: ${device.name} opened ${id} without ${lost}`)
  }

  #checkView(device: SimulatedDevice, stored: StoredDocument, view: RelayViewRecord, relay: SimulatedRelay): void {
    const log = relay.log(stored.id)
    const at = log && { relay, log, history: this.#scene.histories.of(relay, log) }
    const markIndex = view.mark.length === 0 ? 0 : (at?.history.indexOf(at.log, view.mark) ?? null)
    if (at !== null && markIndex !== null && markIndex > 0) this.#checkMark(device, stored, at, markIndex)
    // Otherwise the relay answers RESET, and everything is derived anew.
    if (markIndex === null || !isReceiptAccepted(at, view, markIndex)) return
    this.#checkOutbox(device, stored, relay, at)
    if (at !== null && view.confirmed) this.#checkConfirmed(device, stored, view, at)
  }

  /** What a device keeps for want of a key it has, in a way: it needs no relay for it. */
  #withHeld(stored: StoredDocument): ChangeSet {
    const known = this.#extentsWithHeld.get(stored.rows)
    const extent = known ?? extentWithHeld(this.#scene.keys.payloadsOf(stored.id), stored)
    this.#extentsWithHeld.set(stored.rows, extent)
    return extent
  }

  /** 3: all up to the mark was given, either every entry, or a snapshot and every entry after it. */
  #checkMark(device: SimulatedDevice, stored: StoredDocument, { relay, log, history }: Log, index: number): void {
    const here = this.#withHeld(stored)
    const ungiven = lacking(here, history.extentAt(log, index))
    const cameBySnapshot = (): boolean =>
      history
        .snapshotsOf(log)
        .some((one) => one.base <= index && lacking(here, history.extentThrough(log, one, index)) === null)
    if (ungiven !== null && !cameBySnapshot()) {
      fail(`3: the mark of ${device.name} of ${stored.id} at ${relay.name} covers ${ungiven}, which is not on the disk`)
    }
    if (this.#scene.deeds.badSnapshots.size > 0) return
    const held = heldOn(this.#scene.keys.payloadsOf(stored.id), stored)
    for (const { index: at, pushId } of history.undecodable(log)) {
      if (at <= index && !held.has(pushId))
        fail(`3: ${device.name} neither took in nor holds entry ${at} of ${stored.id}`)
    }
  }

  /** 2: what the relay lacks is in the outbox. */
  #checkOutbox(device: SimulatedDevice, stored: StoredDocument, { name, url }: SimulatedRelay, at: Log | null): void {
    const outbox = outboxOf(stored, url)
    const covered = at === null ? new ChangeSet() : at.history.whole(at.log).extent.copy()
    covered.addAll(outbox)
    covered.deletes.addAll(outbox.structs) // Each travels with its deletion, if it has one.
    if (lacking(covered, stored.extent) === null) return
    const there = at === null ? null : at.history.whole(at.log).doc
    const lost = lacking(withPushed(there, stored.replica.doc, outbox), stored.extent)
    if (lost !== null)
      fail(`2: the outbox of ${device.name} of ${stored.id} at ${name} lacks ${lost}, and so does the relay`)
  }

  /** 1: nothing is called safe on a relay that is not flushed there. */
  #checkOnRelay(device: SimulatedDevice, id: string, extent: ChangeSet, safety: string): void {
    const { relays, histories, deeds } = this.#scene
    if (relays.some(({ losses }) => losses > 0) || deeds.deleted.has(id)) return
    const isThere = relays.some((relay) => {
      const log = relay.log(id)
      const there = log === null ? NOTHING : histories.of(relay, log).whole(log).extent
      return lacking(there, extent) === null
    })
    if (!isThere) fail(`1: ${device.name} calls ${id} '${safety}', and no relay has all of it`)
  }

  /** What this device pushed stands on the disk of another one. */
  #checkConfirmed(device: SimulatedDevice, { id }: StoredDocument, view: RelayViewRecord, at: Log): void {
    const { deeds, devices } = this.#scene
    // What another device once held, a backup or a deletion may have taken from it, and a stranger may lie.
    if (deeds.count('restoreDevice') > 0 || deeds.badSnapshots.size > 0) return
    if (deeds.deleted.has(id) || deeds.witnessed.has(id)) return
    const index = at.history.indexOf(at.log, view.receipt)
    if (index === null) return // It has pushed nothing, or to a log that is gone.
    const pushed = at.history.extentAt(at.log, index)
    const holds = (other: SimulatedDevice): boolean => {
      const there = this.of(other).get(id)
      const isOther = this.deviceId(other) !== this.deviceId(device)
      return isOther && there !== undefined && lacking(this.#withHeld(there), pushed) === null
    }
    if (!devices.some(holds))
      fail(`1: ${device.name} calls ${id} 'confirmed', and no other device holds what it pushed`)
  }
}

/** What a valid mark covers is of this log: a receipt at or below it is not looked at. */
function isReceiptAccepted(at: Log | null, view: RelayViewRecord, markIndex: number): boolean {
  if (view.receipt.length === 0) return true
  if (at === null) return false
  const receipt = decodeBookmark(view.receipt)
  const isSameLog = receipt !== undefined && equalBytes(receipt.incarnation, at.log.incarnation)
  if (view.mark.length > 0 && isSameLog && receipt.index <= markIndex) return true
  return at.history.indexOf(at.log, view.receipt) !== null
}

/** What the relay would hold if the device pushed what is in its outbox. */
function withPushed(there: Y.Doc | null, here: Y.Doc, outbox: ChangeSet): ChangeSet {
  const update = encodeChanges(here, outbox)
  if (there !== null && update === null) return extentOf(there)
  const doc = new Y.Doc({ guid: '' })
  if (there !== null) applyAll(doc, [Y.encodeStateAsUpdate(there)])
  if (update !== null) applyAll(doc, [update])
  return extentOf(doc)
}
