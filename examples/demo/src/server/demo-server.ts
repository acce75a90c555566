// One http server for everything: the built page, the token that the page asks for, and a relay attached to it.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createRelay, type Relay } from '@tidemark/relay'
import sirv from 'sirv'
import { mayHaveToken } from './page-token.ts'

export interface DemoOptions {
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  /** Directory of the relay's data. */
  readonly data: string
  /** Directory of the built page. */
  readonly page: string
}

export interface Demo {
  /** Where to point a browser. */
  readonly url: string
  readonly server: Server
  /** Resolves when the relay can no longer promise durability. */
  readonly failed: Promise<Error>
  /** Finishes the bursts under way. */
  close(): Promise<void>
}

const VAULT = 'demo'
const TOKEN_PATH = '/demo/token'
/** The page loads nothing from anywhere else. CodeMirror puts its styles into the page. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
}

/** Resolves when the page and the relay are served. @throws what `listen` and `createRelay` throw */
export async function startDemo({ host, port, data, page }: DemoOptions): Promise<Demo> {
  const servePage = sirv(page, { etag: true })
  let relay: Relay | null = null
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    if (request.url?.split('?')[0] === TOKEN_PATH && relay !== null)
      answerTokenRequest(server, relay, request, response)
    else servePage(request, response, () => end(response, 404, 'There is nothing here. The page is at /\n'))
  })
  // First the port, so that a second demo leaves the data of the first alone.
  await listen(server, host, port)
  try {
    relay = await createRelay({ server, data })
  } catch (error) {
    await closeServer(server)
    throw error
  }
  const serving = relay
  return {
    url: urlOf(server, host),
    server,
    failed: serving.failed,
    close: async () => {
      await serving.close()
      await closeServer(server)
    },
  }
}

function answerTokenRequest(server: Server, relay: Relay, request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('Cache-Control', 'no-store')
  if (request.method !== 'GET') {
    response.setHeader('Allow', 'GET')
    end(response, 405, 'Tokens are given to GET only.\n')
    return
  }
  if (!mayHaveToken(server, request)) {
    end(response, 403, 'Tokens are given only to this very page, on the computer that serves it.\n')
    return
  }
  relay.mintToken([`${VAULT}/*:write`], { subject: 'demo page', expiresInMs: 24 * 60 * 60_000 }).then(
    (token) => end(response, 200, token),
    (error: Error) => end(response, 500, `${error.message}\n`),
  )
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text)
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
