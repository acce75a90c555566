// Scripts for what random schedules seldom bring about: each ends well, and does not without the safeguard that it is for.
import * as Y from 'yjs'
import type { Limits } from '../../../relay/src/limits.ts'
import { baseOf, headOf } from '../../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../../relay/src/store/memory-state.ts'
import { installBadSnapshot } from '../bad-snapshots.ts'
import { Random } from '../random.ts'
import { runOut } from '../run-out.ts'
import type { Sabotage } from '../sabotage.ts'
import { fail } from '../scene.ts'
import { append, deliverUntil, deviceIn, NOVEL, novelOn, scriptedWorld, syncOn, type } from '../scripted.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import { Strangers } from '../strangers.ts'
import type { World } from '../world.ts'

/** @throws when it does not end well */
export type Script = (sabotage: Sabotage) => Promise<void>

/** No claim is asked for: nothing else heals what the safeguard should have prevented. */
const NO_CLAIMS: Partial<Limits> = { claimEntries: 1_000_000, claimEveryMs: 2_000_000_000 }
const SOON_FORGOTTEN: Partial<Limits> = { retentionMs: 60_000, retentionMaxMs: 60_000 }

/** A snapshot of a line of the log that a rollback took, under a lease that was given after it. */
export const snapshotOfOldLine: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, NO_CLAIMS)
  const strangers = new Strangers(world, new Random(1))
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await written(world, a, 'one ')
  await syncOn(world, b)
  const backup = relay.backup()
  for (const text of ['two ', 'three ']) await written(world, a, text)
  const late = strangers.takeLease(relay, logOf(relay))
  await runOut(world)
  world.loseRelayData(relay, backup, false)
  relay.start()
  for (const text of ['other two ', 'other three ']) await written(world, b, text)
  const { answers } = strangers.takeLease(relay, logOf(relay))
  await runOut(world)
  strangers.upload({ ...late, answers })
  await runOut(world)
  await readBy(world, 'one other two other three ')
}

/** The retry of a push comes after a snapshot that missed it. */
export const retryAfterBadSnapshot: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, { ...NO_CLAIMS, ...SOON_FORGOTTEN })
  const a = await deviceIn(world)
  await written(world, a, 'one ')
  await type(world, a, 'two ')
  a.sync({}, () => undefined)
  await deliverUntil(world, () => headOf(logOf(relay)) === 1 && relay.isFlushing)
  for (const link of world.network.links) link.cut('device')
  await runOut(world)
  await replaced(world, relay, 1)
  await syncOn(world, a)
  await sweep(world, relay)
  await readBy(world, 'one two ')
}

/** A device that knows all of the log is given a snapshot all the same, for it is shorter; and it has missed something. */
export const shorterSnapshot: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, NO_CLAIMS)
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await written(world, a, 'of the first')
  await syncOn(world, b)
  const text = novelOn(b).doc.getText('text')
  text.insert(0, 'x'.repeat(5_000))
  await runOut(world)
  await syncOn(world, b)
  text.delete(0, 5_000)
  await runOut(world)
  await syncOn(world, b)
  await replaced(world, relay, 0)
  await syncOn(world, a)
  await readBy(world, 'of the first')
}

/** Five devices, each of which knows a little more, return to a relay that has lost everything, all at once. */
export const fiveReturn: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, {})
  const devices: SimulatedDevice[] = []
  for (let i = 0; i < 5; i++) {
    const device = await deviceIn(world)
    devices.push(device)
    await syncOn(world, device)
    await written(world, device, String(i).repeat(1_000))
  }
  const { bytes } = logOf(relay)
  world.loseRelayData(relay, null, true)
  relay.start()
  for (const device of devices) world.sync(device)
  await runOut(world)
  for (const device of devices) await syncOn(world, device)
  const copies = logOf(relay).bytes / bytes
  if (copies > 1.5) fail(`11: five devices store ${copies.toFixed(1)} copies`)
}

/** The feed's mark is stored, and the process dies before the document that it listed was asked for. */
export const deadAfterFeed: Script = async (sabotage) => {
  const { world } = begin(sabotage, {})
  const [a, b] = [await deviceIn(world), await deviceIn(world)]
  await written(world, a, 'one ')
  await syncOn(world, b)
  b.closeDocument(NOVEL)
  await runOut(world)
  await written(world, a, 'two ')
  b.sync({}, () => undefined)
  await deliverUntil(world, () => b.isStoring)
  await b.disk.endCommit(false)
  b.crash()
  b.start()
  await runOut(world)
  await syncOn(world, b)
  b.openDocument(NOVEL)
  await runOut(world)
  mustRead(b, 'one two ')
}

/** A snapshot arrives whole under a lease that was lost: the work is spared. */
export const uploadUnderLostLease: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, { leaseMs: 1_000 })
  const strangers = new Strangers(world, new Random(1))
  const a = await deviceIn(world)
  for (const text of ['one ', 'two ']) await written(world, a, text)
  const late = strangers.takeLease(relay, logOf(relay))
  await runOut(world)
  await world.pass(2_000)
  const current = strangers.takeLease(relay, logOf(relay))
  await runOut(world)
  strangers.upload(current)
  await runOut(world)
  await written(world, a, 'three ')
  const before = world.deeds.count('pieces')
  strangers.upload(late)
  await runOut(world)
  const pieces = world.deeds.count('pieces') - before
  if (pieces > 0) fail(`12: ${pieces} pieces are taken in of a snapshot that is of no use`)
}

/** A claim that was made before a repair arrives after it, at the same mark as others. */
export const claimFromBeforeRepair: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, { claimEntries: 1, repairWaitMs: 1_000 })
  const strangers = new Strangers(world, new Random(1))
  const a = await deviceIn(world)
  await written(world, a, 'one ')
  await syncOn(world, a)
  const before = logOf(relay)
  strangers.harass(relay, before)
  await runOut(world)
  await world.pass(5_000)
  for (let i = 0; i < 3; i++) await syncOn(world, a)
  strangers.lie(relay, logOf(relay), before)
  await runOut(world)
  if (world.deeds.count('claims that differ') > 0) fail('8: a claim from before a repair makes another one')
}

/** What nobody can take in is reported once, by each device, and repaired once. */
export const oneCause: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, { repairWaitMs: 1_000 })
  const strangers = new Strangers(world, new Random(1))
  const devices = [await deviceIn(world), await deviceIn(world)]
  await written(world, devices[0] as SimulatedDevice, 'one ')
  strangers.litter(relay, logOf(relay), 'noise')
  await runOut(world)
  for (let round = 0; round < 6; round++) {
    for (const device of devices) {
      await syncOn(world, device)
      await world.pass(70_000)
    }
  }
  const [repairs, refused] = [world.deeds.count('repairs'), world.deeds.count('repairs refused')]
  if (repairs > 1) fail(`11: one cause makes ${repairs} repairs`)
  if (repairs + refused > devices.length)
    fail(`11: ${devices.length} devices report one cause ${repairs + refused} times`)
}

/** Yjs keeps complete content pending for ever, unless it is told to look again. */
export const wedge: Script = async (sabotage) => {
  const { world, relay } = begin(sabotage, {})
  const device = await deviceIn(world)
  for (const update of wedgingUpdates()) {
    await append(world, relay, update)
    await syncOn(world, device)
  }
  mustRead(device, 'abcd')
}

function begin(sabotage: Sabotage, limits: Partial<Limits>): { readonly world: World; readonly relay: SimulatedRelay } {
  const world = scriptedWorld(1, limits, { sabotage })
  return { world, relay: world.relays[0] as SimulatedRelay }
}

function logOf(relay: SimulatedRelay): MemoryDocument {
  return relay.log(NOVEL) ?? fail('There is no log')
}

/** Typed, and synced. */
async function written(world: World, device: SimulatedDevice, text: string): Promise<void> {
  await type(world, device, text)
  await syncOn(world, device)
}

/** A snapshot of the first entries takes the place of all of them. */
async function replaced(world: World, relay: SimulatedRelay, first: number): Promise<void> {
  const log = logOf(relay)
  const chosen = Object.assign(new Random(1), {
    // The base, then how many of the entries below it the snapshot is made of.
    between: (least: number, most: number) => (least > baseOf(log) ? most : first),
  })
  const installed = installBadSnapshot(world, relay, log, 'stale', chosen)
  await runOut(world)
  if ((await installed) !== 'OK') throw new Error('The snapshot was not installed')
}

/** What a snapshot hides is dropped. */
async function sweep(world: World, relay: SimulatedRelay): Promise<void> {
  await world.pass(61_000)
  relay.sweep()
  await runOut(world)
}

/** A device that knows nothing is given all of it. */
async function readBy(world: World, text: string): Promise<void> {
  const reader = await deviceIn(world)
  await syncOn(world, reader)
  mustRead(reader, text)
}

function mustRead(device: SimulatedDevice, text: string): void {
  const read = novelOn(device).doc.getText('text').toString()
  if (read !== text) fail(`5: ${device.name} reads ${JSON.stringify(read)} instead of ${JSON.stringify(text)}`)
}

/** In this order the first stack of what is missing has two gaps, of which Yjs notes one. */
function wedgingUpdates(): readonly Uint8Array[] {
  const [a, b] = [new Y.Doc(), new Y.Doc()]
  a.clientID = 1
  b.clientID = 2
  const updates: Uint8Array[] = []
  for (const doc of [a, b]) {
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'other') updates.push(update)
    })
  }
  a.getText('text').insert(0, 'a')
  Y.applyUpdate(b, updates[0] as Uint8Array, 'other')
  b.getText('text').insert(1, 'b')
  Y.applyUpdate(a, updates[1] as Uint8Array, 'other')
  a.getText('text').insert(2, 'c')
  a.getText('text').insert(3, 'd')
  const [a1, b1, a2, a3] = updates as [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
  return [Y.mergeUpdates([b1, a3]), a1, a2]
}
