import { afterEach, describe, expect, it, vi } from 'vitest'
import * as Y from 'yjs'
import { canonOf, missingPairsOf } from '../../../client/src/document/canon.ts'
import { deepDigestOf } from '../../../client/src/document/deep-digest.ts'
import { payloadId } from '../../../client/src/document/payload-id.ts'
import { buildSnapshot, type SnapshotParts } from '../../../client/src/document/snapshot-building.ts'
import {
  decodeSnapshotPayload,
  type SnapshotPayload,
  snapshotIdOf,
} from '../../../client/src/document/snapshot-payload.ts'
import { type ClaimVectors, fromHex, readVectors, toHex } from '../../protocol/vectors.ts'
import { contentOf } from '../../simulation/edits.ts'
import { Random } from '../../simulation/random.ts'
import { brokenUpdate } from '../../support/broken-update.ts'
import { ALL_KINDS, nudge, withoutSome, writeLog } from './rebuild-paths.ts'

/** What becomes of an encoded state, as a fault of Yjs would have it. */
const fault = vi.hoisted(() => ({ of: null as ((state: Uint8Array) => Uint8Array) | null }))
vi.mock('yjs', async (importOriginal) => {
  const yjs = await importOriginal<typeof import('yjs')>()
  const encodeStateAsUpdate: typeof yjs.encodeStateAsUpdate = (...args) => {
    const state = yjs.encodeStateAsUpdate(...args)
    return fault.of === null ? state : fault.of(state)
  }
  return { ...yjs, encodeStateAsUpdate }
})

afterEach(() => {
  fault.of = null
  vi.restoreAllMocks()
})

const MARK = Uint8Array.of(9, 8, 7)
const EMPTY_STATE = Uint8Array.of(0, 0)

function documentOf(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  nudge(doc)
  return doc
}

function built(parts: Partial<SnapshotParts>): SnapshotPayload {
  const result = buildSnapshot({ state: EMPTY_STATE, entries: [], held: [], mark: MARK, ...parts })
  if ('reason' in result) throw new Error(result.reason)
  expect(toHex(result.snapshotId)).toBe(toHex(snapshotIdOf(result.payload)))
  const decoded = decodeSnapshotPayload(result.payload)
  if ('reason' in decoded) throw new Error(decoded.reason)
  return decoded
}

function updatesOf(clientID: number, acts: readonly ((doc: Y.Doc) => void)[], before: readonly Uint8Array[] = []) {
  const doc = documentOf(before)
  doc.clientID = clientID
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const act of acts) act(doc)
  return updates
}

describe('a snapshot', () => {
  it.each(Object.entries(ALL_KINDS))('is exactly the log: %s', (_name, kinds) => {
    for (let seed = 0; seed < 10; seed++) {
      const random = new Random(seed)
      const log = withoutSome(writeLog(random, kinds), random.pick([0, 0, 2]), random)
      const captured = random.between(0, log.length)
      const state = Y.encodeStateAsUpdate(documentOf(log.slice(0, captured)))
      const { mark, update, deepDigest } = built({ state, entries: log.slice(captured) })
      const whole = documentOf(log)
      const reader = documentOf([update])
      expect(toHex(mark)).toBe(toHex(MARK))
      expect(toHex(canonOf(reader)), `seed ${seed}`).toBe(toHex(canonOf(whole)))
      expect(toHex(deepDigest), `seed ${seed}`).toBe(toHex(deepDigestOf(whole)))
      expect(contentOf(reader), `seed ${seed}`).toBe(contentOf(whole))
    }
  })

  it('carries what is pending, which is whole once the gap is closed', () => {
    const updates = updatesOf(1, [
      (doc) => doc.getText('t').insert(0, 'a'),
      (doc) => doc.getText('t').insert(1, 'b'),
      (doc) => doc.getText('t').insert(2, 'c'),
      (doc) => doc.getText('t').delete(1, 1),
    ])
    const { update } = built({ state: updates[0]!, entries: [updates[2]!, updates[3]!] })
    const reader = documentOf([update])
    expect(missingPairsOf(reader)).toEqual([{ client: 1, clock: 1 }])
    Y.applyUpdate(reader, updates[1]!)
    expect(reader.getText('t').toString()).toBe('ac')
  })

  it('takes in what is complete and yet pending', () => {
    const { documents } = readVectors<ClaimVectors>('claims.json')
    const { updates, canon } = documents.find(({ name }) => name.startsWith('complete, and yet pending'))!
    const { update } = built({ entries: updates.map(fromHex) })
    const reader = new Y.Doc()
    Y.applyUpdate(reader, update)
    expect(reader.store.pendingStructs).toBeNull()
    expect(toHex(canonOf(reader))).toBe(canon)
  })

  it('holds no clean-up of formats, which is in no log', () => {
    const words = (doc: Y.Doc): Y.Text => doc.getMap('m').get('k') as Y.Text
    const embolden = (doc: Y.Doc): void => words(doc).format(0, 5, { bold: true })
    const base = updatesOf(9, [(doc) => doc.getMap('m').set('k', new Y.Text('words'))])
    const [bold] = updatesOf(3, [embolden], base) as [Uint8Array]
    // The order that leaves complete content pending: the last of it comes in only when it is applied once more.
    const [a1] = updatesOf(1, [(doc) => words(doc).insert(5, 'a')], base) as [Uint8Array]
    const [b1] = updatesOf(2, [(doc) => words(doc).insert(6, 'b')], [...base, a1]) as [Uint8Array]
    const [a2, a3] = updatesOf(1, [(doc) => words(doc).insert(7, 'c'), embolden], [...base, a1, b1]) as [
      Uint8Array,
      Uint8Array,
    ]
    const entries = [...base, bold, Y.mergeUpdates([b1, a3]), a1, a2]
    expect(Y.snapshot(documentOf(entries)).ds.clients.size).toBeGreaterThan(0)
    const { update } = built({ entries })
    expect(Y.decodeUpdate(update).ds.clients.size).toBe(0)
    expect(missingPairsOf(documentOf([update]))).toEqual([])
  })

  it('carries what was held, as it is', () => {
    const payload = Uint8Array.of(1, 2, 3)
    const held = [{ pushId: payloadId(payload, 200), format: 200, payload }]
    expect(built({ held }).held).toEqual(held)
  })
})

describe('no snapshot is made', () => {
  function reasonOf(parts: Partial<SnapshotParts>): string {
    const result = buildSnapshot({ state: EMPTY_STATE, entries: [], held: [], mark: MARK, ...parts })
    return 'reason' in result ? result.reason : ''
  }

  const [letter] = updatesOf(1, [(doc) => doc.getText('t').insert(0, 'a')]) as [Uint8Array]

  it.each<[string, Partial<SnapshotParts>]>([
    ['of a state that is no update', { state: Uint8Array.of(1, 2, 3) }],
    ['of an entry that is no update', { state: letter, entries: [Uint8Array.of(9, 9, 9)] }],
    ['of an entry with more bytes than an update has', { entries: [Uint8Array.of(0, 0, 0)] }],
    ['of an entry that breaks while it is applied', { entries: [brokenUpdate()] }],
  ])('%s', (_what, parts) => {
    expect(reasonOf(parts)).toMatch(/./)
  })

  it.each<[string, RegExp, (state: Uint8Array) => Uint8Array]>([
    ['loses a struct', /other ids/, () => EMPTY_STATE],
    ['changes a letter', /other content/, (state) => state.map((byte) => (byte === 0x61 ? 0x62 : byte))],
  ])('where Yjs %s', (_what, reason, tamper) => {
    fault.of = tamper
    expect(reasonOf({ state: letter })).toMatch(reason)
  })

  it('where Yjs loses all that is pending', () => {
    const acts = Array.from('abc', (text, at) => (doc: Y.Doc) => doc.getText('t').insert(at, text))
    const [first, , third] = updatesOf(1, acts) as [Uint8Array, Uint8Array, Uint8Array]
    fault.of = () => first
    expect(reasonOf({ entries: [first, third] })).toMatch(/other ids/)
  })

  it('where Yjs keeps the gap, and loses some of what waits for it', () => {
    const acts = Array.from('abcd', (text, at) => (doc: Y.Doc) => doc.getText('t').insert(at, text))
    const [first, , third, fourth] = updatesOf(1, acts) as Uint8Array[]
    fault.of = () => Y.mergeUpdates([first!, third!])
    expect(reasonOf({ entries: [first!, third!, fourth!] })).toMatch(/other pending/)
  })
})

it('leaves no document behind, whatever comes of it', () => {
  const destroy = vi.spyOn(Y.Doc.prototype, 'destroy')
  for (const state of [EMPTY_STATE, Uint8Array.of(1, 2, 3)]) {
    destroy.mockClear()
    buildSnapshot({ state, entries: [], held: [], mark: MARK })
    expect(destroy).toHaveBeenCalledTimes(2)
  }
})

it('is not made under a mark that no relay gives', () => {
  expect(() => buildSnapshot({ state: EMPTY_STATE, entries: [], held: [], mark: new Uint8Array(97) })).toThrow(
    RangeError,
  )
})
