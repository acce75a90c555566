// The body of each frame that a relay sends, field by field, in the order of docs/protocol.md. relay-frame-reader.ts is its
// mirror. Each throws RangeError naming a field that no reader would accept.
import { type BodyWriters, PIECE_BYTES_MAX, writeAwareness } from './body-writers.ts'
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
    writer.varuint('HAVE.channel', frame.channel, 1)
    writer.raw('HAVE.id', frame.id, ID_BYTES)
    writer.varuint('HAVE.staged', frame.staged)
  },
  ACK(writer, frame) {
    writer.varuint('ACK.channel', frame.channel, 1)
    writer.raw('ACK.pushId', frame.pushId, ID_BYTES)
    writer.byteString('ACK.receipt', frame.receipt, bookmarkBytesMax)
  },
  REFUSED: writeRefused,
  SNAPSHOT: writeSnapshot,
  ENTRIES: writeEntries,
  MARK(writer, frame) {
    writer.varuint('MARK.channel', frame.channel, 1)
    writer.byteString('MARK.mark', frame.mark, bookmarkBytesMax)
  },
  SYNCED: writeSynced,
  LEASED(writer, frame) {
    writer.varuint('LEASED.channel', frame.channel, 1)
    writer.choice('LEASED.code', frame.code, CODE_NAMES)
    writer.varuint('LEASED.fence', frame.fence)
    writer.varuint('LEASED.deadlineMs', frame.deadlineMs)
  },
  COMPACTED(writer, frame) {
    writer.varuint('COMPACTED.channel', frame.channel, 1)
    writer.choice('COMPACTED.code', frame.code, CODE_NAMES)
  },
  DELETED(writer, frame) {
    writer.varuint('DELETED.channel', frame.channel, 1)
    writer.choice('DELETED.code', frame.code, CODE_NAMES)
  },
  ERROR: writeError,
  DONE(writer, frame) {
    writer.varuint('DONE.flags', frame.more ? DONE_FLAG_MORE : 0)
    writer.varuint('DONE.returnAfterMs', frame.returnAfterMs)
  },
  AWARENESS: writeAwareness,
}

function writeWelcome(writer: ByteWriter, frame: Welcome): void {
  const { limits } = frame
  writer.varuint('WELCOME.version', frame.version)
  writer.raw('WELCOME.epoch', frame.epoch, ID_BYTES)
  writer.varuint('WELCOME.messageBytesMax', limits.messageBytesMax, 1, LIMITS_AFTER_WELCOME.messageBytesMax)
  writer.varuint('WELCOME.entryBytesMax', limits.entryBytesMax, 1)
  writer.varuint('WELCOME.pieceBytesMax', limits.pieceBytesMax, 1, PIECE_BYTES_MAX)
  writer.varuint('WELCOME.channelsMax', limits.channelsMax, 1, LIMITS_AFTER_WELCOME.opensMax)
  writer.varuint('WELCOME.relayTimeMs', frame.relayTimeMs)
}

function writeFeedPage(writer: ByteWriter, frame: FeedPage): void {
  writer.text('FEED_PAGE.vault', frame.vault, vaultBytesMax)
  writer.choice('FEED_PAGE.status', frame.status, FEED_PAGE_STATUS)
  writer.varuint('FEED_PAGE.flags', frame.more ? FEED_PAGE_FLAG_MORE : 0)
  writer.byteString('FEED_PAGE.mark', frame.mark, bookmarkBytesMax)
  writer.varuint('FEED_PAGE.documents', frame.documents.length, 0, FIELD_LIMITS.feedPageDocumentsMax)
  for (const document of frame.documents) {
    writer.text('FEED_PAGE.document.documentId', document.documentId, documentIdBytesMax)
    writer.varuint('FEED_PAGE.document.flags', document.deleted ? FEED_DOCUMENT_FLAG_DELETED : 0)
    writer.raw('FEED_PAGE.document.tag', document.tag, TAG_BYTES)
  }
}

function writeOpened(writer: ByteWriter, frame: Opened): void {
  writer.varuint('OPENED.channel', frame.channel, 1)
  writer.choice('OPENED.status', frame.status, OPENED_STATUS)
  writer.varuint('OPENED.flags', frame.claimWanted ? OPENED_FLAG_CLAIM_WANTED : 0)
  writer.optional('OPENED.incarnation', frame.incarnation, ID_BYTES)
  writer.varuint('OPENED.entriesToCome', frame.entriesToCome)
  writer.varuint('OPENED.bytesToCome', frame.bytesToCome)
  writer.raw('OPENED.generation', frame.generation, TAG_BYTES)
  writer.choice('OPENED.urgency', frame.urgency, URGENCY)
  writer.choice('OPENED.turn', frame.turn, TURN)
  writer.varuint('OPENED.turnWaitMs', frame.turnWaitMs)
}

function writeRefused(writer: ByteWriter, frame: Refused): void {
  writer.varuint('REFUSED.channel', frame.channel, 1)
  writer.raw('REFUSED.pushId', frame.pushId, ID_BYTES)
  writeReason(writer, 'REFUSED.code', frame.code)
  writer.varuint('REFUSED.retryAfterMs', frame.retryAfterMs)
  const message = clipText(frame.message, messageTextBytesMax)
  writer.text('REFUSED.message', message, messageTextBytesMax)
}

function writeReason(writer: ByteWriter, field: string, code: Code): void {
  if (code === 'OK') throw new RangeError(`${field}: OK is no reason`)
  writer.choice(field, code, CODE_NAMES)
}

function writeSnapshot(writer: ByteWriter, frame: Snapshot): void {
  writer.varuint('SNAPSHOT.channel', frame.channel, 1)
  writer.raw('SNAPSHOT.snapshotId', frame.snapshotId, ID_BYTES)
  writer.varuint('SNAPSHOT.total', frame.total, 1)
  writer.varuint('SNAPSHOT.offset', frame.offset, 0, frame.total - frame.bytes.length)
  writer.byteString('SNAPSHOT.bytes', frame.bytes, PIECE_BYTES_MAX)
}

function writeEntries(writer: ByteWriter, frame: Entries): void {
  const { entries } = frame
  writer.varuint('ENTRIES.channel', frame.channel, 1)
  writer.varuint('ENTRIES.entries', entries.length, 1, FIELD_LIMITS.entriesPerFrameMax)
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as Entries['entries'][number]
    const { bytes } = entry
    // Only the first may begin in the middle of its payload, only the last may end there.
    const offsetMin = index === entries.length - 1 ? 0 : entry.total - bytes.length
    const offsetMax = index === 0 ? entry.total - bytes.length : 0
    writer.raw('ENTRIES.entry.pushId', entry.pushId, ID_BYTES)
    writer.varuint('ENTRIES.entry.format', entry.format, 0, FIELD_LIMITS.formatMax)
    writer.varuint('ENTRIES.entry.total', entry.total, 1)
    writer.varuint('ENTRIES.entry.offset', entry.offset, offsetMin, offsetMax)
    if (bytes.length === 0) throw new RangeError('ENTRIES.entry.bytes: empty')
    writer.byteString('ENTRIES.entry.bytes', bytes, PIECE_BYTES_MAX)
  }
}

function writeSynced(writer: ByteWriter, frame: Synced): void {
  writer.varuint('SYNCED.channel', frame.channel, 1)
  writer.varuint('SYNCED.flags', frame.confirmed ? SYNCED_FLAG_CONFIRMED : 0)
  writer.byteString('SYNCED.mark', frame.mark, bookmarkBytesMax)
  writer.raw('SYNCED.tag', frame.tag, TAG_BYTES)
  writer.varuint('SYNCED.otherDevices', frame.otherDevices)
}

function writeError(writer: ByteWriter, frame: ErrorFrame): void {
  writer.varuint('ERROR.channel', frame.channel)
  writeReason(writer, 'ERROR.code', frame.code)
  writer.varuint('ERROR.flags', frame.retryable ? ERROR_FLAG_RETRYABLE : 0)
  writer.varuint('ERROR.retryAfterMs', frame.retryAfterMs)
  const message = clipText(frame.message, messageTextBytesMax)
  writer.text('ERROR.message', message, messageTextBytesMax)
}
