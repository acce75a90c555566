import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { Payloads } from '../../../client/src/document/payloads.ts'
import type { Wait } from '../../../client/src/document/put-off.ts'
import { type Leave, RelayView } from '../../../client/src/document/relay-view.ts'
import { encodeChanges, inspectUpdate } from '../../../client/src/document/update.ts'

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

const UNSENT: Leave = { unsent: true, owed: false }
const ALL: Leave = { unsent: true, owed: true }
const NO_WAIT: Wait = { fromMs: 0, untilMs: 0 }
const WAIT: Wait = { fromMs: 1_000, untilMs: 3_000 }

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
    view.owes(structs(1, 0, 5), 5, NO_WAIT)
    expect([rangesOf(view.unsent), rangesOf(view.owed)]).toEqual(['1:0-3', '1:3-5'])
  })
})

describe('pushes', () => {
  it('carry what is owed only when it may be given back', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.owes(structs(2, 0, 3), 5, NO_WAIT)
    view.derivePushes(doc, 0, UNSENT, plain)
    expect(view.outgoing.map(({ payload }) => rangesOf(inspectUpdate(payload) as ChangeSet))).toEqual(['1:0-3'])
    expect(view.isUncarried).toBe(true)
    view.derivePushes(doc, 0, ALL, plain)
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
    view.derivePushes(doc, 0, UNSENT, plain)
    view.known(structs(1, 0, 2), 3)
    expect([view.landArrived().length, view.outgoing.length]).toEqual([0, 1])
    view.known(structs(1, 2, 3), 2)
    expect([view.landArrived().length, view.outgoing.length]).toEqual([1, 0])
  })

  it('of what others may have brought since are taken back by the next burst, and those of what was made here are not', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.owes(structs(2, 0, 3), 5, NO_WAIT)
    view.derivePushes(doc, 0, ALL, plain)
    view.lacks(structs(1, 0, 3), 5)
    view.derivePushes(doc, 0, ALL, plain)
    const [, own] = view.outgoing
    view.withdraw(false)
    expect(view.outgoing).toEqual([own])
    view.withdraw(true)
    expect(view).toMatchObject({ outgoing: [], isLacking: true })
  })

  it('are repeated with the same bytes until they are acknowledged', () => {
    const doc = twoClients()
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.lacks(structs(1, 0, 3), 5)
    view.derivePushes(doc, 0, UNSENT, plain)
    const [first] = view.outgoing
    view.derivePushes(doc, 0, UNSENT, plain)
    expect(view.outgoing).toEqual([first])
    expect(view.acknowledged(first?.id ?? new Uint8Array(), Uint8Array.of(1))).toBe(first)
    expect(view).toMatchObject({ outgoing: [], isLacking: false, receipt: Uint8Array.of(1) })
    expect(view.acknowledged(first?.id ?? new Uint8Array(), Uint8Array.of(2))).toBeUndefined()
  })
})

describe('what another relay gave', () => {
  function learned(): { readonly doc: Y.Doc; readonly view: RelayView } {
    const view = new RelayView('ws://a', () => new ChangeSet())
    view.owes(structs(2, 0, 3), 5, WAIT)
    return { doc: twoClients(), view }
  }

  function derived({ doc, view }: ReturnType<typeof learned>, nowMs: number, leave = ALL): string {
    view.derivePushes(doc, nowMs, leave, plain)
    return view.outgoing.map(({ payload }) => rangesOf(inspectUpdate(payload) as ChangeSet)).join('; ')
  }

  it('is lacking at once, and is pushed when its wait is over', () => {
    const here = learned()
    expect(here.view).toMatchObject({ isLacking: true, isOwedDue: false })
    expect([derived(here, 2_999), derived(here, 3_000)]).toEqual(['', '2:0-3'])
  })

  it('does not wait for a clock that was set back', () => {
    expect(derived(learned(), 999)).toBe('2:0-3')
  })

  it('waits no longer when the app asks for a burst, or after a restart', () => {
    const here = learned()
    const restarted = new RelayView('ws://a', () => new ChangeSet(), here.view.toRecord(0))
    here.view.endWait()
    expect([here.view.isOwedDue, derived(here, 2_000)]).toEqual([true, '2:0-3'])
    expect(derived({ doc: here.doc, view: restarted }, 2_000)).toBe('2:0-3')
  })

  it('makes nothing wait that was owed before', () => {
    const view = new RelayView('ws://a', () => structs(1, 0, 3))
    const everything = structs(1, 0, 3)
    everything.addAll(structs(2, 0, 3))
    view.owes(everything, 5, WAIT)
    expect(derived({ doc: twoClients(), view }, 2_000)).toBe('1:0-3')
  })

  it('is nothing any more where the relay has given it meanwhile', () => {
    const here = learned()
    here.view.known(structs(2, 0, 3), 5)
    expect(here.view).toMatchObject({ isLacking: false, isOwedDue: false })
    expect(derived(here, 9_000)).toBe('')
    // What is learned after that has a wait of its own.
    here.view.owes(structs(1, 0, 3), 5, { fromMs: 9_000, untilMs: 12_000 })
    expect([derived(here, 11_000), derived(here, 12_000)]).toEqual(['', '1:0-3'])
  })

  it('waits no longer where something was made here that builds on it, which goes at once', () => {
    const here = learned()
    here.doc.clientID = 3
    here.doc.getText('t').insert(1, 'x')
    here.view.lacks(structs(3, 0, 1), 1)
    expect(derived(here, 2_000, UNSENT)).toBe('3:0-1')
    expect(here.view.isOwedDue).toBe(true)
  })

  it('goes along where something pending leaves, and is known to be there after that', () => {
    const author = twoClients()
    const doc = new Y.Doc()
    // Of both clients the first character is missing.
    for (const client of [1, 2]) Y.applyUpdate(doc, encodeChanges(author, structs(client, 1, 3)) as Uint8Array)
    const view = new RelayView('ws://a', () => structs(1, 1, 3))
    view.owes(structs(2, 1, 3), 5, WAIT)
    expect(derived({ doc, view }, 2_000)).toBe('2:1-3 1:1-3')
    view.acknowledged(view.outgoing[0]?.id ?? new Uint8Array(), Uint8Array.of(1))
    expect(view.isLacking).toBe(false)
  })

  it('waits on where what was made here stands apart from it', () => {
    const here = learned()
    here.doc.clientID = 3
    here.doc.getText('other').insert(0, 'x')
    here.view.lacks(structs(3, 0, 1), 1)
    expect(derived(here, 2_000)).toBe('3:0-1')
    expect(here.view.isOwedDue).toBe(false)
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
