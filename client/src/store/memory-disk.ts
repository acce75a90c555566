// A device's disk in memory, with what a simulator does to disks: commits that wait, crashes, clones and backups.
// Nothing is readable before it is durable. Not part of the public surface.
import {
  type CommittedRows,
  type DeviceStore,
  DeviceStoreError,
  type OpenDeviceStore,
  type StoredRecord,
  type StoredRow,
  type StoreWrite,
} from './contract.ts'
import { recordsUnder } from './stored-records.ts'

/**
 * Called once per commit, in call order and at once. The commit is durable when the promise has resolved and every
 * earlier commit has been settled; it is refused with the promise's rejection.
 */
export type CommitGate = (write: StoreWrite) => Promise<void>

export interface MemoryDiskOptions {
  /** Default: every commit is durable at once. */
  readonly gate?: CommitGate
}

/** What a disk held at one moment. Nobody changes it. */
export interface DiskImage {
  readonly records: ReadonlyMap<string, Uint8Array>
  readonly documents: ReadonlyMap<string, { readonly lastId: number; readonly rows: ReadonlyMap<number, Uint8Array> }>
}

export interface DiskContent {
  readonly records: Map<string, Uint8Array>
  /** The rows in the order of their ids. */
  readonly documents: Map<string, { lastId: number; readonly rows: Map<number, Uint8Array> }>
}

const NOTHING: DiskImage = { records: new Map(), documents: new Map() }

export class MemoryDisk implements DeviceStore {
  readonly #gate: CommitGate
  #content: DiskContent
  #session: MemorySession | null = null

  constructor(options: MemoryDiskOptions = {}, image: DiskImage = NOTHING) {
    this.#gate = options.gate ?? (() => Promise.resolve())
    this.#content = copyOf(image)
  }

  async open(): Promise<OpenDeviceStore> {
    if (this.#session !== null) throw new DeviceStoreError('IN_USE', 'This memory store is open already')
    const session = new MemorySession(this.#gate, this.#content, () => {
      if (this.#session === session) this.#session = null
    })
    this.#session = session
    return session
  }

  /** The process dies: commits that are not durable yet are gone (they reject with CLOSED); open() works again. */
  crash(because = 'The device has crashed'): void {
    this.#session?.crash(because)
  }

  /** What is durable now. */
  snapshot(): DiskImage {
    return copyOf(this.#content)
  }

  /** Puts a backup in the place of everything. @throws DeviceStoreError IN_USE while open */
  restore(image: DiskImage): void {
    if (this.#session !== null) throw new DeviceStoreError('IN_USE', 'A disk is restored while nobody has it open')
    this.#content = copyOf(image)
  }

  /** A second disk with what is durable on this one now. */
  clone(options: MemoryDiskOptions = { gate: this.#gate }): MemoryDisk {
    return new MemoryDisk(options, this.#content)
  }
}

class MemorySession implements OpenDeviceStore {
  readonly #gate: CommitGate
  readonly #content: DiskContent
  readonly #release: () => void
  readonly #waiting = new Set<(error: DeviceStoreError) => void>()
  #last: Promise<void> = Promise.resolve()
  #closedBecause: string | null = null
  #crashed = false

  constructor(gate: CommitGate, content: DiskContent, release: () => void) {
    this.#gate = gate
    this.#content = content
    this.#release = release
  }

  async records(prefix: string): Promise<readonly StoredRecord[]> {
    this.#assertOpen()
    return recordsUnder(this.#content.records, prefix)
  }

  async rows(documentId: string): Promise<readonly StoredRow[]> {
    this.#assertOpen()
    const rows = this.#content.documents.get(documentId)?.rows ?? []
    return [...rows].map(([id, bytes]) => ({ id, bytes }))
  }

  commit(write: StoreWrite): Promise<CommittedRows> {
    return new Promise((resolve, reject) => {
      this.#assertOpen()
      this.#waiting.add(reject)
      this.#last = this.#settle(write, this.#gate(write), this.#last, resolve, reject)
    })
  }

  async close(): Promise<void> {
    this.#closedBecause ??= 'The memory store has been closed'
    await this.#last
    this.#release()
  }

  crash(because: string): void {
    this.#crashed = true
    this.#closedBecause = because
    for (const reject of this.#waiting) reject(new DeviceStoreError('CLOSED', because))
    this.#waiting.clear()
    this.#last = Promise.resolve()
    this.#release()
  }

  async #settle(
    write: StoreWrite,
    gate: Promise<void>,
    earlier: Promise<void>,
    resolve: (rows: CommittedRows) => void,
    reject: (error: DeviceStoreError) => void,
  ): Promise<void> {
    const refused = await gate.then(
      () => null,
      (reason: DeviceStoreError) => ({ reason }),
    )
    await earlier
    if (this.#crashed) return
    this.#waiting.delete(reject)
    if (refused === null) resolve(applyWrite(write, this.#content))
    else reject(refused.reason)
  }

  #assertOpen(): void {
    if (this.#closedBecause !== null) throw new DeviceStoreError('CLOSED', this.#closedBecause)
  }
}

export function applyWrite(write: StoreWrite, { records, documents }: DiskContent): CommittedRows {
  for (const { documentId, ids } of write.remove ?? []) {
    for (const id of ids) documents.get(documentId)?.rows.delete(id)
  }
  for (const { key, bytes } of write.records ?? []) {
    if (bytes === null) records.delete(key)
    else records.set(key, bytes)
  }
  return (write.append ?? []).map(({ documentId, bytes }) => {
    const document = documents.get(documentId) ?? { lastId: 0, rows: new Map() }
    documents.set(documentId, document)
    document.lastId++
    document.rows.set(document.lastId, bytes)
    return document.lastId
  })
}

export function copyOf({ records, documents }: DiskImage): DiskContent {
  return {
    records: new Map(records),
    documents: new Map([...documents].map(([id, { lastId, rows }]) => [id, { lastId, rows: new Map(rows) }])),
  }
}
