// The body of each frame that a device sends, field by field, in the order of docs/protocol.md. device-frame-reader.ts is its
// mirror. Each throws RangeError naming a field that no reader would accept.
import { type BodyWriters, writeAwareness, writePiece } from './body-writers.ts'
import { clipText } from './bytes/utf8.ts'
import type { ByteWriter } from './bytes/writer.ts'
import type { DeviceFrameName, Hello, Open, Push, SnapshotPut } from './frames.ts'
import { ID_BYTES, OPEN_FLAG, REPAIR_REASON, TAG_BYTES } from './layout.ts'
import { FIELD_LIMITS } from './limits.ts'

const { bookmarkBytesMax, documentIdBytesMax, vaultBytesMax } = FIELD_LIMITS

export const WRITE_DEVICE_FRAME: BodyWriters<DeviceFrameName> = {
  HELLO: writeHello,
  FEED(writer, frame) {
    writer.text('vault', frame.vault, vaultBytesMax)
    writer.byteString('mark', frame.mark, bookmarkBytesMax)
  },
  OPEN: writeOpen,
  PUSH: writePush,
  REPAIR(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.choice('reason', frame.reason, REPAIR_REASON)
    writer.raw('fingerprint', frame.fingerprint, ID_BYTES)
  },
  LEASE(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.byteString('mark', frame.mark, bookmarkBytesMax)
  },
  SNAPSHOT_PUT: writeSnapshotPut,
  DELETE(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.byteString('mark', frame.mark, bookmarkBytesMax)
  },
  CREDIT(writer, frame) {
    writer.varuint('bytes', frame.bytes, 1)
  },
  END() {},
  AWARENESS: writeAwareness,
}

function writeHello(writer: ByteWriter, frame: Hello): void {
  writer.varuint('versionMax', frame.versionMax)
  writer.varuint('versionMin', frame.versionMin, 0, frame.versionMax)
  writer.raw('deviceId', frame.deviceId, ID_BYTES)
  writer.text('token', frame.token, FIELD_LIMITS.tokenBytesMax)
  writer.varuint('receiveWindowBytes', frame.receiveWindowBytes)
  const clientName = clipText(frame.clientName, FIELD_LIMITS.clientNameBytesMax)
  writer.text('clientName', clientName, FIELD_LIMITS.clientNameBytesMax)
}

function writeOpen(writer: ByteWriter, frame: Open): void {
  const { claim, partial } = frame
  writer.varuint('channel', frame.channel, 1)
  writer.text('documentId', frame.documentId, documentIdBytesMax)
  const flags =
    (frame.pull ? OPEN_FLAG.PULL : 0) |
    (frame.push ? OPEN_FLAG.PUSH : 0) |
    (frame.linger ? OPEN_FLAG.LINGER : 0) |
    (frame.create ? OPEN_FLAG.CREATE : 0) |
    (frame.reseeding ? OPEN_FLAG.RESEEDING : 0) |
    (claim === null ? 0 : OPEN_FLAG.CLAIM) |
    (partial === null ? 0 : OPEN_FLAG.PARTIAL)
  writer.varuint('flags', flags)
  writer.optional('incarnation', frame.incarnation, ID_BYTES)
  writer.byteString('mark', frame.mark, bookmarkBytesMax)
  writer.byteString('receipt', frame.receipt, bookmarkBytesMax)
  if (claim !== null) {
    writer.raw('claim.digest', claim.digest, ID_BYTES)
    writer.text('claim.profile', claim.profile, FIELD_LIMITS.profileBytesMax)
    writer.raw('claim.generation', claim.generation, TAG_BYTES)
  }
  if (partial !== null) {
    writer.raw('partial.id', partial.id, ID_BYTES)
    writer.varuint('partial.offset', partial.offset)
  }
}

function writePush(writer: ByteWriter, frame: Push): void {
  writer.varuint('channel', frame.channel, 1)
  writer.raw('pushId', frame.pushId, ID_BYTES)
  writer.varuint('format', frame.format, 0, FIELD_LIMITS.formatMax)
  writePiece(writer, frame)
}

function writeSnapshotPut(writer: ByteWriter, frame: SnapshotPut): void {
  writer.varuint('channel', frame.channel, 1)
  writer.varuint('fence', frame.fence)
  writer.byteString('mark', frame.mark, bookmarkBytesMax)
  writer.raw('snapshotId', frame.snapshotId, ID_BYTES)
  writePiece(writer, frame)
}
