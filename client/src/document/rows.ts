// What a document's rows in the device store say. Row = kind, then what the kind needs; varuints and byte strings of lib0.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** Yjs updates in format 1, in the order in which they are to be applied. */
export type Row =
  /** Stands for every row before it. Says nothing of what any relay has. */
  | { readonly kind: 'base'; readonly updates: readonly Uint8Array[] }
  /** Made on this device. */
  | { readonly kind: 'local'; readonly updates: readonly Uint8Array[] }
  /** Given by a relay, named by its URL. */
  | { readonly kind: 'relay'; readonly relay: string; readonly updates: readonly Uint8Array[] }
  /** An entry that this device cannot apply (yet). */
  | { readonly kind: 'held'; readonly relay: string; readonly entry: HeldEntry }

export interface HeldEntry {
  readonly pushId: Uint8Array
  readonly format: number
  readonly payload: Uint8Array
}

const KINDS = ['base', 'local', 'relay', 'held'] as const

export function encodeRow(row: Row): Uint8Array {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, KINDS.indexOf(row.kind))
  if (row.kind === 'relay' || row.kind === 'held') encoding.writeVarString(encoder, row.relay)
  if (row.kind === 'held') {
    encoding.writeVarUint8Array(encoder, row.entry.pushId)
    encoding.writeVarUint(encoder, row.entry.format)
    encoding.writeVarUint8Array(encoder, row.entry.payload)
  } else {
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
  const relay = kind === 'relay' || kind === 'held' ? decoding.readVarString(decoder) : ''
  if (kind === 'held') {
    const pushId = decoding.readVarUint8Array(decoder)
    const format = decoding.readVarUint(decoder)
    return { kind, relay, entry: { pushId, format, payload: decoding.readVarUint8Array(decoder) } }
  }
  const updates: Uint8Array[] = []
  for (let left = decoding.readVarUint(decoder); left > 0; left--) updates.push(decoding.readVarUint8Array(decoder))
  return kind === 'relay' ? { kind, relay, updates } : { kind, updates }
}
