// What every driver checks of its arguments. A wrong one is a fault of the caller, not of the data: RangeError.
import { PUSH_ID_BYTES } from './bookmark.ts'
import type {
  Bytes,
  ClaimRequest,
  InstallRequest,
  PayloadRequest,
  RepairRequest,
  StagedPiece,
  StorePush,
} from './contract.ts'

const DOCUMENT_ID_BYTES_MAX = 1_024
const UPLOAD_KEY_BYTES_MAX = 1_200
const FORMAT_MAX = 255
/** Snapshot ids, device ids, digests and fingerprints. */
const ID_BYTES = 16

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
    if ('upload' in push.payload) checkUploadKey(push.payload.upload)
  }
}

/** @throws RangeError */
export function checkDocumentId(documentId: string): void {
  if (isTextOf(documentId, DOCUMENT_ID_BYTES_MAX)) return
  throw new RangeError(`A document id has 1 to ${DOCUMENT_ID_BYTES_MAX} bytes of UTF-8`)
}

/** @throws RangeError */
export function checkUploadKey(key: string): void {
  if (isTextOf(key, UPLOAD_KEY_BYTES_MAX)) return
  throw new RangeError(`The key of an upload has 1 to ${UPLOAD_KEY_BYTES_MAX} bytes of UTF-8`)
}

/** @throws RangeError also for a piece that ends beyond the total. */
export function checkPiece({ key, total, offset, bytes }: StagedPiece): void {
  checkUploadKey(key)
  checkCount('The total of an upload', total)
  checkCount('The offset of a piece', offset)
  if (total === 0) throw new RangeError('An upload has one byte at least')
  if (offset + bytes.length > total) throw new RangeError(`A piece ends at ${offset + bytes.length} of ${total} bytes`)
}

/** @throws RangeError */
export function checkPayloadRequest({ documentId, offset, bytesMax }: PayloadRequest): void {
  checkDocumentId(documentId)
  checkCount('The offset in a payload', offset)
  checkCount('The number of bytes', bytesMax)
}

/** @throws RangeError */
export function checkInstall({ documentId, snapshotId, upload }: InstallRequest): void {
  checkDocumentId(documentId)
  checkId('A snapshot id', snapshotId)
  checkUploadKey(upload)
}

/** @throws RangeError */
export function checkClaim({ documentId, device, digest }: ClaimRequest): void {
  checkDocumentId(documentId)
  checkId('A device id', device)
  checkId('A digest', digest)
}

/** @throws RangeError */
export function checkRepair({ documentId, fingerprint }: RepairRequest): void {
  checkDocumentId(documentId)
  checkId('A fingerprint', fingerprint)
}

/** The first segment of a document id: all of it where there is no slash. */
export function vaultOf(documentId: string): string {
  const slash = documentId.indexOf('/')
  return slash < 0 ? documentId : documentId.slice(0, slash)
}

function isTextOf(text: string, bytesMax: number): boolean {
  // Three bytes of UTF-8 per UTF-16 unit at most: most texts need no count.
  return text !== '' && (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax)
}

function checkId(what: string, bytes: Bytes): void {
  if (bytes.length !== ID_BYTES) throw new RangeError(`${what} has ${ID_BYTES} bytes, not ${bytes.length}`)
}

function checkCount(what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 0) throw new RangeError(`${what} is a whole number, not ${count}`)
}
