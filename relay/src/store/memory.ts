// A store that lives as long as its process: for tests and the simulator. What a flush has not confirmed is not there,
// so `crash()` loses exactly what a power cut would. Deterministic when `random`, `now` and `flush` are given.
import { randomBytes } from 'node:crypto'
import { TERM_BYTES } from './bookmark.ts'
import type {
  Appended,
  Bytes,
  ClaimRequest,
  DeleteRequest,
  FeedRequest,
  InstallRequest,
  Judgement,
  JudgeRequest,
  PayloadRequest,
  ReadPage,
  ReadRequest,
  RelayStore,
  RepairRequest,
  Staged,
  StagedPiece,
  StoreFeedPage,
  StoreLimits,
  StorePush,
} from './contract.ts'
import { DEFAULT_STORE_LIMITS, RelayStoreError } from './contract.ts'
import {
  checkClaim,
  checkDocumentId,
  checkInstall,
  checkPayloadRequest,
  checkPiece,
  checkPushes,
  checkRepair,
  checkUploadKey,
} from './contract-checks.ts'
import { FeedTerms } from './feed-terms.ts'
import { FlushGate } from './flush-gate.ts'
import { judgeLog } from './judgement.ts'
import { appendPushes } from './memory-append.ts'
import { keepClaim, repairDocument } from './memory-claims.ts'
import { installSnapshot } from './memory-compaction.ts'
import { deleteDocument, isTombstone } from './memory-deletion.ts'
import { feedPage, usageOf } from './memory-feed.ts'
import { judgedLog, judgedTombstone } from './memory-log.ts'
import { pageAfter, partOfPayload } from './memory-reading.ts'
import { cloneState, emptyState, type MemoryState, withTerm } from './memory-state.ts'
import { sweepState } from './memory-sweep.ts'
import { hashOfUpload, stagePiece } from './memory-uploads.ts'

export interface MemoryStoreOptions {
  /**
   * Stands for the disk: what was changed before it was called is durable, and becomes readable, when it resolves.
   * Never called again before it has ended. Rejecting is a failed commit (STORAGE), from which the store recovers.
   * Default: resolves at once.
   */
  readonly flush?: () => Promise<void>
  /** Default: the platform's. */
  readonly random?: (bytes: number) => Uint8Array
  /** Milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number
  /** Default: those of contract.ts. */
  readonly limits?: Partial<StoreLimits>
}

/** A copy of what was durable at one moment; later changes leave it alone, and it can be restored many times. */
export interface MemorySnapshot {
  readonly state: MemoryState
}

export interface MemoryRelayStore extends RelayStore {
  /** The process dies: this store is CLOSED, and the one returned (a new start, same options) holds what was flushed. */
  crash(): MemoryRelayStore
  snapshot(): MemorySnapshot
  /**
   * The data is replaced by a backup: this store is CLOSED, and the one returned holds what the snapshot held.
   * `newEpoch` false: a raw copy that nobody told the relay about.
   */
  restore(snapshot: MemorySnapshot, options: { readonly newEpoch: boolean }): MemoryRelayStore
}

export function memoryRelayStore(options: MemoryStoreOptions = {}): MemoryRelayStore {
  const random = options.random ?? randomBytes
  return new MemoryStore(options, emptyState(copy(random(16))))
}

class MemoryStore implements MemoryRelayStore {
  readonly epoch: Bytes
  /** Memory does not fail for good: a rejected flush is one failed commit. */
  readonly failed: Promise<Error> = new Promise(() => {})
  readonly #options: MemoryStoreOptions
  readonly #limits: StoreLimits
  readonly #random: (bytes: number) => Uint8Array
  readonly #now: () => number
  readonly #state: MemoryState
  readonly #terms: FeedTerms
  readonly #gate: FlushGate
  #isClosed = false

  constructor(options: MemoryStoreOptions, state: MemoryState) {
    this.#options = options
    this.#limits = { ...DEFAULT_STORE_LIMITS, ...options.limits }
    this.#random = options.random ?? randomBytes
    this.#now = options.now ?? Date.now
    this.#gate = new FlushGate(options.flush ?? (() => Promise.resolve()))
    this.#state = withTerm(state, copy(this.#random(TERM_BYTES)))
    this.#terms = new FeedTerms(this.#state.terms)
    this.epoch = copy(state.epoch)
  }

  async judge(request: JudgeRequest): Promise<Judgement> {
    this.#checkOpen()
    const { documentId } = request
    checkDocumentId(documentId)
    const document = this.#state.documents.get(documentId)
    const deleted = this.#state.tombstones.get(documentId)?.at(-1)
    const isKnown = (incarnation: Bytes): boolean => isTombstone(this.#state, documentId, incarnation)
    if (document !== undefined) return judgeLog(judgedLog(document), request, isKnown)
    return judgeLog(deleted && judgedTombstone(deleted.incarnation), request, isKnown)
  }

  async append(pushes: readonly StorePush[]): Promise<readonly Appended[]> {
    this.#checkOpen()
    checkPushes(pushes)
    const copies = pushes.map((push) => {
      const { payload } = push
      return { ...push, pushId: copy(push.pushId), payload: 'upload' in payload ? { ...payload } : copy(payload) }
    })
    return this.#commit((nowMs) => appendPushes(this.#state, copies, this.#random, nowMs))
  }

  async read(request: ReadRequest): Promise<ReadPage | 'moved'> {
    this.#checkOpen()
    checkDocumentId(request.documentId)
    return pageAfter(this.#state, request)
  }

  async readPayload(request: PayloadRequest): Promise<Bytes | 'gone'> {
    this.#checkOpen()
    checkPayloadRequest(request)
    return partOfPayload(this.#state, request)
  }

  async stage(piece: StagedPiece): Promise<Staged | 'full'> {
    this.#checkOpen()
    checkPiece(piece)
    const copied = { ...piece, bytes: copy(piece.bytes) }
    return this.#commit((nowMs) => stagePiece(this.#state, copied, this.#limits, nowMs))
  }

  async hashUpload(key: string, prefix: Bytes): Promise<Bytes | 'gone'> {
    this.#checkOpen()
    checkUploadKey(key)
    return hashOfUpload(this.#state, key, prefix)
  }

  async dropUpload(key: string): Promise<void> {
    this.#checkOpen()
    checkUploadKey(key)
    await this.#commit(() => this.#state.uploads.delete(key))
  }

  async install(request: InstallRequest): Promise<'OK' | 'CHANGED' | 'GONE'> {
    this.#checkOpen()
    checkInstall(request)
    const copied = { ...request, mark: copy(request.mark), snapshotId: copy(request.snapshotId) }
    return this.#commit((nowMs) => installSnapshot(this.#state, copied, nowMs))
  }

  async claim(request: ClaimRequest): Promise<'kept' | 'agrees' | 'differs' | 'stale'> {
    this.#checkOpen()
    checkClaim(request)
    const { mark, generation, device, digest } = request
    const copies = { mark: copy(mark), generation: copy(generation), device: copy(device), digest: copy(digest) }
    return this.#commit((nowMs) => keepClaim(this.#state, { ...request, ...copies }, nowMs))
  }

  async repair(request: RepairRequest): Promise<'drawn' | 'known' | 'later' | 'moved'> {
    this.#checkOpen()
    checkRepair(request)
    const copies = { incarnation: copy(request.incarnation), fingerprint: copy(request.fingerprint) }
    const copied = { ...request, ...copies }
    return this.#commit((nowMs) => repairDocument(this.#state, copied, this.#limits, this.#random, nowMs))
  }

  async delete(request: DeleteRequest): Promise<'OK' | 'CHANGED'> {
    this.#checkOpen()
    checkDocumentId(request.documentId)
    const copied = { ...request, mark: copy(request.mark) }
    return this.#commit((nowMs) => deleteDocument(this.#state, copied, nowMs))
  }

  async feed(request: FeedRequest): Promise<StoreFeedPage> {
    this.#checkOpen()
    return feedPage(this.#state, this.#terms, request)
  }

  async usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }> {
    this.#checkOpen()
    return usageOf(this.#state, vault)
  }

  async sweep(): Promise<{ readonly more: boolean }> {
    this.#checkOpen()
    return this.#commit((nowMs) => sweepState(this.#state, this.#limits, nowMs))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#gate.settled()
  }

  crash(): MemoryRelayStore {
    return this.restore(this.snapshot(), { newEpoch: false })
  }

  snapshot(): MemorySnapshot {
    return { state: cloneState(this.#state) }
  }

  restore(snapshot: MemorySnapshot, { newEpoch }: { readonly newEpoch: boolean }): MemoryRelayStore {
    this.#isClosed = true
    this.#gate.abandon(closedError())
    const state = cloneState(snapshot.state)
    return new MemoryStore(this.#options, newEpoch ? { ...state, epoch: copy(this.#random(16)) } : state)
  }

  /** The clock is read before anything is changed: it may throw. */
  #commit<Result>(change: (nowMs: number) => Result): Promise<Result> {
    return this.#gate.commit(() => change(this.#now()))
  }

  #checkOpen(): void {
    if (this.#isClosed) throw closedError()
  }
}

function closedError(): RelayStoreError {
  return new RelayStoreError('CLOSED', 'The store is closed')
}

function copy(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes)
}
