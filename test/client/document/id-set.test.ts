import fc from 'fast-check'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import { IdSet } from '../../../client/src/document/id-set.ts'

const step = fc.record({
  kind: fc.constantFrom('add' as const, 'remove' as const),
  client: fc.integer({ min: 0, max: 2 }),
  start: fc.nat(40),
  length: fc.nat(12),
})

/** The same set, as one string per id. */
function model(steps: readonly { kind: 'add' | 'remove'; client: number; start: number; length: number }[]): {
  set: IdSet
  ids: Set<string>
} {
  const set = new IdSet()
  const ids = new Set<string>()
  for (const { kind, client, start, length } of steps) {
    set[kind](client, start, start + length)
    for (let clock = start; clock < start + length; clock++) {
      if (kind === 'add') ids.add(`${client}:${clock}`)
      else ids.delete(`${client}:${clock}`)
    }
  }
  return { set, ids }
}

function idsOf(set: IdSet): Set<string> {
  const ids = new Set<string>()
  for (const client of set.clients()) {
    for (const { start, end } of set.ranges(client)) for (let c = start; c < end; c++) ids.add(`${client}:${c}`)
  }
  return ids
}

describe('IdSet', () => {
  it('holds what a set of single ids holds', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { set, ids } = model(steps)
        expect(idsOf(set)).toEqual(ids)
        expect(set.isEmpty).toBe(ids.size === 0)
        for (let clock = 0; clock < 55; clock++) expect(set.has(1, clock)).toBe(ids.has(`1:${clock}`))
      }),
    )
  })

  it('keeps its ranges sorted and apart', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { set } = model(steps)
        for (const client of set.clients()) {
          const ranges = set.ranges(client)
          expect(ranges.length).toBeGreaterThan(0)
          ranges.forEach(({ start, end }, i) => {
            expect(end).toBeGreaterThan(start)
            if (i > 0) expect(start).toBeGreaterThan(ranges[i - 1]!.end)
          })
        }
      }),
    )
  })

  it('adds, subtracts and contains other sets, and reads back what it wrote', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), fc.array(step, { maxLength: 20 }), (stepsA, stepsB) => {
        const a = model(stepsA)
        const b = model(stepsB)
        const sum = a.set.copy()
        sum.addAll(b.set)
        expect(idsOf(sum)).toEqual(new Set([...a.ids, ...b.ids]))
        expect(idsOf(a.set.without(b.set))).toEqual(new Set([...a.ids].filter((id) => !b.ids.has(id))))
        expect(a.set.includes(b.set)).toBe([...b.ids].every((id) => a.ids.has(id)))
        expect(a.set.intersects(b.set)).toBe([...b.ids].some((id) => a.ids.has(id)))
        expect(sum.includes(a.set)).toBe(true)
        const encoder = encoding.createEncoder()
        a.set.write(encoder)
        expect(idsOf(IdSet.read(decoding.createDecoder(encoding.toUint8Array(encoder))))).toEqual(a.ids)
      }),
    )
  })
})
