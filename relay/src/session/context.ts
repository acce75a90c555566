// What a session shares with all others of its relay.
import type { Limits } from '../limits.ts'
import type { Staging } from './staging.ts'

export interface SessionContext {
  readonly limits: Limits
  /** The store's, 16 bytes. */
  readonly epoch: Uint8Array
  readonly staging: Staging
  /** First 16 bytes of SHA-256(format byte, payload). */
  readonly pushIdOf: (format: number, payload: Uint8Array) => Uint8Array
}
