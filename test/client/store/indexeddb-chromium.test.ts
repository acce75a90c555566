// The IndexedDB store in a real Chromium: the whole contract, a quota that is exceeded, and databases that are taken away.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, reasonToSkip } from '../../browser/chromium.ts'
import type {} from './programs/browser-page.ts'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
/** Nobody listens there: the browser is given its pages by the test. */
const ORIGIN = 'http://localhost:7357'
const skipReason: string | null = reasonToSkip()

describe.skipIf(skipReason !== null)(
  `indexedDbStore in Chromium${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 120_000 },
  () => {
    let profile: string
    let browser: BrowserContext
    let script: string

    beforeAll(async () => {
      profile = mkdtempSync(join(tmpdir(), 'tidemark-chromium-'))
      const { outputFiles } = await build({
        entryPoints: [source('./programs/browser-page.ts')],
        alias: { '@tidemark/client/indexeddb': source('../../../client/src/store/indexeddb/index.ts') },
        bundle: true,
        write: false,
        format: 'iife',
      })
      script = outputFiles[0]?.text ?? ''
      browser = await launchChromium(profile)
    })

    afterAll(async () => {
      await browser.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    })

    /** On an origin of its own: what one stores or deletes counts for its quota for a while. */
    async function openPage(origin: string): Promise<Page> {
      const page = await browser.newPage()
      await page.route(`${origin}/`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
      await page.goto(`${origin}/`)
      await page.addScriptTag({ content: script })
      return page
    }

    it('keeps the contract', async () => {
      const page = await openPage('http://localhost:7356')
      const { passed, failures } = await page.evaluate(() => globalThis.browserPage.contract())
      expect(failures).toEqual([])
      expect(passed).toBeGreaterThan(20)
    })

    it('reports an exceeded quota as FULL, keeps what was promised, and goes on when there is room', async () => {
      const page = await openPage(ORIGIN)
      const devtools = await browser.newCDPSession(page)
      const setQuota = (quotaSize: number): Promise<unknown> =>
        devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize })
      await setQuota(8_000_000)
      const { taken, code, message } = await page.evaluate(() => globalThis.browserPage.fill('full', 500_000))
      expect(code, message).toBe('FULL')
      expect(taken).toBeGreaterThan(3)
      expect(await page.evaluate(() => globalThis.browserPage.rowIds('full'))).toHaveLength(taken)
      // Each time, also where the browser leaves a request of the transaction without an answer.
      for (let again = 0; again < 20; again++)
        expect(await page.evaluate(() => globalThis.browserPage.fill('full', 500_000))).toMatchObject({ code: 'FULL' })
      await setQuota(100_000_000)
      const ids = await page.evaluate(() => globalThis.browserPage.goOn('full'))
      expect(ids).toEqual(Array.from({ length: taken + 1 }, (_, i) => i + 1))
    })

    it('does not go on in an empty database when the user removes the data of the site', async () => {
      const page = await openPage('http://localhost:7358')
      await page.evaluate(() => globalThis.browserPage.stayOpen('wiped'))
      const devtools = await browser.newCDPSession(page)
      const what = { origin: 'http://localhost:7358', storageTypes: 'indexeddb' }
      await devtools.send('Storage.clearDataForOrigin', what)
      expect(await page.evaluate(() => globalThis.browserPage.commitMore())).toMatchObject({
        code: 'CLOSED',
        message: expect.stringContaining('removed'),
      })
      expect(await page.evaluate(() => globalThis.browserPage.databaseNames())).toEqual([])
    })

    it('gives the database up for a page of a later version', async () => {
      const [page, later] = [await openPage('http://localhost:7359'), await openPage('http://localhost:7359')]
      await page.evaluate(() => globalThis.browserPage.stayOpen('upgraded'))
      await later.evaluate(() => globalThis.browserPage.upgrade('upgraded'))
      expect(await page.evaluate(() => globalThis.browserPage.commitMore())).toMatchObject({
        code: 'CLOSED',
        message: expect.stringContaining('reloaded'),
      })
    })
  },
)
