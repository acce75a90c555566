// Works out how the rows that are in the journal only, and the small or mostly removed segments beside them, are put into
// new segments, so that a document stays a few values. Decides only; writes nothing.
import { isInRanges } from '../id-ranges.ts'
import { type NewSegment, ROW_ALONE_BYTES_MIN, segmentsOf } from './plan.ts'
import { type DocumentState, livingRows, NO_DOCUMENT, type Row, type Segment, type StoreState } from './state.ts'

/** What becomes of the segments of one document. */
export interface Rearrangement {
  readonly kept: readonly Segment[]
  readonly replaced: readonly Segment[]
  readonly added: readonly NewSegment[]
}

/** The rows of each segment; null: it cannot be read, and stays as it is. */
export type ReadSegments = (segments: readonly Segment[]) => Promise<readonly (readonly Row[] | null)[]>

/** `number` is that of the newest commit. */
export async function rearrange(
  state: StoreState,
  touched: Iterable<string>,
  number: number,
  read: ReadSegments,
): Promise<ReadonlyMap<string, Rearrangement>> {
  let named = 0
  // The commit of this number has named segments of its own.
  const newName = (): string => `${number}+${named++}`
  const result = new Map<string, Rearrangement>()
  for (const id of touched) {
    const document = state.documents.get(id) ?? NO_DOCUMENT
    const due = document.segments.filter((segment) => isDue(segment, document))
    const found = await read(due)
    const rows = new Map(due.flatMap((segment, i) => (found[i] ? [[segment, found[i]] as const] : [])))
    result.set(id, rearrangeOne(document, rows, newName))
  }
  return result
}

function isDue(segment: Segment, document: DocumentState): boolean {
  return segment.byteLength < ROW_ALONE_BYTES_MIN || isMostlyRemoved(segment, document)
}

function isMostlyRemoved(segment: Segment, { removed }: DocumentState): boolean {
  return livingRows(segment, removed) * 2 <= segment.count
}

type Item = Segment | Row

function rearrangeOne(
  document: DocumentState,
  rowsOf: ReadonlyMap<Segment, readonly Row[]>,
  newName: () => string,
): Rearrangement {
  const kept: Segment[] = []
  const replaced: Segment[] = []
  const rows: (Row | null)[] = []
  const items = [...document.segments, ...document.recent].sort((a, b) => firstId(a) - firstId(b))
  for (const run of runsOf(items, rowsOf)) {
    const left = segmentToLeave(run, document, rowsOf)
    if (left !== null) {
      kept.push(left)
      rows.push(null)
      continue
    }
    for (const item of run) {
      if (isSegment(item)) replaced.push(item)
      rows.push(...(isSegment(item) ? (rowsOf.get(item) as readonly Row[]) : [item]))
    }
  }
  const living = rows.filter((row) => row === null || !isInRanges(document.removed, row[0]))
  return { kept, replaced, added: segmentsOf(living, newName) }
}

/** One that cannot be read, or that there is nothing to put with. */
function segmentToLeave(
  [only, ...others]: readonly Item[],
  document: DocumentState,
  rowsOf: ReadonlyMap<Segment, readonly Row[]>,
): Segment | null {
  if (only === undefined || others.length > 0 || !isSegment(only)) return null
  return rowsOf.has(only) && isMostlyRemoved(only, document) ? null : only
}

/** Neighbours that can go into one segment are one run; a segment that stays is a run of its own. */
function runsOf(items: readonly Item[], rowsOf: ReadonlyMap<Segment, readonly Row[]>): readonly (readonly Item[])[] {
  const runs: Item[][] = []
  let isOpen = false
  for (const item of items) {
    const canMove = !isSegment(item) || rowsOf.has(item)
    if (canMove && isOpen) runs.at(-1)?.push(item)
    else runs.push([item])
    isOpen = canMove
  }
  return runs
}

function isSegment(item: Item): item is Segment {
  return 'pieces' in item
}

function firstId(item: Item): number {
  return isSegment(item) ? item.first : item[0]
}
