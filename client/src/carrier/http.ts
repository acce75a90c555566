// The HTTP carrier: every round is one POST, its answer one response body. For proxies that block upgrades, and for
// mobile background tasks where a WebSocket cannot live.
import { LIMITS_HTTP_RESPONSE, MEDIA_TYPE, SYNC_PATH } from '@tidemark/protocol'
import { joined } from '../document/bytes.ts'
import { type ErrorCode, TidemarkError } from '../errors.ts'
import { type Fetch, type FetchResponse, newAbortController } from '../platform.ts'
import { retryAfterOf } from '../retry-after.ts'
import type { Carrier, CarrierEvents } from './carrier.ts'

export function connectHttp(fetch: Fetch, relay: string, events: CarrierEvents): Carrier {
  const url = relay.replace(/^ws/, 'http').replace(/\/$/, '') + SYNC_PATH
  const controller = newAbortController()
  let isOpen = true

  function fail(error: TidemarkError): void {
    if (!isOpen) return
    isOpen = false
    events.closed(error)
  }

  async function post(bytes: Uint8Array): Promise<void> {
    let response: FetchResponse
    let body: Uint8Array
    try {
      const headers = { 'content-type': MEDIA_TYPE }
      response = await fetch(url, { method: 'POST', headers, body: bytes, signal: controller.signal })
      body = await bodyOf(response, relay)
    } catch (cause) {
      const isToldAlready = cause instanceof TidemarkError
      fail(isToldAlready ? cause : new TidemarkError('OFFLINE', `No answer from ${relay}`, { relay, cause }))
      return
    }
    if (!isOpen) return
    // An error status may come with a message whose ERROR frame says more than the status does.
    if (response.headers.get('content-type') === MEDIA_TYPE) events.message(body)
    if (response.status !== 200) fail(errorOfStatus(response, relay))
    else if (response.headers.get('content-type') !== MEDIA_TYPE) {
      fail(new TidemarkError('MALFORMED', `${url} answered with something that is not ${MEDIA_TYPE}`, { relay }))
    }
  }

  void Promise.resolve().then(() => {
    if (isOpen) events.connected()
  })
  return {
    name: 'http',
    send: (bytes) => {
      void post(bytes)
    },
    close: async () => {
      isOpen = false
      controller.abort()
    },
  }
}

/** No more of it is read than a relay may send: what was packed on the way may be of any size. */
async function bodyOf(response: FetchResponse, relay: string): Promise<Uint8Array> {
  const { messageBytesMax } = LIMITS_HTTP_RESPONSE
  if (!isWebStream(response.body)) return new Uint8Array(await response.arrayBuffer())
  const reader = response.body.getReader()
  const chunks: Uint8Array[] = []
  let byteLength = 0
  for (;;) {
    const { value } = await reader.read()
    if (value === undefined) return joined(chunks)
    chunks.push(value)
    byteLength += value.length
    if (byteLength > messageBytesMax) {
      throw new TidemarkError('MALFORMED', `The answer of ${relay} is longer than ${messageBytesMax} bytes`, { relay })
    }
  }
}

interface WebStream {
  getReader(): { read(): Promise<{ readonly value?: Uint8Array }> }
}

/** React Native has none, and node-fetch another kind. */
function isWebStream(body: unknown): body is WebStream {
  return typeof (body as WebStream | null | undefined)?.getReader === 'function'
}

const ERROR_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'MALFORMED',
  401: 'TOKEN',
  403: 'FORBIDDEN',
  413: 'TOO_LARGE',
  415: 'MALFORMED',
  429: 'RATE',
  503: 'OVERLOADED',
  507: 'STORAGE',
}

function errorOfStatus(response: FetchResponse, relay: string): TidemarkError {
  const code = ERROR_OF_STATUS[response.status] ?? (response.status >= 500 ? 'RELAY_FAULT' : 'MALFORMED')
  const retryAfterSeconds = Number(response.headers.get('retry-after') ?? Number.NaN)
  return new TidemarkError(code, `${relay} answered with HTTP status ${response.status}`, {
    relay,
    retryAfterMs: Number.isFinite(retryAfterSeconds) ? retryAfterOf(retryAfterSeconds * 1000) : null,
  })
}
