// What a document says in one round, on one channel, before it has a channel's number. Pure data.
import type { Open } from '@tidemark/protocol'
import type { Outgoing } from './outgoing.ts'
import type { RepairFields } from './repairs.ts'
import type { UploadPiece } from './upload.ts'

export type OpenFields = Omit<Open, 'type' | 'channel'>

export interface RoundPart {
  readonly open: OpenFields
  /** Each whole, in one frame. */
  readonly pushes: readonly Outgoing[]
  /** Of these it asks how much the relay holds. */
  readonly asks: readonly UploadPiece[]
  readonly repairs: readonly RepairFields[]
  /** The mark to ask the lease for; null: not asked. */
  readonly lease: Uint8Array | null
  /** The mark under which the document is deleted; null: it is not. */
  readonly deletion: Uint8Array | null
}
