// Devices of an encrypted document in a World: each with a key ring of its own.
import { type Keys, newKey, type ScopedKey, type TidemarkError, type TidemarkOptions } from '@tidemark/client'
import { expect } from 'vitest'
import type { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import type { TestDevice, World } from './world.ts'

/** The repair generation where there was none. */
export const NO_REPAIR = '0000000000000000'
/** Relays want a claim at every entry. */
export const CLAIMS = { claimEntries: 1 }
/** Logs are compacted early. */
export const SMALL = { compactEntries: 4 }
/** And drop at once what a snapshot stands for. */
export const FORGETFUL = { ...SMALL, retentionMs: 0, retentionMaxMs: 0 }

export function key(id: string): ScopedKey {
  return { ...newKey(), id }
}

export interface EncryptedOptions extends Partial<TidemarkOptions> {
  readonly disk?: MemoryDisk
}

export function encryptedDevice(world: World, keys: Keys, { disk, ...options }: EncryptedOptions = {}): TestDevice {
  return world.device(disk, { encryption: { keys }, ...options })
}

/** The device with its document open, and all that the relay has of it. */
export async function opened(device: TestDevice): Promise<TestDevice> {
  await device.open()
  expect(await device.sync()).toMatchObject({ complete: true })
  return device
}

export async function problemOf(device: TestDevice): Promise<TidemarkError | null> {
  return (await device.open()).status.problem
}

export async function burstAll(devices: readonly TestDevice[]): Promise<void> {
  for (const device of devices) await device.sync()
}
