// A step of a schedule: what can be done now, and the doing of it.
import type { MemorySnapshot } from '../../../relay/src/store/memory.ts'
import type { Words } from '../network.ts'
import type { Plan, StepName } from '../plan.ts'
import type { Random } from '../random.ts'
import type { SimulatedDevice } from '../simulated-device.ts'
import type { SimulatedRelay } from '../simulated-relay.ts'
import type { DiskBackup } from '../stores/device-disk.ts'
import type { Strangers } from '../strangers.ts'
import type { World } from '../world.ts'

export interface Step {
  /** Among these is chosen; none: the step is not possible now. */
  readonly choices: () => readonly unknown[]
  /** Says what was done, for the trace. */
  readonly take: (choice: never) => Words | Promise<Words>
}

export type Steps<Name extends StepName> = Readonly<Record<Name, Step>>

/** What steps are taken with. */
export interface Course {
  readonly world: World
  readonly plan: Plan
  readonly random: Random
  readonly strangers: Strangers
  readonly relayBackups: Map<SimulatedRelay, MemorySnapshot[]>
  readonly deviceBackups: Map<SimulatedDevice, DiskBackup[]>
}

const BACKUPS_MAX = 4

export function keepBackup<Key, Backup>(backups: Map<Key, Backup[]>, key: Key, backup: Backup): void {
  backups.set(key, [...(backups.get(key) ?? []), backup].slice(-BACKUPS_MAX))
}

/** Devices of which the app can ask something. */
export function running({ devices }: World): readonly SimulatedDevice[] {
  return devices.filter(({ isRunning, isClosing, isDeleting }) => isRunning && !isClosing && !isDeleting)
}
