// Appending to the logs of a memory store, and beginning them. Draws before it changes anything: what throws leaves
// nothing behind.
import { chainSeed, nextChain } from '@tidemark/protocol'
import { GENERATION_BYTES, INCARNATION_BYTES } from './bookmark.ts'
import type { Appended, Bytes, StorePush } from './contract.ts'
import { vaultOf } from './contract-checks.ts'
import { usageOf } from './memory-feed.ts'
import { bookmarkAt, chainAt, headOf } from './memory-log.ts'
import type { MemoryDocument, MemoryState } from './memory-state.ts'
import { takeUpload } from './memory-uploads.ts'
import { sha256 } from './sha256.ts'

export type RandomBytes = (bytes: number) => Uint8Array

export function appendPushes(
  state: MemoryState,
  pushes: readonly StorePush[],
  random: RandomBytes,
  nowMs: number,
): readonly Appended[] {
  const incarnations = drawIncarnations(state, pushes, random)
  const usedByVault = new Map<string, number>()
  return pushes.map((push) => appendPush(state, push, incarnations, usedByVault, nowMs))
}

function drawIncarnations(
  state: MemoryState,
  pushes: readonly StorePush[],
  random: RandomBytes,
): ReadonlyMap<string, Bytes> {
  const drawn = new Map<string, Bytes>()
  for (const { documentId, create } of pushes) {
    if (state.documents.has(documentId) || drawn.has(documentId)) continue
    if (state.tombstones.has(documentId) && create !== true) continue
    drawn.set(documentId, new Uint8Array(random(INCARNATION_BYTES)))
  }
  return drawn
}

function appendPush(
  state: MemoryState,
  push: StorePush,
  incarnations: ReadonlyMap<string, Bytes>,
  usedByVault: Map<string, number>,
  nowMs: number,
): Appended {
  const { documentId, pushId, format, vaultBytesMax } = push
  const payload = 'upload' in push.payload ? takeUpload(state, push.payload.upload) : push.payload
  const document = state.documents.get(documentId)
  if (document === undefined && state.tombstones.has(documentId) && push.create !== true) return { refused: 'DELETED' }
  const known = document?.indexOfPush.get(hex(pushId))
  if (document !== undefined && known !== undefined) return appendedAt(document, known)
  if (payload === undefined) return { refused: 'GONE' }
  const vault = vaultOf(documentId)
  if (vaultBytesMax !== undefined) {
    const used = usedByVault.get(vault) ?? usageOf(state, vault).bytes
    if (used + payload.length > vaultBytesMax) return { refused: 'QUOTA' }
    usedByVault.set(vault, used)
  }
  const log = document ?? beginLog(state, documentId, incarnations.get(documentId), nowMs)
  addEntry(log, { pushId, format, payload }, nowMs)
  state.feedHead += 1
  log.feedIndex = state.feedHead
  const used = usedByVault.get(vault)
  if (used !== undefined) usedByVault.set(vault, used + payload.length)
  return appendedAt(log, headOf(log))
}

function addEntry(
  log: MemoryDocument,
  { pushId, format, payload }: { readonly pushId: Bytes; readonly format: number; readonly payload: Bytes },
  receivedAtMs: number,
): void {
  const before = chainAt(log, headOf(log)) ?? log.seed
  log.bytes += payload.length
  const chain = nextChain(sha256, before, pushId)
  log.entries.push({ pushId, format, payload, chain, bytesThrough: log.bytes, receivedAtMs })
  log.indexOfPush.set(hex(pushId), headOf(log))
}

function beginLog(
  state: MemoryState,
  documentId: string,
  incarnation: Bytes | undefined,
  createdAtMs: number,
): MemoryDocument {
  if (incarnation === undefined) throw new Error('No incarnation was drawn')
  const document: MemoryDocument = {
    documentId,
    incarnation,
    seed: chainSeed(sha256, incarnation, documentId),
    createdAtMs,
    generation: new Uint8Array(GENERATION_BYTES),
    oldest: 1,
    entries: [],
    indexOfPush: new Map(),
    bytes: 0,
    feedIndex: 0,
    snapshot: null,
    retained: [],
    claims: [],
    agreedIndex: 0,
    repaired: [],
    lastRepair: null,
  }
  state.documents.set(documentId, document)
  return document
}

function appendedAt(document: MemoryDocument, index: number): Appended {
  return { index, receipt: bookmarkAt(document, index), incarnation: new Uint8Array(document.incarnation) }
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
