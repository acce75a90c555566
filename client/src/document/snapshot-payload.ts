// The bytes of a snapshot, which relays keep and never read: docs/protocol.md, "Snapshots". Reads what strangers made:
// it never throws, and every length is held against the bytes that are left. Whether the update can be applied it does not say.
import { sha256 } from '@noble/hashes/sha2.js'
import { FIELD_LIMITS } from '@tidemark/protocol'
import * as encoding from 'lib0/encoding'
import { type Envelope, KEY_ID_BYTES_MAX, keyIdOf } from '../crypto/envelope.ts'
import { EMPTY, sameBytes } from './bytes.ts'
import { FORMAT_SEALED_YJS_1, FORMAT_YJS_1 } from './format.ts'
import type { Obstacle, Opening } from './obstacle.ts'
import { payloadId } from './payload-id.ts'
import { PayloadReader, Refused } from './payload-reader.ts'
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
  /** Of the key that opened it; left out: it was plain. */
  readonly keyId?: string
}

export interface SnapshotRefusal {
  readonly reason: string
  /** Of a version or format that this program does not know: nothing is wrong with it. */
  readonly isNewer: boolean
  /** It may be read yet; null: never. */
  readonly obstacle: Exclude<Obstacle, { cause: 'CANNOT_APPLY' }> | null
}

/** What stands before the content, readable by all. */
export interface SnapshotHeader {
  readonly mark: Uint8Array
  readonly format: number
  /** Null: it is plain. */
  readonly envelope: Envelope | null
}

/** Seals a snapshot that is made. */
export interface SnapshotSeal {
  readonly keyId: string
  seal(mark: Uint8Array, content: Uint8Array): Omit<Envelope, 'keyId'>
}

/** Gives the content of one that is read. `content` is what follows the header. */
export type SnapshotOpener = (header: SnapshotHeader, content: Uint8Array) => Opening

const SNAPSHOT_VERSION = 1
const ID_BYTES = 16
/** Push id, format of one byte, length of an empty payload. */
const HELD_ENTRY_BYTES_MIN: number = ID_BYTES + 2

/** @throws RangeError when a field is of a length that no snapshot has */
export function encodeSnapshotPayload(snapshot: SnapshotPayload, seal: SnapshotSeal | null = null): Uint8Array {
  const { mark } = snapshot
  if (mark.length > FIELD_LIMITS.bookmarkBytesMax) throw new RangeError(`mark: ${mark.length} bytes`)
  const content = encodeContent(snapshot)
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, SNAPSHOT_VERSION)
    encoding.writeVarUint8Array(encoder, mark)
    encoding.writeVarUint(encoder, seal === null ? FORMAT_YJS_1 : FORMAT_SEALED_YJS_1)
    encoding.writeVarString(encoder, seal === null ? '' : seal.keyId)
    if (seal === null) {
      encoding.writeUint8Array(encoder, content)
    } else {
      const { suite, sealed } = seal.seal(mark, content)
      encoding.writeVarUint(encoder, suite)
      encoding.writeUint8Array(encoder, sealed)
    }
  })
}

export function decodeSnapshotPayload(
  bytes: Uint8Array,
  open: SnapshotOpener = takesPlain,
): SnapshotPayload | SnapshotRefusal {
  try {
    const reader = new PayloadReader(bytes)
    const header = readHeader(reader)
    const opened = open(header, header.envelope === null ? reader.rest() : EMPTY)
    if ('content' in opened) {
      const content = readContent(header.mark, new PayloadReader(opened.content))
      return opened.keyId === null ? content : { ...content, keyId: opened.keyId }
    }
    const { cause } = opened
    return { reason: cause, isNewer: false, obstacle: cause === 'CANNOT_APPLY' ? null : opened }
  } catch (error) {
    if (error instanceof Refused) return { reason: error.message, isNewer: error.isNewer, obstacle: null }
    throw error
  }
}

/** The first 16 bytes of SHA-256 over the whole payload. */
export function snapshotIdOf(payload: Uint8Array): Uint8Array {
  return sha256(payload).slice(0, ID_BYTES)
}

/** For a device without keys. */
function takesPlain({ envelope }: SnapshotHeader, content: Uint8Array): Opening {
  return envelope === null ? { content, keyId: null } : { cause: 'UNKNOWN_KEY', keyId: envelope.keyId }
}

function encodeContent({ deepDigest, held, update }: SnapshotPayload): Uint8Array {
  return encoding.encode((encoder) => {
    writeId(encoder, 'deepDigest', deepDigest)
    encoding.writeVarUint(encoder, held.length)
    for (const { pushId, format, payload } of held) {
      writeId(encoder, 'held.pushId', pushId)
      encoding.writeVarUint(encoder, format)
      encoding.writeVarUint8Array(encoder, payload)
    }
    encoding.writeVarUint8Array(encoder, update)
  })
}

function writeId(encoder: encoding.Encoder, field: string, id: Uint8Array): void {
  if (id.length !== ID_BYTES) throw new RangeError(`${field}: ${id.length} bytes, not ${ID_BYTES}`)
  encoding.writeUint8Array(encoder, id)
}

function readHeader(reader: PayloadReader): SnapshotHeader {
  const version = reader.varuint('version')
  if (version !== SNAPSHOT_VERSION) throw new Refused(`version ${version} is not known`, true)
  const mark = reader.byteString('mark', FIELD_LIMITS.bookmarkBytesMax)
  const format = reader.varuint('format')
  if (format !== FORMAT_YJS_1 && format !== FORMAT_SEALED_YJS_1) {
    throw new Refused(`format ${format} is not known`, true)
  }
  const keyIdBytes = reader.byteString('keyId')
  if (format === FORMAT_YJS_1) {
    if (keyIdBytes.length > 0) throw new Refused('keyId: a plain snapshot has none')
    return { mark, format, envelope: null }
  }
  const keyId = keyIdBytes.length > KEY_ID_BYTES_MAX ? null : keyIdOf(keyIdBytes)
  if (keyId === null) throw new Refused('keyId: no key is called that')
  const suite = reader.varuint('suite')
  if (suite === 0) throw new Refused('suite: there is no suite 0')
  return { mark, format, envelope: { suite, keyId, sealed: reader.rest() } }
}

function readContent(mark: Uint8Array, reader: PayloadReader): SnapshotPayload {
  const deepDigest = reader.raw('deepDigest', ID_BYTES)
  const held: HeldEntry[] = []
  for (let left = reader.count('held', HELD_ENTRY_BYTES_MIN); left > 0; left--) held.push(readHeldEntry(reader))
  const update = reader.byteString('update')
  if (reader.remaining > 0) throw new Refused(`update: ${reader.remaining} bytes follow it`)
  return { mark, deepDigest, held, update }
}

function readHeldEntry(reader: PayloadReader): HeldEntry {
  const pushId = reader.raw('held.pushId', ID_BYTES)
  const format = reader.varuint('held.format')
  if (format > FIELD_LIMITS.formatMax) throw new Refused(`held.format: ${format}, at most ${FIELD_LIMITS.formatMax}`)
  const payload = reader.byteString('held.payload')
  if (!sameBytes(payloadId(payload, format), pushId)) throw new Refused('held.pushId: not that of the payload')
  return { pushId, format, payload }
}
