export type { DocumentKey, KeyRing } from './crypto/key-ring.ts'
export { type KeyRingOptions, type Keys, keyRing, newKey, type ScopedKey } from './crypto/keys.ts'
export {
  keyFromPassphrase,
  newPassphraseKey,
  type PassphraseCost,
  type PassphraseParameters,
} from './crypto/passphrase.ts'
export type { DerivedKeys, EnvelopeContext, RandomBytes, SnapshotContext, Suite } from './crypto/suite.ts'
export { suite1 } from './crypto/suite-1.ts'
export type { TidemarkDocument } from './document.ts'
export { type ErrorCode, type ProblemAction, TidemarkError, type TidemarkErrorDetails } from './errors.ts'
export type { DocumentListing } from './library/library.ts'
export type { RelayTarget, Schedule, TidemarkOptions, TokenSource } from './options.ts'
export type { Channel, Locks, Platform } from './platform.ts'
export type { DocumentReport, RelayReport, SyncProgress, SyncReport } from './report.ts'
export type { DocumentStatus, RelayStatus, Safety, SyncStatus } from './status.ts'
export {
  type CommittedRows,
  type DeviceStore,
  DeviceStoreError,
  type DeviceStoreErrorCode,
  type NewRow,
  type OpenDeviceStore,
  type StoredRecord,
  type StoredRow,
  type StoreWrite,
} from './store/contract.ts'
export { memoryStore } from './store/memory.ts'
export type { SyncOptions } from './sync/syncer.ts'
export { sharedByTabs, type TabSharing } from './tabs/sharing.ts'
export { Tidemark } from './tidemark.ts'
