// The relay's stores: the contract, its drivers, and the suite that holds them to it.
export * from './contract.ts'
export { type LmdbStoreOptions, openLmdbStore } from './lmdb/open.ts'
export { type MemoryRelayStore, type MemorySnapshot, type MemoryStoreOptions, memoryRelayStore } from './memory.ts'
