// From a PUSH to a payload that may be stored: right, size, pieces put together, and the hash that its id promises.
import type { Push } from '@tidemark/protocol'
import { bytesKey, equalBytes } from '../bytes.ts'
import type { Channel } from './channel.ts'
import type { SessionContext } from './context.ts'

/** A payload that is whole and what it claims to be. `stagingKey` is empty where it came in one piece. */
export interface WholePush {
  readonly payload: Uint8Array
  readonly stagingKey: string
}

/** Null: it was refused, or is not whole yet; the channel has been told which. */
export function takePush(
  context: SessionContext,
  channel: Channel,
  push: Push,
  deviceKey: string,
  nowMs: number,
): WholePush | null {
  if (!mayStore(context, channel, push)) return null
  if (push.bytes.length === push.total) return verified(context, channel, push, push.bytes, '')
  // The device is part of the key: nobody else can put wrong bytes under the push id of another.
  const { documentId } = channel.open
  const stagingKey = `${documentId}\u0000${deviceKey}${bytesKey(push.pushId)}${String.fromCharCode(push.format)}`
  const staged = context.staging.place(stagingKey, push, nowMs)
  if (staged.type === 'partial') {
    channel.have(stagingKey, push.pushId, staged.staged)
    return null
  }
  channel.haveNoMore(stagingKey)
  if (staged.type === 'whole') return verified(context, channel, push, staged.payload, stagingKey)
  channel.refuse(push.pushId, 'OVERLOADED', 'Too many unfinished payloads on this relay', context.limits.retryAfterMs)
  return null
}

function mayStore(context: SessionContext, channel: Channel, push: Push): boolean {
  const { entryBytesMax } = context.limits
  if (channel.judgement?.status === 'DELETED') {
    channel.refuse(push.pushId, 'DELETED', 'The document was deleted')
  } else if (channel.right !== 'write') {
    channel.refuse(push.pushId, 'READ_ONLY', 'The token grants reading of this document, not writing')
  } else if (push.total > entryBytesMax) {
    channel.refuse(push.pushId, 'TOO_LARGE', `A payload of ${push.total} bytes, at most ${entryBytesMax}`)
  } else {
    return true
  }
  return false
}

function verified(
  context: SessionContext,
  channel: Channel,
  push: Push,
  payload: Uint8Array,
  stagingKey: string,
): WholePush | null {
  if (equalBytes(context.pushIdOf(push.format, payload), push.pushId)) return { payload, stagingKey }
  context.staging.drop(stagingKey)
  channel.refuse(push.pushId, 'BAD_HASH', 'The push id is not the hash of format and payload')
  return null
}
