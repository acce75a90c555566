// The body of each frame that a device sends, field by field, from bytes that a stranger sent. device-frame-writer.ts is its
// mirror. Never throws; after a fault (reader.fault) what these return is to be thrown away.
import { type BodyReaders, has, readAwareness, readPiece } from './body-readers.ts'
import type { ByteReader } from './bytes/reader.ts'
import type { Claim, DeviceFrameName, FrameOf, Hello, Open, Partial, Push, SnapshotPut } from './frames.ts'
import { ID_BYTES, OPEN_FLAG, REPAIR_REASON, TAG_BYTES } from './layout.ts'
import { type DecodeLimits, FIELD_LIMITS } from './limits.ts'

const { bookmarkBytesMax, documentIdBytesMax, vaultBytesMax } = FIELD_LIMITS
const END: FrameOf<'END'> = { type: 'END' }

export const READ_DEVICE_FRAME: BodyReaders<DeviceFrameName> = {
  HELLO: readHello,
  FEED(reader) {
    const vault = reader.text('vault', vaultBytesMax)
    return { type: 'FEED', vault, mark: reader.byteString('mark', bookmarkBytesMax) }
  },
  OPEN: readOpen,
  PUSH: readPush,
  REPAIR(reader) {
    const channel = reader.varuint('channel', 1)
    const reason = reader.choice('reason', REPAIR_REASON)
    return { type: 'REPAIR', channel, reason, fingerprint: reader.raw('fingerprint', ID_BYTES) }
  },
  LEASE(reader) {
    const channel = reader.varuint('channel', 1)
    return { type: 'LEASE', channel, mark: reader.byteString('mark', bookmarkBytesMax) }
  },
  SNAPSHOT_PUT: readSnapshotPut,
  DELETE(reader) {
    const channel = reader.varuint('channel', 1)
    return { type: 'DELETE', channel, mark: reader.byteString('mark', bookmarkBytesMax) }
  },
  CREDIT(reader) {
    return { type: 'CREDIT', bytes: reader.varuint('bytes', 1) }
  },
  END() {
    return END
  },
  AWARENESS: readAwareness,
}

function readHello(reader: ByteReader): Hello {
  const versionMax = reader.varuint('versionMax')
  const versionMin = reader.varuint('versionMin', 0, versionMax)
  const deviceId = reader.raw('deviceId', ID_BYTES)
  const token = reader.text('token', FIELD_LIMITS.tokenBytesMax)
  const receiveWindowBytes = reader.varuint('receiveWindowBytes')
  const clientName = reader.text('clientName', FIELD_LIMITS.clientNameBytesMax)
  return { type: 'HELLO', versionMax, versionMin, deviceId, token, receiveWindowBytes, clientName }
}

function readOpen(reader: ByteReader): Open {
  const channel = reader.varuint('channel', 1)
  const documentId = reader.text('documentId', documentIdBytesMax)
  const flags = reader.varuint('flags')
  const incarnation = reader.optional('incarnation', ID_BYTES)
  const mark = reader.byteString('mark', bookmarkBytesMax)
  const receipt = reader.byteString('receipt', bookmarkBytesMax)
  return {
    type: 'OPEN',
    channel,
    documentId,
    pull: has(flags, OPEN_FLAG.PULL),
    push: has(flags, OPEN_FLAG.PUSH),
    linger: has(flags, OPEN_FLAG.LINGER),
    create: has(flags, OPEN_FLAG.CREATE),
    reseeding: has(flags, OPEN_FLAG.RESEEDING),
    incarnation,
    mark,
    receipt,
    claim: has(flags, OPEN_FLAG.CLAIM) ? readClaim(reader) : null,
    partial: has(flags, OPEN_FLAG.PARTIAL) ? readPartial(reader) : null,
  }
}

function readClaim(reader: ByteReader): Claim {
  const digest = reader.raw('claim.digest', ID_BYTES)
  const profile = reader.text('claim.profile', FIELD_LIMITS.profileBytesMax)
  return { digest, profile, generation: reader.raw('claim.generation', TAG_BYTES) }
}

function readPartial(reader: ByteReader): Partial {
  const id = reader.raw('partial.id', ID_BYTES)
  return { id, offset: reader.varuint('partial.offset') }
}

function readPush(reader: ByteReader, limits: DecodeLimits): Push {
  const channel = reader.varuint('channel', 1)
  const pushId = reader.raw('pushId', ID_BYTES)
  const format = reader.varuint('format', 0, FIELD_LIMITS.formatMax)
  const { total, offset, bytes } = readPiece(reader, limits)
  return { type: 'PUSH', channel, pushId, format, total, offset, bytes }
}

function readSnapshotPut(reader: ByteReader, limits: DecodeLimits): SnapshotPut {
  const channel = reader.varuint('channel', 1)
  const fence = reader.varuint('fence')
  const mark = reader.byteString('mark', bookmarkBytesMax)
  const snapshotId = reader.raw('snapshotId', ID_BYTES)
  const { total, offset, bytes } = readPiece(reader, limits)
  return { type: 'SNAPSHOT_PUT', channel, fence, mark, snapshotId, total, offset, bytes }
}
