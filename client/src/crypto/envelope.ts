// What stands around sealed bytes: which suite, which key. Read also by devices that have no key, and know no suite; the
// bytes are strangers', so reading never throws.
import * as encoding from 'lib0/encoding'
import { PayloadReader, Refused } from '../document/payload-reader.ts'
import { isKeyId } from './key-ring.ts'

export interface Envelope {
  readonly suite: number
  readonly keyId: string
  /** What the suite made. */
  readonly sealed: Uint8Array
}

export const KEY_ID_BYTES_MAX = 32

export function encodeEnvelope({ suite, keyId, sealed }: Envelope): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, suite)
    encoding.writeVarString(encoder, keyId)
    encoding.writeUint8Array(encoder, sealed)
  })
}

/** Null: these bytes are none, whatever key there may be. `sealed` is a view. */
export function decodeEnvelope(payload: Uint8Array): Envelope | null {
  const reader = new PayloadReader(payload)
  try {
    const suite = reader.varuint('suite')
    const keyId = keyIdOf(reader.byteString('keyId', KEY_ID_BYTES_MAX))
    return suite === 0 || keyId === null ? null : { suite, keyId, sealed: reader.rest() }
  } catch (error) {
    if (error instanceof Refused) return null
    throw error
  }
}

/** Null: no key is called that. */
export function keyIdOf(bytes: Uint8Array): string | null {
  const id = String.fromCharCode(...bytes)
  return isKeyId(id) ? id : null
}
