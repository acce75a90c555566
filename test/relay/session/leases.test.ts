import { describe, expect, it } from 'vitest'
import { Leases } from '../../../relay/src/session/leases.ts'

const NOVEL = 'alice/novel'

describe('a lease', () => {
  it('is given to one device at a time, for each document, under a fence of its own', () => {
    const leases = new Leases(100)
    expect(leases.isHeld(NOVEL, 0)).toBe(false)
    expect(leases.grant(NOVEL, 'a', 3, 0)).toMatchObject({ fence: 1, base: 3 })
    expect(leases.grant(NOVEL, 'b', 3, 50)).toBeNull()
    expect(leases.grant('alice/other', 'b', 0, 50)?.fence).toBe(2)
    expect([leases.isHeld(NOVEL, 99), leases.isHeld(NOVEL, 100)]).toEqual([true, false])
    expect(leases.grant(NOVEL, 'b', 3, 100)?.fence).toBe(3)
  })

  it('is found by device and fence while it is current', () => {
    const leases = new Leases(100)
    leases.grant(NOVEL, 'a', 0, 0)
    expect(leases.find(NOVEL, 'a', 1, 99)).not.toBeNull()
    expect(leases.find(NOVEL, 'b', 1, 99)).toBeNull()
    expect(leases.find(NOVEL, 'a', 2, 99)).toBeNull()
    expect(leases.find(NOVEL, 'a', 1, 100)).toBeNull()
  })

  it('of the same device is given anew, and the earlier fence is void', () => {
    const leases = new Leases(100)
    leases.grant(NOVEL, 'a', 0, 0)
    expect(leases.grant(NOVEL, 'a', 5, 10)).toMatchObject({ fence: 2, base: 5 })
    expect(leases.find(NOVEL, 'a', 1, 20)).toBeNull()
    expect(leases.find(NOVEL, 'a', 2, 109)).not.toBeNull()
  })

  it('is extended by what is accepted under it, and by nothing else', () => {
    const leases = new Leases(100)
    const first = leases.grant(NOVEL, 'a', 0, 0)
    leases.extend(NOVEL, first!, 90)
    expect(leases.isHeld(NOVEL, 189)).toBe(true)
    leases.extend(NOVEL, first!, 190)
    expect(leases.isHeld(NOVEL, 190)).toBe(false)
    leases.grant(NOVEL, 'b', 0, 200)
    leases.extend(NOVEL, first!, 250)
    expect(leases.isHeld(NOVEL, 300)).toBe(false)
  })

  it('is ended by its holder, not by one who held it before', () => {
    const leases = new Leases(100)
    const first = leases.grant(NOVEL, 'a', 0, 0)
    const second = leases.grant(NOVEL, 'b', 0, 100)
    leases.end(NOVEL, first!)
    expect(leases.isHeld(NOVEL, 100)).toBe(true)
    leases.end(NOVEL, second!)
    expect(leases.isHeld(NOVEL, 100)).toBe(false)
  })

  it('is forgotten by the sweep once it is lost', () => {
    const leases = new Leases(100)
    leases.grant(NOVEL, 'a', 0, 0)
    leases.grant('alice/other', 'a', 0, 50)
    leases.sweep(100)
    expect(leases.size).toBe(1)
    leases.sweep(150)
    expect(leases.size).toBe(0)
  })
})
