// Reading records out of a map, for the drivers that keep them in memory.
import type { StoredRecord } from './contract.ts'

/** Those whose key begins with `prefix`, in the order of their keys. */
export function recordsUnder(records: ReadonlyMap<string, Uint8Array>, prefix: string): readonly StoredRecord[] {
  return [...records]
    .filter(([key]) => key.startsWith(prefix))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, bytes]) => ({ key, bytes }))
}
