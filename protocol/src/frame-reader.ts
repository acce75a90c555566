// The body of each frame, field by field, from bytes that a stranger sent. frame-writer.ts is its mirror.
// Never throws; after a fault (reader.fault) what these return is to be thrown away.
import type { ByteReader } from './bytes/reader.ts'
import type { Code } from './codes.ts'
import type {
  Claim,
  Entries,
  Entry,
  ErrorFrame,
  FeedDocument,
  FeedPage,
  Frame,
  FrameName,
  FrameOf,
  Hello,
  Open,
  Opened,
  Partial,
  Push,
  Refused,
  Snapshot,
  SnapshotPut,
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
  OPEN_FLAG,
  OPENED_FLAG_CLAIM_WANTED,
  OPENED_STATUS,
  REPAIR_REASON,
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
const END: FrameOf<'END'> = { type: 'END' }

export function readBody(reader: ByteReader, name: FrameName, limits: DecodeLimits): Frame {
  return READ[name](reader, limits)
}

const READ: { readonly [Name in FrameName]: (reader: ByteReader, limits: DecodeLimits) => FrameOf<Name> } = {
  HELLO: readHello,
  WELCOME: readWelcome,
  FEED(reader) {
    const vault = reader.text('FEED.vault', vaultBytesMax)
    return { type: 'FEED', vault, mark: reader.byteString('FEED.mark', bookmarkBytesMax) }
  },
  FEED_PAGE: readFeedPage,
  OPEN: readOpen,
  OPENED: readOpened,
  PUSH: readPush,
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
  REPAIR(reader) {
    const channel = reader.varuint('REPAIR.channel', 1)
    const reason = reader.choice('REPAIR.reason', REPAIR_REASON)
    return { type: 'REPAIR', channel, reason, fingerprint: reader.raw('REPAIR.fingerprint', ID_BYTES) }
  },
  LEASE(reader) {
    const channel = reader.varuint('LEASE.channel', 1)
    return { type: 'LEASE', channel, mark: reader.byteString('LEASE.mark', bookmarkBytesMax) }
  },
  LEASED(reader) {
    const channel = reader.varuint('LEASED.channel', 1)
    const code = reader.choice('LEASED.code', CODE_NAMES)
    const fence = reader.varuint('LEASED.fence')
    return { type: 'LEASED', channel, code, fence, deadlineMs: reader.varuint('LEASED.deadlineMs') }
  },
  SNAPSHOT_PUT: readSnapshotPut,
  COMPACTED(reader) {
    const channel = reader.varuint('COMPACTED.channel', 1)
    return { type: 'COMPACTED', channel, code: reader.choice('COMPACTED.code', CODE_NAMES) }
  },
  DELETE(reader) {
    const channel = reader.varuint('DELETE.channel', 1)
    return { type: 'DELETE', channel, mark: reader.byteString('DELETE.mark', bookmarkBytesMax) }
  },
  DELETED(reader) {
    const channel = reader.varuint('DELETED.channel', 1)
    return { type: 'DELETED', channel, code: reader.choice('DELETED.code', CODE_NAMES) }
  },
  CREDIT(reader) {
    return { type: 'CREDIT', bytes: reader.varuint('CREDIT.bytes', 1) }
  },
  ERROR: readError,
  END() {
    return END
  },
  DONE(reader) {
    const flags = reader.varuint('DONE.flags')
    return { type: 'DONE', more: has(flags, DONE_FLAG_MORE), returnAfterMs: reader.varuint('DONE.returnAfterMs') }
  },
  AWARENESS(reader) {
    const channel = reader.varuint('AWARENESS.channel', 1)
    return { type: 'AWARENESS', channel, bytes: reader.byteString('AWARENESS.bytes', FIELD_LIMITS.awarenessBytesMax) }
  },
}

/** Flags are a varuint, so a bit may lie beyond what `&` sees of it; none of version 1 does. Unknown bits are ignored. */
function has(flags: number, bit: number): boolean {
  return (flags & bit) !== 0
}

function readHello(reader: ByteReader): Hello {
  const versionMax = reader.varuint('HELLO.versionMax')
  const versionMin = reader.varuint('HELLO.versionMin', 0, versionMax)
  const deviceId = reader.raw('HELLO.deviceId', ID_BYTES)
  const token = reader.text('HELLO.token', FIELD_LIMITS.tokenBytesMax)
  const receiveWindowBytes = reader.varuint('HELLO.receiveWindowBytes')
  const clientName = reader.text('HELLO.clientName', FIELD_LIMITS.clientNameBytesMax)
  return { type: 'HELLO', versionMax, versionMin, deviceId, token, receiveWindowBytes, clientName }
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

function readOpen(reader: ByteReader): Open {
  const channel = reader.varuint('OPEN.channel', 1)
  const documentId = reader.text('OPEN.documentId', documentIdBytesMax)
  const flags = reader.varuint('OPEN.flags')
  const incarnation = reader.optional('OPEN.incarnation', ID_BYTES)
  const mark = reader.byteString('OPEN.mark', bookmarkBytesMax)
  const receipt = reader.byteString('OPEN.receipt', bookmarkBytesMax)
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
  const digest = reader.raw('OPEN.claim.digest', ID_BYTES)
  const profile = reader.text('OPEN.claim.profile', FIELD_LIMITS.profileBytesMax)
  return { digest, profile, generation: reader.raw('OPEN.claim.generation', TAG_BYTES) }
}

function readPartial(reader: ByteReader): Partial {
  const id = reader.raw('OPEN.partial.id', ID_BYTES)
  return { id, offset: reader.varuint('OPEN.partial.offset') }
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

function readPush(reader: ByteReader, limits: DecodeLimits): Push {
  const channel = reader.varuint('PUSH.channel', 1)
  const pushId = reader.raw('PUSH.pushId', ID_BYTES)
  const format = reader.varuint('PUSH.format', 0, FIELD_LIMITS.formatMax)
  const total = reader.varuint('PUSH.total', 1)
  const offset = reader.varuint('PUSH.offset')
  const bytes = reader.piece('PUSH.bytes', limits.pieceBytesMax)
  checkPiece(reader, 'PUSH.offset', total, offset, bytes)
  return { type: 'PUSH', channel, pushId, format, total, offset, bytes }
}

function checkPiece(reader: ByteReader, field: string, total: number, offset: number, bytes: Uint8Array): void {
  if (offset + bytes.length <= total) return
  reader.fail(field, `${offset} and ${bytes.length} bytes are beyond the total of ${total}`)
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

function readSnapshotPut(reader: ByteReader, limits: DecodeLimits): SnapshotPut {
  const channel = reader.varuint('SNAPSHOT_PUT.channel', 1)
  const fence = reader.varuint('SNAPSHOT_PUT.fence')
  const mark = reader.byteString('SNAPSHOT_PUT.mark', bookmarkBytesMax)
  const snapshotId = reader.raw('SNAPSHOT_PUT.snapshotId', ID_BYTES)
  const total = reader.varuint('SNAPSHOT_PUT.total', 1)
  const offset = reader.varuint('SNAPSHOT_PUT.offset')
  const bytes = reader.piece('SNAPSHOT_PUT.bytes', limits.pieceBytesMax)
  checkPiece(reader, 'SNAPSHOT_PUT.offset', total, offset, bytes)
  return { type: 'SNAPSHOT_PUT', channel, fence, mark, snapshotId, total, offset, bytes }
}

function readError(reader: ByteReader): ErrorFrame {
  const channel = reader.varuint('ERROR.channel')
  const code = readReason(reader, 'ERROR.code')
  const flags = reader.varuint('ERROR.flags')
  const retryAfterMs = reader.varuint('ERROR.retryAfterMs')
  const message = reader.text('ERROR.message', messageTextBytesMax)
  return { type: 'ERROR', channel, code, retryable: has(flags, ERROR_FLAG_RETRYABLE), retryAfterMs, message }
}
