// What people do with their devices and documents: backups, new devices, opening, closing, deleting.
import type { Keys } from '../../../client/src/crypto/keys.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import { type Course, keepBackup, running, type Steps } from './step.ts'

type DeviceLife = 'quitDevice' | 'backupRelay' | 'backupDevice' | 'cloneDevice' | 'addDevice'
type KeyLife = 'rotateKey' | 'giveKey'
type DocumentLife = 'openDocument' | 'closeDocument' | 'deleteDocument' | 'createDocument'

const DEVICES_MAX = 7

interface DocumentChoice {
  readonly device: SimulatedDevice
  readonly id: string
}

interface RingChoice {
  readonly name: string
  readonly ring: Keys
}

export function lifeSteps(course: Course): Steps<DeviceLife | DocumentLife | KeyLife> {
  return { ...deviceLives(course), ...documentLives(course), ...keyLives(course) }
}

function deviceLives({ world, plan, relayBackups, deviceBackups }: Course): Steps<DeviceLife> {
  const mayAdd = <Item>(items: readonly Item[]): readonly Item[] => (world.devices.length < DEVICES_MAX ? items : [])
  return {
    quitDevice: {
      choices: () => running(world),
      take: (device: SimulatedDevice) => {
        device.quit()
        return device.name
      },
    },
    backupRelay: {
      choices: () => world.relays,
      take: (relay: SimulatedRelay) => {
        keepBackup(relayBackups, relay, relay.backup())
        return relay.name
      },
    },
    backupDevice: {
      choices: () => world.devices,
      take: (device: SimulatedDevice) => {
        keepBackup(deviceBackups, device, device.disk.backup())
        return device.name
      },
    },
    cloneDevice: {
      choices: () => mayAdd(world.devices),
      take: (device: SimulatedDevice) => {
        const clone = world.addDevice(device.wanted, device.disk.backup())
        return `${device.name} as ${clone.name}`
      },
    },
    addDevice: {
      choices: () => mayAdd(plan.documents),
      take: (documentId: string) => `${world.addDevice([documentId]).name} with ${documentId}`,
    },
  }
}

function documentLives({ world, plan }: Course): Steps<DocumentLife> {
  const choicesOf = (idsOf: (device: SimulatedDevice) => Iterable<string>): readonly DocumentChoice[] =>
    running(world).flatMap((device) => [...idsOf(device)].map((id) => ({ device, id })))
  return {
    openDocument: {
      choices: () => choicesOf(({ wanted }) => plan.documents.filter((id) => !wanted.has(id))),
      take: ({ device, id }: DocumentChoice) => {
        device.openDocument(id)
        return `${device.name} ${id}`
      },
    },
    closeDocument: {
      choices: () => choicesOf(({ open }) => open.keys()),
      take: ({ device, id }: DocumentChoice) => {
        device.closeDocument(id)
        return `${device.name} ${id}`
      },
    },
    deleteDocument: {
      choices: () => choicesOf(({ open }) => [...open.keys()].filter((id) => id.startsWith('alice/'))),
      take: ({ device, id }: DocumentChoice) => {
        world.deleteDocument(device, id)
        return `${device.name} ${id}`
      },
    },
    createDocument: {
      choices: () => choicesOf(() => plan.documents.filter((id) => world.deeds.deleted.has(id))),
      take: ({ device, id }: DocumentChoice) => {
        world.createDocument(device, id)
        return `${device.name} ${id}`
      },
    },
  }
}

/** A key becomes current on one device, and comes to the others in their own time. */
function keyLives({ world, random }: Course): Steps<KeyLife> {
  const rings = (): readonly RingChoice[] =>
    world.devices.flatMap(({ name, keys }) => (keys === null ? [] : [{ name, ring: keys }]))
  return {
    rotateKey: {
      choices: rings,
      take: ({ name, ring }: RingChoice) => `${name} to ${world.keys.rotate(ring)}`,
    },
    giveKey: {
      choices: () => rings().filter(({ ring }) => world.keys.isLacking(ring)),
      take: ({ name, ring }: RingChoice) => `${name} ${world.keys.give(ring, random.chance(0.7))}`,
    },
  }
}
