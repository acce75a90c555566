export { decodeMessage, encodeFrames, MessageWriter } from './codec.ts'
export { CLOSE_CODE, CODE, type Code, RETRYABLE } from './codes.ts'
export type { DecodeFailure, DecodeResult } from './decoder.ts'
export { DeviceMessageWriter, decodeRelayMessage, encodeDeviceFrames } from './device-codec.ts'
export {
  DEVICE_CHANNEL,
  DEVICE_SESSION,
  type DeviceChannelState,
  type DeviceSessionState,
  deviceVerdict,
  type RelayChannelFrameName,
} from './device-legality.ts'
export { isVault, type ParsedDocumentId, parseDocumentId } from './document-id.ts'
export * from './frames.ts'
export {
  ANNOUNCED_LIMITS,
  type DecodeLimits,
  FEEDS_MAX,
  FIELD_LIMITS,
  LIMITS_AFTER_WELCOME,
  LIMITS_BEFORE_WELCOME,
  LIMITS_HTTP_RESPONSE,
  REPAIRS_MAX,
  ROUNDS_UNDER_WAY_MAX,
  VERIFYING_BYTES_MAX,
  VERIFYING_MS_MAX,
} from './limits.ts'
export { chainSeed, nextChain, pushIdOf, type Sha256, tagOf, zeroTag } from './push-id.ts'
export {
  type DeviceChannelFrameName,
  RELAY_CHANNEL,
  RELAY_SESSION,
  type RelayChannelState,
  type RelaySessionState,
  relayVerdict,
} from './relay-legality.ts'
export type { Verdict } from './verdict.ts'
export { MEDIA_TYPE, negotiateVersion, PROTOCOL_VERSION, SUBPROTOCOL, SYNC_PATH } from './version.ts'
