// Recorded editing sessions of real writers, from the folder beside the repository, and how they are typed into a Y.Text.
// The traces are those of josephg/editing-traces; their positions count code points.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import type * as Y from 'yjs'
import { itRequiring } from './requirement.ts'

export type TraceName = 'automerge-paper' | 'friendsforever' | 'seph-blog1'

/** At `position`, so many code points are deleted and the text is inserted. */
export type Patch = readonly [position: number, deleted: number, inserted: string]

interface TraceTransaction {
  /** Indexes of the transactions that its author had seen, besides all that those had seen. */
  readonly parents: readonly number[]
  readonly agent: number
  readonly patches: readonly Patch[]
}

export interface Trace {
  readonly endContent: string
  readonly numAgents: number
  readonly txns: readonly TraceTransaction[]
}

const folder = new URL('../../../shared/traces/', import.meta.url)

/** A test on one trace; skipped where the trace is absent, failed instead under TIDEMARK_CI=1. */
export function itWithTrace(
  name: TraceName,
  title: string,
  body: (trace: Trace) => Promise<void>,
  timeoutMs: number,
): void {
  const path = fileURLToPath(new URL(`${name}.json.gz`, folder))
  const missing = existsSync(path) ? null : `the trace ${name} is not in ../shared/traces`
  itRequiring(missing)(title, () => body(JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'))), timeoutMs)
}

/** All patches of a trace in their order, whoever made them. */
export function patchesOf(trace: Trace): readonly Patch[] {
  return trace.txns.flatMap(({ patches }) => [...patches])
}

/** Types patches into one text, each in a transaction of its own; positions of code points become those of UTF-16. */
export class Typist {
  readonly #text: Y.Text
  /** Where characters of two UTF-16 units stand, in code points, ascending. */
  #astral: number[] = []

  /** The text must be empty, and nobody else may edit it. */
  constructor(text: Y.Text) {
    this.#text = text
  }

  type([position, deleted, inserted]: Patch): void {
    const start = this.#toUnits(position)
    const end = this.#toUnits(position + deleted)
    const insert = (): void => {
      if (end > start) this.#text.delete(start, end - start)
      if (inserted !== '') this.#text.insert(start, inserted)
    }
    if (this.#text.doc === null) insert()
    else this.#text.doc.transact(insert)
    this.#note(position, deleted, [...inserted])
  }

  #toUnits(position: number): number {
    return position + this.#before(position)
  }

  /** How many of the astral characters stand before this position. */
  #before(position: number): number {
    let low = 0
    let high = this.#astral.length
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#astral[middle] as number) < position) low = middle + 1
      else high = middle
    }
    return low
  }

  #note(position: number, deleted: number, inserted: readonly string[]): void {
    const from = this.#before(position)
    const to = this.#before(position + deleted)
    const added = inserted.flatMap((character, i) => (character.length > 1 ? [position + i] : []))
    const moved = inserted.length - deleted
    const after = this.#astral.slice(to).map((astral) => astral + moved)
    this.#astral = [...this.#astral.slice(0, from), ...added, ...after]
  }
}
