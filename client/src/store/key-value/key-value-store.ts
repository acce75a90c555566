// The device store in a key-value storage, for React Native. It needs no more than that one value is stored whole or not
// at all; see journal.ts. All records, and what the journal says, are in memory; rows are read when they are asked for.
import { CommitQueue } from '../commit-queue.ts'
import {
  type CommittedRows,
  type DeviceStore,
  DeviceStoreError,
  type OpenDeviceStore,
  type StoredRecord,
  type StoredRow,
  type StoreWrite,
} from '../contract.ts'
import { isInRanges } from '../id-ranges.ts'
import { recordsUnder } from '../stored-records.ts'
import type { KeyValueBackend } from './backend.ts'
import { JOURNAL_BYTES_MIN, Journal } from './journal.ts'
import { Values } from './values.ts'

/** By storage, the names of the stores that are open in it: two would overwrite each other's values. */
const openNames = new WeakMap<object, Set<string>>()

/**
 * A store in the values of `backend` whose keys begin with `name/`; several stores of different names can share one
 * storage. One process at a time, and one store of a name in it.
 */
export function keyValueStore(backend: KeyValueBackend, name = 'tidemark'): DeviceStore {
  return keyValueStoreOn(backend, name, JOURNAL_BYTES_MIN)
}

/** `journalBytesMin`: below that the journal is not replaced by a base. */
export function keyValueStoreOn(backend: KeyValueBackend, name: string, journalBytesMin: number): DeviceStore {
  return {
    async open() {
      const release = claim(backend.storage, name)
      try {
        return new KeyValueSession(await Journal.open(new Values(backend, name), journalBytesMin), release)
      } catch (error) {
        release()
        throw error
      }
    },
  }
}

/** @throws DeviceStoreError IN_USE */
function claim(storage: object, name: string): () => void {
  const names = openNames.get(storage) ?? new Set()
  if (names.has(name)) throw new DeviceStoreError('IN_USE', `The key-value store ${name} is open already`)
  openNames.set(storage, names.add(name))
  return () => names.delete(name)
}

class KeyValueSession implements OpenDeviceStore {
  readonly #journal: Journal
  readonly #release: () => void
  readonly #queue = new CommitQueue((writes) => this.#apply(writes))
  #closing: Promise<void> | null = null

  constructor(journal: Journal, release: () => void) {
    this.#journal = journal
    this.#release = release
  }

  async records(prefix: string): Promise<readonly StoredRecord[]> {
    this.#queue.assertOpen()
    return recordsUnder(this.#journal.state.records, prefix)
  }

  async rows(documentId: string): Promise<readonly StoredRow[]> {
    this.#queue.assertOpen()
    const { documents } = this.#journal.state
    for (;;) {
      const document = documents.get(documentId)
      if (document === undefined) return []
      try {
        const rows = [...(await this.#journal.rowsOf(document.segments)), ...document.recent]
        const living = rows.filter(([id]) => !isInRanges(document.removed, id)).map(([id, bytes]) => ({ id, bytes }))
        return living.sort((a, b) => a.id - b.id)
      } catch (error) {
        // A commit may have put other segments in the place of these before they were read.
        if (documents.get(documentId) === document) throw error
      }
    }
  }

  commit(write: StoreWrite): Promise<CommittedRows> {
    return this.#queue.commit(write)
  }

  close(): Promise<void> {
    this.#closing ??= this.#queue.close('The key-value store has been closed').then(this.#release)
    return this.#closing
  }

  async #apply(writes: readonly StoreWrite[]): Promise<readonly CommittedRows[]> {
    const ids = await this.#journal.commit(writes)
    if (this.#journal.isCheckpointDue) await this.#journal.checkpoint()
    return ids
  }
}
