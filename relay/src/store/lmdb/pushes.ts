// Pushes as the writer keeps them: copied once, straight into the row that will be stored.
import type { StorePush } from '../contract.ts'
import { beginEntry, pushIdOfEntry } from './records.ts'

export interface CopiedPush {
  readonly documentId: string
  /** A view of `entry`. */
  readonly pushId: Buffer
  /** The row, but for its place in the log, and where its payload lies if that is in a blob. */
  readonly entry: Buffer
  /** Bytes of the payload; 0 where it is an upload. */
  readonly payloadLength: number
  /** The payload where it goes to a blob. */
  readonly large: Buffer | undefined
  /** Key of the upload that is the payload. */
  readonly upload: string | undefined
  readonly create: boolean
  readonly vaultBytesMax: number | undefined
}

/** A payload of this many bytes and more lies in a blob, beside the entries, which are read in pages. */
const LARGE_PAYLOAD_BYTES: number = 64 * 1024

export function copyPush(push: StorePush): CopiedPush {
  const upload = 'upload' in push.payload ? push.payload.upload : undefined
  const payload = 'upload' in push.payload ? undefined : push.payload
  const isLarge = payload !== undefined && payload.length >= LARGE_PAYLOAD_BYTES
  const entry = beginEntry(push.format, push.pushId, isLarge ? undefined : payload)
  return {
    documentId: push.documentId,
    pushId: pushIdOfEntry(entry),
    entry,
    payloadLength: payload?.length ?? 0,
    large: isLarge ? Buffer.from(payload) : undefined,
    upload,
    create: push.create === true,
    vaultBytesMax: push.vaultBytesMax,
  }
}
