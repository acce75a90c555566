// A message of the protocol in a few words, for traces.
import { decodeMessage, type Frame, LIMITS_AFTER_WELCOME, LIMITS_HTTP_RESPONSE } from '@tidemark/protocol'

export function summaryOfMessage(bytes: Uint8Array): string {
  const asResponse = decodeMessage(bytes, LIMITS_HTTP_RESPONSE)
  const decoded = asResponse.ok ? asResponse : decodeMessage(bytes, LIMITS_AFTER_WELCOME)
  if (!decoded.ok) return `${bytes.length} bytes that are no message: ${decoded.message}`
  return `${bytes.length} bytes: ${decoded.frames.map(wordsOf).join(' ')}`
}

function wordsOf(frame: Frame): string {
  switch (frame.type) {
    case 'OPEN':
      return `OPEN(${frame.channel} ${frame.documentId} mark ${short(frame.mark)} receipt ${short(frame.receipt)})`
    case 'OPENED':
      return `OPENED(${frame.channel} ${frame.status} ${frame.entriesToCome})`
    case 'PUSH':
      return `PUSH(${frame.channel} ${short(frame.pushId)} ${frame.offset}+${frame.bytes.length}/${frame.total})`
    case 'ACK':
      return `ACK(${frame.channel} ${short(frame.pushId)} ${short(frame.receipt)})`
    case 'ENTRIES':
      return `ENTRIES(${frame.channel} ${frame.entries.map(({ pushId, offset, bytes, total }) => `${short(pushId)} ${offset}+${bytes.length}/${total}`).join(', ')})`
    case 'MARK':
    case 'SYNCED':
      return `${frame.type}(${frame.channel} ${short(frame.mark)})`
    case 'REFUSED':
    case 'ERROR':
      return `${frame.type}(${frame.channel} ${frame.code})`
    case 'DONE':
      return frame.more ? 'DONE(more)' : 'DONE'
    default:
      return frame.type
  }
}

/** The end of it: bookmarks of one log begin alike. */
function short(bytes: Uint8Array): string {
  return bytes.length === 0 ? '-' : Buffer.from(bytes.subarray(-3)).toString('hex')
}
