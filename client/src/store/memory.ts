// The store that keeps everything in memory, for tests and for apps that persist nothing.
import type { DeviceStore } from './contract.ts'
import { MemoryDisk } from './memory-disk.ts'

/**
 * A store that lives as long as this object: given to a later Tidemark, it acts as a restart of the device. An earlier
 * one that still has it open is cut off, as if its process had died.
 */
export function memoryStore(): DeviceStore {
  const disk = new MemoryDisk()
  return {
    open: () => {
      disk.crash('Another Tidemark has opened this memory store, and has it now')
      return disk.open()
    },
  }
}
