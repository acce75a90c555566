// Appending to logs, and beginning them: pushes worked out one by one, in call order. Writes nothing itself.
import { encodeBookmark, INCARNATION_BYTES } from '../bookmark.ts'
import type { Appended, StorePush } from '../contract.ts'
import { checkPushes } from '../contract-checks.ts'
import { chunksOf } from './blobs.ts'
import type { CommitPlan, Operation } from './plan.ts'
import { PlannedDocument } from './planned-document.ts'
import { placeAsPlanned } from './planned-log.ts'
import { type CopiedPush, copyPush } from './pushes.ts'
import { type Blob, chainOfEntry, placeBlob } from './records.ts'
import { dropUpload, takeUpload, wholeUpload } from './uploads.ts'

/** Copies what the caller may change. @throws RangeError for what no store takes. */
export function appending(pushes: readonly StorePush[]): Operation<readonly Appended[]> {
  checkPushes(pushes)
  const copied = pushes.map(copyPush)
  return (plan) => copied.map((push) => appendPush(plan, push))
}

function appendPush(plan: CommitPlan, push: CopiedPush): Appended {
  const document = plan.document(push.documentId)
  const upload = push.upload === undefined ? undefined : wholeUpload(plan, push.upload)
  const answer = answerWithout(plan, push, document, upload)
  if (answer === undefined) return store(plan, push, document, upload)
  if (push.upload !== undefined) dropUpload(plan, push.upload)
  return answer
}

/** What is answered to a push that is not stored. */
function answerWithout(
  plan: CommitPlan,
  push: CopiedPush,
  document: PlannedDocument | undefined,
  upload: Blob | undefined,
): Appended | undefined {
  if (document?.deleted && !push.create) return { refused: 'DELETED' }
  if (document !== undefined && !document.deleted) {
    const known = plan.indexOf(document, push.pushId)
    if (known !== undefined) return appendedAt(plan, document, known)
  }
  if (push.upload !== undefined && upload === undefined) return { refused: 'GONE' }
  if (push.vaultBytesMax === undefined) return undefined
  const bytes = upload?.bytes ?? push.payloadLength
  return plan.vaultBytes(push.documentId) + bytes > push.vaultBytesMax ? { refused: 'QUOTA' } : undefined
}

function store(
  plan: CommitPlan,
  push: CopiedPush,
  document: PlannedDocument | undefined,
  upload: Blob | undefined,
): Appended {
  const { documentId, entry, large } = push
  const nowMs = plan.nowMs()
  const log = document === undefined || document.deleted ? begin(plan, documentId, document, nowMs) : document
  const bytes = upload?.bytes ?? push.payloadLength
  plan.change(log)
  plan.moveInFeed(log)
  const index = log.append(push, bytes, nowMs)
  plan.vault(documentId).addBytes(bytes)
  if (upload !== undefined && push.upload !== undefined) {
    takeUpload(plan, push.upload)
    placeBlob(entry, upload.blobId, upload.bytes)
  } else if (large !== undefined) {
    const blobId = plan.takeSerial()
    placeBlob(entry, blobId, large.length)
    plan.addChunks(chunksOf(blobId, large))
  }
  plan.addEntry(log, index, entry)
  return appended(log, index, chainOfEntry(entry))
}

function begin(
  plan: CommitPlan,
  documentId: string,
  tombstone: PlannedDocument | undefined,
  nowMs: number,
): PlannedDocument {
  const random = (bytes: number): Uint8Array => plan.random(bytes)
  plan.vault(documentId).addDocuments(1)
  return PlannedDocument.fresh(documentId, plan.takeSerial(), tombstone?.feedIndex ?? 0, random, nowMs)
}

function appendedAt(plan: CommitPlan, document: PlannedDocument, index: number): Appended {
  const chain = document.chainAt(index) ?? placeAsPlanned(plan, document, index)?.chain
  if (chain === undefined) throw new Error(`No chain is known at ${index} of ${document.documentId}`)
  return appended(document, index, chain)
}

function appended(document: PlannedDocument, index: number, chain: Uint8Array): Appended {
  const receipt = encodeBookmark(document.incarnation, index, chain)
  return { index, receipt, incarnation: receipt.subarray(0, INCARNATION_BYTES) }
}
