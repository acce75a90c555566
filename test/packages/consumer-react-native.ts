// An app in React Native; compiled against the packed packages, never run. The storages are declared as their packages
// declare them, as far as that matters to the wrappers.
import { memoryStore, Tidemark } from '@tidemark/client'
import {
  asyncStorageBackend,
  type KeyValueBackend,
  keyValueStore,
  mmkvBackend,
  sqliteBackend,
} from '@tidemark/client/key-value'

/** @react-native-async-storage/async-storage 2 and its instances in 3. */
interface AsyncStorageStatic {
  getItem: (key: string, callback?: (error?: Error | null, result?: string | null) => void) => Promise<string | null>
  setItem: (key: string, value: string, callback?: (error?: Error | null) => void) => Promise<void>
  removeItem: (key: string, callback?: (error?: Error | null) => void) => Promise<void>
  getAllKeys: (callback?: (error?: Error | null, result?: readonly string[]) => void) => Promise<readonly string[]>
}
declare const AsyncStorage: AsyncStorageStatic

interface Mmkv {
  set: (key: string, value: boolean | string | number | ArrayBuffer) => void
  getBuffer: (key: string) => ArrayBuffer | undefined
  getAllKeys: () => string[]
}
/** react-native-mmkv */
declare const mmkv3: Mmkv & { delete: (key: string) => void }
declare const mmkv4: Mmkv & { remove(key: string): boolean }

type BindValue = string | number | null | boolean | Uint8Array
type BindParams = Record<string, BindValue> | BindValue[]
/** expo-sqlite */
declare class SQLiteDatabase {
  runAsync(source: string, params: BindParams): Promise<{ lastInsertRowId: number; changes: number }>
  runAsync(source: string, ...params: BindValue[]): Promise<{ lastInsertRowId: number; changes: number }>
  getAllAsync<T>(source: string, params: BindParams): Promise<T[]>
  getAllAsync<T>(source: string, ...params: BindValue[]): Promise<T[]>
}
declare const database: SQLiteDatabase

const backends: KeyValueBackend[] = [
  asyncStorageBackend(AsyncStorage),
  mmkvBackend(mmkv3),
  mmkvBackend(mmkv4),
  sqliteBackend(database),
]
const [backend] = backends
const tidemark = new Tidemark({
  relays: ['wss://relay.example.org'],
  token: 'token',
  store: backend === undefined ? memoryStore() : keyValueStore(backend, 'alice'),
})
await tidemark.close()
