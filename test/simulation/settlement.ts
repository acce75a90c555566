// The end of a run: everything is healed, each device syncs until nothing changes, and then everybody must hold all that
// still existed anywhere, say so, and be at rest.
import { REPAIR_WAIT_MS_MAX } from '../../relay/src/store/contract.ts'
import { baseOf } from '../../relay/src/store/memory-log.ts'
import { changesOf, extentOf, lacking } from './extent.ts'
import type { Replica } from './replica.ts'
import { checkRest, type EntryCount } from './rest.ts'
import { runOut, syncAll } from './run-out.ts'
import { fail } from './scene.ts'
import { isBad, unionOf, whyNotDeleted, whyUnsettled } from './settled.ts'
import type { World } from './world.ts'

/** Rounds in which every device syncs once. */
const ROUNDS_MAX = 10
/** Longer than any wait of a device that hopes for another's push; later rounds outlast turns and leases as well. */
const BETWEEN_ROUNDS_MS = [11_000, 11_000, 11_000, 61_000] as const
/** By then everything is noticed that a relay asks about at once. */
const ROUNDS_BEFORE_CLAIMS = 5

export interface Settlement extends EntryCount {
  readonly rounds: number
}

export async function settleWorld(world: World, documents: readonly string[]): Promise<Settlement> {
  world.trace.push('-- heal --')
  await heal(world)
  world.wire.takeResyncs()
  const { deleted } = world.deeds
  const existed = new Map(documents.filter((id) => !deleted.has(id)).map((id) => [id, unionOf(world, id)]))
  let rounds = await settleRounds(world, documents, (id) =>
    deleted.has(id) ? whyNotDeleted(world, id) : whyUnsettled(world, id, false),
  )
  if (deleted.size > 0) {
    await createAnew(world)
    for (const id of deleted) existed.set(id, unionOf(world, id))
    rounds += await settleRounds(world, documents, (id) => whyUnsettled(world, id, false))
  }
  const isRead = world.deeds.badSnapshots.size > 0 || world.random.chance(0.25)
  if (isRead) {
    await addReader(world, documents)
    rounds += await settleRounds(world, documents, (id) => whyUnsettled(world, id, true))
  }
  if (world.deeds.count('repairs refused') > 0) {
    // What was put off comes when its wait is over.
    await world.pass(REPAIR_WAIT_MS_MAX)
    await runOut(world)
    rounds += await settleRounds(world, documents, (id) => whyUnsettled(world, id, isRead))
  }
  for (const [id, before] of existed) checkNothingLost(world, id, before)
  for (const relay of world.relays) world.logs.checkAcknowledged(relay)
  const counted = await checkRest(world, documents)
  return { rounds, ...counted }
}

async function heal(world: World): Promise<void> {
  for (const relay of world.relays) if (relay.core === null) relay.start()
  await runOut(world)
  for (const device of world.devices) if (!device.isRunning) device.start()
  giveKeys(world)
  await runOut(world)
  if (world.deeds.badSnapshots.size === 0) return
  // What a document lacks is found out by those who open it: a closed one that nobody writes to is not looked at.
  for (const device of world.devices) {
    for (const id of world.disks.of(device).keys()) if (!world.deeds.deleted.has(id)) device.openDocument(id)
  }
  await runOut(world)
}

function giveKeys(world: World): void {
  for (const { keys } of world.devices) if (keys !== null && world.keys.isLacking(keys)) world.keys.give(keys)
}

/** The apps decide: whoever has something of a deleted document, or worked on it, begins it anew. */
async function createAnew(world: World): Promise<void> {
  world.trace.push('-- begin anew --')
  for (const device of world.devices) {
    for (const id of world.deeds.deleted) {
      if (world.disks.of(device).has(id) || device.wanted.has(id)) world.createDocument(device, id)
    }
  }
  await runOut(world)
}

/** Who knows nothing, and is given nothing of what a snapshot hides, finds out what it has missed. */
async function addReader(world: World, documents: readonly string[]): Promise<void> {
  world.trace.push('-- a new device --')
  await world.pass(Math.max(...world.relays.map(({ limits }) => limits.retentionMaxMs)) + 1)
  for (const relay of world.relays) relay.sweep()
  await runOut(world)
  const reader = world.addDevice(documents)
  giveKeys(world)
  await runOut(world)
  // Where a tombstone stands and nobody has anything to begin anew with, a new device has to say that it begins.
  for (const id of world.deeds.deleted) world.createDocument(reader, id)
  await runOut(world)
}

async function settleRounds(
  world: World,
  documents: readonly string[],
  why: (id: string) => string | null,
): Promise<number> {
  let quiet = 0
  for (let rounds = 1; ; rounds++) {
    const before = feedHeads(world)
    await syncAll(world, rounds)
    const unsettled = documents.map((id) => ({ id, reason: why(id) })).filter(({ reason }) => reason !== null)
    const reasons = unsettled.map(({ reason }) => reason)
    quiet = feedHeads(world) === before ? quiet + 1 : 0
    if (quiet < quietRoundsMin(world)) reasons.push('the last rounds changed something')
    if (reasons.length === 0) return rounds
    if (rounds === ROUNDS_MAX) fail(`5: after ${rounds} rounds it does not settle: ${reasons.join('; ')}`)
    world.trace.push(`-- not yet: ${reasons.join('; ')} --`)
    const claimsMs = rounds === ROUNDS_BEFORE_CLAIMS ? untilClaimsMs(world, unsettled) : 0
    await world.pass(Math.max(claimsMs, BETWEEN_ROUNDS_MS[rounds - 1] ?? BETWEEN_ROUNDS_MS[3]))
  }
}

/**
 * Until two devices agree at or above a base, a relay has everybody claim at once; afterwards now and then. So a device that
 * came by way of a bad snapshot, where others that were given the entries agree already, may be found out that late.
 */
function untilClaimsMs(world: World, unsettled: readonly { readonly id: string }[]): number {
  const waits = world.relays.flatMap((relay) =>
    unsettled.map(({ id }) => {
      const log = relay.log(id)
      const isLate = log !== null && log.agreedIndex >= baseOf(log) && isBad(world, relay, log)
      return isLate ? relay.limits.claimEveryMs : 0
    }),
  )
  return Math.max(0, ...waits)
}

/** A device reports a gap only after a second burst with it. */
function quietRoundsMin({ deeds, losses }: World): number {
  return losses + deeds.littered.size + deeds.count('restoreDevice') > 0 ? 2 : 1
}

/** Moves with every push, repair and deletion. */
function feedHeads({ relays }: World): string {
  return relays.map(({ state }) => state.feedHead).join()
}

function checkNothingLost(world: World, id: string, before: Replica): void {
  const after = unionOf(world, id)
  const existed = extentOf(before.doc)
  const lost = lacking(after.extent, existed)
  if (lost !== null) fail(`5: ${lost} of ${id} existed before the end, and is gone`)
  // What was pending may be integrated now, and what a bad snapshot hid may have been given from behind it.
  const invented = after.extent.structs.without(before.named.structs).without(existed.structs)
  for (const relay of world.relays) {
    for (const log of world.histories.every(relay, id)) {
      for (const payload of log.everyContent()) invented.removeAll(changesOf(payload).structs)
    }
  }
  if (!invented.isEmpty) fail(`5: nobody wrote, and there are new structs in ${id}`)
}
