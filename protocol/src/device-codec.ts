// The codec as a device needs it: writes what a device sends, reads what a relay sends, and carries no code for the other half,
// which a web page would have to load.
import { type DecodeResult, decode } from './decoder.ts'
import { WRITE_DEVICE_FRAME } from './device-frame-writer.ts'
import { FramePacker, packFrames } from './frame-packer.ts'
import type { DeviceFrame, DeviceFrameName, RelayFrame } from './frames.ts'
import type { DecodeLimits } from './limits.ts'
import { READ_RELAY_FRAME } from './relay-frame-reader.ts'

/** `decodeMessage` for a device: a frame that no relay sends is MALFORMED. */
export function decodeRelayMessage(bytes: Uint8Array, limits: DecodeLimits): DecodeResult<RelayFrame> {
  return decode(bytes, limits, READ_RELAY_FRAME)
}

/** `encodeFrames` for a device. @throws RangeError naming a field that no reader would accept. */
export function encodeDeviceFrames(frames: readonly DeviceFrame[]): Uint8Array {
  return packFrames(frames, WRITE_DEVICE_FRAME)
}

/** `MessageWriter` for a device. */
export class DeviceMessageWriter extends FramePacker<DeviceFrameName> {
  constructor() {
    super(WRITE_DEVICE_FRAME)
  }
}
