// Takes the place of lmdb in a relay that never flushes: the control of the power cut, which must find entries lost.
import { open as openFlushed, type RootDatabase, type RootDatabaseOptionsWithPath } from 'lmdb'

export function open(options: RootDatabaseOptionsWithPath): RootDatabase {
  return openFlushed({ ...options, noSync: true })
}
