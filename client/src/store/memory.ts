// The store that keeps everything in memory, for tests and for apps that persist nothing.
import type { DeviceStore } from './contract.ts'
import { MemoryDisk } from './memory-disk.ts'

/**
 * A store that lives as long as this object: given to a later Tidemark, it acts as a restart of the device.
 */
export function memoryStore(): DeviceStore {
  return new MemoryDisk()
}
