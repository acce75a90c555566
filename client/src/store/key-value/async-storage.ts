// AsyncStorage as the backend of a key-value store: @react-native-async-storage/async-storage, any version.
import type { StringBackend } from './backend.ts'

/** What is used of it. */
export interface AsyncStorageLike {
  getAllKeys(): Promise<readonly string[]>
  getItem(key: string): Promise<string | null>
  setItem(key: string, value: string): Promise<void>
  removeItem(key: string): Promise<void>
}

/** Android reads rows through a window of 2 MB, of 1 MB on some devices, which has to hold the whole row. */
const VALUE_CHARACTERS_MAX = 256 * 1024

export function asyncStorageBackend(storage: AsyncStorageLike): StringBackend {
  return {
    storage,
    values: 'strings',
    valueLengthMax: VALUE_CHARACTERS_MAX,
    keys: () => storage.getAllKeys(),
    get: (keys) => Promise.all(keys.map((key) => storage.getItem(key))),
    set: async (entries) => {
      await allSettled(entries.map(([key, value]) => storage.setItem(key, value)))
    },
    remove: async (keys) => {
      await allSettled(keys.map((key) => storage.removeItem(key)))
    },
  }
}

/** Waits for all, also when one fails: nothing may be written after it is said that it was not. */
async function allSettled(calls: readonly Promise<void>[]): Promise<void> {
  // Not by Promise.allSettled, which older Promises of React Native do not have.
  const failures = await Promise.all(
    calls.map((call) =>
      call.then(
        () => null,
        (error: unknown) => ({ error }),
      ),
    ),
  )
  for (const failure of failures) if (failure !== null) throw failure.error
}
