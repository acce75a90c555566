// Several tabs of one device in a real Chromium: its locks, its channels, its IndexedDB, and a relay on a real disk.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Tidemark, TidemarkDocument } from '@tidemark/client'
import { createRelay, type Relay } from '@tidemark/relay'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchChromium, reasonToSkip } from './chromium.ts'

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** From the sources, as all tests. */
const SOURCES = {
  '@tidemark/protocol': source('protocol/src/index.ts'),
  '@tidemark/client/indexeddb': source('client/src/store/indexeddb/index.ts'),
  '@tidemark/client': source('client/src/index.ts'),
}

/** What a tab runs. */
const APP = `
  import { Tidemark } from '@tidemark/client'
  import { indexedDbStore } from '@tidemark/client/indexeddb'
  const token = await (await fetch('/token')).text()
  const relays = [location.origin.replace('http', 'ws')]
  globalThis.tidemark = new Tidemark({ relays, token, store: indexedDbStore('novels'), schedule: false })
  globalThis.novel = await globalThis.tidemark.open('alice/novel')
`

/** In the page. */
declare const tidemark: Tidemark
declare const novel: TidemarkDocument

const EVENTUALLY = { timeout: 20_000, interval: 50 }
const skipReason: string | null = reasonToSkip()

describe.skipIf(skipReason !== null)(
  `tabs in Chromium${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 90_000 },
  () => {
    let script: string
    let directory: string
    let server: Server
    let relay: Relay
    let browser: BrowserContext
    let errors: string[]

    beforeAll(async () => {
      const bundle = await build({
        stdin: { contents: APP, resolveDir: source('test/browser') },
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'browser',
        target: 'es2022',
        alias: SOURCES,
        logLevel: 'warning',
      })
      script = bundle.outputFiles[0]?.text ?? ''
    })

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'tidemark-tabs-'))
      server = createServer(({ url }, response) => {
        const [type, body] = url === '/app.js' ? ['text/javascript', script] : ['text/html', PAGE]
        response.setHeader('Content-Type', `${type}; charset=utf-8`)
        if (url === '/token') relay.mintToken(['alice/*:write']).then((token) => response.end(token), response.destroy)
        else response.end(body)
      })
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      relay = await createRelay({ server, data: join(directory, 'data') })
      browser = await launchChromium(join(directory, 'profile'))
      errors = []
    })

    afterEach(async () => {
      await browser.close()
      await relay.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    })

    /** A tab, and the connections that it made. */
    async function openTab(): Promise<{ page: Page; sockets: string[] }> {
      const page = await browser.newPage()
      const sockets: string[] = []
      page.on('websocket', (socket) => sockets.push(socket.url()))
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
      await ready(page)
      return { page, sockets }
    }

    async function ready(page: Page): Promise<void> {
      await page.waitForFunction(() => 'novel' in globalThis)
    }

    const text = (page: Page): Promise<string> => page.evaluate(() => novel.doc.getText('t').toString())
    const safety = (page: Page): Promise<string> => page.evaluate(() => novel.status.safety)
    const type = (page: Page, words: string): Promise<void> =>
      page.evaluate((inserted) => novel.doc.getText('t').insert(0, inserted), words)
    const sync = (page: Page): Promise<boolean> => page.evaluate(async () => (await tidemark.sync()).complete)

    it('two tabs of one device make one connection, and show the same', async () => {
      const [left, right] = [await openTab(), await openTab()]
      await type(left.page, 'left ')
      await expect.poll(() => text(right.page), EVENTUALLY).toBe('left ')
      await type(right.page, 'right ')
      await expect.poll(() => text(left.page), EVENTUALLY).toBe('right left ')
      expect(await sync(right.page)).toBe(true)
      await expect.poll(() => safety(right.page), EVENTUALLY).toBe('on-relay')
      await expect.poll(() => safety(left.page), EVENTUALLY).toBe('on-relay')
      expect([left.sockets.length, right.sockets.length]).toEqual([1, 0])
      expect(errors).toEqual([])
    })

    it('closing the tab that syncs hands over to the other, with all that was typed', async () => {
      const [left, right] = [await openTab(), await openTab()]
      await type(left.page, 'left ')
      await expect.poll(() => text(right.page), EVENTUALLY).toBe('left ')
      await left.page.close()
      await type(right.page, 'right ')
      expect(await sync(right.page)).toBe(true)
      await expect.poll(() => safety(right.page), EVENTUALLY).toBe('on-relay')
      expect(right.sockets.length).toBe(1)
      const later = await openTab()
      expect(await text(later.page)).toBe('right left ')
      expect(errors).toEqual([])
    })

    it('a tab that is reloaded in the middle of it all finds everything, and works through the other', async () => {
      const [left, right] = [await openTab(), await openTab()]
      await type(right.page, 'right ')
      void sync(right.page).catch(() => undefined)
      await left.page.reload()
      await ready(left.page)
      await expect.poll(() => text(left.page), EVENTUALLY).toBe('right ')
      await type(left.page, 'left ')
      await expect.poll(() => text(right.page), EVENTUALLY).toBe('left right ')
      expect(await sync(left.page)).toBe(true)
      await right.page.close()
      await type(left.page, 'alone ')
      await left.page.evaluate(() => tidemark.flush())
      await left.page.reload()
      await ready(left.page)
      expect(await text(left.page)).toBe('alone left right ')
      expect(errors).toEqual([])
    })
  },
)

const PAGE = '<!doctype html><title>Tabs</title><script type="module" src="/app.js"></script>'
