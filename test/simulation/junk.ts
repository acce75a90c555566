// Bytes that no honest device pushes: broken, hostile, or of a format that nobody reads. What a reader cannot take in at all
// it must hold, and what it can take in must be the same for everybody.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { FORMAT_YJS_1 } from '../../client/src/document/format.ts'
import { inspectUpdate } from '../../client/src/document/update.ts'
import type { Random } from './random.ts'

export interface Junk {
  readonly payload: Uint8Array
  readonly format: number
}

export const JUNK = [
  'noise',
  'cut off',
  'flipped',
  'format 2 as 1',
  'format 2',
  'many structs',
  'long range',
  'long deletion',
  'deep',
  'gap',
  'future deletion',
] as const
export type JunkKind = (typeof JUNK)[number]

/** Nobody else writes under these. */
const STRANGERS_FROM = 2 ** 31

/** @param clients those of honest devices */
export function junkOf(kind: JunkKind, random: Random, clients: readonly number[]): Junk {
  const plain = (payload: Uint8Array): Junk => ({ payload, format: FORMAT_YJS_1 })
  switch (kind) {
    case 'noise':
      return plain(random.bytes(random.between(1, 40)))
    case 'cut off': {
      const update = strangersUpdate(random)
      return plain(update.slice(0, random.between(1, update.length - 1)))
    }
    case 'flipped':
      return plain(flipped(random))
    case 'format 2 as 1':
      return plain(Y.convertUpdateFormatV1ToV2(strangersUpdate(random)))
    case 'format 2':
      return { payload: Y.convertUpdateFormatV1ToV2(strangersUpdate(random)), format: 2 }
    case 'many structs':
      return plain(varuints(1, 32_000_000, 7, random.between(0, 99)))
    case 'long range':
      return plain(Uint8Array.from([...varuints(1, 1, 7, 0), 0, ...varuints(2 ** 52, random.between(0, 99))]))
    case 'long deletion':
      return plain(varuints(0, 1, random.between(1, 99), 1, 0, 2 ** 52))
    case 'deep':
      return plain(nested(60_000 + random.between(0, 9)))
    case 'gap':
      return plain(secondUpdateOnly(random))
    case 'future deletion':
      return plain(varuints(0, 1, clients.length === 0 ? 1 : random.pick(clients), 1, random.between(20, 60), 2))
  }
}

function strangersDoc(random: Random): Y.Doc {
  const doc = new Y.Doc()
  doc.clientID = STRANGERS_FROM + random.between(0, 2 ** 20)
  doc.getText('text').insert(0, 'a word of a stranger')
  doc.getMap('map').set('s', random.between(0, 9))
  return doc
}

function strangersUpdate(random: Random): Uint8Array {
  return Y.encodeStateAsUpdate(strangersDoc(random))
}

/** Three bits at most; still of nobody but strangers, so that two contents never stand under one id of an honest device. */
function flipped(random: Random): Uint8Array {
  for (;;) {
    const update = strangersUpdate(random)
    for (let flips = random.between(1, 3); flips > 0; flips--) {
      const bit = random.between(0, update.length * 8 - 1)
      update[bit >> 3] = (update[bit >> 3] as number) ^ (1 << (bit & 7))
    }
    const changes = inspectUpdate(update)
    if ('reason' in changes || [...changes.structs.clients()].every((client) => client >= STRANGERS_FROM)) return update
  }
}

/** What came before it is nowhere. */
function secondUpdateOnly(random: Random): Uint8Array {
  const doc = strangersDoc(random)
  const state = Y.encodeStateVector(doc)
  doc.getText('text').insert(4, 'lost ')
  return Y.encodeStateAsUpdate(doc, state)
}

/** An item whose content is nested so deep that no stack holds its reader. */
function nested(depth: number): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = STRANGERS_FROM
  doc.getArray('list').insert(0, ['@'])
  const update = Y.encodeStateAsUpdate(doc)
  const at = update.lastIndexOf('@'.charCodeAt(0)) - 2
  const deep = new Uint8Array(2 * depth + 1)
  for (let i = 0; i < depth; i++) deep.set([117, 1], 2 * i) // An array of one.
  deep[2 * depth] = 126 // null
  return Uint8Array.from([...update.subarray(0, at), ...deep, ...update.subarray(at + 3)])
}

function varuints(...numbers: readonly number[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const number of numbers) encoding.writeVarUint(encoder, number)
  return encoding.toUint8Array(encoder)
}
