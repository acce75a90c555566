// What is known of a log at an index, from its entries or, where these are dropped, from the snapshot that ends there;
// the same for what is stored and for what is planned. Reads no more than it needs.
import { chainSeed } from '@tidemark/protocol'
import type { Bytes } from '../contract.ts'
import { sha256 } from '../sha256.ts'
import { compactionAt, replacedSnapshot } from './compaction-row.ts'
import type { DocumentState } from './document-row.ts'
import type { RowSource } from './planned-rows.ts'
import { bytesThroughEntry, chainOfEntry } from './records.ts'

export interface PlacedLog {
  readonly documentId: string
  readonly serial: number
  readonly incarnation: Bytes
  readonly head: number
  readonly state: DocumentState
  readonly rowAt: RowSource
  /** The row of an entry above what is dropped, or at least all of it but the payload. */
  entryAt(index: number): Buffer
}

export interface LogPlace {
  readonly chain: Bytes
  /** Payload bytes of the log up to there. */
  readonly bytes: number
}

/** Undefined where it went with its entry, and above the head. */
export function placeAt(log: PlacedLog, index: number): LogPlace | undefined {
  const { snapshot, dropped } = log.state
  if (index === 0) return { chain: chainSeed(sha256, log.incarnation, log.documentId), bytes: 0 }
  if (index > log.head || index < dropped) return undefined
  if (index === snapshot?.base) return { chain: snapshot.baseChain, bytes: snapshot.baseBytes }
  if (index === dropped) return placeOfReplaced(log, index)
  const entry = log.entryAt(index)
  return { chain: chainOfEntry(entry), bytes: bytesThroughEntry(entry) }
}

/** Compactions are dropped in order: the oldest that is retained has replaced the snapshot that the last one made. */
function placeOfReplaced({ state: { due }, rowAt, serial }: PlacedLog, index: number): LogPlace {
  const replaced = due === null ? null : compactionAt(rowAt, serial, due.base).replaced
  if (replaced?.base !== index) throw new Error(`Nothing is known at ${index} of the document with serial ${serial}`)
  const { baseChain, baseBytes } = replacedSnapshot(rowAt, serial, replaced.id, index)
  return { chain: baseChain, bytes: baseBytes }
}
