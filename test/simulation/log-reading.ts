// What a relay's log says at each of its indexes, read apart from relay and devices: entries applied one by one.
import * as Y from 'yjs'
import { ChangeSet } from '../../client/src/document/change-set.ts'
import { equalBytes } from '../../relay/src/bytes.ts'
import { decodeBookmark } from '../../relay/src/store/bookmark.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { applyAll, extentOf } from './extent.ts'

/** One log, grown entry by entry. */
interface Reading {
  readonly incarnation: Uint8Array
  readonly chains: Uint8Array[]
  /** By index, 0 included. */
  readonly extents: ChangeSet[]
  readonly doc: Y.Doc
}

export class LogReader {
  readonly #readings = new Map<string, Reading>()

  /** What the log holds up to an index; `key` names the log from call to call. */
  extentAt(key: string, log: MemoryDocument, index: number): ChangeSet {
    return this.#read(key, log).extents[index] as ChangeSet
  }

  /** The whole log as a document; not to be changed. */
  doc(key: string, log: MemoryDocument): Y.Doc {
    return this.#read(key, log).doc
  }

  #read(key: string, log: MemoryDocument): Reading {
    const before = this.#readings.get(key)
    const reading = before !== undefined && isPrefix(before, log) ? before : emptyReading(log)
    this.#readings.set(key, reading)
    for (const { payload, chain } of log.entries.slice(reading.chains.length)) {
      applyAll(reading.doc, [payload])
      reading.chains.push(chain)
      reading.extents.push(extentOf(reading.doc))
    }
    return reading
  }
}

/** The index that a bookmark stands for in this log; null: it is not of this log. Empty stands for the beginning. */
export function indexOf(log: MemoryDocument | null, bookmark: Uint8Array): number | null {
  if (bookmark.length === 0) return 0
  const decoded = decodeBookmark(bookmark)
  if (log === null || decoded === undefined || !equalBytes(decoded.incarnation, log.incarnation)) return null
  if (decoded.index > log.entries.length) return null
  const chain = decoded.index === 0 ? log.seed : log.entries[decoded.index - 1]?.chain
  return chain !== undefined && equalBytes(chain, decoded.chain) ? decoded.index : null
}

function emptyReading({ incarnation }: MemoryDocument): Reading {
  return { incarnation, chains: [], extents: [new ChangeSet()], doc: new Y.Doc({ guid: '' }) }
}

function isPrefix({ incarnation, chains }: Reading, log: MemoryDocument): boolean {
  const last = chains.at(-1)
  if (!equalBytes(incarnation, log.incarnation) || chains.length > log.entries.length) return false
  const there = log.entries[chains.length - 1]?.chain
  return last === undefined || (there !== undefined && equalBytes(last, there))
}
