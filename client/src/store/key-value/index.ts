// The device store for React Native, and the wrappers for the storages that apps use there.
export { type AsyncStorageLike, asyncStorageBackend } from './async-storage.ts'
export type { BytesBackend, KeyValueBackend, StringBackend } from './backend.ts'
export { keyValueStore } from './key-value-store.ts'
export { type MmkvLike, mmkvBackend } from './mmkv.ts'
export { type SqliteLike, sqliteBackend } from './sqlite.ts'
