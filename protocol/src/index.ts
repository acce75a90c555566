export { type DecodeFailure, type DecodeResult, decodeMessage, encodeFrames, MessageWriter } from './codec.ts'
export { CLOSE_CODE, CODE, type Code, RETRYABLE } from './codes.ts'
export { isVault, type ParsedDocumentId, parseDocumentId } from './document-id.ts'
export * from './frames.ts'
export {
  DEVICE_CHANNEL,
  DEVICE_SESSION,
  type DeviceChannelFrameName,
  type DeviceChannelState,
  type DeviceFrameName,
  type DeviceSessionState,
  deviceVerdict,
  RELAY_CHANNEL,
  RELAY_SESSION,
  type RelayChannelFrameName,
  type RelayChannelState,
  type RelayFrameName,
  type RelaySessionState,
  relayVerdict,
  type Verdict,
} from './legality.ts'
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
export { MEDIA_TYPE, negotiateVersion, PROTOCOL_VERSION, SUBPROTOCOL, SYNC_PATH } from './version.ts'
