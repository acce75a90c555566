// The LMDB store as the contract has it: reader and writer, and what closing does to them.
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
} from '../contract.ts'
import { RelayStoreError } from '../contract.ts'
import { checkDocumentId } from '../contract-checks.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

export class LmdbStore implements RelayStore {
  readonly epoch: Bytes
  readonly failed: Promise<Error>
  readonly #reader: Reader
  readonly #writer: Writer
  readonly #release: () => Promise<void>
  #closing: Promise<void> | undefined

  constructor(epoch: Bytes, reader: Reader, writer: Writer, release: () => Promise<void>) {
    this.epoch = epoch
    this.failed = writer.failed
    this.#reader = reader
    this.#writer = writer
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

  async feed(request: FeedRequest): Promise<StoreFeedPage> {
    if (request.mark.length > 0) await new Promise(setImmediate)
    return this.#read(() => this.#reader.feed(request))
  }

  async usage(vault: string): Promise<{ readonly bytes: number; readonly documents: number }> {
    return this.#read(() => this.#reader.usage(vault))
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
