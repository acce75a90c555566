// Where two documents hold different content under one id: the trace of a client id that was used twice, as by a restored
// or cloned device. Compares what both hold undeleted; says nothing of what only one of them has.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { sameBytes } from './bytes.ts'
import { isUndeleted, writeUnits } from './content-unit.ts'

export interface ContentConflict {
  readonly client: number
  readonly clock: number
}

type Structs = readonly (Y.Item | Y.GC)[]

/**
 * The first by client, then by clock; null: there is none.
 * @throws RangeError, TypeError for content that Yjs cannot encode either
 */
export function firstContentConflict(one: Y.Doc, other: Y.Doc): ContentConflict | null {
  for (const client of [...one.store.clients.keys()].sort((a, b) => a - b)) {
    const clock = firstConflict(one.store.clients.get(client) ?? [], other.store.clients.get(client) ?? [])
    if (clock !== null) return { client, clock }
  }
  return null
}

/** Walks both in step, over the clocks that a struct of each has in common. */
function firstConflict(one: Structs, other: Structs): number | null {
  let i = 0
  let j = 0
  for (;;) {
    const a = one[i]
    const b = other[j]
    if (a === undefined || b === undefined) return null
    const aEnd = a.id.clock + a.length
    const bEnd = b.id.clock + b.length
    if (isUndeleted(a) && isUndeleted(b)) {
      const clock = firstDifference(a, b, Math.max(a.id.clock, b.id.clock), Math.min(aEnd, bEnd))
      if (clock !== null) return clock
    }
    if (aEnd <= bEnd) i++
    if (bEnd <= aEnd) j++
  }
}

/** Of the clocks from `start` to before `end`, which both items have. */
function firstDifference(a: Y.Item, b: Y.Item, start: number, end: number): number | null {
  const text = textBetween(a, start, end)
  if (text !== null && text === textBetween(b, start, end)) return null
  for (let clock = start; clock < end; clock++) {
    if (!sameBytes(unitAt(a, clock), unitAt(b, clock))) return clock
  }
  return null
}

function textBetween({ id, content }: Y.Item, start: number, end: number): string | null {
  return content instanceof Y.ContentString ? content.str.slice(start - id.clock, end - id.clock) : null
}

function unitAt(item: Y.Item, clock: number): Uint8Array {
  const encoder = encoding.createEncoder()
  writeUnits(encoder, item, clock - item.id.clock, clock - item.id.clock + 1)
  return encoding.toUint8Array(encoder)
}
