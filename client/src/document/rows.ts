// What a document's rows in the device store say. Row = kind, then what the kind needs; varuints and byte strings of lib0.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { ChangeSet } from './change-set.ts'
import { FORMAT_YJS_1 } from './format.ts'

export type Row = UpdatesRow | HeldRow | PartialRow | OutgoingRow

/** Yjs updates in format 1, in the order in which they are to be applied. */
export type UpdatesRow =
  /** Stands for every row of updates before it. Says nothing of what any relay has. */
  | { readonly kind: 'base'; readonly updates: readonly Uint8Array[] }
  /** Made on this device. */
  | { readonly kind: 'local'; readonly updates: readonly Uint8Array[] }
  /** Given by a relay, named by its URL. */
  | { readonly kind: 'relay'; readonly relay: string; readonly updates: readonly Uint8Array[] }

/** The relay of what was held, and is in no relay's log any more that this device knows. */
export const NO_RELAY = ''

/** An entry, or a snapshot, that this device cannot take in (yet). */
export interface HeldRow {
  readonly kind: 'held'
  readonly relay: string
  readonly entry: HeldEntry
}

export interface HeldEntry {
  readonly pushId: Uint8Array
  readonly format: number
  readonly payload: Uint8Array
}

/** The next bytes of a payload that a relay was giving when the connection ended. */
export interface PartialRow {
  readonly kind: 'partial'
  readonly relay: string
  /** Push id or snapshot id. */
  readonly id: Uint8Array
  readonly of: 'entry' | 'snapshot'
  readonly format: number
  readonly total: number
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A payload of more than one message on its way to a relay: it is not derived anew. */
export interface OutgoingRow {
  readonly kind: 'outgoing'
  readonly relay: string
  /** Push id or snapshot id. */
  readonly id: Uint8Array
  /** Of a push; of a snapshot it is of no account. */
  readonly format: number
  readonly payload: Uint8Array
  /** What a push carries; null: it is a snapshot. */
  readonly changes: ChangeSet | null
  /** Under which a snapshot was made; of a push empty. */
  readonly mark: Uint8Array
}

/** A kind's place is its number: new ones go to the end. */
const KINDS = ['base', 'local', 'relay', 'held', 'partial', 'outgoing'] as const
const PARTIALS = ['entry', 'snapshot'] as const

export function isUpdatesRow(row: Row): row is UpdatesRow {
  return row.kind === 'base' || row.kind === 'local' || row.kind === 'relay'
}

export function encodeRow(row: Row): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, KINDS.indexOf(row.kind))
  if ('relay' in row) encoding.writeVarString(encoder, row.relay)
  switch (row.kind) {
    case 'held':
      encoding.writeVarUint8Array(encoder, row.entry.pushId)
      encoding.writeVarUint(encoder, row.entry.format)
      encoding.writeVarUint8Array(encoder, row.entry.payload)
      break
    case 'partial':
      encoding.writeVarUint8Array(encoder, row.id)
      encoding.writeVarUint(encoder, PARTIALS.indexOf(row.of))
      for (const number of [row.format, row.total, row.offset]) encoding.writeVarUint(encoder, number)
      encoding.writeVarUint8Array(encoder, row.bytes)
      break
    case 'outgoing':
      encoding.writeVarUint8Array(encoder, row.id)
      encoding.writeVarUint8Array(encoder, row.payload)
      encoding.writeVarUint8Array(encoder, row.mark)
      encoding.writeVarUint(encoder, row.changes === null ? 0 : 1)
      row.changes?.write(encoder)
      encoding.writeVarUint(encoder, row.format)
      break
    default:
      encoding.writeVarUint(encoder, row.updates.length)
      for (const update of row.updates) encoding.writeVarUint8Array(encoder, update)
  }
  return encoding.toUint8Array(encoder)
}

/** @throws Error when these bytes are no row of a version that this program knows. */
export function decodeRow(bytes: Uint8Array): Row {
  const decoder = decoding.createDecoder(bytes)
  const number = decoding.readVarUint(decoder)
  const kind = KINDS[number]
  if (kind === undefined) throw new Error(`a row of unknown kind ${number}: it was written by a newer version`)
  if (kind === 'base' || kind === 'local') return { kind, updates: readUpdates(decoder) }
  const relay = decoding.readVarString(decoder)
  switch (kind) {
    case 'relay':
      return { kind, relay, updates: readUpdates(decoder) }
    case 'held': {
      const pushId = decoding.readVarUint8Array(decoder)
      const format = decoding.readVarUint(decoder)
      return { kind, relay, entry: { pushId, format, payload: decoding.readVarUint8Array(decoder) } }
    }
    case 'partial':
      return readPartial(decoder, relay)
    case 'outgoing': {
      const id = decoding.readVarUint8Array(decoder)
      const payload = decoding.readVarUint8Array(decoder)
      const mark = decoding.readVarUint8Array(decoder)
      const changes = decoding.readVarUint(decoder) === 0 ? null : ChangeSet.read(decoder)
      // Before there was encryption, rows ended here.
      const format = decoding.hasContent(decoder) ? decoding.readVarUint(decoder) : FORMAT_YJS_1
      return { kind, relay, id, format, payload, changes, mark }
    }
  }
}

function readUpdates(decoder: decoding.Decoder): readonly Uint8Array[] {
  const updates: Uint8Array[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) updates.push(decoding.readVarUint8Array(decoder))
  return updates
}

function readPartial(decoder: decoding.Decoder, relay: string): PartialRow {
  const id = decoding.readVarUint8Array(decoder)
  const of = PARTIALS[decoding.readVarUint(decoder)] ?? 'entry'
  const format = decoding.readVarUint(decoder)
  const total = decoding.readVarUint(decoder)
  const offset = decoding.readVarUint(decoder)
  return { kind: 'partial', relay, id, of, format, total, offset, bytes: decoding.readVarUint8Array(decoder) }
}
