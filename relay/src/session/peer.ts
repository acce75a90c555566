// The device at the other end of a session, once its token is verified.
import type { VerifiedToken } from '../token/tokens.ts'

export interface Peer {
  /** 16 bytes, and the same as a part of keys. */
  readonly deviceId: Uint8Array
  readonly deviceKey: string
  readonly grants: VerifiedToken['grants']
  /** What a turn at reseeding ends with; null: with nothing, for a POST closes after every round. */
  readonly connection: object | null
}
