// Everything that an SDK under test sends and receives, byte for byte, over WebSockets and over HTTP. What a socket masks is
// captured before it is masked.
import { WebSocket } from 'ws'
import { type Fetch, type FetchResponse, platformOf, type WebSocketConstructor } from '../../client/src/platform.ts'

export class Capture {
  readonly #chunks: Buffer[] = []

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get WebSocket(): WebSocketConstructor {
    const take = (bytes: ArrayBuffer | Uint8Array): void => this.#take(bytes)
    return class extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols, { perMessageDeflate: false })
        this.on('message', (data) => take(data as ArrayBuffer))
      }

      override send(bytes: unknown): void {
        take(bytes as Uint8Array)
        super.send(bytes as Uint8Array)
      }
    } as unknown as WebSocketConstructor
  }

  readonly fetch: Fetch = async (url, init): Promise<FetchResponse> => {
    this.#take(init.body)
    const { status, headers, ...response } = await received(url, init)
    this.#take(response.body)
    return { status, headers, arrayBuffer: () => Promise.resolve(response.body) }
  }

  #take(bytes: ArrayBuffer | Uint8Array): void {
    this.#chunks.push(bytes instanceof Uint8Array ? Buffer.from(bytes.slice()) : Buffer.from(bytes))
  }
}

async function received(
  ...request: Parameters<Fetch>
): Promise<Pick<FetchResponse, 'status' | 'headers'> & { readonly body: ArrayBuffer }> {
  const response = await (platformOf().fetch as Fetch)(...request)
  return { status: response.status, headers: response.headers, body: await response.arrayBuffer() }
}
