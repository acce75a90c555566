// Puts the relay on an http server that may belong to somebody else: its own paths go to the relay and to nobody else,
// all others go where they went before.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Entrance, refuseUpgrade } from './entrance.ts'

type Emit = Server['emit']

/**
 * Returns what takes the relay off the server again.
 *
 * A listener of our own would not do: every listener is told of every request, and a host's answers 404, or destroys
 * the socket, for paths that it does not know; and it may be added before or after us. So events are looked at before
 * any listener is.
 */
export function attach(server: Server, entrance: Entrance): () => void {
  const wrapped = Object.hasOwn(server, 'emit')
  const hostEmit: Emit = server.emit
  let attached = true
  const emit = function (this: Server, event: string | symbol, ...values: unknown[]): boolean {
    if (attached && event === 'request' && entrance.owns(values[0] as IncomingMessage)) {
      entrance.handleRequest(values[0] as IncomingMessage, values[1] as ServerResponse)
      return true
    }
    if (attached && event === 'upgrade' && entrance.owns(values[0] as IncomingMessage)) {
      entrance.handleUpgrade(values[0] as IncomingMessage, values[1] as Duplex, values[2] as Buffer)
      return true
    }
    return Reflect.apply(hostEmit, this, [event, ...values]) as boolean
  } as Emit
  server.emit = emit

  // Node offers upgrades only where somebody listens; whose path is nobody's would otherwise wait for ever.
  const refuseForeign = (_request: IncomingMessage, socket: Duplex): void => {
    if (server.listenerCount('upgrade') === 1) refuseUpgrade(socket, '404 Not Found')
  }
  server.on('upgrade', refuseForeign)
  return () => {
    attached = false
    server.off('upgrade', refuseForeign)
    // Where somebody wrapped ours in the meantime, it stays and hands everything on.
    if (server.emit !== emit) return
    if (wrapped) server.emit = hostEmit
    else Reflect.deleteProperty(server, 'emit')
  }
}
