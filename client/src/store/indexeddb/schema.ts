// What the IndexedDB database of a device looks like, and how it came to look so.
import type { DBSchema, IDBPDatabase, IDBPObjectStore, StoreNames } from 'idb'

/** Raised with every change of the object stores, together with a step in `upgradeSchema`. */
export const SCHEMA_VERSION = 1

export interface DeviceSchema extends DBSchema {
  rows: { key: [documentId: string, id: number]; value: Uint8Array }
  /** The highest row id that a document has or had. */
  lastIds: { key: string; value: number }
  records: { key: string; value: Uint8Array }
}

export const OBJECT_STORES: readonly StoreNames<DeviceSchema>[] = ['rows', 'lastIds', 'records']

/** Brings a database of `oldVersion` (0: it is new) to SCHEMA_VERSION, one version after the other. */
export function upgradeSchema(database: IDBPDatabase<DeviceSchema>, oldVersion: number): void {
  if (oldVersion < 1) for (const name of OBJECT_STORES) database.createObjectStore(name)
}

/** An object store in a transaction of its own, of which nobody has to look at the end. */
export function storeToRead<Name extends StoreNames<DeviceSchema>>(
  database: IDBPDatabase<DeviceSchema>,
  name: Name,
): IDBPObjectStore<DeviceSchema, [Name], Name> {
  const transaction = database.transaction(name)
  transaction.done.catch(() => undefined) // Where it is aborted, so are its requests, and they say so.
  return transaction.store
}

/** Every key that begins with `prefix`; null: all keys. */
export function prefixRange(prefix: string): IDBKeyRange | null {
  if (prefix === '') return null
  const end = firstAfterPrefix(prefix)
  return end === null ? IDBKeyRange.lowerBound(prefix) : IDBKeyRange.bound(prefix, end, false, true)
}

/** The smallest string above all that begin with `prefix`: IndexedDB compares code units. Null: there is none. */
function firstAfterPrefix(prefix: string): string | null {
  for (let length = prefix.length; length > 0; length--) {
    const unit = prefix.charCodeAt(length - 1)
    if (unit < 0xffff) return prefix.slice(0, length - 1) + String.fromCharCode(unit + 1)
  }
  return null
}
