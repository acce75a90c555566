// What every driver checks of its arguments. A wrong one is a fault of the caller, not of the data: RangeError.
import { PUSH_ID_BYTES } from './bookmark.ts'
import type { StorePush } from './contract.ts'

const DOCUMENT_ID_BYTES_MAX = 1_024
const FORMAT_MAX = 255

/** @throws RangeError naming what is wrong with the first push that no store takes. */
export function checkPushes(pushes: readonly StorePush[]): void {
  for (const push of pushes) {
    checkDocumentId(push.documentId)
    if (push.pushId.length !== PUSH_ID_BYTES) {
      throw new RangeError(`A push id has ${PUSH_ID_BYTES} bytes, not ${push.pushId.length}`)
    }
    if (!Number.isInteger(push.format) || push.format < 0 || push.format > FORMAT_MAX) {
      throw new RangeError(`A format is a whole number from 0 to ${FORMAT_MAX}, not ${push.format}`)
    }
  }
}

/** @throws RangeError */
export function checkDocumentId(documentId: string): void {
  // Three bytes of UTF-8 per UTF-16 unit at most: most ids need no count.
  const short = documentId.length * 3 <= DOCUMENT_ID_BYTES_MAX
  if (documentId !== '' && (short || Buffer.byteLength(documentId) <= DOCUMENT_ID_BYTES_MAX)) return
  throw new RangeError(`A document id has 1 to ${DOCUMENT_ID_BYTES_MAX} bytes of UTF-8`)
}

/** The first segment of a document id: all of it where there is no slash. */
export function vaultOf(documentId: string): string {
  const slash = documentId.indexOf('/')
  return slash < 0 ? documentId : documentId.slice(0, slash)
}
