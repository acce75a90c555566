// What the sessions of one relay share.
import type { Limits } from '../limits.ts'
import type { Audience } from './audience.ts'
import type { Leases } from './leases.ts'
import type { Turns } from './turns.ts'
import type { Witnesses } from './witnesses.ts'

export interface SessionContext {
  readonly limits: Limits
  /** The store's, 16 bytes. */
  readonly epoch: Uint8Array
  readonly leases: Leases
  readonly audience: Audience
  readonly turns: Turns
  readonly witnesses: Witnesses
  readonly sha256: (bytes: Uint8Array) => Uint8Array
}
