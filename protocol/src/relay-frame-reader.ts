// The body of each frame that a relay sends, field by field, from bytes that a stranger sent. relay-frame-writer.ts is its
// mirror. Never throws; after a fault (reader.fault) what these return is to be thrown away.
import { type BodyReaders, checkPiece, has, readAwareness } from './body-readers.ts'
import type { ByteReader } from './bytes/reader.ts'
import type { Code } from './codes.ts'
import type {
  Entries,
  Entry,
  ErrorFrame,
  FeedDocument,
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
import { type DecodeLimits, FIELD_LIMITS, LIMITS_AFTER_WELCOME } from './limits.ts'

const { bookmarkBytesMax, documentIdBytesMax, messageTextBytesMax, vaultBytesMax } = FIELD_LIMITS
/** Length of the document id, flags, tag: whether the id is one is not for the codec to say. */
const FEED_DOCUMENT_BYTES_MIN = 1 + 1 + TAG_BYTES
/** Push id, format, total, offset, length, one byte. */
const ENTRY_BYTES_MIN = ID_BYTES + 5

export const READ_RELAY_FRAME: BodyReaders<RelayFrameName | 'AWARENESS'> = {
  WELCOME: readWelcome,
  FEED_PAGE: readFeedPage,
  OPENED: readOpened,
  HAVE(reader) {
    const channel = reader.varuint('HAVE.channel', 1)
    const id = reader.raw('HAVE.id', ID_BYTES)
    return { type: 'HAVE', channel, id, staged: reader.varuint('HAVE.staged') }
  },
  ACK(reader) {
    const channel = reader.varuint('ACK.channel', 1)
    const pushId = reader.raw('ACK.pushId', ID_BYTES)
    return { type: 'ACK', channel, pushId, receipt: reader.byteString('ACK.receipt', bookmarkBytesMax) }
  },
  REFUSED: readRefused,
  SNAPSHOT: readSnapshot,
  ENTRIES: readEntries,
  MARK(reader) {
    const channel = reader.varuint('MARK.channel', 1)
    return { type: 'MARK', channel, mark: reader.byteString('MARK.mark', bookmarkBytesMax) }
  },
  SYNCED: readSynced,
  LEASED(reader) {
    const channel = reader.varuint('LEASED.channel', 1)
    const code = reader.choice('LEASED.code', CODE_NAMES)
    const fence = reader.varuint('LEASED.fence')
    return { type: 'LEASED', channel, code, fence, deadlineMs: reader.varuint('LEASED.deadlineMs') }
  },
  COMPACTED(reader) {
    const channel = reader.varuint('COMPACTED.channel', 1)
    return { type: 'COMPACTED', channel, code: reader.choice('COMPACTED.code', CODE_NAMES) }
  },
  DELETED(reader) {
    const channel = reader.varuint('DELETED.channel', 1)
    return { type: 'DELETED', channel, code: reader.choice('DELETED.code', CODE_NAMES) }
  },
  ERROR: readError,
  DONE(reader) {
    const flags = reader.varuint('DONE.flags')
    return { type: 'DONE', more: has(flags, DONE_FLAG_MORE), returnAfterMs: reader.varuint('DONE.returnAfterMs') }
  },
  AWARENESS: readAwareness,
}

function readWelcome(reader: ByteReader): Welcome {
  const version = reader.varuint('WELCOME.version')
  const epoch = reader.raw('WELCOME.epoch', ID_BYTES)
  const messageBytesMax = reader.varuint('WELCOME.messageBytesMax', 1, LIMITS_AFTER_WELCOME.messageBytesMax)
  const entryBytesMax = reader.varuint('WELCOME.entryBytesMax', 1)
  const pieceBytesMax = reader.varuint('WELCOME.pieceBytesMax', 1, LIMITS_AFTER_WELCOME.pieceBytesMax)
  const channelsMax = reader.varuint('WELCOME.channelsMax', 1, LIMITS_AFTER_WELCOME.opensMax)
  const relayTimeMs = reader.varuint('WELCOME.relayTimeMs')
  const limits = { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax }
  return { type: 'WELCOME', version, epoch, limits, relayTimeMs }
}

function readFeedPage(reader: ByteReader): FeedPage {
  const vault = reader.text('FEED_PAGE.vault', vaultBytesMax)
  const status = reader.choice('FEED_PAGE.status', FEED_PAGE_STATUS)
  const flags = reader.varuint('FEED_PAGE.flags')
  const mark = reader.byteString('FEED_PAGE.mark', bookmarkBytesMax)
  const count = reader.count('FEED_PAGE.documents', FIELD_LIMITS.feedPageDocumentsMax, FEED_DOCUMENT_BYTES_MIN)
  const documents: FeedDocument[] = []
  for (let index = 0; index < count && reader.fault === ''; index++) {
    const documentId = reader.text('FEED_PAGE.document.documentId', documentIdBytesMax)
    const documentFlags = reader.varuint('FEED_PAGE.document.flags')
    const tag = reader.raw('FEED_PAGE.document.tag', TAG_BYTES)
    documents.push({ documentId, tag, deleted: has(documentFlags, FEED_DOCUMENT_FLAG_DELETED) })
  }
  return { type: 'FEED_PAGE', vault, status, documents, mark, more: has(flags, FEED_PAGE_FLAG_MORE) }
}

function readOpened(reader: ByteReader): Opened {
  const channel = reader.varuint('OPENED.channel', 1)
  const status = reader.choice('OPENED.status', OPENED_STATUS)
  const flags = reader.varuint('OPENED.flags')
  const incarnation = reader.optional('OPENED.incarnation', ID_BYTES)
  const entriesToCome = reader.varuint('OPENED.entriesToCome')
  const bytesToCome = reader.varuint('OPENED.bytesToCome')
  const generation = reader.raw('OPENED.generation', TAG_BYTES)
  const urgency = reader.choice('OPENED.urgency', URGENCY)
  const turn = reader.choice('OPENED.turn', TURN)
  return {
    type: 'OPENED',
    channel,
    status,
    incarnation,
    entriesToCome,
    bytesToCome,
    generation,
    urgency,
    claimWanted: has(flags, OPENED_FLAG_CLAIM_WANTED),
    turn,
    turnWaitMs: reader.varuint('OPENED.turnWaitMs'),
  }
}

function readRefused(reader: ByteReader): Refused {
  const channel = reader.varuint('REFUSED.channel', 1)
  const pushId = reader.raw('REFUSED.pushId', ID_BYTES)
  const code = readReason(reader, 'REFUSED.code')
  const retryAfterMs = reader.varuint('REFUSED.retryAfterMs')
  const message = reader.text('REFUSED.message', messageTextBytesMax)
  return { type: 'REFUSED', channel, pushId, code, retryAfterMs, message }
}

function readReason(reader: ByteReader, field: string): Code {
  const code = reader.choice(field, CODE_NAMES)
  if (code === 'OK') reader.fail(field, 'OK is no reason')
  return code
}

function readSnapshot(reader: ByteReader, limits: DecodeLimits): Snapshot {
  const channel = reader.varuint('SNAPSHOT.channel', 1)
  const snapshotId = reader.raw('SNAPSHOT.snapshotId', ID_BYTES)
  const total = reader.varuint('SNAPSHOT.total', 1)
  const offset = reader.varuint('SNAPSHOT.offset')
  const bytes = reader.piece('SNAPSHOT.bytes', limits.pieceBytesMax)
  checkPiece(reader, 'SNAPSHOT.offset', total, offset, bytes)
  return { type: 'SNAPSHOT', channel, snapshotId, total, offset, bytes }
}

function readEntries(reader: ByteReader, limits: DecodeLimits): Entries {
  const channel = reader.varuint('ENTRIES.channel', 1)
  const count = reader.count('ENTRIES.entries', FIELD_LIMITS.entriesPerFrameMax, ENTRY_BYTES_MIN)
  if (count === 0) reader.fail('ENTRIES.entries', 'none')
  const entries: Entry[] = []
  for (let index = 0; index < count && reader.fault === ''; index++) {
    entries.push(readEntry(reader, limits, index === 0, index === count - 1))
  }
  return { type: 'ENTRIES', channel, entries }
}

function readEntry(reader: ByteReader, limits: DecodeLimits, isFirst: boolean, isLast: boolean): Entry {
  const pushId = reader.raw('ENTRIES.entry.pushId', ID_BYTES)
  const format = reader.varuint('ENTRIES.entry.format', 0, FIELD_LIMITS.formatMax)
  const total = reader.varuint('ENTRIES.entry.total', 1)
  const offset = reader.varuint('ENTRIES.entry.offset')
  const bytes = reader.piece('ENTRIES.entry.bytes', limits.pieceBytesMax)
  checkPiece(reader, 'ENTRIES.entry.offset', total, offset, bytes)
  if (bytes.length === 0) reader.fail('ENTRIES.entry.bytes', 'empty')
  if (!isFirst && offset > 0) reader.fail('ENTRIES.entry.offset', `${offset}, and it is not the first of its frame`)
  if (!isLast && offset + bytes.length < total) {
    reader.fail('ENTRIES.entry.bytes', 'an unfinished piece that is not the last of its frame')
  }
  return { pushId, format, total, offset, bytes }
}

function readSynced(reader: ByteReader): Synced {
  const channel = reader.varuint('SYNCED.channel', 1)
  const flags = reader.varuint('SYNCED.flags')
  const mark = reader.byteString('SYNCED.mark', bookmarkBytesMax)
  const tag = reader.raw('SYNCED.tag', TAG_BYTES)
  const otherDevices = reader.varuint('SYNCED.otherDevices')
  return { type: 'SYNCED', channel, mark, tag, confirmed: has(flags, SYNCED_FLAG_CONFIRMED), otherDevices }
}

function readError(reader: ByteReader): ErrorFrame {
  const channel = reader.varuint('ERROR.channel')
  const code = readReason(reader, 'ERROR.code')
  const flags = reader.varuint('ERROR.flags')
  const retryAfterMs = reader.varuint('ERROR.retryAfterMs')
  const message = reader.text('ERROR.message', messageTextBytesMax)
  return { type: 'ERROR', channel, code, retryable: has(flags, ERROR_FLAG_RETRYABLE), retryAfterMs, message }
}
