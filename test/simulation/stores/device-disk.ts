// The disk of a simulated device, whatever store is on it. Keeps account of what the store has said to be durable; whenever
// a process starts, the store must hold exactly that, and of the commits that were cut off a beginning, each whole.
import type { CommittedRows, DeviceStore, OpenDeviceStore, StoreWrite } from '../../../client/src/store/contract.ts'
import { applyWrite, copyOf, type DiskContent, type DiskImage } from '../../../client/src/store/memory-disk.ts'
import type { Random } from '../random.ts'
import type { Sabotage } from '../sabotage.ts'
import { FileMedium } from './file-medium.ts'
import { differenceOf, explained, imageOf } from './images.ts'
import { IndexedDbMedium } from './indexeddb-medium.ts'
import { KeyValueMedium } from './key-value-medium.ts'
import type { Medium, StoreKind } from './medium.ts'
import { MemoryMedium } from './memory-medium.ts'

/** As it was copied at one moment. Nobody changes it. */
export interface DiskBackup {
  readonly kind: StoreKind
  readonly medium: Medium
  /** What its store had said to be durable. */
  readonly image: DiskImage
  /** Of these a beginning may be there as well. */
  readonly uncertain: readonly StoreWrite[]
}

export interface DeviceDiskOptions {
  readonly kind: StoreKind
  readonly random: Random
  readonly sabotage: Sabotage
  /** `image` is another. */
  changed(): void
  /** The store does not keep what it promises. */
  failed(what: string): void
}

/** More calls than any commit takes. */
const CALLS_MAX = 10_000

export class DeviceDisk {
  readonly kind: StoreKind
  readonly #options: DeviceDiskOptions
  #medium: Medium
  #image: DiskContent
  /** Called, and not settled; in call order. */
  #pending: StoreWrite[] = []
  #uncertain: readonly StoreWrite[] = []
  #commitsSettled = 0
  #life = 0

  constructor(options: DeviceDiskOptions, backup?: DiskBackup) {
    this.#options = options
    this.kind = backup?.kind ?? options.kind
    this.#medium = backup?.medium.copy(backup.image) ?? newMedium(this.kind, options)
    this.#image = copyOf(backup?.image ?? NOTHING)
    this.#uncertain = backup?.uncertain ?? []
  }

  /** What is durable on it, as far as a process was told. Changes with the next commit. */
  get image(): DiskImage {
    return this.#image
  }

  get callsWaiting(): number {
    return this.#medium.callsWaiting
  }

  get isReading(): boolean {
    return this.#medium.isReading
  }

  /** For a process that starts now. */
  store(): DeviceStore {
    const life = this.#life
    const { deviceStore: sabotaged = (store: OpenDeviceStore) => store } = this.#options.sabotage
    return {
      open: async () => {
        try {
          return sabotaged(await this.#open(life))
        } catch (error) {
          this.#options.failed(`its store (${this.kind}) cannot be opened: ${String(error)}`)
          throw error
        }
      },
    }
  }

  /** Lets one call of the store through. */
  async endCall(fails = false): Promise<void> {
    this.#medium.endCall(fails)
    await turn()
  }

  /** Lets through what the oldest commit waits for; or, where none is under way, all. */
  async endCommit(fails: boolean): Promise<void> {
    const settled = this.#commitsSettled
    for (let calls = 0; this.callsWaiting > 0 && this.#commitsSettled === settled; calls++) {
      if (calls === CALLS_MAX) throw new Error('A commit does not end')
      await this.endCall(fails)
    }
  }

  /** The process dies, in so many calls of its store as it returns. */
  crash(isPowerCut: boolean): number {
    this.#endLife()
    return this.#medium.crash(isPowerCut)
  }

  /** The process has ended by itself. */
  ended(): void {
    this.#endLife()
  }

  backup(): DiskBackup {
    const uncertain = [...this.#uncertain, ...this.#pending]
    const image = copyOf(this.#image)
    return { kind: this.kind, medium: this.#medium.copy(image), image, uncertain }
  }

  /** Only while nobody uses it. */
  restore({ medium, image, uncertain }: DiskBackup): void {
    this.#medium = medium.copy(image)
    this.#image = copyOf(image)
    this.#uncertain = uncertain
  }

  /** Starts a process that does nothing, and cuts the power: then all is looked at. */
  async check(): Promise<void> {
    let isOpened = false
    const end = (): void => {
      isOpened = true
    }
    this.store().open().then(end, end) // What fails is told.
    for (let calls = 0; !isOpened; calls++) {
      if (calls === CALLS_MAX) throw new Error('A store does not open')
      await this.endCall()
    }
    this.crash(true)
  }

  #endLife(): void {
    this.#life++
    this.#uncertain = [...this.#uncertain, ...this.#pending]
    this.#pending = []
  }

  async #open(life: number): Promise<OpenDeviceStore> {
    const store = await this.#alive(life, this.#medium.mount().open())
    await this.#examine(life, store)
    this.#options.changed()
    return {
      records: (prefix) => this.#alive(life, store.records(prefix)),
      rows: (documentId) => this.#alive(life, store.rows(documentId)),
      commit: (write) => this.#commit(life, store, write),
      close: () => this.#alive(life, store.close()),
    }
  }

  async #examine(life: number, store: OpenDeviceStore): Promise<void> {
    const uncertain = this.#uncertain
    const appended = uncertain.flatMap(({ append = [] }) => append.map(({ documentId }) => documentId))
    const documentIds = new Set([...this.#image.documents.keys(), ...appended])
    const actual = await this.#alive(life, imageOf(store, documentIds, this.#image))
    const expected = explained(actual, this.#image, uncertain)
    if (expected === null) {
      const what = differenceOf(actual, this.#image)
      this.#options.failed(`its store (${this.kind}) came back with something else than was stored: ${what}`)
    }
    this.#image = expected ?? actual
    this.#uncertain = []
  }

  async #commit(life: number, store: OpenDeviceStore, write: StoreWrite): Promise<CommittedRows> {
    if (life !== this.#life) return NEVER
    this.#pending.push(write)
    const end = (): void => {
      this.#pending = this.#pending.filter((one) => one !== write)
      this.#commitsSettled++
    }
    try {
      const ids = await this.#alive(life, store.commit(write))
      if (this.#pending[0] !== write) this.#options.failed(`its store (${this.kind}) commits out of order`)
      end()
      const expected = applyWrite(write, this.#image)
      if (expected.join() !== ids.join()) {
        this.#options.failed(`its store (${this.kind}) assigns ${ids.join()} where it counts ${expected.join()}`)
      }
      this.#options.changed()
      return ids
    } catch (error) {
      end()
      throw error
    }
  }

  /** What a dead process waits for never comes. */
  async #alive<Result>(life: number, promise: Promise<Result>): Promise<Result> {
    try {
      const result = await promise
      return life === this.#life ? result : await NEVER
    } catch (error) {
      return life === this.#life ? Promise.reject(error) : await NEVER
    }
  }
}

const NEVER: Promise<never> = new Promise(() => undefined)
const NOTHING: DiskImage = { records: new Map(), documents: new Map() }

function newMedium(kind: StoreKind, { random, sabotage }: DeviceDiskOptions): Medium {
  const { files = (given) => given, backend = (given) => given } = sabotage
  switch (kind) {
    case 'memory':
      return new MemoryMedium()
    case 'files':
      return new FileMedium(random, files)
    case 'IndexedDB':
      return new IndexedDbMedium()
    default:
      return new KeyValueMedium(kind, random, backend)
  }
}

/** All that waits for nothing but its turn happens. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
