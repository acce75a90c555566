// The body of each frame that a relay sends, field by field, in the order of docs/protocol.md. relay-frame-reader.ts is its
// mirror. Each throws RangeError naming a field that no reader would accept.
import { type BodyWriters, PIECE_BYTES_MAX, writeAwareness, writePiece } from './body-writers.ts'
import { clipText } from './bytes/utf8.ts'
import type { ByteWriter } from './bytes/writer.ts'
import type { Code } from './codes.ts'
import type {
  Entries,
  ErrorFrame,
  FeedPage,
  Opened,
  Refused,
  RelayFrameName,
  Snapshot,
  Synced,
  Welcome,
} from './frames.ts'
import {
  CODE_NAMES,
  DONE_FLAG_MORE,
  ERROR_FLAG_RETRYABLE,
  FEED_DOCUMENT_FLAG_DELETED,
  FEED_PAGE_FLAG_MORE,
  FEED_PAGE_STATUS,
  ID_BYTES,
  OPENED_FLAG_CLAIM_WANTED,
  OPENED_STATUS,
  SYNCED_FLAG_CONFIRMED,
  TAG_BYTES,
  TURN,
  URGENCY,
} from './layout.ts'
import { FIELD_LIMITS, LIMITS_AFTER_WELCOME } from './limits.ts'

const { bookmarkBytesMax, documentIdBytesMax, messageTextBytesMax, vaultBytesMax } = FIELD_LIMITS

export const WRITE_RELAY_FRAME: BodyWriters<RelayFrameName | 'AWARENESS'> = {
  WELCOME: writeWelcome,
  FEED_PAGE: writeFeedPage,
  OPENED: writeOpened,
  HAVE(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.raw('id', frame.id, ID_BYTES)
    writer.varuint('staged', frame.staged)
  },
  ACK(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.raw('pushId', frame.pushId, ID_BYTES)
    writer.byteString('receipt', frame.receipt, bookmarkBytesMax)
  },
  REFUSED: writeRefused,
  SNAPSHOT: writeSnapshot,
  ENTRIES: writeEntries,
  MARK(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.byteString('mark', frame.mark, bookmarkBytesMax)
  },
  SYNCED: writeSynced,
  LEASED(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.choice('code', frame.code, CODE_NAMES)
    writer.varuint('fence', frame.fence)
    writer.varuint('deadlineMs', frame.deadlineMs)
  },
  COMPACTED(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.choice('code', frame.code, CODE_NAMES)
  },
  DELETED(writer, frame) {
    writer.varuint('channel', frame.channel, 1)
    writer.choice('code', frame.code, CODE_NAMES)
  },
  ERROR: writeError,
  DONE(writer, frame) {
    writer.varuint('flags', frame.more ? DONE_FLAG_MORE : 0)
    writer.varuint('returnAfterMs', frame.returnAfterMs)
  },
  AWARENESS: writeAwareness,
}

function writeWelcome(writer: ByteWriter, frame: Welcome): void {
  const { limits } = frame
  writer.varuint('version', frame.version)
  writer.raw('epoch', frame.epoch, ID_BYTES)
  writer.varuint('messageBytesMax', limits.messageBytesMax, 1, LIMITS_AFTER_WELCOME.messageBytesMax)
  writer.varuint('entryBytesMax', limits.entryBytesMax, 1)
  writer.varuint('pieceBytesMax', limits.pieceBytesMax, 1, PIECE_BYTES_MAX)
  writer.varuint('channelsMax', limits.channelsMax, 1, LIMITS_AFTER_WELCOME.opensMax)
  writer.varuint('relayTimeMs', frame.relayTimeMs)
}

function writeFeedPage(writer: ByteWriter, frame: FeedPage): void {
  writer.text('vault', frame.vault, vaultBytesMax)
  writer.choice('status', frame.status, FEED_PAGE_STATUS)
  writer.varuint('flags', frame.more ? FEED_PAGE_FLAG_MORE : 0)
  writer.byteString('mark', frame.mark, bookmarkBytesMax)
  writer.varuint('documents', frame.documents.length, 0, FIELD_LIMITS.feedPageDocumentsMax)
  for (const document of frame.documents) {
    writer.text('document.documentId', document.documentId, documentIdBytesMax)
    writer.varuint('document.flags', document.deleted ? FEED_DOCUMENT_FLAG_DELETED : 0)
    writer.raw('document.tag', document.tag, TAG_BYTES)
  }
}

function writeOpened(writer: ByteWriter, frame: Opened): void {
  writer.varuint('channel', frame.channel, 1)
  writer.choice('status', frame.status, OPENED_STATUS)
  writer.varuint('flags', frame.claimWanted ? OPENED_FLAG_CLAIM_WANTED : 0)
  writer.optional('incarnation', frame.incarnation, ID_BYTES)
  writer.varuint('entriesToCome', frame.entriesToCome)
  writer.varuint('bytesToCome', frame.bytesToCome)
  writer.raw('generation', frame.generation, TAG_BYTES)
  writer.choice('urgency', frame.urgency, URGENCY)
  writer.choice('turn', frame.turn, TURN)
  writer.varuint('turnWaitMs', frame.turnWaitMs)
}

function writeRefused(writer: ByteWriter, frame: Refused): void {
  writer.varuint('channel', frame.channel, 1)
  writer.raw('pushId', frame.pushId, ID_BYTES)
  writeReason(writer, 'code', frame.code)
  writer.varuint('retryAfterMs', frame.retryAfterMs)
  const message = clipText(frame.message, messageTextBytesMax)
  writer.text('message', message, messageTextBytesMax)
}

function writeReason(writer: ByteWriter, field: string, code: Code): void {
  if (code === 'OK') writer.fail(field, 'OK is no reason')
  writer.choice(field, code, CODE_NAMES)
}

function writeSnapshot(writer: ByteWriter, frame: Snapshot): void {
  writer.varuint('channel', frame.channel, 1)
  writer.raw('snapshotId', frame.snapshotId, ID_BYTES)
  writePiece(writer, frame)
}

function writeEntries(writer: ByteWriter, frame: Entries): void {
  const { entries } = frame
  writer.varuint('channel', frame.channel, 1)
  writer.varuint('entries', entries.length, 1, FIELD_LIMITS.entriesPerFrameMax)
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as Entries['entries'][number]
    const { bytes } = entry
    // Only the first may begin in the middle of its payload, only the last may end there.
    const offsetMin = index === entries.length - 1 ? 0 : entry.total - bytes.length
    const offsetMax = index === 0 ? entry.total - bytes.length : 0
    writer.raw('entry.pushId', entry.pushId, ID_BYTES)
    writer.varuint('entry.format', entry.format, 0, FIELD_LIMITS.formatMax)
    writer.varuint('entry.total', entry.total, 1)
    writer.varuint('entry.offset', entry.offset, offsetMin, offsetMax)
    if (bytes.length === 0) writer.fail('entry.bytes', 'empty')
    writer.byteString('entry.bytes', bytes, PIECE_BYTES_MAX)
  }
}

function writeSynced(writer: ByteWriter, frame: Synced): void {
  writer.varuint('channel', frame.channel, 1)
  writer.varuint('flags', frame.confirmed ? SYNCED_FLAG_CONFIRMED : 0)
  writer.byteString('mark', frame.mark, bookmarkBytesMax)
  writer.raw('tag', frame.tag, TAG_BYTES)
  writer.varuint('otherDevices', frame.otherDevices)
}

function writeError(writer: ByteWriter, frame: ErrorFrame): void {
  writer.varuint('channel', frame.channel)
  writeReason(writer, 'code', frame.code)
  writer.varuint('flags', frame.retryable ? ERROR_FLAG_RETRYABLE : 0)
  writer.varuint('retryAfterMs', frame.retryAfterMs)
  const message = clipText(frame.message, messageTextBytesMax)
  writer.text('message', message, messageTextBytesMax)
}
