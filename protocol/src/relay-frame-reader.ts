// The body of each frame that a relay sends, field by field, from bytes that a stranger sent. relay-frame-writer.ts is its
// mirror. Never throws; after a fault (reader.fault) what these return is to be thrown away.
import { type BodyReaders, checkPiece, has, readAwareness, readPiece } from './body-readers.ts'
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
    const channel = reader.varuint('channel', 1)
    const id = reader.raw('id', ID_BYTES)
    return { type: 'HAVE', channel, id, staged: reader.varuint('staged') }
  },
  ACK(reader) {
    const channel = reader.varuint('channel', 1)
    const pushId = reader.raw('pushId', ID_BYTES)
    return { type: 'ACK', channel, pushId, receipt: reader.byteString('receipt', bookmarkBytesMax) }
  },
  REFUSED: readRefused,
  SNAPSHOT: readSnapshot,
  ENTRIES: readEntries,
  MARK(reader) {
    const channel = reader.varuint('channel', 1)
    return { type: 'MARK', channel, mark: reader.byteString('mark', bookmarkBytesMax) }
  },
  SYNCED: readSynced,
  LEASED(reader) {
    const channel = reader.varuint('channel', 1)
    const code = reader.choice('code', CODE_NAMES)
    const fence = reader.varuint('fence')
    return { type: 'LEASED', channel, code, fence, deadlineMs: reader.varuint('deadlineMs') }
  },
  COMPACTED(reader) {
    const channel = reader.varuint('channel', 1)
    return { type: 'COMPACTED', channel, code: reader.choice('code', CODE_NAMES) }
  },
  DELETED(reader) {
    const channel = reader.varuint('channel', 1)
    return { type: 'DELETED', channel, code: reader.choice('code', CODE_NAMES) }
  },
  ERROR: readError,
  DONE(reader) {
    const flags = reader.varuint('flags')
    return { type: 'DONE', more: has(flags, DONE_FLAG_MORE), returnAfterMs: reader.varuint('returnAfterMs') }
  },
  AWARENESS: readAwareness,
}

function readWelcome(reader: ByteReader): Welcome {
  const version = reader.varuint('version')
  const epoch = reader.raw('epoch', ID_BYTES)
  const messageBytesMax = reader.varuint('messageBytesMax', 1, LIMITS_AFTER_WELCOME.messageBytesMax)
  const entryBytesMax = reader.varuint('entryBytesMax', 1)
  const pieceBytesMax = reader.varuint('pieceBytesMax', 1, LIMITS_AFTER_WELCOME.pieceBytesMax)
  const channelsMax = reader.varuint('channelsMax', 1, LIMITS_AFTER_WELCOME.opensMax)
  const relayTimeMs = reader.varuint('relayTimeMs')
  const limits = { messageBytesMax, entryBytesMax, pieceBytesMax, channelsMax }
  return { type: 'WELCOME', version, epoch, limits, relayTimeMs }
}

function readFeedPage(reader: ByteReader): FeedPage {
  const vault = reader.text('vault', vaultBytesMax)
  const status = reader.choice('status', FEED_PAGE_STATUS)
  const flags = reader.varuint('flags')
  const mark = reader.byteString('mark', bookmarkBytesMax)
  const count = reader.count('documents', FIELD_LIMITS.feedPageDocumentsMax, FEED_DOCUMENT_BYTES_MIN)
  const documents: FeedDocument[] = []
  for (let index = 0; index < count && reader.fault === ''; index++) {
    const documentId = reader.text('document.documentId', documentIdBytesMax)
    const documentFlags = reader.varuint('document.flags')
    const tag = reader.raw('document.tag', TAG_BYTES)
    documents.push({ documentId, tag, deleted: has(documentFlags, FEED_DOCUMENT_FLAG_DELETED) })
  }
  return { type: 'FEED_PAGE', vault, status, documents, mark, more: has(flags, FEED_PAGE_FLAG_MORE) }
}

function readOpened(reader: ByteReader): Opened {
  const channel = reader.varuint('channel', 1)
  const status = reader.choice('status', OPENED_STATUS)
  const flags = reader.varuint('flags')
  const incarnation = reader.optional('incarnation', ID_BYTES)
  const entriesToCome = reader.varuint('entriesToCome')
  const bytesToCome = reader.varuint('bytesToCome')
  const generation = reader.raw('generation', TAG_BYTES)
  const urgency = reader.choice('urgency', URGENCY)
  const turn = reader.choice('turn', TURN)
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
    turnWaitMs: reader.varuint('turnWaitMs'),
  }
}

function readRefused(reader: ByteReader): Refused {
  const channel = reader.varuint('channel', 1)
  const pushId = reader.raw('pushId', ID_BYTES)
  const code = readReason(reader, 'code')
  const retryAfterMs = reader.varuint('retryAfterMs')
  const message = reader.text('message', messageTextBytesMax)
  return { type: 'REFUSED', channel, pushId, code, retryAfterMs, message }
}

function readReason(reader: ByteReader, field: string): Code {
  const code = reader.choice(field, CODE_NAMES)
  if (code === 'OK') reader.fail(field, 'OK is no reason')
  return code
}

function readSnapshot(reader: ByteReader, limits: DecodeLimits): Snapshot {
  const channel = reader.varuint('channel', 1)
  const snapshotId = reader.raw('snapshotId', ID_BYTES)
  const { total, offset, bytes } = readPiece(reader, limits)
  return { type: 'SNAPSHOT', channel, snapshotId, total, offset, bytes }
}

function readEntries(reader: ByteReader, limits: DecodeLimits): Entries {
  const channel = reader.varuint('channel', 1)
  const count = reader.count('entries', FIELD_LIMITS.entriesPerFrameMax, ENTRY_BYTES_MIN)
  if (count === 0) reader.fail('entries', 'none')
  const entries: Entry[] = []
  for (let index = 0; index < count && reader.fault === ''; index++) {
    entries.push(readEntry(reader, limits, index === 0, index === count - 1))
  }
  return { type: 'ENTRIES', channel, entries }
}

function readEntry(reader: ByteReader, limits: DecodeLimits, isFirst: boolean, isLast: boolean): Entry {
  const pushId = reader.raw('entry.pushId', ID_BYTES)
  const format = reader.varuint('entry.format', 0, FIELD_LIMITS.formatMax)
  const total = reader.varuint('entry.total', 1)
  const offset = reader.varuint('entry.offset')
  const bytes = reader.piece('entry.bytes', limits.pieceBytesMax)
  checkPiece(reader, 'entry.offset', total, offset, bytes)
  if (bytes.length === 0) reader.fail('entry.bytes', 'empty')
  if (!isFirst && offset > 0) reader.fail('entry.offset', `${offset}, and it is not the first of its frame`)
  if (!isLast && offset + bytes.length < total) {
    reader.fail('entry.bytes', 'an unfinished piece that is not the last of its frame')
  }
  return { pushId, format, total, offset, bytes }
}

function readSynced(reader: ByteReader): Synced {
  const channel = reader.varuint('channel', 1)
  const flags = reader.varuint('flags')
  const mark = reader.byteString('mark', bookmarkBytesMax)
  const tag = reader.raw('tag', TAG_BYTES)
  const otherDevices = reader.varuint('otherDevices')
  return { type: 'SYNCED', channel, mark, tag, confirmed: has(flags, SYNCED_FLAG_CONFIRMED), otherDevices }
}

function readError(reader: ByteReader): ErrorFrame {
  const channel = reader.varuint('channel')
  const code = readReason(reader, 'code')
  const flags = reader.varuint('flags')
  const retryAfterMs = reader.varuint('retryAfterMs')
  const message = reader.text('message', messageTextBytesMax)
  return { type: 'ERROR', channel, code, retryable: has(flags, ERROR_FLAG_RETRYABLE), retryAfterMs, message }
}
