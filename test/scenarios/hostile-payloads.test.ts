// Case 22, from the device's side: a peer with a valid token puts bytes into a log that are made to hurt whoever reads them.
import * as encoding from 'lib0/encoding'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { World } from '../support/world.ts'

function varuints(...numbers: readonly number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of numbers) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}

const GC = 0
const NO_DELETES = 0

/** An item whose content is nested so deep that no stack holds its reader. */
function nested(depth: number): Uint8Array {
  const doc = new Y.Doc()
  doc.getArray('list').insert(0, ['@'])
  const update = Y.encodeStateAsUpdate(doc)
  const at = update.lastIndexOf('@'.charCodeAt(0)) - 2
  const deep = new Uint8Array(2 * depth + 1)
  for (let i = 0; i < depth; i++) deep.set([117, 1], 2 * i) // an array of one
  deep[2 * depth] = 126 // null
  return Uint8Array.from([...update.subarray(0, at), ...deep, ...update.subarray(at + 3)])
}

const HOSTILE: readonly (readonly [string, Uint8Array])[] = [
  ['32 million structs in a few bytes', varuints(1, 32_000_000, 7, 0)],
  ['2^53 structs', varuints(1, 2 ** 53 - 1, 7, 0)],
  [
    'a garbage-collected range of 2^52',
    Uint8Array.from([...varuints(1, 1, 7, 0), GC, ...varuints(2 ** 52), NO_DELETES]),
  ],
  ['a deletion of 2^52 of a client that nobody knows', varuints(0, 1, 7, 1, 0, 2 ** 52)],
  ['4 million clients that hold nothing', varuints(4_000_000, 0, 1, 0)],
  ['content nested 60,000 deep', nested(60_000)],
  ['nothing at all', Uint8Array.of(0)],
]

describe('case 22: a hostile peer with a valid token', () => {
  it.each(HOSTILE)('%s: no device is hurt, nothing is lost, and the document syncs on', async (_name, payload) => {
    const world = new World()
    const [a, b] = [world.device(), world.device()]
    await a.burst(1, 'mine ')
    await b.open()
    await b.sync()
    await world.append(payload)
    for (const device of [a, b]) expect(await device.sync()).toMatchObject({ complete: true })
    await a.burst(1, 'on ')
    await b.sync()
    expect(await b.text()).toBe('on mine ')
    expect(await a.text()).toBe('on mine ')
    const { doc } = await a.open()
    expect([...Y.decodeStateVector(Y.encodeStateVector(doc)).values()].every((clock) => clock < 1_000)).toBe(true)
    // Also where it is read first of all, and after a restart.
    const c = world.device()
    await c.open()
    await c.sync()
    c.crash()
    await c.sync()
    expect(await c.text()).toBe('on mine ')
  })

  it('a range of a client that is somebody else: that one takes another id, and can write on', async () => {
    const world = new World()
    const a = world.device()
    await a.burst(1, 'mine ')
    const { doc } = await a.open()
    await world.append(Uint8Array.from([...varuints(1, 1, doc.clientID, 5), GC, ...varuints(9), NO_DELETES]))
    await a.sync()
    await a.burst(2, 'on ')
    const b = world.device()
    await b.open()
    await b.sync()
    expect(await b.text()).toBe(await a.text())
    expect(await a.text()).toContain('on on mine')
  })
})
