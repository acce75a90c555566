import { describe, expect, it } from 'vitest'
import { Turns } from '../../../relay/src/session/turns.ts'

const NOVEL = 'alice/novel'
const YOURS = { turn: 'YOURS', turnWaitMs: 0 }

describe('the turn at a document', () => {
  it('is one device’s at a time; the others wait, for no longer than it can last', () => {
    const turns = new Turns(60_000, 5_000)
    expect(turns.ask(NOVEL, 'a', null, 0)).toEqual(YOURS)
    expect(turns.ask(NOVEL, 'b', null, 0)).toEqual({ turn: 'WAIT', turnWaitMs: 5_000 })
    expect(turns.ask(NOVEL, 'b', null, 58_000)).toEqual({ turn: 'WAIT', turnWaitMs: 2_000 })
    expect(turns.ask('alice/other', 'b', null, 0)).toEqual(YOURS)
    expect(turns.ask(NOVEL, 'b', null, 60_000)).toEqual(YOURS)
    expect(turns.ask(NOVEL, 'a', null, 60_000).turn).toBe('WAIT')
  })

  it('is kept by asking again', () => {
    const turns = new Turns(60_000, 5_000)
    turns.ask(NOVEL, 'a', null, 0)
    expect(turns.ask(NOVEL, 'a', null, 59_000)).toEqual(YOURS)
    expect(turns.ask(NOVEL, 'b', null, 118_999).turn).toBe('WAIT')
    expect(turns.ask(NOVEL, 'b', null, 119_000)).toEqual(YOURS)
  })

  it('ends when its holder says so, and nobody else', () => {
    const turns = new Turns(60_000, 5_000)
    turns.ask(NOVEL, 'a', null, 0)
    turns.end(NOVEL, 'b')
    expect(turns.ask(NOVEL, 'b', null, 0).turn).toBe('WAIT')
    turns.end(NOVEL, 'a')
    expect(turns.ask(NOVEL, 'b', null, 0)).toEqual(YOURS)
  })

  it('ends with the connection that holds it, which is the newest that asked', () => {
    const turns = new Turns(60_000, 5_000)
    const [first, second] = [{}, {}]
    turns.ask(NOVEL, 'a', first, 0)
    turns.ask('alice/other', 'a', first, 0)
    turns.ask(NOVEL, 'a', second, 0)
    turns.closed(first)
    expect(turns.ask('alice/other', 'b', null, 0)).toEqual(YOURS)
    expect(turns.ask(NOVEL, 'b', null, 0).turn).toBe('WAIT')
    turns.closed(second)
    expect(turns.ask(NOVEL, 'b', null, 0)).toEqual(YOURS)
  })

  it('of a device that came back over HTTP does not end with its old connection', () => {
    const turns = new Turns(60_000, 5_000)
    const connection = {}
    turns.ask(NOVEL, 'a', connection, 0)
    turns.ask(NOVEL, 'a', null, 0)
    turns.closed(connection)
    expect(turns.ask(NOVEL, 'b', null, 0).turn).toBe('WAIT')
  })

  it('is forgotten by the sweep when it has ended', () => {
    const turns = new Turns(60_000, 5_000)
    turns.ask(NOVEL, 'a', {}, 0)
    turns.ask('alice/other', 'a', null, 30_000)
    turns.sweep(60_000)
    expect(turns.size).toBe(1)
    turns.sweep(90_000)
    expect(turns.size).toBe(0)
  })
})
