// Names and numbers by which two programs find out that they speak the same protocol.
// docs/protocol.md, "Carriers" and "Versions".

/** The version that this package speaks. */
export const PROTOCOL_VERSION = 1

/** WebSocket subprotocol: carries the version, never a token. */
export const SUBPROTOCOL = 'tidemark.v1'

/** Content type of HTTP request and response bodies that hold frames. */
export const MEDIA_TYPE = 'application/vnd.tidemark.v1'

/** Path of both carriers, below the base URL of the relay. */
export const SYNC_PATH = '/v1/sync'

/** The version to speak with a device that offers `versionMin` to `versionMax`; null: there is none. */
export function negotiateVersion(versionMax: number, versionMin: number): number | null {
  return versionMin <= PROTOCOL_VERSION && PROTOCOL_VERSION <= versionMax ? PROTOCOL_VERSION : null
}
