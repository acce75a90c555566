// Tidemark for Node: the same class on the ws library, since Node 20 has no WebSocket of its own.
import { WebSocket } from 'ws'
import type { TidemarkOptions } from '../options.ts'
import type { WebSocketConstructor } from '../platform.ts'
import { Tidemark as CoreTidemark } from '../tidemark.ts'

class NodeWebSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    super(url, protocols, { perMessageDeflate: false })
  }
}

export class Tidemark extends CoreTidemark {
  /** @throws TidemarkError BAD_OPTION, naming the option */
  constructor(options: TidemarkOptions) {
    const { WebSocket: webSocket = NodeWebSocket as unknown as WebSocketConstructor } = options?.platform ?? {}
    super({ ...options, platform: { ...options?.platform, WebSocket: webSocket } })
  }
}
