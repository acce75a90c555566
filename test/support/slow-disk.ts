// A device store on which a document takes its time to load.
import type { DeviceStore } from '../../client/src/store/contract.ts'
import type { MemoryDisk } from '../../client/src/store/memory-disk.ts'

/** @param loading awaited after the rows of a document were read, and before they are given out */
export function slowToRead(disk: MemoryDisk, loading: () => Promise<unknown>): DeviceStore {
  return {
    open: async () => {
      const store = await disk.open()
      return {
        records: (prefix) => store.records(prefix),
        commit: (write) => store.commit(write),
        close: () => store.close(),
        rows: async (id) => {
          const rows = await store.rows(id)
          await loading()
          return rows
        },
      }
    },
  }
}
