// What goes on without any fault: writing, syncing, and everything that these wait for.
import { edit } from '../edits.ts'
import { type BusyLane, inWords } from '../network.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import { type Course, running, type Steps } from './step.ts'

type Work = 'edit' | 'sync' | 'deliver' | 'commit' | 'write' | 'flush' | 'answer' | 'time' | 'sweep'

export function workSteps(course: Course): Steps<Work> {
  const { world, random } = course
  return {
    edit: {
      choices: () => running(world).filter(({ open }) => open.size > 0),
      take: (device: SimulatedDevice) => write(course, device),
    },
    sync: {
      choices: () => running(world).filter(({ syncsRunning }) => syncsRunning < 2),
      take: (device: SimulatedDevice) => {
        const [only] = [...device.wanted]
        const documents = only !== undefined && random.chance(0.1) ? [only] : undefined
        const budgetMs = random.chance(0.1) ? random.between(1, 3_000) : undefined
        world.sync(device, { ...(documents && { documents }), ...(budgetMs && { budgetMs }) })
        return `${device.name}${documents ? ` only ${documents}` : ''}${budgetMs ? ` in ${budgetMs} ms` : ''}`
      },
    },
    deliver: {
      choices: () => world.network.busyLanes(),
      take: ({ link, direction, lane }: BusyLane) => inWords(`${link.label} ${direction}`, lane.deliver()),
    },
    commit: {
      choices: () => world.devices.filter(({ isStoring }) => isStoring),
      take: (device: SimulatedDevice) => device.disk.endCommit(false).then(() => device.name),
    },
    write: {
      choices: () => world.devices.filter(({ isStoring, disk }) => isStoring && disk.kind !== 'memory'),
      take: (device: SimulatedDevice) => device.disk.endCall().then(() => device.name),
    },
    flush: {
      choices: () => world.relays.filter(({ isFlushing }) => isFlushing),
      take: (relay: SimulatedRelay) => world.endFlush(relay, null).then(() => relay.name),
    },
    answer: {
      choices: () => world.relays.filter(({ answersWaiting }) => answersWaiting > 0),
      take: (relay: SimulatedRelay) => {
        relay.answer()
        return relay.name
      },
    },
    time: {
      choices: () => [random.pick([10, 300, 1_500, 5_000, 25_000])],
      take: (durationMs: number) => world.pass(durationMs).then(() => `${durationMs} ms`),
    },
    sweep: {
      choices: () => world.relays.filter(({ core }) => core !== null),
      take: (relay: SimulatedRelay) => {
        relay.sweep()
        return relay.name
      },
    },
  }
}

function write({ plan, random }: Course, device: SimulatedDevice): string {
  const [id, manuscript] = random.pick([...device.open])
  const others = plan.documents.filter((other) => other !== id)
  const edits = Array.from({ length: random.pick([1, 1, 1, 2, 5]) }, () =>
    edit(manuscript, random.pick(plan.edits), random, others),
  )
  return `${device.name} ${id} (client ${manuscript.doc.clientID}): ${edits.join(', ')}`
}
