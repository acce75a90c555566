// What the code of the documentation takes for granted: the app around it, what an earlier block of the same page made, and
// packages that are the app's own, declared as they declare themselves as far as the pages use them. Nothing of Tidemark.
type Client = typeof import('@tidemark/client')
type KeyValue = typeof import('@tidemark/client/key-value')
type DocumentStatus = import('@tidemark/client').DocumentStatus
type SyncProgress = import('@tidemark/client').SyncProgress

declare const opSqlite: { execute(sql: string, parameters: unknown[]): Promise<unknown> }
declare function rowsOf(result: unknown): unknown[]
declare const tidemark: import('@tidemark/client').Tidemark
declare const novel: import('@tidemark/client').TidemarkDocument

declare const myBackend: {
  relayToken(): Promise<string>
  relayTokenOf(account: string): Promise<string>
  load(name: string): Promise<string>
  save(name: string, value: string): Promise<void>
}
declare function show(what: unknown): void
declare function askWriter(question: string): Promise<boolean>
declare function Editor(props: { doc: import('yjs').Doc; readOnly?: boolean }): null

// docs/statuses.md
declare function scheduleAnotherTask(left: SyncProgress): void

// docs/encryption.md
declare const keyRing: Client['keyRing']
declare const newKey: Client['newKey']
declare const keys: import('@tidemark/client').Keys
declare const key: import('@tidemark/client').DocumentKey
declare const entered: import('@tidemark/client').DocumentKey
declare function askForKey(keyId: string): Promise<import('@tidemark/client').DocumentKey>
declare function wrapped(secret: string): Promise<string>
declare function showProgress(done: number): void

// docs/stores.md
declare const map: Map<string, Uint8Array>

// examples/background-sync/README.md
declare const keyValueStore: KeyValue['keyValueStore']
declare const asyncStorageBackend: KeyValue['asyncStorageBackend']
declare const AsyncStorage: import('@tidemark/client/key-value').AsyncStorageLike
declare const TaskManager: {
  defineTask(name: string, task: (body: { data: unknown }) => Promise<unknown>): void
}
declare const BackgroundTask: {
  readonly BackgroundTaskResult: { readonly Success: 1; readonly Failed: 2 }
  registerTaskAsync(name: string, options?: { minimumInterval?: number }): Promise<void>
  addExpirationListener(listener: () => void): { remove: () => void }
}
declare const relay: string
declare const token: string
declare function backgroundSync(options: {
  store: import('@tidemark/client').DeviceStore
  relay: string
  token: import('@tidemark/client').TokenSource
  vaults: readonly string[]
  budgetMs: number
}): Promise<{ result: 'done' | 'later' | 'stuck' }>

declare module 'react-native' {
  export const AppState: {
    addEventListener(type: 'change', listener: (state: string) => void): { remove(): void }
  }
}

declare module '@react-native-community/netinfo' {
  const NetInfo: { addEventListener(listener: (state: { isConnected: boolean | null }) => void): () => void }
  export default NetInfo
}

declare module 'expo-sqlite' {
  type BindValue = string | number | null | boolean | Uint8Array
  interface SQLiteDatabase {
    runAsync(source: string, parameters: BindValue[]): Promise<object>
    getAllAsync<Row>(source: string, parameters: BindValue[]): Promise<Row[]>
  }
  export function openDatabaseAsync(name: string): Promise<SQLiteDatabase>
  export function openDatabaseSync(name: string): SQLiteDatabase
}

declare module 'expo-task-manager' {
  export const defineTask: (typeof TaskManager)['defineTask']
}

declare module 'expo-background-task' {
  export const BackgroundTaskResult: (typeof BackgroundTask)['BackgroundTaskResult']
  export const registerTaskAsync: (typeof BackgroundTask)['registerTaskAsync']
  export const addExpirationListener: (typeof BackgroundTask)['addExpirationListener']
}

declare module 'y-indexeddb' {
  export class IndexeddbPersistence {
    constructor(name: string, doc: import('yjs').Doc)
    readonly whenSynced: Promise<IndexeddbPersistence>
    destroy(): Promise<void>
  }
  export function clearDocument(name: string): Promise<unknown>
}
