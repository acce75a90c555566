// What moves a burst's messages: opened, then messages both ways, then closed exactly once. Never looks into a message
// that it can pass on.
import { CLOSE_CODE, type Code } from '@tidemark/protocol'
import { ERROR_CODE_OF, TidemarkError } from '../errors.ts'

export interface Carrier {
  readonly name: 'websocket' | 'http'
  send(bytes: Uint8Array): void
  /** Ends the connection, and resolves when it is gone; no further event comes. */
  close(): Promise<void>
}

export interface CarrierEvents {
  connected(): void
  message(bytes: Uint8Array): void
  /** At most once, and never after `close()`. */
  closed(error: TidemarkError): void
}

/** What a relay meant that closed without, or after, an ERROR frame. */
export function errorOfCloseCode(closeCode: number, reason: string, relay: string): TidemarkError {
  const found = Object.entries(CLOSE_CODE).find(([, number]) => number === closeCode)
  const code = found === undefined ? 'OFFLINE' : ERROR_CODE_OF[found[0] as Code]
  const why = reason === '' ? `close code ${closeCode}` : `${reason} (close code ${closeCode})`
  return new TidemarkError(code, `The connection to ${relay} ended: ${why}`, { relay })
}
