// The one error class of the relay's own surface. What devices are told are the codes of protocol/, never these.

/**
 * BAD_OPTION: an option is wrong, `option` names it. DATA: the data directory cannot be used. ADDRESS: the address
 * cannot be listened on. NOT_LISTENING: the server given does not listen yet, so there is no URL. BAD_GRANT: a grant
 * cannot be read. CLOSED: the relay was closed.
 */
export type RelayErrorCode = 'BAD_OPTION' | 'DATA' | 'ADDRESS' | 'NOT_LISTENING' | 'BAD_GRANT'

/** Thrown by `createRelay` and the methods of a relay. */
export class RelayError extends Error {
  readonly code: RelayErrorCode
  /** Name of the option that is wrong, such as `limits.connectionsMax`; null where it is none. */
  readonly option: string | null

  constructor(code: RelayErrorCode, message: string, options: { option?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RelayError'
    this.code = code
    this.option = options.option ?? null
  }
}
