// Lets everything that was begun come to its end, in an order that chance decides; bursts that are begun for that included.
import { inWords } from './network.ts'
import { fail } from './scene.ts'
import type { World } from './world.ts'

const WAITS_MAX = 200
const DELIVERIES_MAX = 40_000

export async function runOut(world: World): Promise<void> {
  let waits = 0
  for (let deliveries = 0; deliveries < DELIVERIES_MAX; deliveries++) {
    for (const { lane } of world.network.stalledLanes()) lane.isStalled = false
    await world.settle()
    if (await takeOne(world)) continue
    const isBusy = world.devices.some((device) => device.syncsRunning > 0 || device.isBusy)
    if (!isBusy && world.network.links.length === 0) return
    if (waits === WAITS_MAX) fail('5: a burst does not end, and nothing is under way any more')
    waits++
    await world.pass(1_000)
  }
  fail(`5: after ${DELIVERIES_MAX} deliveries there is still something under way`)
}

/** Every device syncs once. */
export async function syncAll(world: World, round: number): Promise<void> {
  world.trace.push(`-- round ${round} --`)
  for (const device of world.devices) {
    world.sync(device)
    // Some of them one after another, some at once.
    if (world.random.chance(0.5)) await runOut(world)
  }
  await runOut(world)
}

async function takeOne(world: World): Promise<boolean> {
  const lanes = world.network.busyLanes()
  const committing = world.devices.filter(({ isStoring }) => isStoring)
  const flushing = world.relays.filter(({ isFlushing }) => isFlushing)
  const answering = world.relays.filter(({ answersWaiting }) => answersWaiting > 0)
  const kinds = [lanes, committing, flushing, answering]
  if (kinds.every(({ length }) => length === 0)) return false
  switch (world.random.weighted(kinds.map(({ length }) => length))) {
    case 0: {
      const { link, direction, lane } = world.random.pick(lanes)
      world.trace.push(inWords(`  ${link.label} ${direction}`, lane.deliver()))
      return true
    }
    case 1: {
      const device = world.random.pick(committing)
      world.trace.push(`  commit ${device.name}`)
      await device.disk.endCommit(false)
      return true
    }
    case 2: {
      const relay = world.random.pick(flushing)
      world.trace.push(`  flush ${relay.name}`)
      await world.endFlush(relay, null)
      return true
    }
    default:
      world.random.pick(answering).answer()
      return true
  }
}
