// What the page asks its server for beside files: a token, and the switches of the relays. Answers nobody else.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { mayHaveToken } from './page-token.ts'
import type { SwitchedRelay } from './switched-relay.ts'

const VAULT = 'demo'
const TOKEN_PATH = '/demo/token'
const RELAYS_PATH = '/demo/relays'
const TOKEN_LIFETIME_MS = 24 * 60 * 60_000

export type DemoRelays = Readonly<Record<'first' | 'second', SwitchedRelay>>

/** Whether the request was one of the page's, and is answered or will be. */
export function answerPage(
  server: Server,
  relays: DemoRelays,
  request: IncomingMessage,
  response: ServerResponse,
): boolean {
  const [path = '', query] = (request.url ?? '').split('?')
  if (path !== TOKEN_PATH && path !== RELAYS_PATH) return false
  response.setHeader('Cache-Control', 'no-store')
  const methods = path === TOKEN_PATH ? ['GET'] : ['GET', 'POST']
  if (!methods.includes(request.method ?? '')) {
    response.setHeader('Allow', methods.join(', '))
    endWith(response, 405, `This takes ${methods.join(' and ')} only.\n`)
  } else if (!mayHaveToken(server, request)) {
    endWith(response, 403, 'Tokens and switches are for this very page only, on the computer that serves it.\n')
  } else {
    const answer = path === TOKEN_PATH ? tokenFor(relays) : switched(relays, request, new URLSearchParams(query))
    answer.then(
      (text) => endWith(response, 200, text),
      (error: Error) => endWith(response, 500, `${error.message}\n`),
    )
  }
  return true
}

export function endWith(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(text)
}

/** Good for both, since they share the secret. */
function tokenFor({ first }: DemoRelays): Promise<string> {
  return first.mintToken([`${VAULT}/*:write`], { subject: 'demo page', expiresInMs: TOKEN_LIFETIME_MS })
}

/** `POST ?name=second&on=false` turns one off. Says which are on. */
async function switched(relays: DemoRelays, { method }: IncomingMessage, wish: URLSearchParams): Promise<string> {
  const name = wish.get('name')
  if (method === 'POST' && (name === 'first' || name === 'second')) await relays[name].turn(wish.get('on') === 'true')
  return JSON.stringify({ first: relays.first.isOn, second: relays.second.isOn })
}
