// The push id of a payload, with the SDK's own SHA-256: the platforms' are asynchronous, or missing.
import { sha256 } from '@noble/hashes/sha2.js'
import { pushIdOf } from '@tidemark/protocol'
import { FORMAT_YJS_1 } from './format.ts'

export function payloadId(payload: Uint8Array, format: number = FORMAT_YJS_1): Uint8Array {
  return pushIdOf(sha256, format, payload)
}
