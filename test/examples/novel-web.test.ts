// The web example, as it is built, in a real Chromium: two devices of a writer, a relay in a process of its own, and no network.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { launchChromium, reasonToSkip } from '../browser/chromium.ts'
import { PageServer } from '../support/page-server.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { builtPage, EVENTUALLY, NovelPage } from './novel-page.ts'

const PASSPHRASE = 'nine muffled oars'
const DESKTOP = { viewport: { width: 1280, height: 800 } }
const PHONE = { viewport: { width: 390, height: 844 } }
const skipReason: string | null = reasonToSkip()

describe.skipIf(skipReason !== null)(
  `examples/novel-web${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 90_000 },
  () => {
    let directory: string
    let server: PageServer
    let relay: RelayProcess
    let token: string
    let browsers: BrowserContext[]
    let errors: string[]

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'tidemark-novel-'))
      server = new PageServer(builtPage('examples/novel-web/dist'))
      await server.start()
      relay = new RelayProcess()
      await relay.start()
      token = await relay.token('novel/*:write')
      browsers = []
      errors = []
    })

    afterEach(async () => {
      for (const browser of browsers) await browser.close()
      await relay.stop()
      await server.stop()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    })

    /** A device with a browser of its own. */
    async function device(options: typeof DESKTOP): Promise<{ novel: NovelPage; browser: BrowserContext }> {
      const browser = await launchChromium(join(directory, `profile-${browsers.length}`), options)
      browsers.push(browser)
      const page = browser.pages()[0] ?? (await browser.newPage())
      page.on('pageerror', (error) => errors.push(error.message))
      await page.goto(server.url)
      return { novel: new NovelPage(page), browser }
    }

    async function connect({ page }: NovelPage, passphrase: string): Promise<void> {
      const dialog = page.getByRole('dialog')
      if (!(await dialog.isVisible())) await page.locator('header .safety').click()
      await dialog.getByLabel('Relay').fill(relay.url)
      await dialog.getByLabel('Token').fill(token)
      await dialog.getByLabel('Passphrase').fill(passphrase)
      await dialog.getByRole('button', { name: 'Connect' }).click()
    }

    it('is installed, written on two devices, opens without a network, and brings together what was written there', async () => {
      const { novel: laptop, browser: ofLaptop } = await device(DESKTOP)
      await laptop.addChapter('Loomings')
      await laptop.type('Call me Ishmael. ')
      await laptop.expectSafety('Saved on this device')
      await connect(laptop, PASSPHRASE)
      await laptop.expectSafety('Saved and backed up')
      await laptop.expectText('Call me Ishmael. ')

      const { novel: phone, browser: ofPhone } = await device(PHONE)
      await connect(phone, 'another passphrase')
      const alert = phone.page.getByRole('dialog').getByRole('alert')
      await expect.poll(() => alert.textContent(), EVENTUALLY).toBe('This is not the passphrase of your other devices.')
      await connect(phone, PASSPHRASE)
      await phone.showChapter('Loomings')
      await phone.expectText('Call me Ishmael. ')

      await laptop.page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
      await expectInstallable(laptop.page)
      await server.stop()
      await ofLaptop.setOffline(true)
      await laptop.page.reload()
      await laptop.expectText('Call me Ishmael. ')
      await laptop.type('CHAPTER 1. ', 'ControlOrMeta+Home')
      await laptop.expectSafety('Saved on this device')
      await expect
        .poll(() => laptop.page.locator('header .safety').getAttribute('title'), EVENTUALLY)
        // Playwright's pages forget that they are offline when they are loaded anew.
        .toMatch(/^(You are offline|The relay does not answer)\. Changes since/)
      await phone.type('Some years ago')
      await phone.expectSafety('Saved on this device')
      await phone.expectSafety('Saved and backed up')
      await phone.expectText('Call me Ishmael. Some years ago')

      await ofLaptop.setOffline(false)
      await laptop.expectText('CHAPTER 1. Call me Ishmael. Some years ago')
      await laptop.expectSafety('Saved and backed up')
      // Out of a tunnel. The caret stays where it was, behind the last word, with more in front of it now.
      await ofPhone.setOffline(true)
      await ofPhone.setOffline(false)
      await phone.expectText('CHAPTER 1. Call me Ishmael. Some years ago')
      await phone.page.keyboard.type(', never mind')
      await phone.expectText('CHAPTER 1. Call me Ishmael. Some years ago, never mind')
      // Put away on one device while the other is in it: that is said there, and the text stays.
      await laptop.page.getByRole('button', { name: 'Put away' }).click()
      await laptop.expectSafety('Saved on this device')
      await laptop.expectSafety('Saved and backed up')
      await ofPhone.setOffline(true)
      await ofPhone.setOffline(false)
      await phone.page.getByText('This chapter was put away').waitFor()
      await phone.expectText('CHAPTER 1. Call me Ishmael. Some years ago, never mind')
      expect(errors).toEqual([])
      expect(wordsOnRelay(['Ishmael', 'Loomings', 'years'])).toEqual([])
    })

    /** As Chromium sees it before it offers that. */
    async function expectInstallable(page: Page): Promise<void> {
      const session = await page.context().newCDPSession(page)
      const manifest = await session.send('Page.getAppManifest')
      expect(manifest.errors).toEqual([])
      expect(JSON.parse(manifest.data ?? '')).toMatchObject({ name: 'Novel', display: 'standalone' })
      expect(await session.send('Page.getInstallabilityErrors')).toEqual({ installabilityErrors: [] })
    }

    /** Those of them that some file of the relay holds. */
    function wordsOnRelay(words: readonly string[]): readonly string[] {
      const files = readdirSync(relay.data, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      const bytes = files.map((file) => readFileSync(join(file.parentPath, file.name)))
      expect(Buffer.concat(bytes).byteLength).toBeGreaterThan(0)
      return words.filter((word) => bytes.some((part) => part.includes(word)))
    }
  },
)
