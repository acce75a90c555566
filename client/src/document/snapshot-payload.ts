// The bytes of a snapshot, which relays keep and never read: docs/protocol.md, "Snapshots". Reads what strangers made:
// it never throws, and every length is held against the bytes that are left. Whether the update can be applied it does not say.
import { sha256 } from '@noble/hashes/sha2.js'
import { FIELD_LIMITS } from '@tidemark/protocol'
import * as encoding from 'lib0/encoding'
import { sameBytes } from './bytes.ts'
import { FORMAT_YJS_1 } from './format.ts'
import { payloadId } from './payload-id.ts'
import type { HeldEntry } from './rows.ts'

/** Byte fields that were decoded are views of the payload. */
export interface SnapshotPayload {
  /** Under which it was made. */
  readonly mark: Uint8Array
  /** 16 bytes; zeros: not made. */
  readonly deepDigest: Uint8Array
  /** What the device that made it could not apply: a reader treats each as an entry. */
  readonly held: readonly HeldEntry[]
  /** A Yjs update in format 1: the whole state, pending structs included. */
  readonly update: Uint8Array
}

export interface SnapshotRefusal {
  readonly reason: string
  /** Of a version or format that this program does not know: nothing is wrong with it. */
  readonly isNewer: boolean
}

const SNAPSHOT_VERSION = 1
const ID_BYTES = 16
/** Push id, format of one byte, length of an empty payload. */
const HELD_ENTRY_BYTES_MIN: number = ID_BYTES + 2

/** @throws RangeError when a field is of a length that no snapshot has */
export function encodeSnapshotPayload({ mark, deepDigest, held, update }: SnapshotPayload): Uint8Array {
  if (mark.length > FIELD_LIMITS.bookmarkBytesMax) throw new RangeError(`mark: ${mark.length} bytes`)
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, SNAPSHOT_VERSION)
  encoding.writeVarUint8Array(encoder, mark)
  encoding.writeVarUint(encoder, FORMAT_YJS_1)
  encoding.writeVarUint8Array(encoder, new Uint8Array(0))
  writeId(encoder, 'deepDigest', deepDigest)
  encoding.writeVarUint(encoder, held.length)
  for (const { pushId, format, payload } of held) {
    writeId(encoder, 'held.pushId', pushId)
    encoding.writeVarUint(encoder, format)
    encoding.writeVarUint8Array(encoder, payload)
  }
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

export function decodeSnapshotPayload(bytes: Uint8Array): SnapshotPayload | SnapshotRefusal {
  try {
    return readSnapshot(new Reader(bytes))
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message, isNewer: error.isNewer }
    throw error
  }
}

/** The first 16 bytes of SHA-256 over the whole payload. */
export function snapshotIdOf(payload: Uint8Array): Uint8Array {
  return sha256(payload).slice(0, ID_BYTES)
}

function writeId(encoder: encoding.Encoder, field: string, id: Uint8Array): void {
  if (id.length !== ID_BYTES) throw new RangeError(`${field}: ${id.length} bytes, not ${ID_BYTES}`)
  encoding.writeUint8Array(encoder, id)
}

function readSnapshot(reader: Reader): SnapshotPayload {
  const version = reader.varuint('version')
  if (version !== SNAPSHOT_VERSION) throw new Refused(`version ${version} is not known`, true)
  const mark = reader.byteString('mark', FIELD_LIMITS.bookmarkBytesMax)
  const format = reader.varuint('format')
  if (format !== FORMAT_YJS_1) throw new Refused(`format ${format} is not known`, true)
  if (reader.byteString('keyId').length > 0) throw new Refused('keyId: a plain snapshot has none')
  const deepDigest = reader.raw('deepDigest', ID_BYTES)
  const held: HeldEntry[] = []
  for (let left = reader.count('held', HELD_ENTRY_BYTES_MIN); left > 0; left--) held.push(readHeldEntry(reader))
  const update = reader.byteString('update')
  if (reader.remaining > 0) throw new Refused(`update: ${reader.remaining} bytes follow it`)
  return { mark, deepDigest, held, update }
}

function readHeldEntry(reader: Reader): HeldEntry {
  const pushId = reader.raw('held.pushId', ID_BYTES)
  const format = reader.varuint('held.format')
  if (format > FIELD_LIMITS.formatMax) throw new Refused(`held.format: ${format}, at most ${FIELD_LIMITS.formatMax}`)
  const payload = reader.byteString('held.payload')
  if (!sameBytes(payloadId(payload, format), pushId)) throw new Refused('held.pushId: not that of the payload')
  return { pushId, format, payload }
}

/** Never leaves this module. */
class Refused extends Error {
  readonly isNewer: boolean

  constructor(reason: string, isNewer = false) {
    super(reason)
    this.isNewer = isNewer
  }
}

/** lib0's own reader takes varuints that are not the shortest, and cannot tell where in a payload it stood. */
class Reader {
  readonly #bytes: Uint8Array
  #position = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get remaining(): number {
    return this.#bytes.length - this.#position
  }

  /** LEB128, below 2^53, shortest form only. */
  varuint(field: string): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 49; scale *= 128) {
      const byte = this.#bytes[this.#position++]
      if (byte === undefined) throw new Refused(`${field}: cut short`)
      value += (byte & 0x7f) * scale
      if (byte >= 0x80) continue
      if ((byte === 0 && scale > 1) || !Number.isSafeInteger(value)) break
      return value
    }
    throw new Refused(`${field}: no varuint`)
  }

  raw(field: string, length: number): Uint8Array {
    if (length > this.remaining) throw new Refused(`${field}: cut short`)
    this.#position += length
    return this.#bytes.subarray(this.#position - length, this.#position)
  }

  byteString(field: string, lengthMax: number = Number.MAX_SAFE_INTEGER): Uint8Array {
    const length = this.varuint(field)
    if (length > lengthMax) throw new Refused(`${field}: ${length} bytes, at most ${lengthMax}`)
    return this.raw(field, length)
  }

  /** How many items follow, each of at least `itemBytesMin` bytes. */
  count(field: string, itemBytesMin: number): number {
    const count = this.varuint(field)
    if (count * itemBytesMin > this.remaining) throw new Refused(`${field}: cut short`)
    return count
  }
}
