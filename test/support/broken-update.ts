// An update that decodes, and throws while Yjs integrates it: what a broken encoder or a hostile peer may push.
import * as Y from 'yjs'
import { inspectUpdate } from '../../client/src/document/update.ts'

export function brokenUpdate(clientId = 5): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = clientId
  const map = doc.getMap('m')
  map.set('a', 1)
  doc.getText('x').insert(0, 'hello')
  doc.getText('x').insert(2, 'zz')
  doc.getArray('r').push([1, 2, 3])
  map.set('a', new Y.Map())
  const good = Y.encodeStateAsUpdate(doc)
  for (let bit = 0; bit < good.length * 8; bit++) {
    const update = good.slice()
    update[bit >> 3]! ^= 1 << (bit & 7)
    if (!('reason' in inspectUpdate(update)) && throwsWhenApplied(update)) return update
  }
  throw new Error('No flipped bit breaks this update any more')
}

function throwsWhenApplied(update: Uint8Array): boolean {
  try {
    Y.applyUpdate(new Y.Doc(), update)
    return false
  } catch {
    return true
  }
}
