// Writers who edit and meet at random, the log that comes of it, and the ways in which a device may come by that log.
// What is said of a document's state must be the same at the end of all of them.
import * as Y from 'yjs'
import { type EditKind, edit, type Manuscript, manuscriptOf } from '../../simulation/edits.ts'
import type { Random } from '../../simulation/random.ts'

const REMOTE = 'remote'

/** Formats are apart: Yjs cleans them up in a document whose types an app has asked for. */
export const PLAIN_KINDS: Readonly<Record<string, readonly EditKind[]>> = {
  text: ['text', 'delete'],
  map: ['map'],
  array: ['array'],
  nested: ['nested'],
  xml: ['xml'],
  undo: ['text', 'delete', 'map', 'array', 'undo'],
}
export const EVERYTHING: readonly EditKind[] = ['text', 'delete', 'rich', 'map', 'array', 'nested', 'xml', 'undo']
export const ALL_KINDS: Readonly<Record<string, readonly EditKind[]>> = {
  ...PLAIN_KINDS,
  rich: ['rich', 'delete'],
  everything: EVERYTHING,
}

/** Three writers, one of whom collects no garbage. The log holds every update of theirs, clean-up of formats included. */
export function writeLog(random: Random, kinds: readonly EditKind[], steps = 40): Uint8Array[] {
  const log: Uint8Array[] = []
  const manuscripts: Manuscript[] = [true, true, false].map((gc, i) => {
    const doc = new Y.Doc({ gc })
    doc.clientID = 1000 * (i + 1) + random.between(0, 999)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== REMOTE) log.push(update)
    })
    return manuscriptOf(doc)
  })
  for (let step = 0; step < steps; step++) {
    const manuscript = random.pick(manuscripts)
    edit(manuscript, random.pick(kinds), random)
    if (random.chance(0.3)) meet(manuscript.doc, random.pick(manuscripts).doc)
  }
  for (const { doc, undo } of manuscripts) {
    undo.destroy()
    doc.destroy()
  }
  return log
}

/** A log with gaps. */
export function withoutSome(log: readonly Uint8Array[], count: number, random: Random): Uint8Array[] {
  const rest = [...log]
  for (let i = 0; i < count; i++) rest.splice(random.between(0, rest.length - 1), 1)
  return rest
}

function meet(one: Y.Doc, other: Y.Doc): void {
  const update = Y.encodeStateAsUpdate(one, Y.encodeStateVector(other))
  if (one !== other) Y.applyUpdate(other, update, REMOTE)
}

/** A document as each path gives it; `prepare` may bring its types into being before anything is applied. */
export function rebuiltAlongAllPaths(
  log: readonly Uint8Array[],
  random: Random,
  prepare: (doc: Y.Doc) => void = () => {},
): ReadonlyMap<string, Y.Doc> {
  const build = (updates: readonly Uint8Array[], gc = true): Y.Doc => {
    const doc = new Y.Doc({ gc })
    prepare(doc)
    for (const update of updates) Y.applyUpdate(doc, update)
    nudge(doc)
    return doc
  }
  const inOrder = build(log)
  const half = Y.encodeStateAsUpdate(build(log.slice(0, log.length / 2)))
  const viaV2 = new Y.Doc()
  prepare(viaV2)
  Y.applyUpdateV2(viaV2, Y.encodeStateAsUpdateV2(inOrder))
  nudge(viaV2)
  return new Map([
    ['in order', inOrder],
    ['shuffled', build(shuffled(log, random))],
    ['shuffled, gc off', build(shuffled(log, random), false)],
    ['merged', build([Y.mergeUpdates([...log])])],
    ['merged, shuffled', build([Y.mergeUpdates(shuffled(log, random))])],
    ['through a snapshot', build([Y.encodeStateAsUpdate(inOrder)])],
    ['through a snapshot of half, and all', build([half, ...shuffled(log, random)])],
    ['all, and a snapshot of half', build([...shuffled(log, random), half])],
    ['format 2', viaV2],
  ])
}

/** Frees what is complete and yet pending. */
export function nudge(doc: Y.Doc): void {
  if (doc.store.pendingStructs !== null) Y.applyUpdate(doc, Y.encodeStateAsUpdate(doc))
}

export function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items]
  for (let i = rest.length - 1; i > 0; i--) {
    const j = random.between(0, i)
    const kept = rest[i] as Item
    rest[i] = rest[j] as Item
    rest[j] = kept
  }
  return rest
}
