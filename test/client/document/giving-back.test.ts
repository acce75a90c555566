import type { Opened } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { GivingBack } from '../../../client/src/document/giving-back.ts'
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
    const givingBack = new GivingBack(owing())
    expect(givingBack.asks(true)).toBe(true)
    givingBack.begin()
    givingBack.opened(opened('YOURS'))
    expect(givingBack.isAllowed).toBe(false)
    givingBack.pulled()
    expect(givingBack).toMatchObject({ isAllowed: true, isDue: true })
    // The turn is kept until the last piece, and given back with it.
    expect([givingBack.asks(false), givingBack.asks(true)]).toEqual([true, false])
    givingBack.begin()
    expect(givingBack.isDue).toBe(false)
  })

  it('waits while it is another device’s turn, for as long as the relay says', () => {
    const givingBack = new GivingBack(owing())
    givingBack.asks(true)
    givingBack.opened(opened('WAIT', 5_000))
    givingBack.pulled()
    expect(givingBack).toMatchObject({ isAllowed: false, isDue: false, isWaiting: true, returnAfterMs: 5_000 })
  })

  it('goes to a relay that takes no turns', () => {
    const givingBack = new GivingBack(owing())
    givingBack.opened(opened('NONE'))
    givingBack.pulled()
    expect(givingBack.isAllowed).toBe(false) // It was not asked.
    givingBack.asks(true)
    givingBack.opened(opened('NONE'))
    givingBack.pulled()
    expect(givingBack.isAllowed).toBe(true)
  })

  it('is known anew when the log is given anew', () => {
    const givingBack = new GivingBack(owing())
    givingBack.asks(true)
    givingBack.opened(opened('YOURS'))
    givingBack.pulled()
    givingBack.restart()
    expect(givingBack).toMatchObject({ isAllowed: false, isDue: true })
  })

  it('is nothing for a device that owes nothing, which never asks', () => {
    const givingBack = new GivingBack(new RelayView('ws://a', () => new ChangeSet()))
    expect([givingBack.asks(true), givingBack.isDue, givingBack.isWaiting]).toEqual([false, false, false])
  })
})
