// The LMDB store as the contract has it: reader and writer, and what closing does to them.
import { createHash } from 'node:crypto'
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
} from '../contract.ts'
import { RelayStoreError } from '../contract.ts'
import { checkDocumentId, checkPayloadRequest, checkUploadKey } from '../contract-checks.ts'
import { claiming } from './claiming.ts'
import { deleting } from './deletion.ts'
import { installing } from './installation.ts'
import type { Reader } from './reader.ts'
import { repairing } from './repairing.ts'
import { sweeping } from './sweep.ts'
import { dropUpload } from './uploads.ts'
import type { Writer } from './writer.ts'

/** Hashed at once: about a millisecond. */
const HASH_STEP_BYTES: number = 256 * 1024

export class LmdbStore implements RelayStore {
  readonly epoch: Bytes
  readonly failed: Promise<Error>
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #limits: StoreLimits
  readonly #release: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(epoch: Bytes, reader: Reader, writer: Writer, limits: StoreLimits, release: () => Promise<void>) {
    this.epoch = epoch
    this.failed = writer.failed
    this.#reader = reader
    this.#writer = writer
    this.#limits = limits
    this.#release = release
  }

  async judge(request: JudgeRequest): Promise<Judgement> {
    checkDocumentId(request.documentId)
    return this.#read(() => this.#reader.judge(request))
  }

  append(pushes: readonly StorePush[]): Promise<readonly Appended[]> {
    return this.#writer.append(pushes)
  }

  async read(request: ReadRequest): Promise<ReadPage | 'moved'> {
    checkDocumentId(request.documentId)
    return this.#read(() => this.#reader.read(request))
  }

  async readPayload(request: PayloadRequest): Promise<Bytes | 'gone'> {
    checkPayloadRequest(request)
    return this.#read(() => this.#reader.readPayload(request))
  }

  stage(piece: StagedPiece): Promise<Staged | 'full'> {
    return this.#writer.stage(piece, this.#limits)
  }

  async hashUpload(key: string, prefix: Bytes): Promise<Bytes | 'gone'> {
    checkUploadKey(key)
    const hash = createHash('sha256').update(prefix)
    const upload = this.#read(() => this.#reader.wholeUpload(key))
    if (upload === undefined) return 'gone'
    for (let offset = 0; offset < upload.total; offset += HASH_STEP_BYTES) {
      if (offset > 0) await new Promise(setImmediate)
      const part = this.#read(() => this.#reader.partOfUpload(key, upload, offset, HASH_STEP_BYTES))
      if (part === undefined) return 'gone'
      hash.update(part)
    }
    return hash.digest()
  }

  async dropUpload(key: string): Promise<void> {
    checkUploadKey(key)
    return this.#writer.change(() => (plan) => dropUpload(plan, key))
  }

  install(request: InstallRequest): Promise<'OK' | 'CHANGED' | 'GONE'> {
    return this.#writer.change(() => installing(request))
  }

  claim(request: ClaimRequest): Promise<'kept' | 'agrees' | 'differs' | 'stale'> {
    return this.#writer.change(() => claiming(request))
  }

  repair(request: RepairRequest): Promise<'drawn' | 'known' | 'later' | 'moved'> {
    return this.#writer.change(() => repairing(request, this.#limits))
  }

  delete(request: DeleteRequest): Promise<'OK' | 'CHANGED'> {
    return this.#writer.change(() => deleting(request))
  }

  async feed(request: FeedRequest): Promise<StoreFeedPage> {
    if (request.mark.length > 0) await new Promise(setImmediate)
    return this.#read(() => this.#reader.feed(request))
  }

  async usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }> {
    return this.#read(() => this.#reader.usage(vault))
  }

  sweep(): Promise<{ readonly more: boolean }> {
    return this.#writer.change(() => sweeping(this.#limits))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    // A commit that hangs holds LMDB's lock, and its thread the memory: only the end of the process releases both.
    if (await this.#writer.close()) await this.#release()
  }

  #read<Result>(reading: () => Result): Result {
    if (this.#closing !== undefined) throw new RelayStoreError('CLOSED', 'The store is closed')
    try {
      return reading()
    } catch (error) {
      throw new RelayStoreError('STORAGE', 'The store cannot be read', { cause: error })
    }
  }
}
