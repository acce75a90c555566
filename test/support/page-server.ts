// Serves the files of a built page, as any web server would; and can stop, as when a device leaves the network.
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
}

/** A file as a response, with the type that its name says. 404: there is no such file. */
export async function fileResponse(url: string): Promise<Response> {
  const path = fileURLToPath(url)
  const type = TYPES[extname(path)] ?? 'application/octet-stream'
  return readFile(path).then(
    (bytes) => new Response(new Uint8Array(bytes), { headers: { 'Content-Type': type } }),
    () => new Response('not found', { status: 404 }),
  )
}

export class PageServer {
  readonly #server: Server
  url = ''

  /** `directory`: of a build, as a `file:` URL that ends with a slash. */
  constructor(directory: string) {
    this.#server = createServer(({ url = '/' }, response) => {
      const { pathname } = new URL(url, 'http://localhost')
      const file = new URL(`.${pathname === '/' ? '/index.html' : pathname}`, directory).href
      fileResponse(file).then(async (answer) => {
        // As many servers say, Vite's among them.
        response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), Vary: 'Origin' })
        response.end(new Uint8Array(await answer.arrayBuffer()))
      }, response.destroy)
    })
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve))
  }
}
