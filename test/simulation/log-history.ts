// All that a relay's log ever held, read apart from relay and devices: entries stay here after a sweep has dropped them,
// and what a rollback took comes back when the log does. Fed with every state that was durable.
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { FORMAT_YJS_1 } from '../../client/src/document/format.ts'
import type { Payload, Payloads } from '../../client/src/document/payloads.ts'
import { decodeSnapshotPayload, type SnapshotPayload } from '../../client/src/document/snapshot-payload.ts'
import { inspectUpdate } from '../../client/src/document/update.ts'
import { equalBytes } from '../../relay/src/bytes.ts'
import { decodeBookmark } from '../../relay/src/store/bookmark.ts'
import { baseOf, chainAt, headOf } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument, MemoryEntry, MemoryLogSnapshot } from '../../relay/src/store/memory-state.ts'
import { Replica } from './replica.ts'

export interface HistoryEntry {
  readonly index: number
  /** In hex, as all ids here. */
  readonly pushId: string
  readonly format: number
  readonly payload: Uint8Array
  /** What somebody who has every key finds in it. */
  readonly content: Payload
  readonly chain: string
  readonly before: HistoryEntry | null
}

export interface HistorySnapshot {
  readonly id: string
  readonly base: number
  readonly baseChain: string
  readonly payload: Uint8Array
}

/** One line of the log from its beginning to its head. */
interface Reading {
  readonly entries: HistoryEntry[]
  /** By index, 0 included. */
  readonly extents: ChangeSet[]
  readonly replica: Replica
  readonly undecodable: HistoryEntry[]
}

const FORMAT_UNREADABLE = 0

/** Of one incarnation of one document at one relay. */
export class LogHistory {
  readonly #payloads: Payloads
  readonly #byChain = new Map<string, HistoryEntry>()
  readonly #ids = new Set<string>()
  readonly #snapshots = new Map<string, HistorySnapshot>()
  #reading: Reading = emptyReading()
  #readable: { readonly key: string; readonly replica: Replica } | null = null
  readonly #through = new Map<string, ChangeSet>()

  constructor(payloads: Payloads) {
    this.#payloads = payloads
  }

  /** Takes in everything that the log holds now. */
  observe(log: MemoryDocument): void {
    let at = headOf(log)
    while (at >= log.oldest && !this.#byChain.has(hex(entryOf(log, at).chain))) at--
    for (let index = at + 1; index <= headOf(log); index++) this.#keep(log, index)
    for (const snapshot of [log.snapshot, ...log.retained.map(({ replaced }) => replaced)]) {
      if (snapshot !== null) this.#keepSnapshot(snapshot)
    }
  }

  /** Whether an entry or a snapshot of this id was ever there. */
  everHeld(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Of all entries that ever were there, on whatever line: what is in them. */
  everyContent(): readonly Uint8Array[] {
    return [...this.#byChain.values()].map(({ content }) => content.payload)
  }

  /** From the beginning to the head, dropped ones included. */
  entries(log: MemoryDocument): readonly HistoryEntry[] {
    return this.#read(log).entries
  }

  /** What all entries up to an index hold. */
  extentAt(log: MemoryDocument, index: number): ChangeSet {
    return this.#read(log).extents[index] as ChangeSet
  }

  /** What all entries hold, hidden and dropped ones included; not to be changed. */
  whole(log: MemoryDocument): Replica {
    return this.#read(log).replica
  }

  /** Entries that are no updates of format 1. */
  undecodable(log: MemoryDocument): readonly HistoryEntry[] {
    return this.#read(log).undecodable
  }

  /** What a device is given that knows nothing: the snapshot, and the entries above its base; not to be changed. */
  readable(log: MemoryDocument): Replica {
    const key = `${log.snapshot === null ? '' : hex(log.snapshot.id)} ${hex(headChainOf(log))}`
    if (this.#readable?.key === key) return this.#readable.replica
    const replica = log.snapshot === null ? new Replica() : replicaOf(this.#payloads, log.snapshot.payload)
    for (const { content } of this.entries(log).slice(baseOf(log))) replica.add(content.payload, content.format)
    this.#readable = { key, replica }
    return replica
  }

  /** Snapshots that ever stood for a part of this log, whether they still do or not. */
  snapshotsOf(log: MemoryDocument): readonly HistorySnapshot[] {
    const { entries } = this.#read(log)
    return [...this.#snapshots.values()].filter(({ base, baseChain }) => entries[base - 1]?.chain === baseChain)
  }

  /** What a device holds at an index that came by way of a snapshot. */
  extentThrough(log: MemoryDocument, snapshot: HistorySnapshot, index: number): ChangeSet {
    const entries = this.#read(log).entries
    const key = `${snapshot.id} ${entries[index - 1]?.chain}`
    const known = this.#through.get(key)
    if (known !== undefined) return known
    const replica = replicaOf(this.#payloads, snapshot.payload)
    for (const { content } of entries.slice(snapshot.base, index)) replica.add(content.payload, content.format)
    this.#through.set(key, replica.extent)
    return replica.extent
  }

  /** The index that a bookmark stands for in this log, dropped entries included; null: it is not of this log. */
  indexOf(log: MemoryDocument, bookmark: Uint8Array): number | null {
    const decoded = decodeBookmark(bookmark)
    if (decoded === undefined || !equalBytes(decoded.incarnation, log.incarnation)) return null
    if (decoded.index === 0) return equalBytes(decoded.chain, log.seed) ? 0 : null
    return this.entries(log)[decoded.index - 1]?.chain === hex(decoded.chain) ? decoded.index : null
  }

  #keep(log: MemoryDocument, index: number): void {
    const { pushId, format, payload, chain } = entryOf(log, index)
    const before = index === 1 ? null : this.#at(chainAt(log, index - 1))
    const content = contentOf(this.#payloads, { format, payload })
    const entry: HistoryEntry = { index, pushId: hex(pushId), format, payload, content, chain: hex(chain), before }
    this.#byChain.set(entry.chain, entry)
    this.#ids.add(entry.pushId)
  }

  #keepSnapshot({ id, payload, base, baseChain }: MemoryLogSnapshot): void {
    this.#ids.add(hex(id))
    this.#snapshots.set(hex(id), { id: hex(id), payload, base, baseChain: hex(baseChain) })
  }

  #at(chain: Uint8Array | undefined): HistoryEntry {
    const entry = chain === undefined ? undefined : this.#byChain.get(hex(chain))
    if (entry === undefined) throw new Error('The simulator missed an entry of a log')
    return entry
  }

  #read(log: MemoryDocument): Reading {
    this.observe(log)
    const head = headOf(log)
    const headChain = hex(headChainOf(log))
    const { entries } = this.#reading
    if (entries.length === head && (head === 0 || entries[head - 1]?.chain === headChain)) return this.#reading
    const line: HistoryEntry[] = []
    for (let at = this.#byChain.get(headChain) ?? null; at !== null; at = at.before) {
      if (entries[at.index - 1] === at) break
      line.push(at)
    }
    line.reverse()
    const isLonger = entries.length === (line[0]?.index ?? head + 1) - 1
    if (!isLonger) {
      line.unshift(...entries.slice(0, (line[0]?.index ?? head + 1) - 1))
      this.#reading = emptyReading()
    }
    for (const entry of line) addEntry(this.#reading, entry)
    return this.#reading
  }
}

function emptyReading(): Reading {
  return { entries: [], extents: [new ChangeSet()], replica: new Replica(), undecodable: [] }
}

function addEntry({ entries, extents, replica, undecodable }: Reading, entry: HistoryEntry): void {
  const { payload, format } = entry.content
  if (!replica.add(payload, format) && !isUpdate(payload, format)) undecodable.push(entry)
  entries.push(entry)
  extents.push(replica.extent)
}

function isUpdate(payload: Uint8Array, format: number): boolean {
  return format === FORMAT_YJS_1 && !('reason' in inspectUpdate(payload))
}

/** Of what nobody takes in, nothing that a reader knows. */
export function contentOf(payloads: Payloads, sealed: Payload): Payload {
  const opening = payloads.open(sealed)
  return 'cause' in opening
    ? { format: FORMAT_UNREADABLE, payload: sealed.payload }
    : { format: FORMAT_YJS_1, payload: opening.content }
}

/** A snapshot, read as a device that knows nothing reads it; null: nobody can. */
export function readSnapshot(
  payloads: Payloads,
  payload: Uint8Array,
): { readonly header: SnapshotPayload; readonly replica: Replica } | null {
  const header = decodeSnapshotPayload(payload, (...snapshot) => payloads.openSnapshot(...snapshot))
  if ('reason' in header) return null
  const replica = new Replica()
  if (!replica.add(header.update)) return null
  for (const held of header.held) {
    const content = contentOf(payloads, held)
    replica.add(content.payload, content.format)
  }
  return { header, replica }
}

/** Of a snapshot that nobody can read nothing is taken in. */
function replicaOf(payloads: Payloads, snapshot: Uint8Array): Replica {
  return readSnapshot(payloads, snapshot)?.replica ?? new Replica()
}

function entryOf(log: MemoryDocument, index: number): MemoryEntry {
  const entry = log.entries[index - log.oldest]
  if (entry === undefined) throw new Error(`No entry ${index} is retained`)
  return entry
}

function headChainOf(log: MemoryDocument): Uint8Array {
  return chainAt(log, headOf(log)) ?? log.seed
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex')
}
