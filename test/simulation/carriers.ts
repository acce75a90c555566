// Both ends of a simulated connection: the SDK's WebSocket or fetch on one side, a relay core on the other.
import { CLOSE_CODE, MEDIA_TYPE } from '@tidemark/protocol'
import { joined } from '../../client/src/document/bytes.ts'
import type { Fetch, FetchResponse, WebSocketConstructor, WebSocketLike } from '../../client/src/platform.ts'
import { summaryOfMessage } from './message-summary.ts'
import { BaseLink, type Endpoint, type Network } from './network.ts'

/** Finds who listens at a URL now. */
export type Resolve = (url: string) => Endpoint

export function webSocketTo(network: Network, device: string, resolve: Resolve): WebSocketConstructor {
  return class extends SocketLink {
    constructor(url: string) {
      super(network, device, resolve(url))
    }
  }
}

class SocketLink extends BaseLink implements WebSocketLike {
  readonly overHttp = false
  binaryType = 'arraybuffer'
  readyState = 0
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onerror: WebSocketLike['onerror'] = null
  onclose: WebSocketLike['onclose'] = null

  constructor(network: Network, device: string, endpoint: Endpoint) {
    super(network, device, endpoint)
    this.up.push('connect', () => this.#accept())
  }

  send(bytes: Uint8Array): void {
    if (this.readyState !== 1 || this.isDeviceGone) return
    const copy = bytes.slice()
    this.network.tap.sent(this, 'up', copy)
    this.up.push(
      () => summaryOfMessage(copy),
      () => this.connection?.receive(this.network.rewrite(this, 'up', copy)),
      copy.length,
    )
  }

  close(): void {
    if (this.readyState >= 2) return
    this.readyState = 2
    this.up.push('close', () => {
      this.tellRelay()
      this.down.push('closed', () => this.tellDevice(1000))
    })
  }

  #accept(): void {
    const { core } = this.endpoint
    if (core === null) {
      this.isRelayGone = true
      this.down.push('refused', () => this.tellDevice())
      return
    }
    const link = this
    this.down.push('connected', () => {
      if (this.isDeviceGone || this.readyState !== 0) return
      this.readyState = 1
      this.onopen?.(undefined as never)
    })
    this.connection = core.connect({
      get bufferedBytes() {
        return link.down.byteLength
      },
      send: (bytes) => this.#sendDown(bytes),
      close: (code, reason) => {
        if (this.isRelayGone) return
        this.isRelayGone = true
        this.down.push(`close ${code}`, () => this.tellDevice(CLOSE_CODE[code] ?? 1011, reason))
      },
    })
  }

  #sendDown(bytes: Uint8Array): void {
    if (this.isRelayGone) return
    const data = bytes.slice().buffer
    this.network.tap.sent(this, 'down', new Uint8Array(data))
    if (this.isDeviceGone) return
    const arrive = (): void => {
      if (!this.isDeviceGone && this.readyState === 1)
        this.onmessage?.({ data: this.network.rewrite(this, 'down', new Uint8Array(data)).slice().buffer })
      if (!this.isRelayGone) this.connection?.writable()
    }
    this.down.push(() => summaryOfMessage(new Uint8Array(data)), arrive, data.byteLength)
  }

  protected tellDevice(code = 1006, reason = ''): void {
    if (this.isDeviceGone) return
    this.isDeviceGone = true
    this.readyState = 3
    this.onclose?.({ code, reason })
  }
}

export function fetchTo(network: Network, device: string, resolve: Resolve): Fetch {
  return (url, { body, signal }) =>
    new Promise((succeed, fail) => {
      const end = (settle: () => void): void => {
        signal.removeEventListener('abort', abort)
        settle()
      }
      const endpoint = resolve(url.replace(/^http/, 'ws'))
      const succeedOnce = (response: FetchResponse): void => end(() => succeed(response))
      const failOnce = (error: Error): void => end(() => fail(error))
      const link = new PostLink(network, device, endpoint, body.slice(), succeedOnce, failOnce)
      const abort = (): void => link.cut('device')
      signal.addEventListener('abort', abort)
    })
}

/** A response whose body is not whole is no response: fetch rejects, or reading its body does. */
class PostLink extends BaseLink {
  readonly overHttp = true
  readonly #succeed: (response: FetchResponse) => void
  readonly #fail: (error: Error) => void
  readonly #body: Uint8Array[] = []

  constructor(
    network: Network,
    device: string,
    endpoint: Endpoint,
    body: Uint8Array,
    succeed: (response: FetchResponse) => void,
    fail: (error: Error) => void,
  ) {
    super(network, device, endpoint)
    this.#succeed = succeed
    this.#fail = fail
    network.tap.sent(this, 'up', body)
    this.up.push(
      () => `POST of ${summaryOfMessage(body)}`,
      () => this.#accept(body),
    )
  }

  #accept(body: Uint8Array): void {
    const { core } = this.endpoint
    if (core === null) {
      this.isRelayGone = true
      this.down.push('refused', () => this.tellDevice())
      return
    }
    const carrier = {
      bufferedBytes: 0,
      send: (bytes: Uint8Array) => {
        if (this.isRelayGone) return
        const copy = bytes.slice()
        this.network.tap.sent(this, 'down', copy)
        this.#body.push(copy)
        // The kernel takes it at once: what counts is that the session was told so later, and not while it sends.
        void Promise.resolve().then(() => this.connection?.writable())
      },
      close: () => {
        if (this.isRelayGone) return
        this.isRelayGone = true
        const bytes = joined(this.#body)
        this.down.push(
          () => `response of ${summaryOfMessage(bytes)}`,
          () => this.#respond(bytes),
        )
      },
    }
    this.connection = core.connect(carrier, { oneRound: true, headerToken: '' })
    this.connection.receive(this.network.rewrite(this, 'up', body))
  }

  #respond(body: Uint8Array): void {
    if (this.isDeviceGone) return
    this.isDeviceGone = true
    const bytes = this.network.rewrite(this, 'down', body)
    const headers = { get: (name: string) => (name === 'content-type' ? MEDIA_TYPE : null) }
    this.#succeed({ status: 200, headers, arrayBuffer: async () => bytes.slice().buffer as ArrayBuffer })
  }

  protected tellDevice(): void {
    if (this.isDeviceGone) return
    this.isDeviceGone = true
    this.#fail(new Error('The connection broke'))
  }
}
