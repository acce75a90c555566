// What must hold after every step, each a paragraph of the design's list ("What must always hold"): checked against the
// disks of both sides, never against what either side believes of itself.

import { decodeMessage, type Frame, LIMITS_AFTER_WELCOME, LIMITS_HTTP_RESPONSE } from '@tidemark/protocol'
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import type { RelayViewRecord } from '../../client/src/document/record.ts'
import { encodeChanges } from '../../client/src/document/update.ts'
import { equalBytes } from '../../relay/src/bytes.ts'
import { decodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { documentsOn, readStored, type StoredDocument, unsentOf, updatesOn } from './disk-reading.ts'
import { applyAll, changesOf, extentOf, lacking } from './extent.ts'
import { indexOf, LogReader } from './log-reading.ts'
import type { Direction, Link } from './network.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

export class Violation extends Error {}

/** One device's disk as it was read last. */
interface DiskReading {
  readonly stored: ReadonlyMap<string, StoredDocument>
}

export class Invariants {
  readonly reader: LogReader = new LogReader()
  readonly #relays: () => readonly SimulatedRelay[]
  readonly #disks = new Map<SimulatedDevice, DiskReading>()
  /** Push ids in hex, by relay and document. */
  readonly #acknowledged = new Map<string, Set<string>>()
  /** Payloads of logs that are gone, by document. */
  readonly #lost = new Map<string, readonly Uint8Array[]>()
  /** Document ids by channel, of the newest round of a link. */
  readonly #channels = new Map<Link, Map<number, string>>()
  /** Payloads that come in pieces, by link and push id. */
  readonly #pieces = new Map<string, Uint8Array>()
  readonly #changed = new WeakSet<Y.Doc>()
  /** Pushes whose every byte was sent, for the bound on the log. */
  pushesSeen = 0

  constructor(relays: () => readonly SimulatedRelay[]) {
    this.#relays = relays
  }

  /** Reads a device's disk anew: call it when a commit has ended, and when a disk was replaced (`isNew`). */
  readDisk(device: SimulatedDevice, isNew = false): ReadonlyMap<string, StoredDocument> {
    const image = device.disk.snapshot()
    const before = isNew ? undefined : this.#disks.get(device)?.stored
    const known = this.#disks.get(device)?.stored
    const stored = new Map(documentsOn(image).map((id) => [id, readStored(image, id, known?.get(id))]))
    this.#disks.set(device, { stored })
    for (const [id, old] of before ?? []) {
      const lost = lacking(stored.get(id)?.extent ?? new ChangeSet(), old.extent)
      if (lost !== null) fail(`2: the disk of ${device.name} lost ${lost} of ${id}`)
    }
    this.checkViews(device)
    return stored
  }

  /** Marks and outbox of one device, against the logs. */
  checkViews(device: SimulatedDevice): void {
    for (const stored of this.#disks.get(device)?.stored.values() ?? []) {
      for (const view of stored.record?.views ?? []) {
        const relay = this.#relays().find(({ url }) => url === view.relay)
        if (relay !== undefined) this.#checkView(device, stored, view, relay)
      }
    }
  }

  /** As it was read last. */
  storedOn(device: SimulatedDevice): ReadonlyMap<string, StoredDocument> {
    return this.#disks.get(device)?.stored ?? new Map()
  }

  /** The data of a relay is about to be lost; devices may still hold what it gave them. */
  willLose(relay: SimulatedRelay): void {
    for (const [documentId, { entries }] of relay.backup().state.documents) {
      const lost = this.#lost.get(documentId) ?? []
      this.#lost.set(documentId, [...lost, ...entries.map(({ payload }) => payload)])
    }
  }

  watch(doc: Y.Doc): void {
    this.#changed.add(doc)
    doc.on('afterTransaction', () => this.#changed.add(doc))
  }

  /** 2: what counts as saved is on the disk. Cheap where nothing has changed. */
  checkSaved(device: SimulatedDevice): void {
    for (const [id, { doc, document }] of device.open) {
      if (!this.#changed.has(doc) || document.status.safety === 'unsaved') continue
      this.#changed.delete(doc)
      const extent = this.#disks.get(device)?.stored.get(id)?.extent ?? new ChangeSet()
      const unsaved = lacking(extent, extentOf(doc))
      if (unsaved !== null) fail(`2: ${device.name} calls ${id} '${document.status.safety}' without ${unsaved} on disk`)
      if (document.status.safety === 'on-relay') this.#checkOnRelay(device, id, extent)
    }
  }

  /** 2: a document that was opened again holds what was on the disk. */
  checkOpened(device: SimulatedDevice, id: string, doc: Y.Doc): void {
    const extent = this.#disks.get(device)?.stored.get(id)?.extent ?? new ChangeSet()
    const lost = lacking(extentOf(doc), extent)
    if (lost !== null) fail(`2: ${device.name} opened ${id} without ${lost}`)
  }

  sent(link: Link, direction: Direction, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, direction === 'up' ? LIMITS_AFTER_WELCOME : LIMITS_HTTP_RESPONSE)
    if (!decoded.ok) fail(`${link.label} carries ${direction} what is no message: ${decoded.message}`)
    for (const frame of decoded.frames) {
      if (direction === 'up') this.#sentUp(link, frame)
      else if (frame.type === 'ACK') this.#acknowledge(link, frame.channel, frame.pushId)
    }
  }

  /** 1: call it after a restart, and at the end; `lost` when a rollback took acknowledged entries with it. */
  checkAcknowledged(relay: SimulatedRelay, lost = false): void {
    for (const [key, pushIds] of this.#acknowledged) {
      const [name, documentId] = key.split('\n') as [string, string]
      if (name !== relay.name) continue
      const known = relay.log(documentId)?.indexOfPush
      for (const pushId of [...pushIds]) {
        if (known?.has(pushId)) continue
        if (lost) pushIds.delete(pushId)
        else fail(`1: ${relay.name} acknowledged ${pushId} of ${documentId} and does not have it`)
      }
    }
  }

  logKey(relay: SimulatedRelay, documentId: string): string {
    return `${relay.name}\n${documentId}`
  }

  #sentUp(link: Link, frame: Frame): void {
    if (frame.type === 'OPEN') {
      const channels = this.#channels.get(link) ?? new Map<number, string>()
      this.#channels.set(link, channels.set(frame.channel, frame.documentId))
    }
    if (frame.type !== 'PUSH') return
    const documentId = this.#documentOf(link, frame.channel)
    const key = `${link.label} ${hex(frame.pushId)}`
    const payload = this.#pieces.get(key) ?? new Uint8Array(frame.total)
    payload.set(frame.bytes, frame.offset)
    this.#pieces.set(key, payload)
    if (frame.offset + frame.bytes.length < frame.total) return
    this.pushesSeen++
    this.#checkPush(link, documentId, payload, frame.offset === 0)
  }

  /** 2: nothing is sent before it is in the device's store. */
  #checkPush(link: Link, documentId: string, payload: Uint8Array, isWhole: boolean): void {
    const device = [...this.#disks.keys()].find(({ name }) => name === link.device)
    // Pieces that went over an earlier connection are not here.
    if (!isWhole || device === undefined) return
    // A struct travels in the state in which it is: with a deletion that may still be on its way to the disk.
    const changes = changesOf(payload)
    changes.deletes.removeAll(changes.structs)
    if (lacking(this.storedOn(device).get(documentId)?.named ?? new ChangeSet(), changes) === null) return
    // The commit may have ended since it was read.
    const here = readStored(device.disk.snapshot(), documentId)
    changes.removeAll(here.named)
    // What a relay gives is no edit of this device: it may go on to another relay, with what follows from it.
    const doc = new Y.Doc({ guid: '' })
    applyAll(doc, updatesOn(here))
    for (const relay of this.#relays()) {
      const payloads = relay.log(documentId)?.entries.map(({ payload }) => payload) ?? []
      applyAll(doc, payloads)
      for (const payload of payloads) changes.removeAll(changesOf(payload))
    }
    for (const payload of this.#lost.get(documentId) ?? []) changes.removeAll(changesOf(payload))
    const early = lacking(extentOf(doc), changes)
    if (early !== null) fail(`2: ${link.device} pushes ${early} of ${documentId} before it is on its disk`)
  }

  #acknowledge(link: Link, channel: number, pushId: Uint8Array): void {
    const documentId = this.#documentOf(link, channel)
    const relay = this.#relays().find(({ name }) => name === link.endpoint.name)
    if (relay === undefined || !relay.log(documentId)?.indexOfPush.has(hex(pushId))) {
      fail(`1: ${link.label} acknowledges ${hex(pushId)} of ${documentId} before it is flushed`)
    }
    const key = this.logKey(relay, documentId)
    this.#acknowledged.set(key, (this.#acknowledged.get(key) ?? new Set()).add(hex(pushId)))
  }

  #documentOf(link: Link, channel: number): string {
    const documentId = this.#channels.get(link)?.get(channel)
    if (documentId === undefined) fail(`${link.label}: channel ${channel} was never opened`)
    return documentId
  }

  #checkView(device: SimulatedDevice, stored: StoredDocument, view: RelayViewRecord, relay: SimulatedRelay): void {
    const log = relay.log(stored.id)
    const key = this.logKey(relay, stored.id)
    const who = `${device.name} of ${stored.id} at ${relay.name}`
    const markIndex = indexOf(log, view.mark)
    if (log !== null && markIndex !== null && view.mark.length > 0) {
      const ungiven = lacking(stored.extent, this.reader.extentAt(key, log, markIndex))
      if (ungiven !== null) fail(`3: the mark of ${who} covers ${ungiven}, which is not on the disk`)
    }
    // Otherwise the relay answers RESET, and everything is derived anew.
    if (markIndex === null || !isReceiptAccepted(log, view, markIndex)) return
    const unsent = unsentOf(stored, relay.url)
    const covered = log === null ? new ChangeSet() : this.reader.extentAt(key, log, log.entries.length).copy()
    covered.addAll(unsent)
    covered.deletes.addAll(unsent.structs) // Each travels with its deletion, if it has one.
    if (lacking(covered, stored.extent) === null) return
    const there = log === null ? null : this.reader.doc(key, log)
    const lost = lacking(withPushed(there, stored.doc, unsent), stored.extent)
    if (lost !== null) fail(`2: the outbox of ${who} lacks ${lost}, which the relay does not have`)
  }

  #checkOnRelay(device: SimulatedDevice, id: string, extent: ChangeSet): void {
    const relays = this.#relays()
    if (relays.some(({ losses }) => losses > 0)) return
    const isThere = relays.some((relay) => {
      const log = relay.log(id)
      const there = log && this.reader.extentAt(this.logKey(relay, id), log, log.entries.length)
      return lacking(there ?? new ChangeSet(), extent) === null
    })
    if (!isThere) fail(`1: ${device.name} calls ${id} 'on-relay', and no relay has all of it`)
  }
}

/** What a valid mark covers is of this log: a receipt at or below it is not looked at. */
function isReceiptAccepted(log: MemoryDocument | null, view: RelayViewRecord, markIndex: number): boolean {
  const receipt = decodeBookmark(view.receipt)
  const isSameLog = log !== null && receipt !== undefined && equalBytes(receipt.incarnation, log.incarnation)
  if (view.mark.length > 0 && isSameLog && receipt.index <= markIndex) return true
  return indexOf(log, view.receipt) !== null
}

/** What the relay would hold if the device pushed what it calls unsent. */
function withPushed(there: Y.Doc | null, here: Y.Doc, unsent: ChangeSet): ChangeSet {
  const update = encodeChanges(here, unsent)
  if (there !== null && update === null) return extentOf(there)
  const doc = new Y.Doc({ guid: '' })
  if (there !== null) applyAll(doc, [Y.encodeStateAsUpdate(there)])
  if (update !== null) applyAll(doc, [update])
  return extentOf(doc)
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

export function fail(what: string): never {
  throw new Violation(what)
}
