import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { Payloads } from '../../../client/src/document/payloads.ts'
import { RelayView } from '../../../client/src/document/relay-view.ts'
import { inspectUpdate } from '../../../client/src/document/update.ts'

function structs(client: number, start: number, end: number): ChangeSet {
  const changes = new ChangeSet()
  changes.structs.add(client, start, end)
  return changes
}

function rangesOf(changes: ChangeSet): string {
  return [...changes.structs.clients()]
    .flatMap((client) => changes.structs.ranges(client).map(({ start, end }) => `${client}:${start}-${end}`))
    .join(' ')
}

const payloads = new Payloads('alice/novel', null, () => new Uint8Array(0))
const plain = (update: Uint8Array): ReturnType<Payloads['seal']> => payloads.seal(update)

/** A document of two clients, 1 and 2, of three characters each. */
function twoClients(): Y.Doc {
  const doc = new Y.Doc()
  for (const client of [1, 2]) {
    doc.clientID = client
    doc.getText('t').insert(0, 'abc')
  }
  return doc
}

describe('what a relay lacks', () => {
  it('is all that is here where the relay is new, and other devices may have it too', () => {
    const view = new RelayView('ws://a', () => structs(1, 0, 3))
    expect([rangesOf(view.unsent), rangesOf(view.owed)]).toEqual(['', '1:0-3'])
  })

  it('is owed after a resync, but for what was made here and never acknowledged', () => {
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 2, 3), 5)
    const everything = structs(1, 0, 3)
    everything.structs.add(2, 0, 3)
    view.resync(everything, 100)
    expect([rangesOf(view.unsent), rangesOf(view.owed)]).toEqual(['1:2-3', '1:0-2 2:0-3'])
    expect(view).toMatchObject({ resyncing: true, confirmed: false, unsentBytes: 100 })
    view.known(structs(2, 0, 3), 50)
    view.known(structs(1, 0, 3), 50)
    expect(view).toMatchObject({ isLacking: false, unsentBytes: 0 })
  })

  it('counts no edit as owed that is unsent already', () => {
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.owes(structs(1, 0, 5), 5)
    expect([rangesOf(view.unsent), rangesOf(view.owed)]).toEqual(['1:0-3', '1:3-5'])
  })
})

describe('pushes', () => {
  it('carry what is owed only when it may be given back', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.owes(structs(2, 0, 3), 5)
    view.derivePushes(doc, 0, false, plain)
    expect(view.outgoing.map(({ payload }) => rangesOf(inspectUpdate(payload) as ChangeSet))).toEqual(['1:0-3'])
    expect(view.isUncarried).toBe(true)
    view.derivePushes(doc, 0, true, plain)
    expect(view.outgoing.map(({ payload }) => rangesOf(inspectUpdate(payload) as ChangeSet))).toEqual([
      '1:0-3',
      '2:0-3',
    ])
    expect(view.isUncarried).toBe(false)
  })

  it('of which the relay gave everything meanwhile land', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.derivePushes(doc, 0, false, plain)
    view.known(structs(1, 0, 2), 3)
    expect([view.landArrived().length, view.outgoing.length]).toEqual([0, 1])
    view.known(structs(1, 2, 3), 2)
    expect([view.landArrived().length, view.outgoing.length]).toEqual([1, 0])
  })

  it('are repeated with the same bytes until they are acknowledged', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.derivePushes(doc, 0, false, plain)
    const [first] = view.outgoing
    view.derivePushes(doc, 0, false, plain)
    expect(view.outgoing).toEqual([first])
    expect(view.acknowledged(first?.id ?? new Uint8Array(), Uint8Array.of(1))).toBe(first)
    expect(view).toMatchObject({ outgoing: [], isLacking: false, receipt: Uint8Array.of(1) })
    expect(view.acknowledged(first?.id ?? new Uint8Array(), Uint8Array.of(2))).toBeUndefined()
  })
})

describe('what is asked for once', () => {
  it('is a repair for each cause, ever, also after a restart', () => {
    const view = new RelayView('ws://a', () => new ChangeSet())
    expect(view.isReported('aa')).toBe(false)
    for (const fingerprint of ['aa', 'aa', 'bb']) view.report(fingerprint)
    const later = new RelayView('ws://a', () => new ChangeSet(), view.toRecord(0))
    expect(['aa', 'bb', 'cc'].map((fingerprint) => later.isReported(fingerprint))).toEqual([true, true, false])
  })

  it('is a repair of a gap, when the same pairs are missing at the end of two bursts', () => {
    const view = new RelayView('ws://a', () => new ChangeSet())
    expect([view.noteGap('aa'), view.noteGap('bb'), view.noteGap('bb'), view.noteGap('')]).toEqual([
      false,
      false,
      true,
      false,
    ])
  })

  it('is permanent after three bursts with the same gap, and not after bursts without one', () => {
    const view = new RelayView('ws://a', () => new ChangeSet())
    for (let burst = 0; burst < 4; burst++) view.noteGap('')
    expect(view.isGapPermanent('')).toBe(false)
    for (let burst = 0; burst < 3; burst++) view.noteGap('aa')
    expect([view.isGapPermanent('aa'), view.isGapPermanent('bb')]).toEqual([true, false])
  })
})

it('a document begun anew is all this device’s to give', () => {
  const record = new RelayView('ws://a', () => new ChangeSet()).toRecord(0)
  const view = new RelayView('ws://a', () => new ChangeSet(), {
    ...record,
    deleted: true,
    mark: Uint8Array.of(1),
    incarnation: new Uint8Array(16),
  })
  view.createAnew(structs(1, 0, 3), 9)
  expect(view).toMatchObject({ deleted: false, creating: true, resyncing: false, mark: new Uint8Array(0) })
  expect([view.incarnation.length, rangesOf(view.unsent), rangesOf(view.owed)]).toEqual([0, '1:0-3', ''])
})
