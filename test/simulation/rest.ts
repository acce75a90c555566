// What must be so once a run has come to rest: nobody stores anything more, nothing is left behind, the logs hold about one
// copy of everything, and nobody was made to resync again and again.
import { compactionUrgency } from '../../relay/src/session/compaction-urgency.ts'
import { baseOf, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { changesOf } from './extent.ts'
import { Replica } from './replica.ts'
import { runOut, syncAll } from './run-out.ts'
import { fail } from './scene.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import { Strangers } from './strangers.ts'
import type { World } from './world.ts'

const BETWEEN_ROUNDS_MS = 61_000
/** Longer than any plan keeps an upload that does not go on. */
const IDLE_MS = 25 * 60 * 60_000

export interface EntryCount {
  readonly entries: number
  /** Those that bring nothing, and those that only delete what is deleted already. */
  readonly redundant: number
  readonly deletions: number
}

export async function checkRest(world: World, documents: readonly string[]): Promise<EntryCount> {
  checkStorms(world)
  await checkIdle(world)
  checkCompacted(world, documents)
  checkConfirmed(world, documents)
  checkCauses(world, documents)
  await checkSwept(world)
  await checkFree(world, documents)
  const counted = countEntries(world, documents)
  checkEcho(world, counted)
  return counted
}

/** 11 and 12: two more rounds store nothing and leave nothing behind. */
async function checkIdle(world: World): Promise<void> {
  await world.pass(BETWEEN_ROUNDS_MS)
  await runOut(world)
  const before = world.relays.map(({ state }) => state.feedHead)
  await syncAll(world, 0)
  await syncAll(world, 0)
  world.relays.forEach(({ name, state, core }, i) => {
    if (state.feedHead !== before[i]) fail(`11: ${name} stored something although nobody wrote`)
    const connections = core?.connectionCount ?? 0
    if (connections > 0) fail(`12: ${name} still holds ${connections} sessions`)
  })
  for (const { name, timersSet } of world.devices) {
    if (timersSet > 0) fail(`12: ${name} has ${timersSet} timers set, and nothing to do`)
  }
}

/**
 * Whoever compacts gladly, and has a document open, has done so. But for what was forged in an encrypted one: until somebody
 * writes anew with the key that it names, nobody knows whether it is forged or their key is wrong.
 */
function checkCompacted(world: World, documents: readonly string[]): void {
  const { littered, badSnapshots } = world.deeds
  for (const { relay, log } of logsOf(world, documents)) {
    const isForged = littered.has(log.documentId) || badSnapshots.size > 0
    if (world.keys.isEncrypted && isForged) continue
    const urgency = compactionUrgency(tailOf(log), false, relay.limits)
    const hasOpen = world.devices.filter(({ open }) => open.has(log.documentId))
    const isWilling = hasOpen.some(
      ({ compaction }) => compaction === 'gladly' || (compaction !== 'never' && urgency === 'HIGH'),
    )
    if (urgency !== 'NONE' && isWilling) fail(`6: nobody compacts ${log.documentId} at ${relay.name}: ${urgency}`)
  }
}

/** Where two devices have a document open, each of them has learned that the other holds what it wrote. */
function checkConfirmed(world: World, documents: readonly string[]): void {
  for (const id of documents) {
    if (world.relays.every((relay) => relay.log(id) === null)) continue
    const devices = world.devices.filter(({ open }) => open.has(id))
    if (new Set(devices.map((device) => world.disks.deviceId(device))).size < 2) continue
    for (const device of devices) {
      const safety = device.open.get(id)?.document.status.safety
      if (safety !== 'confirmed') fail(`${device.name} calls ${id} '${safety}', and others have it`)
    }
  }
}

/** 8: nothing is repaired without a cause. */
function checkCauses(world: World, documents: readonly string[]): void {
  const { harassed, littered, gapped, badSnapshots } = world.deeds
  if (badSnapshots.size > 0) return
  for (const { relay, log } of logsOf(world, documents)) {
    const { documentId, generation } = log
    const isRepaired = generation.some((byte) => byte !== 0)
    const hasCause = [harassed, littered, gapped].some((ids) => ids.has(documentId))
    if (isRepaired && !hasCause) fail(`8: ${documentId} at ${relay.name} was repaired, and nothing was wrong`)
  }
}

/** 12: nobody holds a lease or a turn any more. */
async function checkFree(world: World, documents: readonly string[]): Promise<void> {
  const stranger = new Strangers(world, world.random.fork())
  const asked = logsOf(world, documents)
    .filter(({ log }) => headOf(log) > baseOf(log))
    .map(({ relay, log }) => ({ relay, log, answers: stranger.askForEverything(relay, log) }))
  await runOut(world)
  for (const { relay, log, answers } of asked) {
    const isLeased = answers.some((frame) => frame.type === 'LEASED' && frame.code === 'OK')
    const isItsTurn = answers.some((frame) => frame.type === 'OPENED' && frame.turn === 'YOURS')
    if (!isLeased || !isItsTurn) fail(`12: somebody holds lease or turn of ${log.documentId} at ${relay.name} for ever`)
  }
}

/** Nothing is left of what was begun. */
async function checkSwept(world: World): Promise<void> {
  await world.pass(IDLE_MS)
  for (const relay of world.relays) relay.sweep()
  await runOut(world)
  for (const { name, state } of world.relays) {
    if (state.uploads.size > 0) fail(`12: ${name} still holds ${state.uploads.size} uploads that do not go on`)
  }
}

/** 11: no device resyncs more often than there was a cause. */
function checkStorms(world: World): void {
  for (const [key, resyncs] of world.wire.takeResyncs()) {
    const [device, relay, documentId] = key.split('\n') as [string, string, string]
    const causes = 2 + world.deeds.resyncCausesOf(relay, documentId)
    if (resyncs > causes)
      fail(`11: ${device} resyncs ${documentId} with ${relay} ${resyncs} times, for ${causes} causes`)
  }
}

/** After each of these a device may push again what a relay has already: at one relay, or at each. */
const DISTURBANCES = ['cut', 'crashRelay'] as const
const DISTURBANCES_EVERYWHERE = ['crashDevice', 'quitDevice', 'closeDocument', 'restoreDevice', 'cloneDevice'] as const

/** 11: about one copy of everything. */
function checkEcho(world: World, { entries, redundant, deletions }: EntryCount): void {
  const { deeds, devices, losses, relays } = world
  // What every device may have to give, and each relay stores.
  const givenByAll = (deeds.count('bad snapshots') + deeds.created.size * relays.length) * devices.length
  const disturbances = deeds.count(...DISTURBANCES) + deeds.count(...DISTURBANCES_EVERYWHERE) * relays.length
  // Who cannot read a snapshot gives back what it has, for it cannot see whether that is there; nor whether an entry is there
  // that another relay gave to it in a form that it can read.
  const unreadable = deeds.count('rotateKey') * devices.length * (relays.length - 1)
  const unseen = deeds.count('rotateKey') > 0 ? deeds.count('resyncs') + unreadable : 0
  // Where a burst is late with what it brings to another relay, somebody else may carry it over.
  const carried = deeds.count('late bursts') * (relays.length - 1)
  const redundantMax = 1 + disturbances + losses + givenByAll + carried + unseen
  if (redundant > redundantMax) fail(`11: ${redundant} of ${entries} entries bring nothing, ${redundantMax} at most`)
  // What Yjs derives cannot be told from edits by a device that resyncs in several bursts.
  const deletionsMax = 2 + redundantMax + deeds.count('resyncs')
  if (deletions > deletionsMax)
    fail(`11: ${deletions} of ${entries} entries delete what is deleted, ${deletionsMax} at most`)
}

/** A push whose acknowledgement was lost is stored again if a compaction came between: it does not count. */
function countEntries(world: World, documents: readonly string[]): EntryCount {
  const count = { entries: 0, redundant: 0, deletions: 0 }
  for (const { relay, log } of logsOf(world, documents)) {
    const replica = new Replica()
    const pushIds = new Set<string>()
    for (const { pushId, content } of world.histories.of(relay, log).entries(log)) {
      count.entries++
      const changes = changesOf(content.payload)
      const isOld = changes.without(replica.named).without(replica.extent).isEmpty && !pushIds.has(pushId)
      if (replica.add(content.payload, content.format) && isOld)
        count[changes.structs.isEmpty ? 'deletions' : 'redundant']++
      pushIds.add(pushId)
    }
  }
  return count
}

function logsOf(
  world: World,
  documents: readonly string[],
): readonly { readonly relay: SimulatedRelay; readonly log: MemoryDocument }[] {
  return world.relays.flatMap((relay) =>
    documents.flatMap((id) => {
      const log = relay.log(id)
      return log === null ? [] : [{ relay, log }]
    }),
  )
}

function tailOf(log: MemoryDocument): Parameters<typeof compactionUrgency>[0] {
  const base = baseOf(log)
  const { snapshot, bytes } = log
  return {
    base,
    entriesAfterBase: headOf(log) - base,
    bytesAfterBase: bytes - (snapshot?.baseBytesThrough ?? 0),
    snapshotBytes: snapshot?.payload.length ?? 0,
  }
}
