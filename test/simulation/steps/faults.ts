// What breaks: lines, processes, disks, and the data of relays and devices.
import { cutIn } from '../deeds.ts'
import type { BusyLane, Link } from '../network.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import type { Course, Steps } from './step.ts'

type LineFault = 'cut' | 'stall' | 'goOn' | 'leap'
type ProcessFault = 'crashDevice' | 'startDevice' | 'crashRelay' | 'startRelay' | 'failCommit' | 'failFlush'
type DataFault = 'rollBackRelay' | 'wipeRelay' | 'restoreDevice'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

export function faultSteps(course: Course): Steps<LineFault | ProcessFault | DataFault> {
  return { ...lineFaults(course), ...processFaults(course), ...dataFaults(course) }
}

function lineFaults({ world, random }: Course): Steps<LineFault> {
  return {
    cut: {
      choices: () => world.network.links,
      take: (link: Link) => {
        const first = random.pick(['device', 'relay', 'both'] as const)
        link.cut(first)
        return `${link.label}, noticed by ${first} first`
      },
    },
    stall: {
      choices: () => world.network.busyLanes(),
      take: ({ link, direction, lane }: BusyLane) => {
        lane.isStalled = true
        return `${link.label} ${direction}`
      },
    },
    goOn: {
      choices: () => world.network.stalledLanes(),
      take: ({ link, direction, lane }: BusyLane) => {
        lane.isStalled = false
        return `${link.label} ${direction}`
      },
    },
    leap: {
      // Past leases and turns; past what a relay retains.
      choices: () => [random.pick([61_000, 61_000, 10 * MINUTE, DAY, 8 * DAY, 31 * DAY])],
      take: (durationMs: number) => world.pass(durationMs).then(() => `${durationMs} ms`),
    },
  }
}

function processFaults({ world, random }: Course): Steps<ProcessFault> {
  return {
    crashDevice: {
      choices: () => {
        const alive = world.devices.filter(({ isRunning }) => isRunning)
        // Rather in the middle of a commit.
        return [...alive, ...alive.filter(({ isStoring }) => isStoring).flatMap((device) => [device, device, device])]
      },
      take: (device: SimulatedDevice) => {
        const isPowerCut = random.chance(0.5)
        const cut = device.crash(isPowerCut)
        if (cut > 0) world.deeds.did(cutIn(device.disk.kind))
        return `${device.name} in ${cut} calls of its store${isPowerCut ? ', and its power' : ''}`
      },
    },
    startDevice: {
      choices: () => world.devices.filter(({ isRunning }) => !isRunning),
      take: (device: SimulatedDevice) => {
        device.start()
        return device.name
      },
    },
    crashRelay: {
      choices: () => world.relays.filter(({ core }) => core !== null),
      take: (relay: SimulatedRelay) => {
        world.stopRelay(relay)
        return relay.name
      },
    },
    startRelay: {
      choices: () => world.relays.filter(({ core }) => core === null),
      take: (relay: SimulatedRelay) => {
        relay.start()
        return relay.name
      },
    },
    failCommit: {
      choices: () => world.devices.filter(({ isStoring, open }) => isStoring && open.size > 0),
      take: (device: SimulatedDevice) => {
        // Space may come back at once, or not before the store has said that there was none.
        const isOneCall = random.chance(0.3)
        const ended = isOneCall ? device.disk.endCall(true) : device.disk.endCommit(true)
        return ended.then(() => `${device.name}${isOneCall ? ' in one call' : ''}`)
      },
    },
    failFlush: {
      choices: () => world.relays.filter(({ isFlushing }) => isFlushing),
      take: (relay: SimulatedRelay) => world.endFlush(relay, new Error('The disk is full')).then(() => relay.name),
    },
  }
}

function dataFaults({ world, random, relayBackups, deviceBackups }: Course): Steps<DataFault> {
  return {
    rollBackRelay: {
      choices: () => world.relays.filter((relay) => (relayBackups.get(relay)?.length ?? 0) > 0),
      take: (relay: SimulatedRelay) => {
        const newEpoch = random.chance(0.5)
        world.loseRelayData(relay, random.pick(relayBackups.get(relay) ?? []), newEpoch)
        return `${relay.name}${newEpoch ? ', with a new epoch' : ''}`
      },
    },
    wipeRelay: {
      choices: () => world.relays,
      take: (relay: SimulatedRelay) => {
        world.loseRelayData(relay, null, true)
        return relay.name
      },
    },
    restoreDevice: {
      choices: () => world.devices.filter((device) => (deviceBackups.get(device)?.length ?? 0) > 0),
      take: (device: SimulatedDevice) => {
        world.restoreDevice(device, random.pick(deviceBackups.get(device) ?? []))
        return device.name
      },
    },
  }
}
