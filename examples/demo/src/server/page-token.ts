// Who gets a token without a login: the page itself, on the machine that serves it, and nobody else.
import type { IncomingMessage } from 'node:http'
import { BlockList, isIPv6, type Server } from 'node:net'

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Names that no DNS server can point here: any other one is a page of somebody else's (DNS rebinding). */
const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i

/** The server listens on loopback only, and the request comes from there, by a loopback name, from our own page. */
export function mayHaveToken(server: Server, { socket, headers }: IncomingMessage): boolean {
  const address = server.address()
  return (
    address !== null &&
    typeof address !== 'string' &&
    isLoopback(address.address) &&
    isLoopback(socket.remoteAddress) &&
    LOOPBACK_HOST.test(headers.host ?? '') &&
    isFromOurPage(headers['sec-fetch-site'])
  )
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && LOOPBACK.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')
}

/** Browsers say where a request comes from; other programs on this machine do not, and could read the data anyway. */
function isFromOurPage(site: string | string[] | undefined): boolean {
  return site === undefined || site === 'same-origin' || site === 'none'
}
