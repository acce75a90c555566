// The desktop example without Electron: its main process in Node with a stand-in, and its page and preload script, as they are
// built, in a real Chromium. What the two say to each other passes between them as IPC would carry it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startDesktop } from '../../examples/novel-electron/src/desktop.ts'
import { launchChromium, reasonToSkip } from '../browser/chromium.ts'
import { ElectronStandIn } from '../support/electron-stand-in.ts'
import { builtPage, EVENTUALLY, NovelPage } from './novel-page.ts'

const APP = fileURLToPath(new URL('../../examples/novel-electron', import.meta.url))
/** Where Chromium, which has no schemes of an app, is told to look for app://novel. */
const ORIGIN = 'https://novel.example'
const ANSWER_MS_MAX = 5_000
const skipReason: string | null = reasonToSkip()

async function started(): Promise<ElectronStandIn> {
  const desktop = new ElectronStandIn(APP)
  await startDesktop(desktop.electron)
  return desktop
}

describe('the main process', () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  /** What the page answers, and everything that comes of it. */
  async function answer({ window }: ElectronStandIn, problem: string | null): Promise<void> {
    window.webContents.ipc.emit('novel:stored', {}, problem)
    await vi.advanceTimersByTimeAsync(0)
  }

  it('shows the page under an origin of its own, isolated, and nothing from elsewhere', async () => {
    const { window, schemes } = await started()
    expect(schemes).toEqual(['app'])
    expect(window.url).toBe('app://novel/index.html')
    const { webPreferences } = window.options
    expect(webPreferences).toMatchObject({ contextIsolation: true, nodeIntegration: false, sandbox: true })
    expect(window.webContents.navigate('app://novel/index.html#chapters')).toBe(true)
    expect(window.webContents.navigate('https://elsewhere.example/')).toBe(false)
  })

  it('gives the page the files of its directory, and none beside it', async () => {
    const desktop = await started()
    builtPage('examples/novel-electron/dist/page')
    const page = await desktop.request('app://novel/index.html')
    expect([page.status, page.headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
    for (const path of ['../main.js', '..%2fmain.js', '%2e%2e/main.js', '..%2f..%2fpackage.json', '/..%2fmain.js'])
      expect([path, (await desktop.request(`app://novel/${path}`)).status]).toEqual([path, 404])
  })

  it('leaves the novel to the instance that has it, which comes to the front', async () => {
    const first = await started()
    const second = new ElectronStandIn(APP, false)
    await startDesktop(second.electron)
    expect([second.app.hasQuit, second.app.windows.size]).toEqual([true, 0])
    first.app.emit('second-instance')
    expect(first.window.focuses).toBe(1)
  })

  it('closes a window when its page has stored everything, and then ends', async () => {
    const desktop = await started()
    desktop.window.close()
    desktop.window.close()
    expect(desktop.window.webContents.sent).toEqual(['novel:closing'])
    await answer(desktop, null)
    expect([desktop.app.windows.size, desktop.app.hasQuit, desktop.questions]).toEqual([0, true, []])
  })

  it('quits when that was asked for, after the page has stored everything', async () => {
    const desktop = await started()
    desktop.app.quit()
    expect(desktop.app.hasQuit).toBe(false)
    await answer(desktop, null)
    expect(desktop.app.hasQuit).toBe(true)
  })

  it('asks the writer when something is not stored, and stays open if they wish so', async () => {
    const desktop = await started()
    desktop.app.quit()
    await answer(desktop, 'The disk is full')
    expect(desktop.questions).toEqual(['The disk is full'])
    expect([desktop.app.hasQuit, desktop.window.isDestroyed()]).toEqual([false, false])
    // Room was made; this time a window is closed, and nothing of the quitting is left over.
    desktop.window.close()
    await answer(desktop, null)
    expect(desktop.app.hasQuit).toBe(true)
  })

  it('loses what is not stored only if the writer says so', async () => {
    const desktop = await started()
    desktop.response = 1
    desktop.window.close()
    await answer(desktop, 'The disk is full')
    expect([desktop.app.hasQuit, desktop.questions]).toEqual([true, ['The disk is full']])
  })

  it('asks the writer when the page does not answer in time, and waits for no late answer', async () => {
    const desktop = await started()
    desktop.window.close()
    await vi.advanceTimersByTimeAsync(ANSWER_MS_MAX - 1)
    expect(desktop.questions).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(desktop.questions).toEqual(['The window does not answer.'])
    await answer(desktop, null)
    expect(desktop.window.isDestroyed()).toBe(false)
  })

  it('loads a page that crashed again, but not for ever', async () => {
    const desktop = await started()
    const { webContents } = desktop.window
    const crash = (): Promise<unknown> => {
      webContents.emit('render-process-gone', {}, { reason: 'crashed' })
      return vi.advanceTimersByTimeAsync(0)
    }
    await vi.advanceTimersByTimeAsync(60_000)
    await crash()
    expect([webContents.reloads, desktop.questions]).toEqual([1, []])
    await crash()
    expect([webContents.reloads, desktop.questions]).toEqual([2, ['crashed']])
    desktop.response = 1
    desktop.window.close()
    await crash()
    expect(desktop.app.hasQuit).toBe(true)
  })
})

describe.skipIf(skipReason !== null)(
  `the app around its page${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 90_000 },
  () => {
    let profile: string
    let browser: BrowserContext
    let desktop: ElectronStandIn

    beforeEach(async () => {
      builtPage('examples/novel-electron/dist/page')
      profile = mkdtempSync(join(tmpdir(), 'tidemark-novel-desktop-'))
      // An app's scheme has no service workers.
      browser = await launchChromium(profile, { serviceWorkers: 'block' })
      await browser.exposeFunction('sendToMain', (channel: string, value: unknown) => {
        desktop.window.webContents.ipc.emit(channel, {}, value)
      })
      await browser.addInitScript({ content: preloadInPage() })
      await browser.route(`${ORIGIN}/**`, async (route) => {
        const answer = await desktop.request(route.request().url().replace(ORIGIN, 'app://novel'))
        const body = Buffer.from(await answer.arrayBuffer())
        await route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers), body })
      })
    })

    afterEach(async () => {
      await browser.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    })

    /** Starts the app, with its window in Chromium. */
    async function open(): Promise<NovelPage> {
      desktop = await started()
      const page = await browser.newPage()
      const { window } = desktop
      window.webContents.on('sent to the page', (channel: string) => void deliver(page, channel))
      await page.goto(window.url.replace('app://novel', ORIGIN))
      return new NovelPage(page)
    }

    it('waits until what was typed is stored, and has it at the next start', async () => {
      const novel = await open()
      await novel.addChapter('Loomings')
      await novel.type('Call me Ishmael.')
      desktop.app.quit()
      await expect.poll(() => desktop.app.hasQuit, EVENTUALLY).toBe(true)
      expect(desktop.questions).toEqual([])
      await novel.page.close()
      const later = await open()
      await later.showChapter('Loomings')
      await later.expectText('Call me Ishmael.')
    })

    it('asks before it closes a page whose disk is full', async () => {
      const [blank] = browser.pages()
      const devtools = await browser.newCDPSession(blank ?? (await browser.newPage()))
      const setQuota = (quotaSize: number): Promise<unknown> =>
        devtools.send('Storage.overrideQuotaForOrigin', { origin: ORIGIN, quotaSize })
      await setQuota(500_000)
      const novel = await open()
      await novel.addChapter('Loomings')
      await novel.paste(incompressible(1_000_000))
      await expect
        .poll(() => novel.page.getByRole('alert').allTextContents(), EVENTUALLY)
        .toEqual([expect.stringMatching(/^This device is full/)])
      desktop.app.quit()
      await expect.poll(() => desktop.questions, EVENTUALLY).toEqual([expect.stringMatching(/^This device is full/)])
      expect(desktop.window.isDestroyed()).toBe(false)
      await setQuota(100_000_000)
      // Chromium may go by the old quota for a while.
      const quit = (): boolean => {
        desktop.app.quit()
        return desktop.app.hasQuit
      }
      await expect.poll(quit, { ...EVENTUALLY, interval: 500 }).toBe(true)
    })
  },
)

/** In short lines, for the editor's sake. A browser compresses what it stores. */
function incompressible(bytes: number): string {
  return Array.from({ length: bytes / 10 }, (_, i) => Math.sin(i).toString(36).slice(2, 11).padEnd(9)).join('\n')
}

/** The built preload script, with an `electron` that hands what it sends to the test, and that `deliver` reaches. */
function preloadInPage(): string {
  const script = readFileSync(join(APP, 'dist', 'preload.cjs'), 'utf8')
  return `{
    const listeners = new Map()
    globalThis.deliverFromMain = (channel) => listeners.get(channel)?.({})
    const electron = {
      contextBridge: { exposeInMainWorld: (name, api) => Object.defineProperty(globalThis, name, { value: api }) },
      ipcRenderer: {
        on: (channel, listener) => listeners.set(channel, listener),
        send: (channel, value) => void globalThis.sendToMain(channel, value),
      },
    }
    ;((require) => {
${script}
    })(() => electron)
  }`
}

declare const deliverFromMain: (channel: string) => void

async function deliver(page: Page, channel: string): Promise<void> {
  await page.evaluate((sent) => deliverFromMain(sent), channel)
}
