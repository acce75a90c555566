// What a burst may lose where it ends while messages are under way.

/** Payload bytes. They may change from message to message, as more becomes known of the line and of the time that is left. */
export interface Risk {
  /** Pieces in one POST; one goes whatever its size. */
  readonly upBytes: number
  /** The answer to one POST. */
  readonly downBytes: number
  /** Pushes of documents in one message, over either carrier; one goes whatever its size. */
  readonly bundleBytes: number
  /** What a relay may send over a WebSocket before it hears that some of it has come. What was granted is not taken back. */
  readonly receiveWindowBytes: number
}
