// The page of `npm start` in a real Chromium: two devices, two relays on a real disk, and a browser that may be killed.
import { mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
// biome-ignore lint/correctness/useImportExtensions: the file is build.mjs; build.d.mts only says its types
import { buildPage } from '../../examples/demo/build.mjs'
import { type Demo, startDemo } from '../../examples/demo/src/server/demo-server.ts'
import { launchChromium, reasonToSkip } from './chromium.ts'

const source = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** From the sources, as all tests. */
const SOURCES = {
  '@tidemark/protocol': source('protocol/src/index.ts'),
  '@tidemark/client/indexeddb': source('client/src/store/indexeddb/index.ts'),
  '@tidemark/client': source('client/src/index.ts'),
}

const EVENTUALLY = { timeout: 20_000, interval: 50 }
const ON_RELAYS = 'Everything is on both relays'
const skipReason: string | null = reasonToSkip()

describe.skipIf(skipReason !== null)(
  `the page${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 90_000 },
  () => {
    let pageDirectory: string
    let directory: string
    let demo: Demo
    let browser: BrowserContext
    let page: Page
    let errors: string[]
    let openSockets: Set<unknown>
    let socketCount: number

    beforeAll(async () => {
      pageDirectory = mkdtempSync(join(tmpdir(), 'tidemark-page-'))
      await buildPage(pageDirectory, SOURCES)
    })

    afterAll(() => rmSync(pageDirectory, { recursive: true, force: true }))

    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'tidemark-demo-'))
      demo = await startDemo({ host: '127.0.0.1', port: 0, data: join(directory, 'data'), page: pageDirectory })
      errors = []
      await openBrowser()
    })

    afterEach(async () => {
      await browser.close()
      await demo.close()
      rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
    })

    async function openBrowser(): Promise<void> {
      // Without motion the page draws once a second, and leaves the processor to the other tests.
      const options = { viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce' } as const
      browser = await launchChromium(join(directory, 'profile'), options)
      page = browser.pages()[0] ?? (await browser.newPage())
      openSockets = new Set()
      socketCount = 0
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
      })
      page.on('pageerror', (error) => errors.push(error.message))
      page.on('websocket', (socket) => {
        socketCount += 1
        openSockets.add(socket)
        socket.on('close', () => openSockets.delete(socket))
      })
      await page.goto(demo.url)
    }

    function device(side: 'left' | 'right'): Locator {
      return page.locator(`[data-device="demo-${side}"]`)
    }

    async function type(side: 'left' | 'right', text: string): Promise<void> {
      await device(side).locator('.cm-content').focus()
      await page.keyboard.press('ControlOrMeta+End')
      await page.keyboard.type(text)
    }

    /** Without the placeholder of an empty sheet. */
    function text(side: 'left' | 'right'): Promise<string> {
      return device(side)
        .locator('.cm-line')
        .evaluateAll((lines) =>
          lines.map((line) => (line.querySelector('.cm-placeholder') ? '' : line.textContent)).join('\n'),
        )
    }

    function part(side: 'left' | 'right', name: string): Promise<string | null> {
      return device(side).locator(`[data-part="${name}"]`).textContent()
    }

    /** Of what passes between them, and of the relays. */
    const flip = (name: 'Encrypted' | 'First relay' | 'Second relay'): Promise<void> =>
      page.getByRole('switch', { name }).click()
    const flipKey = (side: 'left' | 'right'): Promise<void> => device(side).getByRole('switch', { name: 'Key' }).click()
    const toggle = (side: 'left' | 'right'): Promise<void> =>
      device(side).getByRole('switch', { name: 'Online' }).click()
    const syncNow = (side: 'left' | 'right'): Promise<void> =>
      device(side).getByRole('button', { name: 'Sync now' }).click()

    async function expectText(side: 'left' | 'right', expected: string): Promise<void> {
      await expect.poll(() => text(side), EVENTUALLY).toBe(expected)
    }

    /** As who does not wait for the interval. */
    async function bring(from: 'left' | 'right', to: 'left' | 'right', expected: string): Promise<void> {
      const brought = async (): Promise<string> => {
        for (const side of [from, to]) await syncNow(side)
        return text(to)
      }
      await expect.poll(brought, { ...EVENTUALLY, interval: 250 }).toBe(expected)
    }

    async function expectHeadline(side: 'left' | 'right', expected: string | RegExp): Promise<void> {
      await expect.poll(() => part(side, 'headline'), EVENTUALLY).toMatch(expected)
    }

    it('brings what is typed on the left to the right, and says where it is', async () => {
      await expectHeadline('left', 'Nothing written yet')
      await type('left', 'Call me Ishmael.')
      await expectText('right', 'Call me Ishmael.')
      await expectHeadline('left', ON_RELAYS)
      await expectHeadline('right', ON_RELAYS)
      await type('right', ' Some years ago')
      await expectText('left', 'Call me Ishmael. Some years ago')
      await expect.poll(() => part('left', 'newest'), EVENTUALLY).toMatch(/^Last burst .*: [\d.]+ m?s$/)
      expect(await part('left', 'newest-up')).toMatch(/^[1-9].* up$/)
      expect(await device('left').locator('.timeline-drawing .burst .up').count()).toBeGreaterThan(1)
      expect(errors).toEqual([])
    })

    it('is connected to nothing between bursts', async () => {
      await type('left', 'tide')
      await bring('left', 'right', 'tide')
      for (let round = 0; round < 3; round++) {
        const before = socketCount
        await syncNow('left')
        await expect.poll(() => socketCount, EVENTUALLY).toBeGreaterThan(before)
        await expect.poll(() => openSockets.size, EVENTUALLY).toBe(0)
        await expect.poll(() => page.locator('#relay-now').textContent(), EVENTUALLY).toBe('Nobody is connected')
      }
      // Seen from the server, where also the connections that brought the page have ended.
      await toggle('left')
      await toggle('right')
      await expect.poll(() => connectionsOf(demo), EVENTUALLY).toBe(0)
      expect(errors).toEqual([])
    })

    it('keeps what is typed offline, and syncs it when it is online again', async () => {
      await type('left', 'ebb')
      await bring('left', 'right', 'ebb')
      await toggle('right')
      await type('right', ' and flow')
      await expectHeadline('right', /^Offline: 9 edits only on this device since /)
      await syncNow('right')
      await expect.poll(() => part('right', 'newest'), EVENTUALLY).toMatch(/^Tried .*: no connection$/)
      const socketsBefore = socketCount
      await syncNow('left')
      await expect.poll(() => socketCount, EVENTUALLY).toBeGreaterThan(socketsBefore)
      await expect.poll(() => openSockets.size, EVENTUALLY).toBe(0)
      expect(await text('left')).toBe('ebb')
      await toggle('right')
      await expectText('left', 'ebb and flow')
      await expectHeadline('right', ON_RELAYS)
      expect(errors).toEqual([])
    })

    it('survives a reload, offline and with edits that no relay has', async () => {
      await expect.poll(() => part('left', 'newest'), EVENTUALLY).toMatch(/^Last burst /)
      await toggle('left')
      await type('left', 'flotsam')
      await expectHeadline('left', /^Offline: 7 edits only on this device/)
      await page.reload()
      await expectText('left', 'flotsam')
      await expectHeadline('left', /^Offline: edits only on this device/)
      expect(await device('left').getByRole('switch', { name: 'Online' }).getAttribute('aria-checked')).toBe('false')
      await expectText('right', '')
      await toggle('left')
      await bring('left', 'right', 'flotsam')
      await expectHeadline('left', ON_RELAYS)
      expect(errors).toEqual([])
    })

    it('survives kill -9 of the browser', async () => {
      await expect.poll(() => part('left', 'newest'), EVENTUALLY).toMatch(/^Last burst /)
      await toggle('left')
      await type('left', 'jetsam')
      await expectHeadline('left', /^Offline: 6 edits only on this device/)
      const closed = new Promise((resolve) => browser.once('close', resolve))
      process.kill(pidOfChromium(join(directory, 'profile')), 'SIGKILL')
      await closed
      await openBrowser()
      await expectText('left', 'jetsam')
      // Browsers write localStorage, where the switch is remembered, some time later: it may have been forgotten.
      const isOnline = await device('left').getByRole('switch', { name: 'Online' }).getAttribute('aria-checked')
      if (isOnline === 'false') await toggle('left')
      await bring('left', 'right', 'jetsam')
      expect(errors).toEqual([])
    })

    it('goes on with one relay while the other is off, and names the one that is', async () => {
      await type('left', 'spring')
      await bring('left', 'right', 'spring')
      await expectHeadline('left', ON_RELAYS)
      await flip('First relay')
      await expect.poll(() => page.locator('#relay-first-label').textContent(), EVENTUALLY).toBe('Off')
      await type('left', ' tide')
      await bring('left', 'right', 'spring tide')
      for (const side of ['left', 'right'] as const) {
        await expectHeadline(side, 'Everything is on the second relay')
        await expect.poll(() => part(side, 'detail'), EVENTUALLY).toMatch(/^The first relay does not answer\./)
        await expect.poll(() => part(side, 'announcement'), EVENTUALLY).toMatch(/The first relay does not answer\./)
      }
      await flip('Second relay')
      await type('right', ' and neap')
      await expectHeadline('right', /^9 edits only on this device since /)
      await expect.poll(() => part('right', 'detail'), EVENTUALLY).toMatch(/^Neither relay answers\. Safe here/)
      await flip('First relay')
      await expectText('left', 'spring tide and neap')
      await expectHeadline('left', 'Everything is on the first relay')
      await flip('Second relay')
      await expectHeadline('left', ON_RELAYS)
      await expectHeadline('right', ON_RELAYS)
      expect(errors.filter((error) => !error.includes('handshake: Unexpected response code: 404'))).toEqual([])
    })

    it('does not go on saying that the relays are on when their server is gone', async () => {
      const note = (): Promise<string | null> => page.locator('#relays-note').textContent()
      await type('left', 'ebb')
      await bring('left', 'right', 'ebb')
      await flip('First relay')
      await expect.poll(note, EVENTUALLY).toBe('The other one is enough.')
      const port = Number(new URL(demo.url).port)
      await demo.close()
      await type('left', ' and flow')
      await expect.poll(note, EVENTUALLY).toBe('The server of this page does not answer.')
      // It begins with both.
      demo = await startDemo({ host: '127.0.0.1', port, data: join(directory, 'data'), page: pageDirectory })
      await expect.poll(note, EVENTUALLY).toBe('Each keeps everything. Either is enough.')
      expect(await page.locator('#relay-first-label').textContent()).toBe('On')
      await expectText('right', 'ebb and flow')
    })

    it('does not show how the switches were before one was turned', async () => {
      const label = (): Promise<string | null> => page.locator('#relay-first-label').textContent()
      await type('left', 'ebb')
      await bring('left', 'right', 'ebb')
      await flip('First relay')
      await expect.poll(label, EVENTUALLY).toBe('Off')
      // What is asked while it is off is answered when it is on again.
      const held: (() => Promise<void>)[] = []
      await page.route(/\/demo\/relays$/, async (route) => {
        const response = await route.fetch()
        held.push(() => route.fulfill({ response }))
      })
      await type('left', ' and flow')
      await expect.poll(() => held.length, EVENTUALLY).toBeGreaterThan(0)
      const [answer] = held
      await flip('First relay')
      await expect.poll(label, EVENTUALLY).toBe('On')
      await expectHeadline('left', ON_RELAYS)
      await answer?.()
      await page.waitForTimeout(500)
      expect(await label()).toBe('On')
    })

    it('encrypts for both devices, and keeps everything where the key is missing', async () => {
      await type('left', 'sea')
      await bring('left', 'right', 'sea')
      await flip('Encrypted')
      await type('left', ' monster')
      await bring('left', 'right', 'sea monster')
      await expectHeadline('left', ON_RELAYS)
      await flipKey('right')
      await type('left', ' leviathan')
      await type('right', '!')
      await expectHeadline('right', /^1 edit only on this device since /)
      await expect.poll(() => part('right', 'detail'), EVENTUALLY).toMatch(/^The key is not here\./)
      await expectHeadline('left', ON_RELAYS)
      await page.reload()
      await expectText('right', 'sea monster!')
      await expect.poll(() => part('right', 'detail'), EVENTUALLY).toMatch(/^The key is not here\./)
      await flipKey('right')
      await expect.poll(() => text('right'), EVENTUALLY).toMatch(/^sea monster( leviathan!|! leviathan)$/)
      await expectText('left', await text('right'))
      await expectHeadline('right', ON_RELAYS)
      const onDisk = [join(directory, 'data'), join(directory, 'data', 'second')].map((data) =>
        readFileSync(join(data, 'data.mdb'), 'latin1'),
      )
      for (const bytes of onDisk) {
        expect(bytes).toContain('sea')
        expect(bytes).not.toMatch(/monster|leviathan/)
      }
      expect(errors).toEqual([])
    })

    it('says how far a long burst is', async () => {
      await page.routeWebSocket(/\/v1\/sync$/, (socket) => {
        const relay = socket.connectToServer()
        relay.onMessage((message) => void setTimeout(() => socket.send(message), 700))
      })
      await page.reload()
      await device('left').locator('.cm-content').focus()
      await page.keyboard.insertText('water '.repeat(20_000))
      const bar = device('left').getByRole('progressbar', { name: 'Progress of the burst' })
      await bar.waitFor()
      await expect.poll(() => part('left', 'detail'), EVENTUALLY).toMatch(/^Under way: [\d.]+ k?B of [1-9][\d.]* kB\.$/)
      await expectHeadline('left', ON_RELAYS)
      await bar.waitFor({ state: 'hidden' })
    })

    it('fits a phone, and can be used with the keyboard alone', async () => {
      await page.setViewportSize({ width: 390, height: 844 })
      await expectHeadline('left', 'Nothing written yet')
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
      const [left, right] = await Promise.all([device('left').boundingBox(), device('right').boundingBox()])
      expect(right!.y).toBeGreaterThanOrEqual(left!.y + left!.height)
      await device('left').getByRole('switch', { name: 'Online' }).focus()
      await page.keyboard.press('Space')
      await expect.poll(() => part('left', 'online-label'), EVENTUALLY).toBe('Offline')
      await page.keyboard.press('Tab')
      await page.keyboard.press('Tab')
      await page.keyboard.type('rock pool')
      await expectText('left', 'rock pool')
      // Tab leaves the sheet: no trap.
      await page.keyboard.press('Tab')
      expect(await page.evaluate(() => document.activeElement?.closest('.sheet') ?? null)).toBeNull()
      expect(errors).toEqual([])
    })

    it('serves the README beside the page', async () => {
      await page.getByRole('link', { name: 'How it works' }).click()
      await expect.poll(() => page.locator('h1').textContent(), EVENTUALLY).toBe('Tidemark')
      await page.getByRole('link', { name: 'Back to the two devices' }).click()
      await expect.poll(() => page.locator('[data-device]').count(), EVENTUALLY).toBe(2)
      expect(errors).toEqual([])
    })
  },
)

function connectionsOf(demo: Demo): Promise<number> {
  return new Promise((resolve, reject) => {
    demo.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

/** Chromium's lock on its profile is a link to `HOST-PID`. */
function pidOfChromium(profileDirectory: string): number {
  const pid = Number(/-(\d+)$/.exec(readlinkSync(join(profileDirectory, 'SingletonLock')))?.[1])
  if (!Number.isInteger(pid)) throw new Error('the lock on the profile names no process')
  return pid
}
