// A page that is a device and nothing else, for tests in a real browser: the SDK from the sources, the browser's IndexedDB,
// and the relay that its address names. It shows nothing; tests talk to its globals.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { RelayTarget, Schedule, Tidemark, TidemarkDocument } from '@tidemark/client'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'

export interface DevicePageOptions {
  readonly relay: RelayTarget
  readonly token: string
  /** Pages of one browser and one store are one device. */
  readonly store: string
  readonly schedule: Schedule | false
}

/** What a page has; for functions that run in it. */
export interface DeviceGlobals {
  readonly tidemark: Tidemark
  readonly novel: TidemarkDocument
  /** The SDK's timers run so many times as fast. */
  faster: number
  /** Grows for as long as the page runs. */
  readonly ticks: number
}

const APP = `
  import { Tidemark } from '@tidemark/client'
  import { indexedDbStore } from '@tidemark/client/indexeddb'
  const { relay, token, store, schedule } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
  globalThis.faster = 1
  globalThis.ticks = 0
  setInterval(() => globalThis.ticks++, 50)
  globalThis.tidemark = new Tidemark({
    relays: [relay],
    token,
    store: indexedDbStore(store),
    schedule,
    platform: { setTimeout: (callback, delayMs) => setTimeout(callback, delayMs / globalThis.faster) },
  })
  globalThis.novel = await globalThis.tidemark.open('alice/novel')
`

const HTML = '<!doctype html><title>Device</title><script type="module" src="/app.js"></script>'

export class DevicePages {
  readonly #server: Server

  static async serve(): Promise<DevicePages> {
    const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
    const { outputFiles } = await build({
      stdin: { contents: APP, resolveDir: source('test/browser') },
      alias: {
        '@tidemark/protocol': source('protocol/src/index.ts'),
        '@tidemark/client/indexeddb': source('client/src/store/indexeddb/index.ts'),
        '@tidemark/client': source('client/src/index.ts'),
      },
      bundle: true,
      write: false,
      format: 'esm',
      target: 'es2022',
      logLevel: 'warning',
    })
    const server = createServer(({ url }, response) => {
      const isScript = url === '/app.js'
      response.setHeader('Content-Type', `${isScript ? 'text/javascript' : 'text/html'}; charset=utf-8`)
      response.end(isScript ? outputFiles[0]?.text : HTML)
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    return new DevicePages(server)
  }

  private constructor(server: Server) {
    this.#server = server
  }

  /** Resolves when the document is open. What goes wrong in the page is put with `errors`. */
  async open(browser: BrowserContext, options: DevicePageOptions, errors: string[]): Promise<Page> {
    const page = await browser.newPage()
    page.on('pageerror', ({ message }) => errors.push(message))
    const { port } = this.#server.address() as AddressInfo
    await page.goto(`http://127.0.0.1:${port}/#${encodeURIComponent(JSON.stringify(options))}`)
    // Frames are drawn for the page in front alone.
    await page.waitForFunction(() => 'novel' in globalThis, null, { polling: 50 })
    return page
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await once(this.#server.close(), 'close')
  }
}
