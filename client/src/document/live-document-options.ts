// What a document in memory is given by its device: where it lies, who has it too, and what it tells.
import type { KeyRing } from '../crypto/key-ring.ts'
import type { OpenDeviceStore } from '../store/contract.ts'
import type { DocumentRecord } from './record.ts'

export interface LiveDocumentOptions {
  readonly id: string
  readonly store: OpenDeviceStore
  readonly relays: readonly string[]
  /** Null: nothing is encrypted on this device. */
  readonly keys: KeyRing | null
  now(): number
  random(): number
  randomBytes(length: number): Uint8Array
  /** Something that a status shows may have changed. */
  changed(): void
  /** An edit was made on this device. */
  edited(): void
  /** This record is about to be written. */
  recorded(record: DocumentRecord): void
  /** `doc` is another object from now on. */
  rebuilt(): void
}
