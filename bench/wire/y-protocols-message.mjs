// The messages of y-websocket: a type, and a message of y-protocols' sync.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'

const TYPE_SYNC = 0

export function syncStep1(doc) {
  const encoder = newMessage()
  sync.writeSyncStep1(encoder, doc)
  return encoding.toUint8Array(encoder)
}

/** What answers it; null: nothing does. */
export function readMessage(bytes, doc) {
  const decoder = decoding.createDecoder(new Uint8Array(bytes))
  if (decoding.readVarUint(decoder) !== TYPE_SYNC) throw new Error('No message of sync')
  const encoder = newMessage()
  const before = encoding.length(encoder)
  sync.readSyncMessage(decoder, encoder, doc, null)
  return encoding.length(encoder) > before ? encoding.toUint8Array(encoder) : null
}

export function isSyncStep2(bytes) {
  return bytes[0] === TYPE_SYNC && bytes[1] === sync.messageYjsSyncStep2
}

function newMessage() {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, TYPE_SYNC)
  return encoder
}
