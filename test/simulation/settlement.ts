// The end of a run: everything is healed, each device syncs until nothing changes, and then everybody must hold all that
// still existed anywhere, say so, and be at rest.
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { readStored, unsentOf, updatesOn } from './disk-reading.ts'
import { contentOf } from './edits.ts'
import { applyAll, changesOf, extentOf, lacking, pendingOf } from './extent.ts'
import { fail } from './invariants.ts'
import { inWords } from './network.ts'
import type { World } from './world.ts'

/** Rounds in which every device syncs once. */
const ROUNDS_MAX = 6
/** Longer than any wait of a device that hopes for another's push. */
const BETWEEN_ROUNDS_MS = 11_000
const WAITS_MAX = 200
const DELIVERIES_MAX = 20_000

export interface Settlement {
  readonly rounds: number
  /** Entries of all logs, and those of them that brought nothing. */
  readonly entries: number
  readonly redundant: number
}

export async function settleWorld(world: World, documents: readonly string[]): Promise<Settlement> {
  world.trace.push('-- heal --')
  await heal(world)
  const existed = new Map(documents.map((id) => [id, referenceOf(world, id)]))
  let rounds = 0
  for (;;) {
    rounds++
    await syncAll(world, rounds)
    const why = whyUnsettled(world, documents)
    if (why === null) break
    if (rounds === ROUNDS_MAX) fail(`5: after ${rounds} rounds it does not settle: ${why}`)
    await world.pass(BETWEEN_ROUNDS_MS)
  }
  for (const [id, before] of existed) checkNothingLost(world, id, before)
  for (const relay of world.relays) world.invariants.checkAcknowledged(relay)
  await checkRest(world)
  const counted = countEntries(world, documents)
  checkEcho(world, counted)
  return { rounds, ...counted }
}

async function heal(world: World): Promise<void> {
  for (const relay of world.relays) if (relay.core === null) relay.start()
  await runOut(world)
  for (const device of world.devices) if (!device.isRunning) device.start()
  await runOut(world)
}

async function syncAll(world: World, round: number): Promise<void> {
  world.trace.push(`-- round ${round} --`)
  for (const device of world.devices) {
    world.sync(device)
    // Some of them one after another, some at once.
    if (world.random.chance(0.5)) await runOut(world)
  }
  await runOut(world)
}

/** Until everything that was begun has ended. */
export async function runOut(world: World): Promise<void> {
  let waits = 0
  for (let deliveries = 0; deliveries < DELIVERIES_MAX; deliveries++) {
    await world.settle()
    if (await takeOne(world)) continue
    const isBusy = world.devices.some(
      ({ syncsRunning, isClosing, isOpening }) => syncsRunning > 0 || isClosing || isOpening,
    )
    if (!isBusy && world.network.links.length === 0) return
    if (waits === WAITS_MAX) fail('5: a burst does not end, and nothing is under way any more')
    waits++
    await world.pass(1_000)
  }
  fail(`5: after ${DELIVERIES_MAX} deliveries there is still something under way`)
}

async function takeOne(world: World): Promise<boolean> {
  const lanes = world.network.busyLanes()
  const committing = world.devices.filter(({ commitsWaiting }) => commitsWaiting > 0)
  const flushing = world.relays.filter(({ isFlushing }) => isFlushing)
  const answering = world.relays.filter(({ answersWaiting }) => answersWaiting > 0)
  const kinds = [lanes, committing, flushing, answering]
  switch (world.random.weighted(kinds.map(({ length }) => length))) {
    case 0: {
      if (lanes.length === 0) return false
      const { link, direction, lane } = world.random.pick(lanes)
      world.trace.push(inWords(`  ${link.label} ${direction}`, lane.deliver()))
      return true
    }
    case 1: {
      const device = world.random.pick(committing)
      world.trace.push(`  commit ${device.name}`)
      await world.endCommit(device, false)
      return true
    }
    case 2:
      world.random.pick(flushing).endFlush(null)
      return true
    default:
      world.random.pick(answering).answer()
      return true
  }
}

/** All that exists of a document anywhere. Types that nobody has asked for yet do not clean up. */
function referenceOf(world: World, id: string): Y.Doc {
  const doc = new Y.Doc({ guid: '' })
  for (const device of world.devices) applyAll(doc, updatesOn(readStored(device.disk.snapshot(), id)))
  for (const { open } of world.devices) {
    const manuscript = open.get(id)
    if (manuscript !== undefined) applyAll(doc, [Y.encodeStateAsUpdate(manuscript.doc)])
  }
  for (const relay of world.relays) applyAll(doc, relay.log(id)?.entries.map(({ payload }) => payload) ?? [])
  return doc
}

function whyUnsettled(world: World, documents: readonly string[]): string | null {
  for (const id of documents) {
    const reference = referenceOf(world, id)
    const [extent, pending] = [extentOf(reference), pendingOf(reference)]
    const content = contentOf(reference)
    for (const device of world.devices) {
      const stored = world.invariants.storedOn(device).get(id)
      if (stored === undefined) continue
      const lacks = lacking(stored.extent, extent) ?? lacking(stored.named, pending)
      if (lacks !== null) return `${device.name} lacks ${lacks} of ${id}`
      for (const relay of world.relays) {
        const unsent = unsentOf(stored, relay.url)
        if (!unsent.isEmpty) return `${device.name} still has something of ${id} to send to ${relay.name}`
      }
      const open = device.open.get(id)
      if (open === undefined) continue
      if (lacking(extentOf(open.doc), extent) !== null) return `${device.name} has ${id} open without all of it`
      if (contentOf(open.doc) !== content)
        return `${device.name} reads ${id} otherwise than the others: ${contentOf(open.doc)} instead of ${content}`
      if (open.document.status.safety !== 'on-relay')
        return `${device.name} calls ${id} '${open.document.status.safety}'`
      if (open.document.status.unsentBytes > 0) return `${device.name} counts unsent bytes of ${id}`
    }
    for (const relay of world.relays) {
      const lacks = logLacks(world, id, extent, pending, relay)
      if (lacks !== null) return `${relay.name} lacks ${lacks} of ${id}`
    }
  }
  return null
}

function logLacks(
  world: World,
  id: string,
  extent: ChangeSet,
  pending: ChangeSet,
  relay: World['relays'][number],
): string | null {
  const named = new ChangeSet()
  const doc = new Y.Doc({ guid: '' })
  for (const { payload } of relay.log(id)?.entries ?? []) {
    applyAll(doc, [payload])
    named.addAll(changesOf(payload))
  }
  named.addAll(extentOf(doc))
  return world.devices.some((device) => world.invariants.storedOn(device).has(id))
    ? (lacking(named, extent) ?? lacking(named, pending))
    : null
}

function checkNothingLost(world: World, id: string, existed: Y.Doc): void {
  const lost = lacking(extentOf(referenceOf(world, id)), extentOf(existed))
  if (lost !== null) fail(`5: ${lost} of ${id} existed before the end, and is gone`)
  const invented = extentOf(referenceOf(world, id)).structs.without(extentOf(existed).structs)
  if (!invented.isEmpty) fail(`5: nobody wrote, and there are new structs in ${id}`)
}

/** 11 and 12: another round stores nothing and leaves nothing behind. */
async function checkRest(world: World): Promise<void> {
  await world.pass(BETWEEN_ROUNDS_MS)
  const before = world.relays.map((relay) => relay.backup().state.feedHead)
  await syncAll(world, 0)
  world.relays.forEach((relay, i) => {
    if (relay.backup().state.feedHead !== before[i]) fail(`11: ${relay.name} stored something although nobody wrote`)
    const connections = relay.core?.connectionCount ?? 0
    if (connections > 0) fail(`12: ${relay.name} still holds ${connections} sessions`)
  })
  for (const { name, timersSet } of world.devices) {
    if (timersSet > 0) fail(`12: ${name} has ${timersSet} timers set, and nothing to do`)
  }
}

/** After each of these a device may push again what a relay has already. */
const DISTURBANCES = ['crashDevice', 'quitDevice', 'closeDocument', 'restoreDevice', 'cloneDevice', 'cut', 'crashRelay']

/** 11: about one copy of everything; of what is given back to a relay, one from each device at most. */
function checkEcho(world: World, { entries, redundant }: { entries: number; redundant: number }): void {
  const disturbances = DISTURBANCES.reduce((sum, step) => sum + (world.counts.get(step) ?? 0), 0)
  const copiesPerEntry = world.relays.length > 1 ? world.devices.length - 1 : 0
  const redundantMax = 2 + disturbances + world.losses * world.devices.length + (entries - redundant) * copiesPerEntry
  if (redundant > redundantMax) fail(`11: ${redundant} of ${entries} entries bring nothing, ${redundantMax} at most`)
}

function countEntries(world: World, documents: readonly string[]): { entries: number; redundant: number } {
  let entries = 0
  let redundant = 0
  for (const relay of world.relays) {
    for (const id of documents) {
      const doc = new Y.Doc({ guid: '' })
      const named = new ChangeSet()
      for (const { payload } of relay.log(id)?.entries ?? []) {
        entries++
        const changes = changesOf(payload)
        if (changes.without(named).isEmpty) redundant++
        applyAll(doc, [payload])
        named.addAll(changes)
        named.addAll(extentOf(doc))
      }
    }
  }
  return { entries, redundant }
}
