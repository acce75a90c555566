// Large payloads under way: what stands in rows, and what comes of it after a restart.
import { describe, expect, it } from 'vitest'
import { ChangeSet } from '../../../client/src/document/change-set.ts'
import { Incoming } from '../../../client/src/document/incoming.ts'
import { isLarge, mayLeave, newOutgoing, noteStaged } from '../../../client/src/document/outgoing.ts'
import { decodeRow, encodeRow, type Row } from '../../../client/src/document/rows.ts'
import { incomingOf, outgoingOf } from '../../../client/src/document/stored-document.ts'

const ID = new Uint8Array(16).fill(5)
const RELAY = 'ws://relay.test'

function stored(rows: readonly Row[]): Parameters<typeof incomingOf>[0] {
  return rows.map((row, i) => ({ id: i + 1, byteLength: 0, row: decodeRow(encodeRow(row)) }))
}

function piece(offset: number, bytes: readonly number[], total = 6): Parameters<Incoming['continues']>[0] {
  return { of: 'entry', id: ID, format: 1, total, offset, bytes: Uint8Array.from(bytes) }
}

describe('a payload that comes in pieces', () => {
  it('is gathered in order, and taken up again from its rows', () => {
    const incoming = new Incoming(piece(0, []))
    const rows: Row[] = []
    for (const next of [piece(0, [1, 2]), piece(2, [3])]) {
      expect(incoming.continues(next)).toBe(true)
      incoming.add(next.bytes)
      const row = incoming.takeUnstored(RELAY)
      if (row !== null) rows.push(row)
    }
    expect(incoming.takeUnstored(RELAY)).toBeNull()
    expect(incoming.continues(piece(4, [9]))).toBe(false)
    const { incoming: later, useless } = incomingOf(stored(rows), RELAY)
    expect(useless).toEqual([])
    expect(later).toMatchObject({ received: 3, rowIds: [1, 2] })
    later?.add(Uint8Array.of(4, 5, 6))
    expect(later?.isWhole).toBe(true)
    expect(later?.payload()).toEqual(Uint8Array.of(1, 2, 3, 4, 5, 6))
  })

  it('is of no use where its rows do not fit together, or are another relay’s', () => {
    const row = (offset: number): Row => ({ kind: 'partial', relay: RELAY, ...piece(offset, [1, 2]) })
    expect(incomingOf(stored([row(0), row(4)]), RELAY)).toEqual({ incoming: null, useless: [1, 2] })
    expect(incomingOf(stored([row(2)]), RELAY)).toEqual({ incoming: null, useless: [1] })
    expect(incomingOf(stored([row(0)]), 'ws://other.test')).toEqual({ incoming: null, useless: [] })
  })

  it('is refused where it claims to be longer than anything', () => {
    expect(Incoming.accepts(piece(0, [1], 2 ** 40))).toBe(false)
    expect(Incoming.accepts(piece(3, [1]))).toBe(false)
  })
})

describe('a payload that goes in pieces', () => {
  it('may not leave before it is in the device store, and is asked for after a restart', () => {
    const changes = new ChangeSet()
    changes.structs.add(3, 0, 9)
    const large = newOutgoing({ id: ID, format: 17, payload: new Uint8Array(70_000) }, changes)
    expect([isLarge(large), mayLeave(large)]).toEqual([true, false])
    large.rowId = 4
    expect(mayLeave(large)).toBe(true)
    const row: Row = {
      kind: 'outgoing',
      relay: RELAY,
      id: ID,
      format: large.format,
      payload: large.payload,
      changes,
      mark: new Uint8Array(0),
    }
    const [later] = outgoingOf(stored([row]), RELAY)
    expect(later).toMatchObject({ rowId: 1, format: 17, sent: 0 })
    expect(later?.changes?.structs.ranges(3)).toEqual([{ start: 0, end: 9 }])
  })

  it('was plain in a row of before there was encryption', () => {
    const changes = new ChangeSet()
    const row: Row = { kind: 'outgoing', relay: RELAY, id: ID, format: 17, payload: ID, changes, mark: ID }
    const before = encodeRow(row).slice(0, -1)
    expect(decodeRow(before)).toMatchObject({ kind: 'outgoing', format: 1 })
  })

  it('is known by what the relay says that it holds, and no more', () => {
    const outgoing = newOutgoing({ id: ID, format: 256, payload: new Uint8Array(10) }, null)
    outgoing.sent = 8
    noteStaged(outgoing, 4)
    expect(outgoing).toMatchObject({ staged: 4, sent: 8 })
    noteStaged(outgoing, 99)
    expect(outgoing).toMatchObject({ staged: 10, sent: 10 })
  })
})
