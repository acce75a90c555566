// A world without chance in what happens: for regressions, which say themselves what comes next.
import type { SyncReport } from '@tidemark/client'
import { pushIdOf } from '@tidemark/protocol'
import { FORMAT_YJS_1 } from '../../client/src/document/format.ts'
import type { Limits } from '../../relay/src/limits.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import type { Plan } from './plan.ts'
import { runOut } from './run-out.ts'
import type { Sabotage } from './sabotage.ts'
import type { OpenManuscript, SimulatedDevice } from './simulated-device.ts'
import type { SimulatedRelay } from './simulated-relay.ts'
import { World } from './world.ts'

export const NOVEL = 'alice/novel'

export interface ScriptOptions {
  readonly sabotage?: Sabotage
  /** Default: nobody compacts. */
  readonly compactions?: Plan['compactions']
  /** Default: memory. */
  readonly stores?: Plan['stores']
  /** Default: WebSockets. */
  readonly carriers?: Plan['carriers']
  readonly isEncrypted?: boolean
}

export function scriptedWorld(relays = 1, limits: Partial<Limits> = {}, options: ScriptOptions = {}): World {
  const {
    compactions = ['never'],
    carriers = ['websocket'],
    stores = ['memory'],
    isEncrypted = false,
    sabotage = {},
  } = options
  const plan = { stores, carriers, compactions, keepingDeleted: 0, slowAnswers: 0, isEncrypted }
  return new World({ plan: { seed: 1, relays, limits, ...plan }, sabotage })
}

/** A device that has the novel open. */
export async function deviceIn(world: World): Promise<SimulatedDevice> {
  const device = world.addDevice([NOVEL])
  await runOut(world)
  return device
}

export function novelOn(device: SimulatedDevice): OpenManuscript {
  const manuscript = device.open.get(NOVEL)
  if (manuscript === undefined) throw new Error(`${device.name} does not have the novel open`)
  return manuscript
}

/** Written, and on the device's disk. */
export async function type(world: World, device: SimulatedDevice, text: string): Promise<void> {
  const { doc } = novelOn(device)
  doc.getText('text').insert(doc.getText('text').length, text)
  await runOut(world)
}

/** One burst with everything that it brings about. */
export async function syncOn(world: World, device: SimulatedDevice): Promise<SyncReport | Error> {
  let outcome: SyncReport | Error | null = null
  device.sync({}, (ended) => {
    outcome = ended
  })
  await runOut(world)
  if (outcome === null) throw new Error('The burst has not ended')
  return outcome
}

/** Lets messages arrive, and nothing be committed on a device, until `isDone`. */
export async function deliverUntil(world: World, isDone: () => boolean): Promise<void> {
  await world.settle()
  while (!isDone()) {
    const flushing = world.relays.filter(({ isFlushing }) => isFlushing)
    for (const relay of flushing) await world.endFlush(relay, null)
    const [busy] = world.network.busyLanes()
    if (busy === undefined && flushing.length === 0) throw new Error('Nothing is under way any more')
    busy?.lane.deliver()
    await world.settle()
  }
}

/** Commits until nothing waits. */
export async function commitAll(device: SimulatedDevice): Promise<void> {
  while (device.isStoring) await device.disk.endCommit(false)
}

/** Somebody with a valid token, of whom no device is left, puts these bytes into the log of the novel. */
export async function append(world: World, relay: SimulatedRelay, payload: Uint8Array): Promise<void> {
  const pushId = pushIdOf(sha256, FORMAT_YJS_1, payload)
  world.deeds.littered.add(NOVEL)
  const appended = relay.store.append([{ documentId: NOVEL, pushId, format: FORMAT_YJS_1, payload }])
  await world.settle()
  await world.endFlush(relay, null)
  await appended
}

/** A device that has written the novel, told the relay of it, and deleted it; no relay knows of the deletion yet. */
export async function deletedUntold(): Promise<{ readonly world: World; readonly a: SimulatedDevice }> {
  const world = scriptedWorld()
  const a = await deviceIn(world)
  await type(world, a, 'one ')
  await syncOn(world, a)
  world.deleteDocument(a, NOVEL)
  await runOut(world)
  return { world, a }
}
