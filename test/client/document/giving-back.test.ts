import type { Opened } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { GivingBack, isHeldElsewhere } from '../../../client/src/document/giving-back.ts'
import { RelayView } from '../../../client/src/document/relay-view.ts'

function opened(turn: Opened['turn'], turnWaitMs = 0): Opened {
  const nothing = new Uint8Array(0)
  return {
    type: 'OPENED',
    channel: 1,
    status: 'OK',
    incarnation: nothing,
    entriesToCome: 0,
    bytesToCome: 0,
    generation: new Uint8Array(8),
    urgency: 'NONE',
    claimWanted: false,
    turn,
    turnWaitMs,
  }
}

function owing(): RelayView {
  const everything = new ChangeSet()
  everything.structs.add(1, 0, 3)
  return new RelayView('ws://a', () => everything)
}

describe('what is owed', () => {
  it('leaves in a round after the SYNCED of one in whose OPENED the turn was given, and not before', () => {
    const givingBack = new GivingBack(owing(), false)
    expect(givingBack.asks(true)).toBe(true)
    givingBack.begin(true)
    givingBack.opened(opened('YOURS'))
    expect(givingBack.leave.owed).toBe(false)
    givingBack.pulled()
    expect(givingBack).toMatchObject({ leave: { owed: true }, isDue: true })
    // The turn is kept until the last piece, and given back with it.
    expect([givingBack.asks(false), givingBack.asks(true)]).toEqual([true, false])
    givingBack.begin(true)
    expect(givingBack.isDue).toBe(false)
  })

  it('waits while it is another device’s turn, for as long as the relay says', () => {
    const givingBack = new GivingBack(owing(), false)
    givingBack.asks(true)
    givingBack.opened(opened('WAIT', 5_000))
    givingBack.pulled()
    expect(givingBack).toMatchObject({
      leave: { owed: false },
      isDue: false,
      isWaiting: true,
      returnAfterMs: 5_000,
    })
  })

  it('goes to a relay that takes no turns', () => {
    const givingBack = new GivingBack(owing(), false)
    givingBack.opened(opened('NONE'))
    givingBack.pulled()
    expect(givingBack.leave.owed).toBe(false) // It was not asked.
    givingBack.asks(true)
    givingBack.opened(opened('NONE'))
    givingBack.pulled()
    expect(givingBack.leave.owed).toBe(true)
  })

  it('is known anew when the log is given anew', () => {
    const givingBack = new GivingBack(owing(), false)
    givingBack.asks(true)
    givingBack.opened(opened('YOURS'))
    givingBack.pulled()
    givingBack.restart()
    expect(givingBack).toMatchObject({ leave: { owed: false }, isDue: true })
  })

  it('is nothing for a device that owes nothing, which never asks', () => {
    const givingBack = new GivingBack(new RelayView('ws://a', () => new ChangeSet()), false)
    expect([givingBack.asks(true), givingBack.isDue, givingBack.isWaiting]).toEqual([false, false, false])
  })
})

describe('what was made here', () => {
  function views(): { readonly first: RelayView; readonly second: RelayView; readonly both: readonly RelayView[] } {
    const first = new RelayView('ws://a', () => new ChangeSet())
    const second = new RelayView('ws://b', () => new ChangeSet())
    first.mark = Uint8Array.of(1)
    for (const view of [first, second]) view.lacks(edit(), 3)
    return { first, second, both: [first, second] }
  }

  function edit(): ChangeSet {
    const changes = new ChangeSet()
    changes.structs.add(1, 0, 3)
    return changes
  }

  it('is held elsewhere once another relay has all of it', () => {
    const { first, second, both } = views()
    expect(isHeldElsewhere(second, both)).toBe(false)
    first.known(edit(), 3)
    expect([isHeldElsewhere(first, both), isHeldElsewhere(second, both)]).toEqual([false, true])
    const more = new ChangeSet()
    more.structs.add(1, 3, 4)
    for (const view of both) view.lacks(more, 1)
    expect(isHeldElsewhere(second, both)).toBe(false)
  })

  it('is not where that relay has lost it, or the document was deleted there', () => {
    const { first, second, both } = views()
    first.known(edit(), 3)
    first.deleted = true
    expect(isHeldElsewhere(second, both)).toBe(false)
    first.deleted = false
    first.resync(edit(), 3)
    first.mark = Uint8Array.of(1)
    expect(isHeldElsewhere(second, both)).toBe(false)
  })

  it('goes first, and in turn where others may have carried it over', () => {
    const { second } = views()
    expect(new GivingBack(second, false)).toMatchObject({ leave: { unsent: true, owed: false }, isDue: false })
    const givingBack = new GivingBack(second, true)
    expect(givingBack).toMatchObject({ leave: { unsent: false, owed: false }, isDue: true })
    expect(givingBack.asks(true)).toBe(true)
    givingBack.opened(opened('YOURS'))
    givingBack.pulled()
    expect(givingBack.leave).toEqual({ unsent: true, owed: true })
    second.known(edit(), 3)
    expect(givingBack.isDue).toBe(false)
  })

  it('is offered again and again to a relay whose token only reads, so that one that writes is noticed', () => {
    const { second } = views()
    second.readOnly = true
    expect(new GivingBack(second, true).leave.unsent).toBe(true)
  })
})
