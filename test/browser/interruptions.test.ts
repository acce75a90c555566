// What happens to a page between two moments of its writer, in a real Chromium: it is frozen, or its whole browser is, as
// under a laptop's lid, or its line falls silent with both sockets left open. It recovers within its deadline.
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Direction, FaultProxy } from '../support/fault-proxy.ts'
import type { CarrierName } from '../support/node-device.ts'
import { logOf, type RelayServer, startRelayServer } from '../support/relay-server.ts'
import { SlowLine } from '../support/slow-line.ts'
import { PlainChromium, reasonToSkip } from './chromium.ts'
import { type DeviceGlobals, type DevicePageOptions, DevicePages } from './device-page.ts'

/** In the page. */
declare const tidemark: DeviceGlobals['tidemark']
declare const novel: DeviceGlobals['novel']
declare const ticks: number

/** Of the device, for silence. */
const DEADLINE_MS = 20_000
/** While a line is silent, else a busy machine would pass for a dead relay. */
const FASTER = 10
const WITHIN_DEADLINE = { timeout: DEADLINE_MS, interval: 50 }
const EVENTUALLY = { timeout: 20_000, interval: 20 }
const SCHEDULE = { everyMs: 1_000, afterEditMs: 100, longestWaitMs: 500 }
const FROZEN_MS = 2_500
/** Longer on the line than the page is frozen. */
const CHAPTER_LENGTH = 400_000
const LINE = { bytesPerSecond: 200_000, roundTripMs: 20, cutEveryMs: 0 }
const skipReason: string | null = reasonToSkip()
const undo: (() => Promise<unknown> | unknown)[] = []

interface Freezer {
  readonly freeze: () => Promise<void> | void
  readonly thaw: () => Promise<void> | void
}

describe.skipIf(skipReason !== null)(
  `a page${skipReason === null ? '' : ` (skipped: ${skipReason})`}`,
  { timeout: 90_000 },
  () => {
    let pages: DevicePages
    let errors: string[]
    /** For devices that need none of their own. */
    let shared: PlainChromium
    let profile: string

    beforeAll(async () => {
      pages = await DevicePages.serve()
      profile = newProfile()
      shared = await PlainChromium.start(profile)
    })

    afterAll(async () => {
      await shared.close()
      removeProfile(profile)
      await pages.close()
    })

    beforeEach(() => {
      errors = []
    })

    afterEach(async () => {
      for (const step of undo.splice(0).reverse()) await step()
      expect(errors).toEqual([])
    })

    async function startBrowser(): Promise<PlainChromium> {
      const directory = newProfile()
      undo.push(() => removeProfile(directory))
      return track(await PlainChromium.start(directory))
    }

    function open({ context }: PlainChromium, options: DevicePageOptions): Promise<Page> {
      return pages.open(context, options, errors)
    }

    /** In the shared browser, a device of its own. */
    async function openAlone(options: Omit<DevicePageOptions, 'store'>): Promise<Page> {
      const page = await open(shared, { ...options, store: randomUUID() })
      undo.push(() => page.close())
      return page
    }

    describe.each([
      ['before the relay gives it up', 15_000],
      ['and given up by the relay', 500],
    ])('that stands still in the middle of a burst %s', (_how, idleTimeoutMs) => {
      it.each<[string, (page: Page, chromium: PlainChromium) => Promise<Freezer>]>([
        ['is frozen', (page) => freezerOfPage(page, page.context().pages()[0]!)],
        ['stops with its whole browser', freezerOfBrowser],
      ])('because it %s: everything arrives within its deadline, and others go on', async (_name, freezerOf) => {
        const server = track(await startRelayServer({ idleTimeoutMs, stallTimeoutMs: idleTimeoutMs }))
        const line = track(await SlowLine.start(server.url, LINE))
        const chromium = await startBrowser()
        const common = { token: server.token, schedule: SCHEDULE }
        const page = await open(chromium, {
          ...common,
          relay: { url: line.url, carrier: 'websocket' },
          store: 'novels',
        })
        const other = await openAlone({ ...common, relay: { url: server.url } })
        const { freeze, thaw } = await freezerOf(page, chromium)

        await type(page, 'c'.repeat(CHAPTER_LENGTH))
        await page.waitForFunction(() => (tidemark.status.progress?.bytesDone ?? 0) > 0, null, { polling: 50 })
        await type(page, 'Pending. ')
        expect(await page.evaluate(() => tidemark.status.activity)).toBe('syncing')
        await freeze()
        const frozenAt = performance.now()
        await type(other, 'Meanwhile. ')
        await expect.poll(() => safety(other), EVENTUALLY).toBe('on-relay')
        expect(await text(other)).toBe('Meanwhile. ')
        await sleep(FROZEN_MS - (performance.now() - frozenAt))
        await thaw()

        await expect.poll(() => safety(page), WITHIN_DEADLINE).toMatch(/on-relay|confirmed/)
        await expect.poll(() => text(page), WITHIN_DEADLINE).toContain('Meanwhile. ')
        await expect.poll(() => text(other), WITHIN_DEADLINE).toBe(await text(page))
        expect(await lengthOf(other)).toBe(CHAPTER_LENGTH + 'Pending. Meanwhile. '.length)
        expect(await page.evaluate(() => novel.status)).toMatchObject({ unsentBytes: 0, unsentSince: null })
      })
    })

    it('that works for another tab and is frozen keeps its edits unsaved, says so, and lets them go when it thaws', async () => {
      const server = track(await startRelayServer())
      const chromium = await startBrowser()
      const device = { relay: { url: server.url }, token: server.token, store: 'novels', schedule: SCHEDULE }
      const [working, guest] = [await open(chromium, device), await open(chromium, device)]
      const { freeze, thaw } = await freezerOfPage(working, guest)
      await freeze()
      await type(guest, 'Typed beside it. ')
      await sleep(FROZEN_MS)
      expect(await safety(guest)).toBe('unsaved')
      await thaw()
      await expect.poll(() => safety(guest), WITHIN_DEADLINE).toBe('on-relay')
      expect(await text(working)).toBe('Typed beside it. ')
    })

    describe.each<CarrierName>(['websocket', 'http', 'auto'])('over %s, of which the line falls silent', (carrier) => {
      it.each<[Direction, number]>([
        ['up', 0],
        ['up', 0.5],
        ['down', 0.5],
      ])(
        'on its way %s after %f of a burst, gives up at its deadline, and its next burst succeeds',
        async (way, share) => {
          const server = track(await startRelayServer({ closeTimeoutMs: 100 }))
          const proxy = track(await FaultProxy.start(server.url))
          const page = await openAlone({ relay: { url: proxy.url, carrier }, token: server.token, schedule: false })
          // After the first burst, which may bring a preflight of the browser, all are alike.
          await type(page, 'One. ')
          expect(await sync(page)).toBe('complete')
          proxy.record()
          await type(page, 'Two. ')
          expect(await sync(page)).toBe('complete')
          const bytes = proxy.recorded[way].reduce((sum, { length }) => sum + length, 0)

          proxy.silenceAfter(way, Math.floor(bytes * share))
          await type(page, 'Three. ')
          await hurry(page, FASTER)
          const began = performance.now()
          const ended = sync(page)
          await sleep((DEADLINE_MS / FASTER) * 0.7)
          expect(await Promise.race([ended, Promise.resolve('under way')])).toBe('under way')
          expect(proxy.heldByRelay).toBeGreaterThan(0)
          expect(await ended).toBe('TIMEOUT')
          const carriersTried = carrier === 'auto' && way === 'up' && share === 0 ? 2 : 1
          expect(performance.now() - began).toBeLessThan((carriersTried * DEADLINE_MS) / FASTER + 5_000)
          expect(await statusOf(page)).toMatchObject({
            safety: 'on-device',
            problem: { code: 'TIMEOUT', action: 'wait' },
          })

          proxy.heal()
          await hurry(page, 1)
          expect(await sync(page)).toBe('complete')
          expect(await statusOf(page)).toMatchObject({ safety: 'on-relay', problem: null, unsentBytes: 0 })
          // The burst that nobody answered may have arrived: then the same push is known.
          expect(await logOf(server.store, 'alice/novel')).toHaveLength(3)
        },
      )
    })
  },
)

const type = (page: Page, words: string): Promise<void> =>
  page.evaluate((inserted) => novel.doc.getText('t').insert(0, inserted), words)
/** Beside the chapter. */
const text = (page: Page): Promise<string> =>
  page.evaluate(() => novel.doc.getText('t').toString().replace(/c{9,}/, ''))
const lengthOf = (page: Page): Promise<number> => page.evaluate(() => novel.doc.getText('t').length)
const sync = (page: Page): Promise<string> =>
  page.evaluate(() =>
    tidemark.sync().then(
      ({ complete }) => (complete ? 'complete' : 'incomplete'),
      ({ code }) => code,
    ),
  )
const hurry = (page: Page, times: number): Promise<void> =>
  page.evaluate((wanted) => {
    ;(globalThis as unknown as DeviceGlobals).faster = wanted
  }, times)
const safety = (page: Page): Promise<string> => page.evaluate(() => novel.status.safety)

/** An error loses its fields on its way out of the page. */
const statusOf = (page: Page): Promise<unknown> =>
  page.evaluate(() => {
    const { problem, ...status } = novel.status
    return { ...status, problem: problem === null ? null : { code: problem.code, action: problem.action } }
  })

/** By the browser, as it does it to pages in the background; then its user comes back to it. */
async function freezerOfPage(page: Page, inFront: Page): Promise<Freezer> {
  const inspector = await page.context().newCDPSession(page)
  const enter = (state: 'frozen' | 'active'): Promise<unknown> => inspector.send('Page.setWebLifecycleState', { state })
  let ticksBefore = 0
  return {
    freeze: async () => {
      await inFront.bringToFront()
      await expect.poll(() => page.evaluate(() => document.visibilityState), EVENTUALLY).toBe('hidden')
      await enter('frozen')
      ticksBefore = await page.evaluate(() => ticks)
    },
    thaw: async () => {
      expect(await page.evaluate(() => ticks)).toBe(ticksBefore)
      await enter('active')
      await page.bringToFront()
    },
  }
}

/** By the system: none of its processes gets a moment of processor time. */
async function freezerOfBrowser(_page: Page, chromium: PlainChromium): Promise<Freezer> {
  return { freeze: () => chromium.signal('SIGSTOP'), thaw: () => chromium.signal('SIGCONT') }
}

function newProfile(): string {
  return mkdtempSync(join(tmpdir(), 'tidemark-profile-'))
}

function removeProfile(profile: string): void {
  rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
}

function track<Closable extends FaultProxy | SlowLine | RelayServer | PlainChromium>(closable: Closable): Closable {
  undo.push(() => closable.close())
  return closable
}
