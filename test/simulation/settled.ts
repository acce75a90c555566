// Whether a run has come to rest: everybody holds all that exists anywhere, nothing is left to send, and a document that was
// deleted is deleted everywhere. Says what is missing, in words.
import * as Y from 'yjs'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { outboxOf, type StoredDocument, updatesOn, viewOf } from './disk-reading.ts'
import { contentOf } from './edits.ts'
import { extentOf, lacking, pendingOf } from './extent.ts'
import { Replica } from './replica.ts'
import { hex } from './scene.ts'
import type { OpenManuscript, SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import type { World } from './world.ts'

/**
 * All that exists of a document, on devices or where a new device would find it. Types that nobody asked for do not clean up.
 * @param isRead such a device has come: else a log with a bad snapshot may hold what nobody is given
 */
export function unionOf(world: World, id: string, isRead = true): Replica {
  const union = new Replica()
  for (const device of world.devices) {
    const stored = world.disks.of(device).get(id)
    if (stored !== undefined) union.add(Y.encodeStateAsUpdate(stored.replica.doc))
    const open = device.open.get(id)
    if (open !== undefined) union.add(Y.encodeStateAsUpdate(open.doc))
  }
  for (const relay of world.relays) {
    const log = relay.log(id)
    if (log === null || (!isRead && isBad(world, relay, log))) continue
    union.add(Y.encodeStateAsUpdate(world.histories.of(relay, log).readable(log).doc))
  }
  return union
}

/**
 * Null: all is well with this document.
 * @param isRead some device has come that knew nothing: until then nobody has read what a bad snapshot lacks
 */
export function whyUnsettled(world: World, id: string, isRead: boolean): string | null {
  const union = unionOf(world, id, isRead)
  const content = contentOf(union.doc)
  for (const device of world.devices) {
    const stored = world.disks.of(device).get(id)
    if (stored === undefined) continue
    const lacks = lacking(stored.extent, union.extent) ?? lacking(stored.named, pendingOf(union.doc))
    if (lacks !== null) return `${device.name} lacks ${lacks} of ${id}`
    for (const { name, url } of world.relays) {
      if (!outboxOf(stored, url).isEmpty) return `${device.name} still has something of ${id} to send to ${name}`
    }
    const open = device.open.get(id)
    const why = open === undefined ? null : whyNotShown(world, open, union, content)
    if (why !== null) return `${device.name} ${why}`
  }
  const isAnywhere = world.devices.some((device) => world.disks.of(device).has(id))
  for (const relay of isAnywhere ? world.relays : []) {
    const lacks = whatLogLacks(world, relay, id, union, isRead)
    if (lacks !== null) return `${relay.name} lacks ${lacks} of ${id}`
  }
  return null
}

/** What the app sees of it. */
function whyNotShown(world: World, { doc, document }: OpenManuscript, union: Replica, content: string): string | null {
  const { id, status } = document
  const lacks = lacking(extentOf(doc), union.extent)
  if (lacks !== null) return `has ${id} open without ${lacks}`
  const shown = contentOf(doc)
  if (shown !== content) return `reads ${id} otherwise than the others: ${shown} instead of ${content}`
  if (status.safety !== 'on-relay' && status.safety !== 'confirmed') return `calls ${id} '${status.safety}'`
  if (status.unsentBytes > 0) return `counts unsent bytes of ${id}`
  const problem = status.problem?.code
  const isOfLitter = problem === 'CANNOT_APPLY' || problem === 'NOT_ENCRYPTED'
  // A snapshot that is damaged does not open; it is kept until another takes its place.
  const isOfSnapshot = problem === 'UNKNOWN_KEY' && world.deeds.badSnapshots.size > 0
  const isExplained = problem === undefined || (isOfLitter && world.deeds.littered.has(id)) || isOfSnapshot
  return isExplained ? null : `shows a problem of ${id}: ${status.problem?.message}`
}

function whatLogLacks(world: World, relay: SimulatedRelay, id: string, union: Replica, isRead: boolean): string | null {
  const log = relay.log(id)
  if (log !== null && !isRead && isBad(world, relay, log)) return null
  const readable = log === null ? new Replica() : world.histories.of(relay, log).readable(log)
  const named = readable.extent.copy()
  named.addAll(readable.named)
  return lacking(named, union.extent) ?? lacking(named, pendingOf(union.doc))
}

/** A snapshot that no honest device made stands, or stood, for a part of the log. */
export function isBad({ histories, deeds }: World, relay: SimulatedRelay, log: MemoryDocument): boolean {
  return histories
    .of(relay, log)
    .snapshotsOf(log)
    .some(({ id }) => deeds.badSnapshots.has(id))
}

/** The same of a document that somebody deleted: whoever has met its tombstone stops, and keeps what it has. */
export function whyNotDeleted(world: World, id: string): string | null {
  for (const device of world.devices) {
    const stored = world.disks.of(device).get(id)
    const why = stored && whyNotDeletedOn(world, device, stored)
    if (why) return `${device.name} ${why}`
  }
  return null
}

function whyNotDeletedOn(world: World, device: SimulatedDevice, stored: StoredDocument): string | null {
  const { id, record } = stored
  const views = world.relays.map((relay) => ({ relay, view: viewOf(stored, relay.url) }))
  const isDeletedEverywhere = views.every(({ view }) => view?.deleted === true)
  if (record?.deleting) {
    const untold = views.find(({ view }) => view?.deleted !== true)
    if (untold !== undefined) return `has not deleted ${id} at ${untold.relay.name}`
    return device.open.has(id) || updatesOn(stored).length === 0 ? null : `keeps ${id}, which it deleted everywhere`
  }
  for (const { relay, view } of views) {
    if (view?.deleted) continue
    const dead = relay.state.tombstones.get(id)?.some((one) => hex(one.incarnation) === hex(view?.incarnation ?? EMPTY))
    if (dead) return `does not know that ${id} was deleted at ${relay.name}`
    if (!outboxOf(stored, relay.url).isEmpty) return `still has something of ${id} to send to ${relay.name}`
    const log = relay.log(id)
    const lacks = log && lacking(stored.extent, world.histories.of(relay, log).readable(log).extent)
    if (lacks) return `lacks ${lacks} of ${id}, which ${relay.name} has`
  }
  const status = device.open.get(id)?.document.status
  if (!isDeletedEverywhere || status === undefined) return null
  // Its work is not safe anywhere else, and the app is told so.
  const problems = world.relays.map(({ url }) => status.relays[url]?.problem?.code)
  const isSaid = status.safety === 'on-device' && problems.every((code) => code === 'DELETED')
  return isSaid ? null : `calls ${id} '${status.safety}', which was deleted everywhere`
}

const EMPTY = new Uint8Array(0)
