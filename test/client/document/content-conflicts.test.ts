import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { firstContentConflict } from '../../../client/src/document/content-conflicts.ts'
import { deepDigestOf } from '../../../client/src/document/deep-digest.ts'
import { Random } from '../../simulation/random.ts'
import { ALL_KINDS, rebuiltAlongAllPaths, writeLog } from './rebuild-paths.ts'
import { REUSES, written } from './reused-clients.ts'

function fork(doc: Y.Doc, write: (doc: Y.Doc) => void): Y.Doc {
  const copy = new Y.Doc()
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc))
  return written(write, copy)
}

it.each(REUSES)('finds $name', ({ one, other, clock }) => {
  const docs = [written(one), written(other)] as const
  expect(firstContentConflict(docs[0], docs[1])).toEqual({ client: 1, clock })
  expect(firstContentConflict(docs[1], docs[0])).toEqual({ client: 1, clock })
  expect(firstContentConflict(docs[0], docs[0])).toBeNull()
})

describe('finds none between documents of one log, however they came by it', () => {
  it.each(Object.entries(ALL_KINDS))('%s', (_name, kinds) => {
    for (let seed = 0; seed < 6; seed++) {
      const random = new Random(seed)
      const log = writeLog(random, kinds)
      const docs = rebuiltAlongAllPaths(log, random)
      const half = new Y.Doc()
      for (const update of log.slice(0, log.length / 2)) Y.applyUpdate(half, update)
      for (const [path, doc] of docs) {
        expect(firstContentConflict(docs.get('in order')!, doc), `${path}, seed ${seed}`).toBeNull()
        expect(firstContentConflict(doc, half), `${path} and half, seed ${seed}`).toBeNull()
      }
    }
  })
})

it('finds where two copies of a device went apart', () => {
  const words = fc.array(fc.constantFrom('a', 'b', 'cd', 'cc', '🐋', '🌊'), { maxLength: 6 })
  const write =
    (pieces: readonly string[]) =>
    (doc: Y.Doc): void => {
      for (const piece of pieces) doc.getText('t').insert(doc.getText('t').length, piece)
    }
  fc.assert(
    fc.property(words, words, words, (common, one, other) => {
      const before = written(write(common))
      const docs = [fork(before, write(one)), fork(before, write(other))] as const
      const [a, b] = docs.map((doc) => doc.getText('t').toString()) as [string, string]
      const first = [...Array(Math.min(a.length, b.length)).keys()].find((at) => a[at] !== b[at])
      const expected = first === undefined ? null : { client: 1, clock: first }
      expect(firstContentConflict(docs[0], docs[1])).toEqual(expected)
      const isEqual = a.length === b.length && first === undefined
      expect(deepDigestOf(docs[0]).join() === deepDigestOf(docs[1]).join()).toBe(isEqual)
    }),
  )
})

it('finds the lowest clock of the lowest client', () => {
  const both = [1, 2].map((variant) => {
    const doc = new Y.Doc()
    for (const client of [40, 30, 20]) {
      doc.clientID = client
      doc.getText('t').insert(0, client === 20 ? 'same' : `sam${variant}`)
    }
    return doc
  }) as [Y.Doc, Y.Doc]
  expect(firstContentConflict(both[0], both[1])).toEqual({ client: 30, clock: 3 })
})

it('passes over what one of them has deleted, or has not', () => {
  const one = written((doc) => doc.getText('t').insert(0, 'abcdef'))
  const other = written((doc) => doc.getText('t').insert(0, 'aXcdYfgh'))
  expect(firstContentConflict(one, other)).toEqual({ client: 1, clock: 1 })
  one.clientID = 2
  one.getText('t').delete(1, 1)
  expect(firstContentConflict(one, other)).toEqual({ client: 1, clock: 4 })
  other.clientID = 3
  other.getText('t').delete(4, 1)
  expect(firstContentConflict(one, other)).toBeNull()
  expect(firstContentConflict(other, one)).toBeNull()
})

it('does not take half a surrogate pair in the memory of its author for a conflict', () => {
  const author = written((doc) => doc.getText('t').insert(0, 'a\ud83db'))
  const reader = new Y.Doc()
  Y.applyUpdate(reader, Y.encodeStateAsUpdate(author))
  expect(reader.getText('t').toString()).toBe('a\ufffdb')
  expect(firstContentConflict(author, reader)).toBeNull()
})
