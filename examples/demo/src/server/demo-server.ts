// One http server for everything: the built page, what the page asks for, and two relays attached to it.
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import sirv from 'sirv'
import { answerPage, type DemoRelays, endWith } from './page-requests.ts'
import { SwitchedRelay } from './switched-relay.ts'

export interface DemoOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Directory of the first relay's data; the second one's is `second` in it. */
  readonly data: string
  /** Directory of the built page. */
  readonly page: string
}

export interface Demo {
  /** Where to point a browser. */
  readonly url: string
  readonly server: Server
  /** Resolves when a relay can no longer promise durability. */
  readonly failed: Promise<Error>
  /** Finishes the bursts under way. */
  close(): Promise<void>
}

/** The page loads nothing from anywhere else. CodeMirror puts its styles into the page. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** Resolves when the page and the relays are served. @throws what `listen` and `createRelay` throw */
export async function startDemo({ host, port, data, page }: DemoOptions): Promise<Demo> {
  const servePage = sirv(page, { etag: true })
  let relays: DemoRelays | null = null
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    if (relays !== null && answerPage(server, relays, request, response)) return
    servePage(request, response, () => endWith(response, 404, 'There is nothing here. The page is at /\n'))
  })
  // What comes here is no relay's, or that of one that is off.
  server.on('upgrade', (_request, socket: Duplex) => {
    socket.on('error', () => socket.destroy())
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  })
  // First the port, so that a second demo leaves the data of the first alone.
  await listen(server, host, port)
  try {
    relays = await startRelays(server, data)
  } catch (error) {
    await closeServer(server)
    throw error
  }
  const { first, second } = relays
  return {
    url: urlOf(server, host),
    server,
    failed: Promise.race([first.failed, second.failed]),
    close: async () => {
      await Promise.all([first.close(), second.close()])
      await closeServer(server)
    },
  }
}

async function startRelays(server: Server, data: string): Promise<DemoRelays> {
  const first = await SwitchedRelay.start({ server, data })
  try {
    // Each has a store of its own. The secret is shared, so that one token opens both.
    const secret = await readFile(join(data, 'secret'))
    const second = await SwitchedRelay.start({ server, data: join(data, 'second'), basePath: '/second', secret })
    return { first, second }
  } catch (error) {
    await first.close()
    throw error
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo
  const isAnywhere = host === '0.0.0.0' || host === '::'
  const name = isAnywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}/`
}
