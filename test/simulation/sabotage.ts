// What can be taken away from a run, to see that the simulator notices. The safeguards that are taken away: sabotages/.
import type { FileSystem } from '../../client/src/node/file-store-disk.ts'
import type { OpenDeviceStore } from '../../client/src/store/contract.ts'
import type { KeyValueBackend } from '../../client/src/store/key-value/backend.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import type { MemoryRelayStore } from '../../relay/src/store/memory.ts'
import type { Direction, Link } from './network.ts'

export interface RelaySabotage {
  /** In the place of the store; `memory` is the one behind it. Made anew for every start. */
  readonly store?: (store: RelayStore, memory: MemoryRelayStore) => RelayStore
  /** A relay that dies comes back without its newest flush. */
  readonly forgetsNewestFlush?: boolean
  /** What is not flushed is readable already. */
  readonly readsEarly?: boolean
}

export interface Sabotage extends RelaySabotage {
  /** In the place of a device's store, whatever it stands on. */
  readonly deviceStore?: (store: OpenDeviceStore) => OpenDeviceStore
  /** What a file store stands on, and a key-value store. */
  readonly files?: (files: FileSystem) => FileSystem
  readonly backend?: (backend: KeyValueBackend) => KeyValueBackend
  /** A message, as it arrives instead. Made anew for every run. */
  readonly carrier?: () => (link: Link, direction: Direction, bytes: Uint8Array) => Uint8Array
  /** Takes something away from the classes of the product; puts it back with the function that it returns. */
  readonly patch?: () => () => void
}
