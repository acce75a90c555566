import { createHash } from 'node:crypto'
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { canonOf } from '../../../client/src/document/canon.ts'
import { deepDigestOf } from '../../../client/src/document/deep-digest.ts'
import { type ClaimVectors, fromHex, readVectors, toHex } from '../../protocol/vectors.ts'
import { Random } from '../../simulation/random.ts'
import { ALL_KINDS, nudge, PLAIN_KINDS, rebuiltAlongAllPaths, writeLog } from './rebuild-paths.ts'
import { REUSES, written } from './reused-clients.ts'

const { documents } = readVectors<ClaimVectors>('claims.json')
const SEEDS = 8

function digestOf(doc: Y.Doc): string {
  return toHex(deepDigestOf(doc))
}

function reread(doc: Y.Doc): Y.Doc {
  const reader = new Y.Doc()
  Y.applyUpdate(reader, Y.encodeStateAsUpdate(doc))
  return reader
}

it.each(documents)('of the vector: $name', ({ updates, deepDigest }) => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, fromHex(update))
  nudge(doc)
  expect(digestOf(doc)).toBe(deepDigest)
})

describe('is the same however a device came by the log', () => {
  it.each(Object.entries(ALL_KINDS))('%s', (_name, kinds) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const docs = rebuiltAlongAllPaths(writeLog(random, kinds), random)
      const digest = digestOf(docs.get('in order')!)
      for (const [path, doc] of docs) expect(digestOf(doc), `${path}, seed ${seed}`).toBe(digest)
    }
  })

  it.each(Object.entries(PLAIN_KINDS))('%s, where an app has asked for the types', (_name, kinds) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const random = new Random(seed)
      const log = writeLog(random, kinds)
      const digest = digestOf(rebuiltAlongAllPaths(log, random).get('in order')!)
      const docs = rebuiltAlongAllPaths(log, random, (doc) => {
        doc.getText('text')
        doc.getMap('map')
        doc.getArray('list')
        doc.getMap('tree')
        doc.getXmlFragment('page')
      })
      for (const [path, doc] of docs) expect(digestOf(doc), `${path}, seed ${seed}`).toBe(digest)
    }
  })
})

describe('does not show how structs are split', () => {
  it('in text, by another client and by nothing', () => {
    const whole = written((doc) => doc.getText('t').insert(0, 'whale🐋s'))
    const pieces = written((doc) => {
      for (const [at, piece] of [[0, 'wh'] as const, [2, 'ale🐋'] as const, [7, 's'] as const]) {
        doc.getText('t').insert(at, piece)
      }
    })
    const split = reread(whole)
    split.clientID = 2
    split.getText('t').insert(3, 'xx')
    split.getText('t').delete(3, 2)
    const same = reread(whole)
    same.clientID = 2
    same.getText('t').insert(0, 'xx')
    same.getText('t').delete(0, 2)
    expect(digestOf(pieces)).toBe(digestOf(whole))
    expect(digestOf(split)).toBe(digestOf(same))
  })

  it('in lists, and where updates were merged without a document', () => {
    const doc = new Y.Doc()
    doc.clientID = 1
    const updates: Uint8Array[] = []
    doc.on('update', (update: Uint8Array) => updates.push(update))
    for (let i = 0; i < 5; i++) doc.getArray('l').push([i, { i }])
    doc.getArray('l').delete(3, 2)
    const merged = new Y.Doc({ gc: false })
    Y.applyUpdate(merged, Y.mergeUpdates(updates))
    expect(digestOf(merged)).toBe(digestOf(doc))
  })
})

describe('does not show what does not travel', () => {
  it.each<[string, (doc: Y.Doc) => void]>([
    ['half a surrogate pair', (doc) => doc.getText('t').insert(0, 'a\ud83db\udc0b\ud83d')],
    ['half a pair within any', (doc) => doc.getArray('l').insert(0, ['\ud83d'])],
    ['a date within any', (doc) => doc.getMap('m').set('k', { at: new Date(0) })],
    ['a date within JSON', (doc) => doc.getText('t').insertEmbed(0, { at: new Date(0) })],
    ['undefined within JSON', (doc) => doc.getText('t').insertEmbed(0, { alt: undefined, list: [undefined] })],
    ['numbers that JSON has not', (doc) => doc.getText('t').insertEmbed(0, { numbers: [Number.NaN, -0, 1 / 0] })],
    ['a format of several fields', (doc) => doc.getText('t').insert(0, 'x', { link: { href: 'y', title: undefined } })],
    ['what a subdocument holds', (doc) => doc.getMap('m').set('k', new Y.Doc({ guid: 'g', meta: { a: 1 } }))],
  ])('%s', (_what, write) => {
    const doc = written(write)
    expect(digestOf(reread(doc))).toBe(digestOf(doc))
  })

  it('in which order an object has its keys', () => {
    const one = written((doc) => doc.getArray('l').insert(0, [{ a: 1, b: [{ c: 2, d: 3 }] }]))
    const other = written((doc) => doc.getArray('l').insert(0, [{ b: [{ d: 3, c: 2 }], a: 1 }]))
    expect(digestOf(other)).toBe(digestOf(one))
  })

  it('whether deleted content was collected', () => {
    const write = (doc: Y.Doc): void => {
      const page = doc.getXmlFragment('x')
      page.insert(0, [new Y.XmlElement('p'), new Y.XmlElement('q')])
      const paragraph = page.get(0)
      if (paragraph instanceof Y.XmlElement) paragraph.insert(0, [new Y.XmlText('words that go')])
      page.delete(0, 1)
    }
    const kept = written(write, new Y.Doc({ gc: false }))
    const collected = written(write)
    const kinds = (doc: Y.Doc): string[] => doc.store.clients.get(1)!.map((struct) => struct.constructor.name)
    expect(kinds(kept)).not.toContain('GC')
    expect(kinds(collected)).toContain('GC')
    expect(digestOf(collected)).toBe(digestOf(kept))
  })
})

describe('differs where a client id was used twice for', () => {
  it.each(REUSES)('$name', ({ one, other }) => {
    const docs = [written(one), written(other)] as const
    expect(toHex(canonOf(docs[1]))).toBe(toHex(canonOf(docs[0])))
    expect(digestOf(docs[1])).not.toBe(digestOf(docs[0]))
    expect(digestOf(reread(docs[1]))).toBe(digestOf(docs[1]))
  })
})

it('differs by one deletion, and by one struct', () => {
  const doc = written((doc) => doc.getText('t').insert(0, 'whale'))
  const digests = [digestOf(doc)]
  doc.getText('t').delete(2, 1)
  digests.push(digestOf(doc))
  doc.getText('t').insert(0, 'W')
  digests.push(digestOf(doc))
  expect(new Set(digests).size).toBe(3)
})

it('is one hash over all, however many bytes those are', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `${i}: Call me Ishmael.`)
  const doc = written((doc) => {
    for (const line of lines) doc.getText('t').insert(0, line)
  })
  const text = lines.join('')
  const encoder = encoding.createEncoder()
  for (const number of [1, text.length]) encoding.writeVarUint(encoder, number)
  for (let i = 0; i < text.length; i++) encoding.writeVarUint(encoder, 16 + text.charCodeAt(i))
  const bytes = encoding.toUint8Array(encoder)
  expect(bytes.length).toBeGreaterThan(200_000)
  expect(digestOf(doc)).toBe(createHash('sha256').update(bytes).digest('hex').slice(0, 32))
})

it('throws for what Yjs cannot encode either', () => {
  const cycle: unknown[] = []
  cycle.push(cycle)
  const doc = written((doc) => doc.getMap('m').set('k', cycle))
  expect(() => Y.encodeStateAsUpdate(doc)).toThrow(RangeError)
  expect(() => deepDigestOf(doc)).toThrow(RangeError)
})
