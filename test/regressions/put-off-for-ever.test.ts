// What was put off and then never brought: where a token only read for a while, and where an observer deleted something.
// And what was brought too soon: by a device that only cleaned up after it.
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { TimedWorld } from '../support/timed-relays.ts'

const ASKED = { schedule: false } as const
const READS = 'alice/*:read'
const WRITES = 'alice/*:write'

describe('a token that only read, and writes from now on', () => {
  it('brings what another relay gave meanwhile, though nothing is edited here', async () => {
    const world = new TimedWorld()
    const [near, far] = world.relays
    let token = READS
    const a = await world.device(ASKED)
    const b = await world.device({ ...ASKED, relays: [near.url, { url: far.url, token: () => token }] })
    a.type('Call me Ishmael.')
    await a.sync()
    await b.sync()
    far.isOutOfReachOf = (device) => device === a
    a.type(' Loomings.')
    await a.sync()
    for (let bursts = 0; bursts < 3; bursts++) await b.sync()
    expect(far.text).toBe('Call me Ishmael.')
    token = WRITES
    for (let bursts = 0; bursts < 2; bursts++) await b.sync()
    expect(far.text).toBe(b.text)
  })

  it('gives a relay its data back that lost it meanwhile', async () => {
    const world = new TimedWorld()
    const [, far] = world.relays
    let token = READS
    const a = await world.device(ASKED)
    const b = await world.device({ ...ASKED, relays: [{ url: far.url, token: () => token }] })
    a.type('Call me Ishmael.')
    await a.sync()
    await b.sync()
    far.wipe()
    for (let bursts = 0; bursts < 2; bursts++) await b.sync()
    expect(far.entries).toHaveLength(0)
    token = WRITES
    for (let bursts = 0; bursts < 2; bursts++) await b.sync()
    expect(far.text).toBe('Call me Ishmael.')
  })
})

it('what an observer deleted is on the relay when a burst that is asked for after it is complete', async () => {
  const world = new TimedWorld()
  const [near] = world.relays
  const options = { ...ASKED, relays: [near.url] }
  const [a, b] = [await world.device(options), await world.device(options)]
  const text = b.novel.doc.getText('t')
  text.observe((_event, { local }) => {
    const at = text.toString().indexOf('x')
    if (!local && at >= 0) text.delete(at, 1)
  })
  a.type('axb')
  await a.sync()
  await b.sync()
  expect([b.text, near.text]).toEqual(['ab', 'axb'])
  expect(await b.sync()).toMatchObject({ complete: true })
  expect(near.text).toBe('ab')
})

it('who cleans up after what was just learned leaves it to its author to bring', async () => {
  const world = new TimedWorld()
  const [near, far] = world.relays
  const [a, b] = [await world.device(ASKED), await world.device(ASKED)]
  const others = await Promise.all(Array.from({ length: 4 }, () => world.device({ schedule: { everyMs: 2_000 } })))
  // Yjs cleans up a text that it knows to be one.
  for (const other of others) other.novel.doc.getText('t')
  // Whose marks are cleaned up is decided by who comes first.
  a.novel.doc.clientID = 1
  b.novel.doc.clientID = 2
  a.type('Call me Ishmael.')
  await a.sync()
  await b.sync()
  await world.pass(3_000)
  b.novel.doc.getText('t').format(12, 2, { bold: true })
  const text = a.novel.doc.getText('t')
  text.delete(0, 14)
  text.format(0, 2, { bold: true })
  await b.sync()
  await world.pass(3_000)
  const before = far.entries.length
  a.holdUp(far)
  const ended = a.tidemark.sync()
  await world.pass(15_000)
  expect(near.entries.length).toBeGreaterThan(before)
  for (const other of others) expect(other.text).toBe(a.text)
  const structs = far.entries.slice(before).flatMap(({ payload }) => Y.decodeUpdate(payload).structs)
  expect(structs).toEqual([])
  a.letGo(far)
  await world.until(ended)
  expect(far.text).toBe(a.text)
})
