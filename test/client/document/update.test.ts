import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import {
  buildsOn,
  changesOfDocument,
  changesOfTransaction,
  encodeChanges,
  inspectUpdate,
} from '../../../client/src/document/update.ts'

/** Random edits of all kinds of types; the same numbers give the same edits. */
function edit(doc: Y.Doc, choice: number, a: number, b: number): void {
  const text = doc.getText('text')
  const at = text.length === 0 ? 0 : a % (text.length + 1)
  const map = doc.getMap<unknown>('map')
  const list = doc.getArray<unknown>('list')
  const xml = doc.getXmlFragment('xml')
  if (choice === 0) text.insert(at, ['x', 'yz', '🌊', 'long insertion '][b % 4]!)
  else if (choice === 1) text.delete(at, Math.min(b % 4, text.length - at))
  else if (choice === 2) text.format(at, Math.min(3, text.length - at), { bold: b % 2 === 0 ? true : null })
  else if (choice === 3) map.set(`k${a % 3}`, b)
  else if (choice === 4) map.set(`k${a % 3}`, new Y.Array())
  else if (choice === 5) map.delete(`k${a % 3}`)
  else if (choice === 6) list.insert(list.length === 0 ? 0 : a % (list.length + 1), [a, 'é', { b }])
  else if (choice === 7 && list.length > 0) list.delete(a % list.length, 1)
  else xml.insert(0, [new Y.XmlElement(`p${b % 3}`)])
}

const edits = fc.array(fc.tuple(fc.integer({ min: 0, max: 8 }), fc.nat(1000), fc.nat(1000)), { maxLength: 25 })

function snapshotOf(doc: Y.Doc): unknown {
  return Y.encodeSnapshot(Y.snapshot(doc)).join()
}

describe('encodeChanges', () => {
  it('carries what transactions gathered, as well as the diff derived from state does', () => {
    fc.assert(
      fc.property(edits, edits, fc.boolean(), (before, after, gc) => {
        const writer = new Y.Doc({ gc })
        before.forEach(([kind, a, b]) => {
          edit(writer, kind, a, b)
        })
        const reader = new Y.Doc()
        Y.applyUpdate(reader, Y.encodeStateAsUpdate(writer))
        const twin = new Y.Doc()
        Y.applyUpdate(twin, Y.encodeStateAsUpdate(writer))

        const unsent = new ChangeSet()
        writer.on('update', (_update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
          unsent.addAll(changesOfTransaction(transaction))
        })
        after.forEach(([kind, a, b]) => {
          edit(writer, kind, a, b)
        })
        const push = encodeChanges(writer, unsent)
        if (push !== null) Y.applyUpdate(reader, push)
        Y.applyUpdate(twin, Y.encodeStateAsUpdate(writer, Y.encodeStateVector(twin)))

        expect(snapshotOf(reader)).toEqual(snapshotOf(writer))
        expect(snapshotOf(reader)).toEqual(snapshotOf(twin))
        // Not the writer's own: an edit in the middle of a surrogate pair spoils the pair where it was made.
        expect(reader.getText('text').toDelta()).toEqual(twin.getText('text').toDelta())
        expect(reader.getMap('map').toJSON()).toEqual(twin.getMap('map').toJSON())
        if (push === null) expect(unsent.isEmpty).toBe(true)
      }),
      { numRuns: 300 },
    )
  })

  it('can be cut anywhere: two halves in either order give the whole', () => {
    fc.assert(
      fc.property(edits, fc.nat(200), fc.boolean(), (all, cutAt, secondFirst) => {
        const writer = new Y.Doc()
        writer.clientID = 7
        all.forEach(([kind, a, b]) => {
          edit(writer, kind, a, b)
        })
        const everything = changesOfDocument(writer)
        const first = everything.copy()
        first.structs.remove(7, cutAt, 1e6)
        const second = everything.copy()
        second.structs.remove(7, 0, cutAt)
        const pushes = [encodeChanges(writer, first), encodeChanges(writer, second)].filter((push) => push !== null)
        const reader = new Y.Doc()
        for (const push of secondFirst ? [...pushes].reverse() : pushes) Y.applyUpdate(reader, push)
        expect(snapshotOf(reader)).toEqual(snapshotOf(writer))
        const whole = new Y.Doc()
        Y.applyUpdate(whole, Y.encodeStateAsUpdate(writer))
        expect(reader.getText('text').toDelta()).toEqual(whole.getText('text').toDelta())
      }),
      { numRuns: 300 },
    )
  })

  it('says exactly what was asked for, and the deletions among it', () => {
    const doc = new Y.Doc()
    doc.clientID = 1
    doc.getText('t').insert(0, 'abcdefghij')
    doc.getText('t').delete(4, 2)
    const wanted = new ChangeSet()
    wanted.structs.add(1, 2, 5)
    const carried = inspectUpdate(encodeChanges(doc, wanted)!)
    if ('reason' in carried) throw new Error(carried.reason)
    expect(carried.structs.ranges(1)).toEqual([{ start: 2, end: 5 }])
    expect(carried.deletes.ranges(1)).toEqual([{ start: 4, end: 5 }])
  })

  it('is null when there is nothing', () => {
    const doc = new Y.Doc()
    doc.getText('t').insert(0, 'a')
    expect(encodeChanges(doc, new ChangeSet())).toBeNull()
    const unknown = new ChangeSet()
    unknown.structs.add(99, 0, 5)
    expect(encodeChanges(doc, unknown)).toBeNull()
  })
})

describe('buildsOn', () => {
  it('is so where a reader who lacks the base cannot take the changes in whole', () => {
    const answers = new Set<boolean>()
    fc.assert(
      fc.property(edits, edits, edits, (before, base, own) => {
        const reader = new Y.Doc()
        const [a, b] = [new Y.Doc(), new Y.Doc()]
        for (const choices of before) edit(reader, ...choices)
        Y.applyUpdate(a, Y.encodeStateAsUpdate(reader))
        const known = changesOfDocument(a)
        for (const choices of base) edit(a, ...choices)
        Y.applyUpdate(b, Y.encodeStateAsUpdate(a))
        const changes = new ChangeSet()
        b.on('afterTransaction', (transaction: Y.Transaction) => changes.addAll(changesOfTransaction(transaction)))
        for (const choices of own) edit(b, ...choices)
        const update = encodeChanges(b, changes)
        if (update !== null) Y.applyUpdate(reader, update)
        const { pendingStructs, pendingDs } = reader.store
        const isWhole = pendingStructs === null && pendingDs === null
        const answer = buildsOn(b, changes, changesOfDocument(a).without(known))
        answers.add(answer)
        expect(answer).toBe(!isWhole)
      }),
      { numRuns: 300 },
    )
    expect(answers.size).toBe(2)
  })
})

describe('case 41: a push carries the deleted form of a struct that its reader holds alive', () => {
  it('tells the reader of the deletion', () => {
    const writer = new Y.Doc()
    writer.clientID = 1
    writer.getText('t').insert(0, 'alive')
    const reader = new Y.Doc()
    Y.applyUpdate(reader, Y.encodeStateAsUpdate(writer))
    writer.getText('t').delete(0, 5)
    // The pusher believes the deletion known, and repeats only the struct.
    const structsOnly = new ChangeSet()
    structsOnly.structs.add(1, 0, 5)
    Y.applyUpdate(reader, encodeChanges(writer, structsOnly)!)
    expect(reader.getText('t').toString()).toBe('')
  })
})

describe('inspectUpdate', () => {
  it('finds in an update what its transaction did', () => {
    fc.assert(
      fc.property(edits, (all) => {
        const doc = new Y.Doc()
        doc.on('update', (update: Uint8Array, _origin: unknown, _doc: Y.Doc, transaction: Y.Transaction) => {
          const told = inspectUpdate(update)
          if ('reason' in told) throw new Error(told.reason)
          const done = changesOfTransaction(transaction)
          expect(told.structs.includes(done.structs)).toBe(true)
          expect(told.deletes.includes(done.deletes)).toBe(true)
        })
        all.forEach(([kind, a, b]) => {
          edit(doc, kind, a, b)
        })
      }),
    )
  })

  it('never throws on bytes of a stranger, and refuses lengths that would poison a document', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        inspectUpdate(bytes)
      }),
      { numRuns: 2000 },
    )
    // One client, one GC struct of length 2^52.
    const poison = Uint8Array.from([1, 1, 5, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08, 0])
    expect(inspectUpdate(poison)).toMatchObject({ reason: expect.stringContaining('length') })
    // 32 million structs announced in six bytes.
    expect(inspectUpdate(Uint8Array.from([1, 0x80, 0x80, 0x80, 0x10, 1, 0]))).toHaveProperty('reason')
  })
})
