// Reads a key-value store as a crash may have left it: the newest base that is whole, then the journal behind it. What no
// commit has come to count is named, to be swept; what is missing where something must be is refused. Writes nothing.
//   b/N    base: the whole state after commit N           j/N   journal: the change that commit N made
//   s/N.i  segment i of commit N                           s/N+i segment i of the checkpoint after commit N
import type { Blob, Blobs } from './blobs.ts'
import { pieceNames } from './blobs.ts'
import { applyChange, decodeChange, emptyState, type StateChange, type StoreState } from './state.ts'
import type { Values } from './values.ts'

export interface Recovered {
  readonly state: StoreState
  /** The number of the newest commit. */
  readonly number: number
  /** Base and journal. */
  readonly log: LogExtent
  /** Documents that the journal speaks of. */
  readonly touched: Set<string>
  /** What no commit counts. */
  readonly unused: readonly string[]
}

/** Which values hold the base and the journal, and how much they weigh. */
export interface LogExtent {
  readonly names: string[]
  readonly baseBytes: number
  journalBytes: number
}

/** Every value is looked up by itself at the next start, and some storages rewrite a list of all small ones. */
const ENTRY_OVERHEAD_BYTES = 1024

export function entryBytes(payload: Uint8Array): number {
  return payload.length + ENTRY_OVERHEAD_BYTES
}

interface StoredName {
  readonly name: string
  readonly kind: string
  readonly number: number
}

const NAME = /^([bjs])\/(\d+)(?:[.+]\d+)?(?:\/\d+)?$/

export function baseName(number: number): string {
  return `b/${number}`
}

export function journalName(number: number): string {
  return `j/${number}`
}

export function segmentBlobName(segment: { readonly name: string }): string {
  return `s/${segment.name}`
}

/** @throws DeviceStoreError FAILED: a part is missing or damaged, or a newer version has written it */
export async function recover(values: Values, blobs: Blobs): Promise<Recovered> {
  const stored = (await values.names()).flatMap(parseName)
  const state = emptyState()
  const base = await readBase(stored, state, values, blobs)
  const touched = new Set<string>()
  const log: LogExtent = { names: base.names, baseBytes: base.bytes, journalBytes: 0 }
  let number = base.number
  const present = new Set(stored.map(({ name }) => name))
  const expected: string[] = []
  for (let next = number + 1; present.has(journalName(next)); next++) expected.push(journalName(next))
  for (const [i, frame] of (await blobs.get(expected)).entries()) {
    if (frame === null) break
    number++
    const change = decoded(frame, expected[i] as string, values)
    applyChange(state, change)
    for (const id of change.documents.keys()) touched.add(id)
    log.names.push(...pieceNames(expected[i] as string, frame.pieces))
    log.journalBytes += entryBytes(frame.payload)
  }
  // One commit or checkpoint may have been under way when the process died; anything later proves a loss.
  const later = stored.find((one) => one.number > number + 1 || (one.kind === 'b' && one.number > number))
  if (later !== undefined) throw values.damage(journalName(number + 1), `it is missing, and there is ${later.name}`)
  return { state, number, log, touched, unused: unusedNames(present, state, log) }
}

interface Base {
  readonly number: number
  readonly names: string[]
  readonly bytes: number
}

/** Of two bases the older one was about to be removed, or the newer one was being written. */
async function readBase(stored: readonly StoredName[], state: StoreState, values: Values, blobs: Blobs): Promise<Base> {
  const numbers = [...new Set(stored.filter(({ kind }) => kind === 'b').map(({ number }) => number))].sort(
    (a, b) => b - a,
  )
  for (const number of numbers) {
    const name = baseName(number)
    const [blob] = await blobs.get([name])
    if (!blob) continue
    applyChange(state, decoded(blob, name, values))
    return { number, names: pieceNames(name, blob.pieces), bytes: blob.payload.length }
  }
  return { number: 0, names: [], bytes: 0 }
}

function decoded({ payload }: Blob, name: string, values: Values): StateChange {
  try {
    return decodeChange(payload)
  } catch (error) {
    throw values.damage(name, `it cannot be decoded (${(error as Error).message})`)
  }
}

function unusedNames(present: ReadonlySet<string>, { documents }: StoreState, log: LogExtent): readonly string[] {
  const used = new Set(log.names)
  for (const { segments } of documents.values()) {
    for (const segment of segments) {
      for (const name of pieceNames(segmentBlobName(segment), segment.pieces)) used.add(name)
    }
  }
  return [...present].filter((name) => !used.has(name))
}

/** Names of another shape are not this version's, and are left alone. */
function parseName(name: string): StoredName[] {
  const [, kind, number] = NAME.exec(name) ?? []
  return kind === undefined ? [] : [{ name, kind, number: Number(number) }]
}
