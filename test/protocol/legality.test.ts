// docs/protocol.md is normative: its tables are read here, and the code is held to them, and the other way round.
import { readFileSync } from 'node:fs'
import {
  CLOSE_CODE,
  CODE,
  type Code,
  DEVICE_CHANNEL,
  DEVICE_SESSION,
  deviceVerdict,
  FRAME_TYPE,
  RELAY_CHANNEL,
  RELAY_SESSION,
  RETRYABLE,
  relayVerdict,
} from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')

describe('the tables of who may send what when', () => {
  it.each([
    ['RELAY_SESSION', RELAY_SESSION],
    ['RELAY_CHANNEL', RELAY_CHANNEL],
    ['DEVICE_SESSION', DEVICE_SESSION],
    ['DEVICE_CHANNEL', DEVICE_CHANNEL],
  ])('%s is as documented', (name, table) => {
    expect(table).toEqual(tableAfter(`<!-- table: ${name} -->`))
  })

  it('leaves no frame out of a session', () => {
    expect(Object.keys(RELAY_SESSION).sort()).toEqual(Object.keys(FRAME_TYPE).sort())
    expect(Object.keys(DEVICE_SESSION).sort()).toEqual(Object.keys(FRAME_TYPE).sort())
  })

  it('asks the channel only about frames that have one', () => {
    expect(namesWith(RELAY_SESSION, 'channel')).toEqual(Object.keys(RELAY_CHANNEL).sort())
    expect(namesWith(DEVICE_SESSION, 'channel')).toEqual(Object.keys(DEVICE_CHANNEL).sort())
  })

  it('joins session and channel into one verdict', () => {
    expect(relayVerdict('AWAITING_HELLO', 'OPEN', 'CLOSED')).toBe('malformed')
    expect(relayVerdict('VERIFYING', 'PUSH', 'CLOSED')).toBe('buffer')
    expect(relayVerdict('READY', 'PUSH', 'CLOSED')).toBe('malformed')
    expect(relayVerdict('READY', 'PUSH', 'OPEN')).toBe('accept')
    expect(relayVerdict('READY', 'LEASE', 'OPEN')).toBe('accept')
    expect(relayVerdict('READY', 'AWARENESS', 'OPEN')).toBe('ignore')
    expect(deviceVerdict('READY', 'ENTRIES', 'LINGERING')).toBe('accept')
    expect(relayVerdict('ANSWERING', 'PUSH', 'CLOSED')).toBe('buffer')
    expect(relayVerdict('READY', 'SYNCED', 'OPEN')).toBe('malformed')
    expect(relayVerdict('CLOSED', 'HELLO', 'CLOSED')).toBe('ignore')
    expect(deviceVerdict('AWAITING_WELCOME', 'ENTRIES', 'OPENING')).toBe('malformed')
    expect(deviceVerdict('READY', 'ENTRIES', 'OPENING')).toBe('malformed')
    expect(deviceVerdict('READY', 'ENTRIES', 'OPEN')).toBe('accept')
    expect(deviceVerdict('READY', 'SNAPSHOT', 'OPEN')).toBe('accept')
    expect(deviceVerdict('READY', 'DONE', 'CLOSED')).toBe('accept')
  })
})

describe('the numbers', () => {
  it('has every frame under its documented type', () => {
    const documented = [...page.matchAll(/^### ([A-Z_]+) (0x[0-9a-f]{2}), /gm)].map(([, name, type]) => [
      name,
      Number(type),
    ])
    expect(Object.fromEntries(documented)).toEqual(FRAME_TYPE)
  })

  it('has every code as documented: number, close code, whether to retry', () => {
    const rows = rowsAfter('## Numbers')
    const numbers = Object.fromEntries(rows.map(([name, number]) => [name, Number(number)]))
    const closeCodes = rows.filter(([, , close]) => close !== '').map(([name, , close]) => [name, Number(close)])
    expect(numbers).toEqual(CODE)
    expect(Object.fromEntries(closeCodes)).toEqual(CLOSE_CODE)
    expect(new Set(rows.filter(([, , , retry]) => retry === 'yes').map(([name]) => name as Code))).toEqual(RETRYABLE)
  })

  it('counts codes without a gap', () => {
    expect(Object.values(CODE)).toEqual(Object.values(CODE).map((_, index) => index))
  })
})

function namesWith(table: Readonly<Record<string, object>>, cell: string): string[] {
  const rows = Object.entries(table).filter(([, row]) => (Object.values(row) as string[]).includes(cell))
  return rows.map(([name]) => name).sort()
}

function tableAfter(text: string): Record<string, Record<string, string>> {
  const [states, ...rows] = linesAfter(text)
  return Object.fromEntries(
    rows.map(([frame, ...cells]) => [
      frame,
      Object.fromEntries(cells.map((cell, index) => [states![index + 1], cell])),
    ]),
  )
}

function rowsAfter(text: string): string[][] {
  return linesAfter(text).slice(1)
}

/** The first table after `text`: its head and its rows, without the line between them. */
function linesAfter(text: string): string[][] {
  const start = page.indexOf(text)
  expect(start, `"${text}" in docs/protocol.md`).toBeGreaterThanOrEqual(0)
  const [table] = page.slice(start).match(/(^\|.*\n)+/m) ?? []
  const lines = table!.trim().split('\n')
  return [...lines.slice(0, 1), ...lines.slice(2)].map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}
