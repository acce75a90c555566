// The journal of a file store: every record, and of every document which rows count. One frame per flush; a frame that
// is on the disk is a commit that has happened. The rows themselves are in files of their own.
import { join } from 'node:path'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { DeviceStoreError } from '../store/contract.ts'
import { corruption, type FileDisk, type OpenFile, readStart, storeError, writeAt } from './file-store-disk.ts'
import { encodeFrame, hasLaterFrame, readFrame } from './file-store-frames.ts'
import {
  applyChange,
  decodeChange,
  encodeChange,
  type StateChange,
  type StoreState,
  stateInParts,
} from './file-store-state.ts'

const NAME = 'journal'
const REWRITTEN_NAME = 'journal.new'
const FORMAT_NAME = 'tidemark device store'
const FORMAT_VERSION = 1

/** A journal is rewritten when it has outgrown its state of last time this often, and by a minimum, this much by default. */
const GROWTH_MAX = 2
export const JOURNAL_GROWTH_BYTES_MIN: number = 256 * 1024

export class Journal {
  readonly state: StoreState
  readonly #place: JournalPlace
  #handle: OpenFile
  #endBytes: number
  #nextNumber: number
  #rewriteAtBytes: number
  #broken: DeviceStoreError | null = null

  private constructor(place: JournalPlace, handle: OpenFile, content: JournalContent) {
    this.#place = place
    this.#handle = handle
    this.state = content.state
    this.#endBytes = content.endBytes
    this.#nextNumber = content.nextNumber
    this.#rewriteAtBytes = this.#rewriteAt(content.baseEndBytes)
  }

  /** Null: there is none in this directory. */
  static async open(place: JournalPlace): Promise<Journal | null> {
    const { disk, directory } = place
    const path = join(directory, NAME)
    await disk.remove(join(directory, REWRITTEN_NAME))
    const handle = await disk.openIfThere(path, 'r+')
    if (handle === null) return null
    try {
      const { size } = await handle.stat()
      const content = parseJournal(await readStart(handle, size), path)
      if (content.endBytes < size) await handle.truncate(content.endBytes)
      // A process that died may have written or renamed what it did not flush: now it is read, and built upon.
      await handle.sync()
      await disk.syncDirectory(directory)
      return new Journal(place, handle, content)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  static async create(place: JournalPlace): Promise<Journal> {
    const { disk, directory } = place
    const state: StoreState = { documents: new Map(), records: new Map() }
    const { endBytes, nextNumber } = await writeRewritten(place, state)
    await disk.rename(join(directory, REWRITTEN_NAME), join(directory, NAME))
    await disk.syncDirectory(directory)
    const handle = await disk.open(join(directory, NAME), 'r+')
    return new Journal(place, handle, { state, endBytes, baseEndBytes: endBytes, nextNumber })
  }

  /** @throws DeviceStoreError FAILED when it is unknown whether an earlier commit is on the disk */
  assertUsable(): void {
    if (this.#broken !== null) throw this.#broken
  }

  /** False: what the journal on the disk says is unknown, so nothing that it may name is to be touched. */
  get isUsable(): boolean {
    return this.#broken === null
  }

  /** Resolves when the change is durable; what it names must be durable before. Throws after undoing it. */
  async append(change: StateChange): Promise<void> {
    this.assertUsable()
    const frame = encodeFrame(this.#nextNumber, encodeChange(change))
    try {
      await writeAt(this.#handle, frame, this.#endBytes)
      await this.#handle.datasync()
    } catch (error) {
      await this.#undo(error)
      throw storeError(error, `The commit cannot be written to ${this.#path}`)
    }
    this.#endBytes += frame.byteLength
    this.#nextNumber++
    applyChange(this.state, change)
  }

  get isRewriteDue(): boolean {
    return this.isUsable && this.#endBytes >= this.#rewriteAtBytes
  }

  /** Leaves only the state in the journal. @throws DeviceStoreError after which the old journal goes on being used */
  async rewrite(): Promise<void> {
    // When it fails (a full disk), it is tried again only after as much growth.
    this.#rewriteAtBytes = this.#rewriteAt(this.#endBytes)
    const { disk, directory } = this.#place
    const rewritten = await writeRewritten(this.#place, this.state).catch(async (error: unknown) => {
      await disk.remove(join(directory, REWRITTEN_NAME))
      throw storeError(error, `${this.#path} cannot be rewritten`)
    })
    try {
      // Windows renames nothing onto an open file.
      await this.#handle.close()
      await disk.rename(join(directory, REWRITTEN_NAME), this.#path)
      await disk.syncDirectory(directory)
      this.#handle = await disk.open(this.#path, 'r+')
    } catch (error) {
      throw this.#break(error, 'it is unknown which version of the journal is on the disk')
    }
    this.#endBytes = rewritten.endBytes
    this.#nextNumber = rewritten.nextNumber
    this.#rewriteAtBytes = this.#rewriteAt(rewritten.endBytes)
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  get #path(): string {
    return join(this.#place.directory, NAME)
  }

  #rewriteAt(stateBytes: number): number {
    return Math.max(stateBytes * GROWTH_MAX, stateBytes + this.#place.growthBytesMin)
  }

  /** The frame must not come back after its commit was rejected: if it cannot be cut off, nothing more is accepted. */
  async #undo(cause: unknown): Promise<void> {
    try {
      await this.#handle.truncate(this.#endBytes)
      await this.#handle.datasync()
    } catch {
      throw this.#break(cause, 'it is unknown whether a commit that failed is on the disk')
    }
  }

  #break(cause: unknown, what: string): DeviceStoreError {
    const message = `${this.#path} takes no more commits until it is opened again, because ${what}`
    this.#broken = new DeviceStoreError('FAILED', `${message}: ${(cause as Error).message}`, { cause })
    return this.#broken
  }
}

export interface JournalPlace {
  readonly disk: FileDisk
  readonly directory: string
  /** It is not rewritten before it has grown by so much. */
  readonly growthBytesMin: number
}

interface JournalContent {
  readonly state: StoreState
  readonly endBytes: number
  /** Up to here the journal was written in one piece and renamed: nothing in it can be torn. */
  readonly baseEndBytes: number
  readonly nextNumber: number
}

function parseJournal(bytes: Buffer, path: string): JournalContent {
  const header = readFrame(bytes, 0)
  if (header === null) throw corruption(path, 0, 'it does not begin like the journal of a device store')
  const baseEndBytes = header.end + readHeader(header.payload, path)
  const state: StoreState = { documents: new Map(), records: new Map() }
  let at = header.end
  let number = 1
  for (; at < bytes.byteLength; number++) {
    const frame = readFrame(bytes, at)
    if (frame?.number !== number) {
      if (at < baseEndBytes || hasLaterFrame(bytes, at, number)) {
        throw corruption(path, at, `commit ${number} is not whole, and there is more after it`)
      }
      break // Written by a commit that was never resolved.
    }
    applyChange(state, decodeChange(frame.payload, path, at))
    at = frame.end
  }
  if (at < baseEndBytes) throw corruption(path, at, `it ends before offset ${baseEndBytes}`)
  return { state, endBytes: at, baseEndBytes, nextNumber: number }
}

/** Returns how many bytes after the header were written together with it. */
function readHeader(payload: Buffer, path: string): number {
  const decoder = decoding.createDecoder(payload)
  if (decoding.readVarString(decoder) !== FORMAT_NAME) {
    throw new DeviceStoreError('FAILED', `The file ${path} is not the journal of a device store`)
  }
  const version = decoding.readVarUint(decoder)
  if (version === FORMAT_VERSION) return decoding.readVarUint(decoder)
  const known = `this program knows format ${FORMAT_VERSION}`
  throw new DeviceStoreError('FAILED', `The store of ${path} was written in format ${version}, and ${known}`)
}

function encodeHeader(baseBytes: number): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarString(encoder, FORMAT_NAME)
    encoding.writeVarUint(encoder, FORMAT_VERSION)
    encoding.writeVarUint(encoder, baseBytes)
  })
}

/** Writes the whole state under the name that the rename takes it from, durably. */
async function writeRewritten(
  { disk, directory }: JournalPlace,
  state: StoreState,
): Promise<{ readonly endBytes: number; readonly nextNumber: number }> {
  const frames = stateInParts(state).map((change, i) => encodeFrame(i + 1, encodeChange(change)))
  const base = Buffer.concat(frames)
  const bytes = Buffer.concat([encodeFrame(0, encodeHeader(base.byteLength)), base])
  await disk.withFile(join(directory, REWRITTEN_NAME), 'w', async (handle) => {
    await writeAt(handle, bytes, 0)
    await handle.sync()
  })
  return { endBytes: bytes.byteLength, nextNumber: frames.length + 1 }
}
