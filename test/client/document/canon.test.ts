import { createHash } from 'node:crypto'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { canonOf, gapFingerprintOf, hasCompletePending, missingPairsOf } from '../../../client/src/document/canon.ts'
import { type ClaimVectors, fromHex, readVectors, toHex } from '../../protocol/vectors.ts'
import { edit, manuscriptOf } from '../../simulation/edits.ts'
import { Random } from '../../simulation/random.ts'
import { ALL_KINDS, EVERYTHING, nudge, rebuiltAlongAllPaths, shuffled, withoutSome, writeLog } from './rebuild-paths.ts'

const { documents } = readVectors<ClaimVectors>('claims.json')
const SEEDS = 8

function documentOf(...updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  nudge(doc)
  return doc
}

/** What each call of `act` made, one update each. */
function updatesOf(clientID: number, acts: readonly ((text: Y.Text) => void)[], before: readonly Uint8Array[] = []) {
  const doc = documentOf(...before)
  doc.clientID = clientID
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const act of acts) act(doc.getText('t'))
  return updates
}

const insert =
  (at: number, words: string) =>
  (text: Y.Text): void =>
    text.insert(at, words)

describe('canonOf', () => {
  it.each(documents)('of the vector: $name', ({ updates, canon, missing, gapFingerprint }) => {
    for (const order of [updates, [...updates].reverse()]) {
      const doc = documentOf(...order.map(fromHex))
      expect(toHex(canonOf(doc))).toBe(canon)
      expect(missingPairsOf(doc)).toEqual(missing)
      expect(toHex(gapFingerprintOf(missing))).toBe(gapFingerprint)
    }
  })

  it.each(Object.entries(ALL_KINDS))('is the same however a device came by the log: %s', (_name, kinds) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const docs = rebuiltAlongAllPaths(writeLog(random, kinds), random)
      const canon = toHex(canonOf(docs.get('in order')!))
      for (const [path, doc] of docs) expect(toHex(canonOf(doc)), `${path}, seed ${seed}`).toBe(canon)
    }
  })

  it('differs exactly where the snapshots of Yjs differ', () => {
    let equal = 0
    for (let seed = 0; seed < 60; seed++) {
      const random = new Random(seed)
      const log = writeLog(random, EVERYTHING, 20)
      const one = documentOf(...log)
      const other = documentOf(...withoutSome(log, random.between(0, 1), random))
      const isEqual = Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other)) && other.store.pendingStructs === null
      equal += isEqual ? 1 : 0
      expect(toHex(canonOf(one)) === toHex(canonOf(other)), `seed ${seed}`).toBe(isEqual)
    }
    expect(equal).toBeGreaterThan(5)
    expect(equal).toBeLessThan(55)
  })

  it('differs by one deletion, where the state vectors are equal', () => {
    const doc = documentOf()
    const text = doc.getText('t')
    text.insert(0, 'whale')
    const before = { canon: toHex(canonOf(doc)), vector: toHex(Y.encodeStateVector(doc)) }
    text.delete(2, 1)
    expect(toHex(Y.encodeStateVector(doc))).toBe(before.vector)
    expect(toHex(canonOf(doc))).not.toBe(before.canon)
  })

  it('joins deletions that touch, and puts clients in the order of their numbers', () => {
    const first = updatesOf(300, [insert(0, 'abcd'), (text) => text.delete(1, 1), (text) => text.delete(1, 1)])
    const second = updatesOf(5, [insert(0, 'x')], first)
    const third = updatesOf(2 ** 32 - 1, [insert(0, 'y')], [...first, ...second])
    const encoder = encoding.createEncoder()
    for (const number of [3, 5, 1, 300, 4, 2 ** 32 - 1, 1]) encoding.writeVarUint(encoder, number)
    for (const number of [1, 300, 1, 1, 2]) encoding.writeVarUint(encoder, number)
    encoding.writeVarUint(encoder, 0)
    expect(toHex(canonOf(documentOf(...first, ...second, ...third)))).toBe(toHex(encoding.toUint8Array(encoder)))
  })
})

describe('missing pairs', () => {
  it.each(Object.entries(ALL_KINDS))('are the same however a device came by a log with gaps: %s', (_name, kinds) => {
    let gaps = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const docs = rebuiltAlongAllPaths(withoutSome(writeLog(random, kinds), 3, random), random)
      const canon = toHex(canonOf(docs.get('in order')!))
      if (missingPairsOf(docs.get('in order')!).length > 0) gaps++
      for (const [path, doc] of docs) expect(toHex(canonOf(doc)), `${path}, seed ${seed}`).toBe(canon)
    }
    expect(gaps).toBeGreaterThan(SEEDS / 2)
  })

  it('are not what Yjs notes, which depends on how the updates came', () => {
    const [a, b, c] = updatesOf(1, [insert(0, 'a'), insert(1, 'b'), insert(2, 'c')]) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    const [d] = updatesOf(2, [insert(3, 'd')], [a, b, c]) as [Uint8Array]
    const docs = [documentOf(c, d), documentOf(Y.mergeUpdates([c, d]))]
    expect(docs.map((doc) => doc.store.pendingStructs?.missing.get(1))).toEqual([0, 1])
    for (const doc of docs) expect(missingPairsOf(doc)).toEqual([{ client: 1, clock: 0 }])
  })

  it('name the first clock that never came, also where later ones did', () => {
    const updates = updatesOf(
      1,
      Array.from('abcdef', (letter, at) => insert(at, letter)),
    )
    const [first, second, , fourth, , sixth] = updates as Uint8Array[]
    expect(missingPairsOf(documentOf(first!, second!, fourth!, sixth!))).toEqual([{ client: 1, clock: 2 }])
    expect(missingPairsOf(documentOf(fourth!))).toEqual([{ client: 1, clock: 0 }])
    expect(missingPairsOf(documentOf(...updates))).toEqual([])
  })

  it('look through what is pending itself to what it waits for, each client once', () => {
    const first = updatesOf(3, [insert(0, 'a')])
    const second = updatesOf(2, [insert(1, 'b'), insert(2, 'c')], first)
    const third = updatesOf(1, [insert(3, 'd'), insert(2, 'e')], [...first, ...second])
    expect(missingPairsOf(documentOf(...second, ...third))).toEqual([{ client: 3, clock: 0 }])
    expect(missingPairsOf(documentOf(second[1]!, third[1]!))).toEqual([
      { client: 1, clock: 0 },
      { client: 2, clock: 0 },
    ])
    const fourth = updatesOf(2, [insert(3, 'f')], [...first, ...second])
    expect(missingPairsOf(documentOf(second[0]!, ...fourth))).toEqual([
      { client: 2, clock: 1 },
      { client: 3, clock: 0 },
    ])
  })

  it('are a left and a right neighbour and a parent, by whom they were made', () => {
    const letter = updatesOf(1, [insert(0, 'a')])
    const [onRight] = updatesOf(2, [insert(1, 'b')], letter) as [Uint8Array]
    const [onLeft] = updatesOf(2, [insert(0, 'b')], letter) as [Uint8Array]
    const parent = updatesOf(1, [({ doc }) => doc!.getMap('m').set('k', new Y.Map())])
    const [child] = updatesOf(2, [({ doc }) => (doc!.getMap('m').get('k') as Y.Map<number>).set('l', 1)], parent) as [
      Uint8Array,
    ]
    for (const update of [onRight, onLeft, child]) {
      expect(missingPairsOf(documentOf(update))).toEqual([{ client: 1, clock: 0 }])
    }
  })

  it('are those of a pending deletion, too', () => {
    const written = updatesOf(7, [insert(0, 'abc')])
    const deleted = updatesOf(8, [(text) => text.delete(1, 1)], written)
    const doc = documentOf(...deleted)
    expect(doc.store.pendingStructs).toBeNull()
    expect(missingPairsOf(doc)).toEqual([{ client: 7, clock: 0 }])
    Y.applyUpdate(doc, written[0]!)
    expect(missingPairsOf(doc)).toEqual([])
  })

  it('have a fingerprint of their own', () => {
    const hash = createHash('sha256')
      .update(Uint8Array.of(2, 1, 5, 0xac, 0x02, 0))
      .digest()
    const missing = [
      { client: 1, clock: 5 },
      { client: 300, clock: 0 },
    ]
    expect(toHex(gapFingerprintOf(missing))).toBe(toHex(hash.subarray(0, 16)))
    expect(gapFingerprintOf(missing.slice(1))).not.toEqual(gapFingerprintOf(missing))
  })
})

/** Each update of a client stands on one of another's, so that stacks of pending structs grow. */
function writtenInTurns(random: Random): Uint8Array[] {
  const log: Uint8Array[] = []
  for (let i = 0; i < 10; i++) log.push(...updatesOf(random.between(1, 3), [insert(i, 'x')], log))
  return log
}

function mergedInPairs(log: readonly Uint8Array[], random: Random): Uint8Array[] {
  const rest = shuffled(log, random)
  const merged: Uint8Array[] = []
  while (rest.length > 0) merged.push(Y.mergeUpdates(rest.splice(0, random.between(1, 2))))
  return merged
}

describe('hasCompletePending', () => {
  it('says when a nudge takes something in, after which nothing waits for nothing', () => {
    let nudges = 0
    for (let seed = 0; seed < 200; seed++) {
      const random = new Random(seed)
      const log = shuffled(
        mergedInPairs(withoutSome(writtenInTurns(random), random.between(0, 2), random), random),
        random,
      )
      const doc = new Y.Doc()
      while (log.length > 0) {
        for (const update of log.splice(0, random.between(1, 2))) Y.applyUpdate(doc, update)
        const before = toHex(canonOf(doc))
        const nudged = documentOf(Y.encodeStateAsUpdate(doc))
        const isDue = hasCompletePending(doc)
        expect(isDue, `seed ${seed}`).toBe(toHex(canonOf(nudged)) !== before)
        if (!isDue) continue
        nudges++
        nudge(doc)
        expect(toHex(canonOf(doc)), `seed ${seed}`).toBe(toHex(canonOf(nudged)))
        expect(hasCompletePending(doc), `seed ${seed}`).toBe(false)
      }
    }
    expect(nudges).toBeGreaterThan(2)
  })

  it('says so where no pair is missing at all', () => {
    const { updates } = documents.find(({ name }) => name.startsWith('complete, and yet pending'))!
    const doc = new Y.Doc()
    for (const update of updates) Y.applyUpdate(doc, fromHex(update))
    expect(missingPairsOf(doc)).toEqual([])
    expect(hasCompletePending(doc)).toBe(true)
    nudge(doc)
    expect(doc.store.pendingStructs).toBeNull()
    expect(hasCompletePending(doc)).toBe(false)
  })
})

it('leaves the document as it was', () => {
  const random = new Random(1)
  const doc = documentOf(...withoutSome(writeLog(random, EVERYTHING), 2, random))
  const manuscript = manuscriptOf(doc)
  edit(manuscript, 'text', random)
  const state = toHex(Y.encodeStateAsUpdate(doc))
  canonOf(doc)
  missingPairsOf(doc)
  expect(toHex(Y.encodeStateAsUpdate(doc))).toBe(state)
})
