// What must hold of every message that leaves either side, before it arrives: nothing is sent or shown before it is on the
// disk of who sends it, and nobody writes to a document that it knows to be deleted.
import { decodeMessage, type Frame, LIMITS_AFTER_WELCOME, LIMITS_HTTP_RESPONSE, type Opened } from '@tidemark/protocol'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { decodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { CarryingInvariants } from './carrying-invariants.ts'
import type { DiskInvariants } from './disk-invariants.ts'
import { readStored, updatesOn, viewOf } from './disk-reading.ts'
import { changesOf, lacking } from './extent.ts'
import { contentOf } from './log-history.ts'
import type { LogInvariants } from './log-invariants.ts'
import type { Direction, Link } from './network.ts'
import { Replica } from './replica.ts'
import { fail, hex, type Scene } from './scene.ts'
import type { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'

type FrameOf<Type extends Frame['type']> = Extract<Frame, { type: Type }>

export class WireInvariants {
  readonly #scene: Scene
  readonly #disks: DiskInvariants
  readonly #logs: LogInvariants
  readonly #carrying: CarryingInvariants
  /** Document ids by channel, of the newest round of a link. */
  readonly #channels = new Map<Link, Map<number, string>>()
  /** Resyncs that a relay asked for, by device, relay and document, since `count` was called last. */
  #resyncs = new Map<string, number>()

  constructor(scene: Scene, disks: DiskInvariants, logs: LogInvariants, carrying: CarryingInvariants) {
    this.#scene = scene
    this.#disks = disks
    this.#logs = logs
    this.#carrying = carrying
  }

  sent(link: Link, direction: Direction, bytes: Uint8Array): void {
    const decoded = decodeMessage(bytes, direction === 'up' ? LIMITS_AFTER_WELCOME : LIMITS_HTTP_RESPONSE)
    if (!decoded.ok) fail(`${link.label} carries ${direction} what is no message: ${decoded.message}`)
    for (const frame of decoded.frames) {
      if (direction === 'up') this.#sentUp(link, frame)
      else this.#sentDown(link, frame)
    }
  }

  /** By device, relay and document; begins to count anew. */
  takeResyncs(): ReadonlyMap<string, number> {
    const resyncs = this.#resyncs
    this.#resyncs = new Map()
    return resyncs
  }

  #sentUp(link: Link, frame: Frame): void {
    if (frame.type === 'OPEN') {
      const channels = this.#channels.get(link) ?? new Map<number, string>()
      this.#channels.set(link, channels.set(frame.channel, frame.documentId))
    }
    if (frame.type === 'REPAIR') this.#checkCause(link, frame)
    if (frame.type !== 'PUSH') return
    const documentId = this.#documentOf(link, frame.channel)
    this.#checkNotDeleted(link, documentId)
    // Of what goes up in pieces the whole is never seen: it is in a row of its own before.
    if (frame.bytes.length === frame.total) this.#checkPush(link, documentId, frame)
  }

  #sentDown(link: Link, frame: Frame): void {
    switch (frame.type) {
      case 'ACK':
        this.#logs.acknowledge(this.#relayOf(link), this.#documentOf(link, frame.channel), frame)
        return
      case 'OPENED':
        this.#countResync(link, frame)
        return
      case 'ENTRIES':
        for (const { pushId, offset } of frame.entries) if (offset === 0) this.#checkGiven(link, frame, hex(pushId))
        return
      case 'SNAPSHOT':
        if (frame.offset === 0) this.#checkGiven(link, frame, hex(frame.snapshotId))
        return
      case 'MARK':
      case 'SYNCED':
        if (frame.mark.length > 0) this.#checkMark(link, frame)
        return
      default:
    }
  }

  /** 2: nothing is sent before it is in the device's store. */
  #checkPush(link: Link, documentId: string, { pushId, format, bytes }: FrameOf<'PUSH'>): void {
    const device = this.#deviceOf(link)
    if (device === undefined) return
    // A struct travels in the state in which it is: with a deletion that may still be on its way to the disk.
    const changes = changesOf(contentOf(this.#scene.keys.payloadsOf(documentId), { format, payload: bytes }).payload)
    changes.deletes.removeAll(changes.structs)
    this.#carrying.pushed({ device, relay: this.#relayOf(link), documentId, pushId: hex(pushId), changes })
    if (lacking(this.#disks.of(device).get(documentId)?.named ?? new ChangeSet(), changes) === null) return
    // The commit may have ended since it was read.
    const here = readStored(device.disk.image, documentId)
    changes.removeAll(here.named)
    if (changes.isEmpty) return
    // What a relay gives is no edit of this device: it may go on to another relay, with what follows from it.
    const replica = new Replica().addAll(updatesOn(here))
    for (const relay of this.#scene.relays) {
      this.#logs.observe(relay)
      for (const log of this.#scene.histories.every(relay, documentId)) replica.addAll(log.everyContent())
    }
    const known = replica.extent.copy()
    known.addAll(replica.named)
    const early = lacking(known, changes)
    if (early !== null) fail(`2: ${link.device} pushes ${early} of ${documentId} before it is on its disk`)
  }

  /** 8: a repair is asked for only where something is wrong. */
  #checkCause(link: Link, { channel, reason }: FrameOf<'REPAIR'>): void {
    const { deeds } = this.#scene
    const documentId = this.#documentOf(link, channel)
    // What was missing may have come by way of another relay since it was noted.
    if (reason === 'GAP') deeds.gapped.add(documentId)
    const isWrong = reason === 'GAP' || deeds.littered.has(documentId) || deeds.badSnapshots.size > 0
    if (!isWrong) fail(`8: ${link.device} asks for a repair of ${documentId} for ${reason}, and nothing is wrong`)
  }

  /** Nothing brings a deleted document back, but an app that says so. */
  #checkNotDeleted(link: Link, documentId: string): void {
    const device = this.#deviceOf(link)
    const { url } = this.#relayOf(link)
    const stored = device && this.#disks.of(device).get(documentId)
    if (device === undefined || stored === undefined || !viewOf(stored, url)?.deleted) return
    // The commit that says otherwise may have ended since the disk was read.
    const view = viewOf(readStored(device.disk.image, documentId), url)
    if (view?.deleted) fail(`${link.device} pushes to ${documentId}, which it knows to be deleted there`)
  }

  /** 1: nothing is readable before it is flushed. */
  #checkGiven(link: Link, { channel }: { readonly channel: number }, id: string): void {
    const documentId = this.#documentOf(link, channel)
    if (!this.#logs.everHeld(this.#relayOf(link), documentId, id)) {
      fail(`1: ${link.label} gives ${id} of ${documentId} before it is flushed`)
    }
  }

  #checkMark(link: Link, { channel, mark }: FrameOf<'MARK' | 'SYNCED'>): void {
    const relay = this.#relayOf(link)
    const log = relay.log(this.#documentOf(link, channel))
    const isOfLog =
      log !== null && decodeBookmark(mark) && this.#scene.histories.of(relay, log).indexOf(log, mark) !== null
    if (!isOfLog && log !== null) fail(`3: ${link.label} gives a mark that is not of its log`)
  }

  #countResync(link: Link, { channel, status, generation }: Opened): void {
    const documentId = this.#documentOf(link, channel)
    const device = this.#deviceOf(link)
    const stored = device && this.#disks.of(device).get(documentId)
    const view = stored && viewOf(stored, this.#relayOf(link).url)
    const isRepaired =
      view !== undefined &&
      view.mark.length > 0 &&
      view.generation.length > 0 &&
      hex(view.generation) !== hex(generation)
    if (status !== 'RESET' && !(status === 'OK' && isRepaired)) return
    const key = `${link.device}\n${link.endpoint.name}\n${documentId}`
    this.#resyncs.set(key, (this.#resyncs.get(key) ?? 0) + 1)
    this.#scene.deeds.did('resyncs')
  }

  #documentOf(link: Link, channel: number): string {
    const documentId = this.#channels.get(link)?.get(channel)
    if (documentId === undefined) fail(`${link.label}: channel ${channel} was never opened`)
    return documentId
  }

  #deviceOf({ device }: Link): SimulatedDevice | undefined {
    return this.#scene.devices.find(({ name }) => name === device)
  }

  #relayOf({ endpoint }: Link): SimulatedRelay {
    const relay = this.#scene.relays.find(({ name }) => name === endpoint.name)
    if (relay === undefined) throw new Error(`No relay ${endpoint.name}`)
    return relay
  }
}
