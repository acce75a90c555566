// Yjs updates (format 1) as change sets and back. Reads payloads of strangers, so it bounds before it trusts.
// Source of the format: yjs 13.6, src/utils/encoding.js and DeleteSet.js.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { ChangeSet } from './change-set.ts'
import type { IdSet } from './id-set.ts'

/** No honest document has a client with more operations; a larger clock poisons the state vector of all who apply it. */
const CLOCK_MAX = 2 ** 40

type Struct = Y.Item | Y.GC | Y.Skip

/** What an update carries, or why it cannot be applied. Has no side effects and allocates no more than the bytes explain. */
export function inspectUpdate(update: Uint8Array): ChangeSet | { readonly reason: string } {
  try {
    const decoder = decoding.createDecoder(update)
    const { structs, ds } = Y.decodeUpdateV2(update, decoderOn(decoder))
    // A format 2 update reads as an empty one of format 1, and more.
    if (decoding.hasContent(decoder)) return { reason: 'more bytes than an update of format 1 has' }
    const changes = new ChangeSet()
    for (const struct of structs as readonly Struct[]) {
      const end = struct.id.clock + struct.length
      if (!(struct.length > 0) || end > CLOCK_MAX) return { reason: `a struct of length ${struct.length}` }
      if (!(struct instanceof Y.Skip)) changes.structs.add(struct.id.client, struct.id.clock, end)
    }
    for (const [client, ranges] of ds.clients) {
      for (const { clock, len } of ranges) {
        if (clock + len > CLOCK_MAX) return { reason: `a deletion of length ${len}` }
        changes.deletes.add(client, clock, clock + len)
      }
    }
    return changes
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}

/** For yjs's decodeUpdateV2, which is generic in the format: format 1, on a decoder that says afterwards how far it got. */
function decoderOn(decoder: decoding.Decoder): typeof Y.UpdateDecoderV1 {
  return class extends Y.UpdateDecoderV1 {
    constructor() {
      super(decoder)
    }
  }
}

/** Everything that a document has integrated. */
export function changesOfDocument(doc: Y.Doc): ChangeSet {
  const changes = new ChangeSet()
  for (const [client, structs] of doc.store.clients) {
    const last = structs[structs.length - 1]
    if (last !== undefined) changes.structs.add(client, 0, last.id.clock + last.length)
    for (const struct of structs) {
      if (struct.deleted) changes.deletes.add(client, struct.id.clock, struct.id.clock + struct.length)
    }
  }
  return changes
}

/** What the document was given but cannot integrate yet; it stands in no struct store and no delete set. Null: nothing. */
export function pendingUpdate(doc: Y.Doc): Uint8Array | null {
  const { pendingStructs, pendingDs } = doc.store
  const updates = [
    ...(pendingStructs === null ? [] : [pendingStructs.update]),
    ...(pendingDs === null ? [] : [pendingDs]),
  ]
  return updates.length === 0 ? null : Y.convertUpdateFormatV2ToV1(Y.mergeUpdatesV2(updates))
}

/** What `pendingUpdate` carries. */
export function changesOfPending(doc: Y.Doc): ChangeSet {
  const update = pendingUpdate(doc)
  const changes = update === null ? new ChangeSet() : inspectUpdate(update)
  return 'reason' in changes ? new ChangeSet() : changes
}

/** All that the document was ever given, also what it cannot integrate. */
export function changesGivenTo(doc: Y.Doc): ChangeSet {
  const changes = changesOfDocument(doc)
  changes.addAll(changesOfPending(doc))
  return changes
}

/** The structs of `changes` that the document has not integrated. */
export function structsBeyond(doc: Y.Doc, { structs }: ChangeSet): ChangeSet {
  const beyond = new ChangeSet(structs.copy())
  for (const client of structs.clients()) beyond.structs.remove(client, 0, Y.getState(doc.store, client))
  return beyond
}

/** What of `changes` the document was never given: cost follows the changes, not the document. */
export function changesNewTo(doc: Y.Doc, changes: ChangeSet): ChangeSet {
  const fresh = changes.without(changesOfPending(doc))
  for (const client of changes.structs.clients()) fresh.structs.remove(client, 0, Y.getState(doc.store, client))
  for (const client of changes.deletes.clients()) {
    const state = Y.getState(doc.store, client)
    const structs = doc.store.clients.get(client) ?? []
    for (const range of changes.deletes.ranges(client)) {
      const end = Math.min(range.end, state)
      if (range.start >= end) continue
      for (let i = Y.findIndexSS(structs, range.start); i < structs.length; i++) {
        const { id, length, deleted } = structs[i] as Y.Item | Y.GC
        if (id.clock >= end) break
        if (deleted) fresh.deletes.remove(client, id.clock, id.clock + length)
      }
    }
  }
  return fresh
}

/** What one transaction added and deleted; call it from Yjs's 'update' event. */
export function changesOfTransaction(transaction: Y.Transaction): ChangeSet {
  const changes = new ChangeSet()
  for (const [client, clock] of transaction.afterState) {
    changes.structs.add(client, transaction.beforeState.get(client) ?? 0, clock)
  }
  for (const [client, ranges] of transaction.deleteSet.clients) {
    for (const { clock, len } of ranges) changes.deletes.add(client, clock, clock + len)
  }
  return changes
}

/** Whether something of `changes` can only be integrated, or only has a meaning, where `base` is: cost follows the changes. */
export function buildsOn(doc: Y.Doc, changes: ChangeSet, base: ChangeSet): boolean {
  if (base.structs.isEmpty) return false
  const isBase = (id: Y.ID | null): boolean => id !== null && base.structs.has(id.client, id.clock)
  for (const client of changes.structs.clients()) {
    for (const { start } of changes.structs.ranges(client)) if (base.structs.has(client, start - 1)) return true
    for (const { struct } of runOf(doc, client, changes.structs)?.pieces ?? []) {
      if (struct instanceof Y.Item && [struct.origin, struct.rightOrigin, parentOf(struct)].some(isBase)) return true
    }
  }
  return base.structs.intersects(changes.deletes)
}

/** Null: it stands at the top of the document. */
function parentOf({ parent }: Y.Item): Y.ID | null {
  if (parent instanceof Y.AbstractType) return parent._item?.id ?? null
  return parent instanceof Y.ID ? parent : null
}

/**
 * The update that carries exactly `changes`, as far as the document has them: cost follows what changed, not the document.
 * Its delete set also holds every deleted range among the structs that it carries: a reader that holds such a struct
 * alive would otherwise keep it alive, while the pusher believes the deletion known. Null when there is nothing.
 */
export function encodeChanges(doc: Y.Doc, changes: ChangeSet): Uint8Array | null {
  const runs: Run[] = []
  const deletes = changes.deletes.copy()
  for (const client of [...changes.structs.clients()].sort((a, b) => b - a)) {
    const run = runOf(doc, client, changes.structs)
    if (run === null) continue
    runs.push(run)
    for (const { struct, start, end } of run.pieces) if (struct.deleted) deletes.add(client, start, end)
  }
  if (runs.length === 0 && deletes.isEmpty) return null

  const encoder = new Y.UpdateEncoderV1()
  encoding.writeVarUint(encoder.restEncoder, runs.length)
  for (const run of runs) writeRun(encoder, run)
  deletes.write(encoder.restEncoder)
  return encoder.toUint8Array()
}

interface Run {
  readonly client: number
  readonly pieces: readonly Piece[]
}

/** The part of a struct between two clocks. */
interface Piece {
  readonly struct: Y.Item | Y.GC
  readonly start: number
  readonly end: number
}

function runOf(doc: Y.Doc, client: number, wanted: IdSet): Run | null {
  const structs = doc.store.clients.get(client)
  const last = structs?.[structs.length - 1]
  if (structs === undefined || last === undefined) return null
  const state = last.id.clock + last.length
  const pieces: Piece[] = []
  for (const range of wanted.ranges(client)) {
    const stop = Math.min(range.end, state)
    if (range.start >= stop) continue
    for (let i = Y.findIndexSS(structs, range.start); i < structs.length; i++) {
      const struct = structs[i] as Y.Item | Y.GC
      if (struct.id.clock >= stop) break
      const end = Math.min(stop, struct.id.clock + struct.length)
      pieces.push(withWholePairs({ struct, start: Math.max(range.start, struct.id.clock), end }))
    }
  }
  return pieces.length === 0 ? null : { client, pieces }
}

/** Half a surrogate pair would be written as U+FFFD: widen the piece to the whole pair. */
function withWholePairs({ struct, start, end }: Piece): Piece {
  if (!(struct instanceof Y.Item && struct.content instanceof Y.ContentString)) return { struct, start, end }
  const text = struct.content.str
  const splitsPair = (at: number): boolean => /^[\uD800-\uDBFF][\uDC00-\uDFFF]/.test(text.slice(at - 1, at + 1))
  const { clock } = struct.id
  return {
    struct,
    start: splitsPair(start - clock) ? start - 1 : start,
    end: splitsPair(end - clock) ? end + 1 : end,
  }
}

function writeRun(encoder: Y.UpdateEncoderV1, { client, pieces }: Run): void {
  const first = pieces[0] as Piece
  const gaps = pieces.filter((piece, i) => i > 0 && (pieces[i - 1] as Piece).end < piece.start).length
  encoding.writeVarUint(encoder.restEncoder, pieces.length + gaps)
  encoder.writeClient(client)
  encoding.writeVarUint(encoder.restEncoder, first.start)
  let clock = first.start
  for (const piece of pieces) {
    if (piece.start > clock) new Y.Skip(Y.createID(client, clock), piece.start - clock).write(encoder, 0)
    writePiece(encoder, piece)
    clock = piece.end
  }
}

function writePiece(encoder: Y.UpdateEncoderV1, { struct, start, end }: Piece): void {
  const { clock } = struct.id
  if (struct instanceof Y.GC) {
    new Y.GC(Y.createID(struct.id.client, start), end - start).write(encoder, 0)
  } else if (end === clock + struct.length) {
    struct.write(encoder, start - clock)
  } else {
    // Item.write always goes to the end of its content: let it see a content that ends sooner. The left part of a
    // split item keeps its right origin (yjs, splitItem), so nothing else differs.
    const content = struct.content.copy()
    content.splice(end - clock)
    const cut: Y.Item = Object.create(struct, { content: { value: content } })
    cut.write(encoder, start - clock)
  }
}
