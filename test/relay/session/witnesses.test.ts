import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Witnesses } from '../../../relay/src/session/witnesses.ts'
import { payloadOf } from '../device.ts'

const NOVEL = 'alice/novel'
const LOG = payloadOf('l', 16)

describe('witnesses', () => {
  it('confirm to a device what another one has shown to hold', () => {
    const witnesses = new Witnesses(10)
    expect(witnesses.confirm(NOVEL, LOG, 'a', 1)).toBe(false)
    witnesses.present(NOVEL, LOG, 'a', 5)
    expect(witnesses.confirm(NOVEL, LOG, 'a', 5)).toBe(false)
    witnesses.present(NOVEL, LOG, 'b', 4)
    expect(witnesses.confirm(NOVEL, LOG, 'a', 5)).toBe(false)
    expect(witnesses.confirm(NOVEL, LOG, 'a', 4)).toBe(true)
    expect(witnesses.confirm(NOVEL, LOG, 'b', 5)).toBe(true)
  })

  it('are of one incarnation', () => {
    const witnesses = new Witnesses(10)
    witnesses.present(NOVEL, LOG, 'b', 9)
    const other = payloadOf('o', 16)
    expect(witnesses.confirm(NOVEL, other, 'a', 1)).toBe(false)
    witnesses.present(NOVEL, other, 'b', 1)
    expect(witnesses.confirm(NOVEL, LOG, 'a', 1)).toBe(false)
    expect(witnesses.confirm(NOVEL, other, 'a', 1)).toBe(true)
  })

  it('two of which answer any device as all of them would', () => {
    const shown = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 9 }))
    fc.assert(
      fc.property(
        fc.array(shown),
        fc.constantFrom('a', 'b', 'c', 'd'),
        fc.integer({ min: 1, max: 9 }),
        (all, asker, at) => {
          const witnesses = new Witnesses(10)
          for (const [device, index] of all) witnesses.present(NOVEL, LOG, device, index)
          const expected = all.some(([device, index]) => device !== asker && index >= at)
          expect(witnesses.confirm(NOVEL, LOG, asker, at)).toBe(expected)
        },
      ),
    )
  })

  it('of the document that was shown longest ago are forgotten first', () => {
    const witnesses = new Witnesses(2)
    for (const name of ['one', 'two', 'one', 'three']) witnesses.present(name, LOG, 'b', 1)
    expect(witnesses.size).toBe(2)
    expect(['one', 'two', 'three'].map((name) => witnesses.confirm(name, LOG, 'a', 1))).toEqual([true, false, true])
  })
})
