// A store that lives as long as its process: for tests and the simulator. What a flush has not confirmed is not there,
// so `crash()` loses exactly what a power cut would. Deterministic when `random`, `now` and `flush` are given.
import { randomBytes } from 'node:crypto'
import { chainSeed, nextChain, tagOf } from '@tidemark/protocol'
import { equalBytes } from '../bytes.ts'
import { encodeBookmark, GENERATION_BYTES, INCARNATION_BYTES, TERM_BYTES } from './bookmark.ts'
import type {
  Appended,
  Bytes,
  FeedRequest,
  Judgement,
  JudgeRequest,
  ReadPage,
  ReadRequest,
  RelayStore,
  StoreFeedPage,
  StorePush,
} from './contract.ts'
import { RelayStoreError } from './contract.ts'
import { checkDocumentId, checkPushes, vaultOf } from './contract-checks.ts'
import { FeedTerms } from './feed-terms.ts'
import { judgeLog } from './judgement.ts'
import { cloneState, emptyState, type MemoryDocument, type MemoryState, withTerm } from './memory-state.ts'
import { sha256 } from './sha256.ts'

export interface MemoryStoreOptions {
  /**
   * Stands for the disk: what was appended before it was called is durable, and becomes readable, when it resolves.
   * Never called again before it has ended. Rejecting is a failed commit (STORAGE), from which the store recovers.
   * Default: resolves at once.
   */
  readonly flush?: () => Promise<void>
  /** Default: the platform's. */
  readonly random?: (bytes: number) => Uint8Array
  /** Milliseconds since 1970. Default: Date.now. */
  readonly now?: () => number
}

/** A copy of what was durable at one moment; later appends leave it alone, and it can be restored many times. */
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

interface AppendCall {
  readonly pushes: readonly StorePush[]
  readonly resolve: (results: readonly Appended[]) => void
  readonly reject: (error: Error) => void
}

class MemoryStore implements MemoryRelayStore {
  readonly epoch: Bytes
  /** Memory does not fail for good: a rejected flush is one failed commit. */
  readonly failed: Promise<Error> = new Promise(() => {})
  readonly #options: MemoryStoreOptions
  readonly #random: (bytes: number) => Uint8Array
  readonly #now: () => number
  readonly #state: MemoryState
  readonly #terms: FeedTerms
  readonly #waiting: AppendCall[] = []
  #inFlight: readonly AppendCall[] = []
  #flushing: Promise<void> | undefined
  #closed = false
  #crashed = false

  constructor(options: MemoryStoreOptions, state: MemoryState) {
    this.#options = options
    this.#random = options.random ?? randomBytes
    this.#now = options.now ?? Date.now
    this.#state = withTerm(state, copy(this.#random(TERM_BYTES)))
    this.#terms = new FeedTerms(this.#state.terms)
    this.epoch = copy(state.epoch)
  }

  async judge(request: JudgeRequest): Promise<Judgement> {
    this.#checkOpen()
    checkDocumentId(request.documentId)
    const document = this.#state.documents.get(request.documentId)
    if (document === undefined) return judgeLog(undefined, request)
    return judgeLog(
      {
        incarnation: copy(document.incarnation),
        generation: copy(document.generation),
        deleted: document.deleted,
        head: document.entries.length,
        chainAt: (index) => chainAt(document, index),
        bytesAfter: (index) => document.bytes - (document.entries[index - 1]?.bytesThrough ?? 0),
      },
      request,
    )
  }

  append(pushes: readonly StorePush[]): Promise<readonly Appended[]> {
    return new Promise((resolve, reject) => {
      this.#checkOpen()
      checkPushes(pushes)
      const copies = pushes.map((push) => ({ ...push, pushId: copy(push.pushId), payload: copy(push.payload) }))
      this.#waiting.push({ pushes: copies, resolve, reject })
      this.#flushing ??= this.#flushWhileWaiting()
    })
  }

  async read(request: ReadRequest): Promise<ReadPage | 'moved'> {
    this.#checkOpen()
    checkDocumentId(request.documentId)
    const document = this.#state.documents.get(request.documentId)
    if (document === undefined || document.deleted) return 'moved'
    if (!equalBytes(document.incarnation, request.incarnation)) return 'moved'
    const before = chainAt(document, request.after)
    if (before === undefined) return 'moved'
    const entries: ReadPage['entries'][number][] = []
    let bytes = 0
    for (const entry of document.entries.slice(request.after)) {
      bytes += entry.payload.length
      if (entries.length > 0 && (entries.length >= request.entriesMax || bytes > request.bytesMax)) break
      const { pushId, format, payload } = entry
      entries.push({
        index: request.after + entries.length + 1,
        pushId: copy(pushId),
        format,
        payload: copy(payload),
      })
    }
    const through = request.after + entries.length
    const chain = chainAt(document, through) ?? before
    return {
      entries,
      through,
      mark: encodeBookmark(document.incarnation, through, chain),
      atHead: through === document.entries.length,
      tag: documentTag(document),
    }
  }

  async feed(request: FeedRequest): Promise<StoreFeedPage> {
    this.#checkOpen()
    const { documents, feedHead } = this.#state
    const after = request.mark.length === 0 ? 0 : this.#terms.judge(request.mark, feedHead)
    const changed = [...documents.values()]
      .filter(({ documentId, feedIndex }) => vaultOf(documentId) === request.vault && feedIndex > (after ?? 0))
      .sort((one, other) => one.feedIndex - other.feedIndex)
    const page = changed.slice(0, Math.max(1, request.documentsMax))
    const more = page.length < changed.length
    return {
      reset: after === undefined,
      documents: page.map((document) => ({
        documentId: document.documentId,
        tag: documentTag(document),
        deleted: document.deleted,
      })),
      mark: this.#terms.issue(more ? (page.at(-1)?.feedIndex ?? 0) : feedHead),
      more,
    }
  }

  async usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }> {
    this.#checkOpen()
    const held = [...this.#state.documents.values()].filter(
      ({ documentId, deleted }) => !deleted && vaultOf(documentId) === vault,
    )
    return { bytes: held.reduce((sum, { bytes }) => sum + bytes, 0), documents: held.length }
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#flushing
  }

  crash(): MemoryRelayStore {
    return this.restore(this.snapshot(), { newEpoch: false })
  }

  snapshot(): MemorySnapshot {
    return { state: cloneState(this.#state) }
  }

  restore(snapshot: MemorySnapshot, { newEpoch }: { readonly newEpoch: boolean }): MemoryRelayStore {
    this.#closed = true
    this.#crashed = true
    for (const call of [...this.#inFlight, ...this.#waiting.splice(0)]) call.reject(closedError())
    const state = cloneState(snapshot.state)
    return new MemoryStore(this.#options, newEpoch ? { ...state, epoch: copy(this.#random(16)) } : state)
  }

  /** One flush after another, each for all that waited when it began. */
  async #flushWhileWaiting(): Promise<void> {
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const calls = this.#waiting.splice(0)
      this.#inFlight = calls
      try {
        await (this.#options.flush?.() ?? Promise.resolve())
      } catch (error) {
        const failure = new RelayStoreError('STORAGE', 'The flush failed', { cause: error })
        for (const call of calls) call.reject(failure)
        continue
      }
      if (this.#crashed) return
      for (const call of calls) this.#apply(call)
    }
    this.#inFlight = []
    this.#flushing = undefined
  }

  #apply(call: AppendCall): void {
    try {
      // All that can throw comes first: what follows leaves either the whole call or nothing.
      const incarnations = this.#drawIncarnations(call.pushes)
      const nowMs = this.#now()
      call.resolve(call.pushes.map((push) => this.#applyPush(push, incarnations, nowMs)))
    } catch (error) {
      call.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #drawIncarnations(pushes: readonly StorePush[]): ReadonlyMap<string, Bytes> {
    const drawn = new Map<string, Bytes>()
    for (const { documentId } of pushes) {
      if (this.#state.documents.has(documentId) || drawn.has(documentId)) continue
      drawn.set(documentId, copy(this.#random(INCARNATION_BYTES)))
    }
    return drawn
  }

  #applyPush(push: StorePush, incarnations: ReadonlyMap<string, Bytes>, nowMs: number): Appended {
    const document =
      this.#state.documents.get(push.documentId) ?? this.#begin(push.documentId, incarnations.get(push.documentId))
    if (document.deleted) return { refused: 'DELETED' }
    const { pushId, format, payload } = push
    const known = document.indexOfPush.get(hex(pushId))
    if (known !== undefined) return appendedAt(document, known)
    document.bytes += payload.length
    document.entries.push({
      pushId,
      format,
      payload,
      chain: nextChain(sha256, chainAt(document, document.entries.length) ?? document.seed, pushId),
      bytesThrough: document.bytes,
      receivedAtMs: nowMs,
    })
    document.indexOfPush.set(hex(pushId), document.entries.length)
    this.#state.feedHead += 1
    document.feedIndex = this.#state.feedHead
    return appendedAt(document, document.entries.length)
  }

  #begin(documentId: string, incarnation: Bytes | undefined): MemoryDocument {
    if (incarnation === undefined) throw new Error('No incarnation was drawn')
    const document: MemoryDocument = {
      documentId,
      incarnation,
      seed: chainSeed(sha256, incarnation, documentId),
      generation: new Uint8Array(GENERATION_BYTES),
      deleted: false,
      entries: [],
      indexOfPush: new Map(),
      bytes: 0,
      feedIndex: 0,
    }
    this.#state.documents.set(documentId, document)
    return document
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError()
  }
}

function closedError(): RelayStoreError {
  return new RelayStoreError('CLOSED', 'The store is closed')
}

function chainAt(document: MemoryDocument, index: number): Bytes | undefined {
  return index === 0 ? document.seed : document.entries[index - 1]?.chain
}

function appendedAt(document: MemoryDocument, index: number): Appended {
  const chain = chainAt(document, index)
  if (chain === undefined) throw new Error(`No entry at index ${index}`)
  return {
    index,
    receipt: encodeBookmark(document.incarnation, index, chain),
    incarnation: copy(document.incarnation),
  }
}

function documentTag(document: MemoryDocument): Bytes {
  const head = chainAt(document, document.entries.length) ?? document.seed
  return tagOf(sha256, head, document.generation)
}

function copy(bytes: Uint8Array): Bytes {
  return Uint8Array.from(bytes)
}

function hex(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
