// Several tabs of one device: one of them has the store and the network, the others work through it.
import { Tidemark, type TidemarkDocument } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { DeviceStoreError } from '../../client/src/store/contract.ts'
import { MemoryDisk } from '../../client/src/store/memory-disk.ts'
import { brokenUpdate } from '../support/broken-update.ts'
import { documentOnDisk } from '../support/stored-document.ts'
import { TabbedDevice, type TestTab, textOf } from '../support/tabbed-device.ts'
import { Browser } from '../support/tabs.ts'
import { NOVEL, RELAY_URL, World } from '../support/world.ts'

/** What was said arrives, and what follows from it. */
async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await new Promise((resolve) => setImmediate(resolve))
}

async function twoTabs(device = new TabbedDevice()) {
  const [first, second] = [device.tab(), device.tab()]
  const [left, right] = [await first.open(), await second.open()]
  return { device, world: device.world, first, second, left, right }
}

describe('two tabs of one device', () => {
  it('show the same document, whichever is edited, and are one device with one connection', async () => {
    const { world, first, second, left, right } = await twoTabs()
    left.doc.getText('t').insert(0, 'left ')
    await settled()
    expect(textOf(right)).toBe('left ')
    right.doc.getText('t').insert(0, 'right ')
    await settled()
    expect(textOf(left)).toBe('right left ')
    expect(await second.tidemark.sync()).toMatchObject({
      complete: true,
      relays: [{ documents: [{ id: NOVEL, entriesPushed: 1 }] }],
    })
    expect(world.relay.connectionsMade).toBe(1)
    expect(await world.log()).toHaveLength(1)
    expect(await first.tidemark.sync()).toMatchObject({
      complete: true,
      relays: [{ documents: [{ entriesPushed: 0 }] }],
    })
  })

  it('see what a burst brought, without a connection of their own', async () => {
    const { world, first, right } = await twoTabs()
    const phone = world.device()
    await phone.type('from the phone')
    await phone.sync()
    await first.tidemark.sync()
    await settled()
    expect(textOf(right)).toBe('from the phone')
  })

  it('share the statuses: unsaved at once, and no more than is true after that', async () => {
    const { first, second, left, right } = await twoTabs()
    const told: string[] = []
    right.subscribe(({ safety }) => told.at(-1) !== safety && told.push(safety))
    right.doc.getText('t').insert(0, 'x')
    expect(right.status.safety).toBe('unsaved')
    expect(second.tidemark.status).toMatchObject({ safety: 'unsaved', documentsUnsent: 1 })
    await second.tidemark.flush()
    await settled()
    expect(right.status).toMatchObject({ safety: 'on-device' })
    expect(right.status).toBe(right.status)
    expect(right.status).toEqual(left.status)
    expect(second.tidemark.status).toEqual(first.tidemark.status)
    await first.tidemark.sync()
    await settled()
    expect(right.status.safety).toBe('on-relay')
    expect(told).toEqual(['unsaved', 'on-device', 'on-relay'])
    expect(second.tidemark.status).toMatchObject({
      safety: 'on-relay',
      documentsUnsent: 0,
      activity: 'idle',
      progress: null,
    })
  })

  it('give what goes wrong as it is', async () => {
    const { world, second, right } = await twoTabs()
    right.doc.getText('t').insert(0, 'x')
    world.relay.isUp = false
    const failure = await second.tidemark.sync().catch((error: unknown) => error)
    expect(failure).toMatchObject({
      name: 'TidemarkError',
      code: 'OFFLINE',
      action: 'wait',
      report: { complete: false, relays: [{ error: { code: 'OFFLINE' } }] },
    })
    await settled()
    expect(right.status).toMatchObject({ safety: 'on-device', problem: { code: 'OFFLINE', relay: RELAY_URL } })
    expect(right.status).toBe(right.status)
    await expect(second.tidemark.forget(NOVEL)).rejects.toMatchObject({ code: 'UNSENT' })
  })

  it('list, forget and delete for each other', async () => {
    const { first, second, left, right } = await twoTabs()
    right.doc.getText('t').insert(0, 'x')
    await second.tidemark.sync()
    expect(await second.tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: true, deleted: false }])
    await second.tidemark.delete(NOVEL)
    await settled()
    await expect(first.open()).rejects.toMatchObject({ code: 'DELETED' })
    await expect(second.open()).rejects.toMatchObject({ code: 'DELETED' })
    await second.tidemark.sync()
    expect(await first.tidemark.list('alice')).toEqual([{ id: NOVEL, onDevice: false, deleted: true }])
    expect([left, right].map((document) => document.status.safety)).not.toContain('unsaved')
  })

  it('stop a burst of the other, and are told how far it has come', async () => {
    const device = new TabbedDevice({ world: new World({}, { isSlow: true }) })
    const { second, right } = await twoTabs(device)
    right.doc.getText('t').insert(0, 'x'.repeat(4_000_000))
    const controller = new AbortController()
    const seen: number[] = []
    const stopped = await second.tidemark.sync({
      signal: controller.signal,
      onProgress: ({ bytesDone }) => {
        seen.push(bytesDone)
        if (bytesDone > 0) controller.abort()
      },
    })
    expect(stopped).toMatchObject({ complete: false, stopped: 'signal' })
    expect(seen.at(-1)).toBeGreaterThan(0)
    device.world.relay.deliver = () => undefined
    expect(await second.tidemark.sync({ budgetMs: 30 })).toMatchObject({ complete: false, stopped: 'budget' })
  })

  it('say so when the device is full, keep what was typed, and store it when there is room', async () => {
    let isFull = false
    const gate = (): Promise<void> =>
      isFull ? Promise.reject(new DeviceStoreError('FULL', 'quota')) : Promise.resolve()
    const { second, right, left } = await twoTabs(new TabbedDevice({ disk: { gate } }))
    isFull = true
    right.doc.getText('t').insert(0, 'too much')
    await expect(second.tidemark.flush()).rejects.toMatchObject({ code: 'STORE_FULL', action: 'free-device-space' })
    await settled()
    expect(right.status).toMatchObject({ safety: 'unsaved', problem: { code: 'STORE_FULL' } })
    await expect(second.tidemark.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
    isFull = false
    await second.tidemark.close()
    expect(textOf(left)).toBe('too much')
    expect(left.status).toMatchObject({ safety: 'on-device', problem: null })
  })

  it('both get a new doc when one had to be rebuilt', async () => {
    const { world, first, second, right } = await twoTabs()
    right.doc.getText('t').insert(0, 'kept')
    await second.tidemark.flush()
    await world.append(brokenUpdate())
    const rebuilt: unknown[] = []
    right.onRebuilt((doc) => rebuilt.push(doc))
    await first.tidemark.sync()
    await settled()
    expect(rebuilt).toEqual([right.doc])
    expect(textOf(right)).toBe('kept')
    right.doc.getText('t').insert(0, 'and goes on, ')
    await second.tidemark.flush()
    expect(textOf(await first.open())).toBe('and goes on, kept')
  })
})

describe('case 32: two tabs, and a burst or a compaction in one', () => {
  it('never loses a row of the other', async () => {
    const { device, world, first, second, left, right } = await twoTabs()
    const phone = world.device()
    await phone.open()
    const expected = new Set<string>()
    // More than 64 KiB and 500 rows: the working tab merges its rows several times meanwhile.
    for (let i = 0; i < 700; i++) {
      const [word, other] = [`<right ${i} ${'r'.repeat(100)}>`, `<left ${i}>`]
      right.doc.getText('t').insert(0, word)
      left.doc.getText('t').insert(left.doc.getText('t').length, other)
      expected.add(word).add(other)
      if (i % 20 === 0) await settled()
      if (i % 100 === 50) {
        await Promise.all([first.tidemark.sync(), second.tidemark.sync()])
        await phone.sync()
      }
    }
    expect(await second.tidemark.sync()).toMatchObject({ complete: true })
    await phone.sync()
    await second.tidemark.close()
    await first.tidemark.close()
    for (const text of [await device.textInStore(), await phone.text()]) {
      expect([...expected].filter((word) => !text.includes(word))).toEqual([])
    }
    const rows = device.disk.snapshot().documents.get(NOVEL)
    expect(rows?.rows.size).toBeLessThan((rows?.lastId ?? 0) / 2)
  })
})

describe('the tab that works on the store', () => {
  it('is followed by the next when it is closed: documents, edits and calls go on', async () => {
    const { world, first, second, left, right } = await twoTabs()
    left.doc.getText('t').insert(0, 'from the first ')
    await settled()
    const { doc } = right
    await first.tidemark.close()
    right.doc.getText('t').insert(0, 'and from the second ')
    expect(right.status.safety).toBe('unsaved')
    expect(await second.tidemark.sync()).toMatchObject({ complete: true })
    expect(right.doc).toBe(doc)
    expect(await second.open()).toBe(right)
    await settled()
    expect(right.status.safety).toBe('on-relay')
    const phone = world.device()
    await phone.open()
    await phone.sync()
    expect(await phone.text()).toBe('and from the second from the first ')
    await right.close()
    expect(textOf(await second.open())).toBe('and from the second from the first ')
    await second.tidemark.close()
  })

  it('may crash: what it had not stored yet of the others, they give to the next', async () => {
    const { device, first, second, right } = await twoTabs()
    const third = device.tab()
    const last = await third.open()
    right.doc.getText('t').insert(0, 'stored ')
    await second.tidemark.flush()
    right.doc.getText('t').insert(0, 'not stored ')
    first.crash()
    expect(right.status.safety).toBe('unsaved')
    await second.tidemark.flush()
    await settled()
    expect(right.status.safety).toBe('on-device')
    expect(textOf(last)).toBe('not stored stored ')
    last.doc.getText('t').insert(0, 'third ')
    await third.tidemark.close()
    await second.tidemark.close()
    expect(await device.textInStore()).toBe('third not stored stored ')
  })

  it('takes with it what a burst had brought and not stored, and edits that build on that are not lost', async () => {
    let isHolding = false
    const gate = (): Promise<void> => (isHolding ? new Promise(() => undefined) : Promise.resolve())
    const { device, world, first, second, right } = await twoTabs(new TabbedDevice({ disk: { gate } }))
    const phone = world.device()
    await phone.type('from the phone')
    await phone.sync()
    isHolding = true
    void first.tidemark.sync().catch(() => undefined)
    await settled()
    expect(textOf(right)).toBe('from the phone')
    right.doc.getText('t').insert(8, ' and in the middle of')
    await settled()
    isHolding = false
    first.crash()
    await second.tidemark.flush()
    expect(await second.tidemark.sync()).toMatchObject({ complete: true })
    await second.tidemark.close()
    expect(await device.textInStore()).toBe('from the and in the middle of phone')
    await phone.sync()
    expect(await phone.text()).toBe('from the and in the middle of phone')
  })

  it('has calls asked again of the next that it did not answer', async () => {
    const { world, first, second, right } = await twoTabs()
    right.doc.getText('t').insert(0, 'x')
    world.relay.deliver = () => undefined
    const sync = second.tidemark.sync()
    await settled()
    first.crash()
    world.restart()
    expect(await sync).toMatchObject({ complete: true })
    expect(await world.log()).toHaveLength(1)
  })

  it('lets go of what a tab had open that is closed, or has crashed', async () => {
    const { first, second, left } = await twoTabs()
    await left.close()
    await first.tidemark.sync()
    const isAsked = async (): Promise<boolean> => ((await first.tidemark.sync()).relays[0]?.documents.length ?? 0) > 0
    expect(await isAsked()).toBe(true)
    second.crash()
    await settled()
    expect(await isAsked()).toBe(false)
  })
})

describe('tabs in any order', () => {
  it('never lose what was flushed nor claim what is not stored, and end in the same document', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const chance = chances(seed)
      const device = new TabbedDevice()
      const phone = device.world.device()
      await phone.open()
      const tabs = [device.tab(), device.tab(), device.tab()]
      const kept: string[] = []
      const falseClaims: string[] = []
      const watched = new Set<TidemarkDocument>()
      const openIn = async (tab: TestTab): Promise<TidemarkDocument> => {
        const document = await tab.open()
        const look = (): void => {
          if (document.status.safety !== 'unsaved' && !isStored(device, document))
            falseClaims.push(document.status.safety)
        }
        if (!watched.has(document)) document.subscribe(look)
        watched.add(document)
        look()
        return document
      }
      for (let step = 0; step < 60; step++) {
        const at = Math.floor(chance() * tabs.length)
        const tab = tabs[at] as TestTab
        const deed = chance()
        const word = `<${seed}.${step}>`
        const text = (await openIn(tab)).doc.getText('t')
        if (deed < 0.5) {
          text.insert(Math.floor(chance() * (text.length + 1)), word)
        } else if (deed < 0.65) {
          text.insert(0, word)
          await tab.tidemark.flush()
          kept.push(word)
        } else if (deed < 0.75) {
          expect((await tab.tidemark.sync()).complete).toBe(true)
        } else if (deed < 0.8) {
          await phone.type(word)
          await phone.sync()
        } else if (deed < 0.86) {
          await (await tab.open()).close()
        } else if (deed < 0.93) {
          await tab.tidemark.close()
          tabs[at] = device.tab()
        } else {
          tab.crash()
          tabs[at] = device.tab()
        }
        if (chance() < 0.3) await settled()
      }
      for (const tab of tabs) await openIn(tab)
      for (const tab of tabs) await tab.tidemark.flush()
      for (let i = 0; i < 3; i++) for (const one of [tabs[0]?.tidemark, phone]) await one?.sync()
      await settled()
      const texts = await Promise.all(tabs.map(async (tab) => textOf(await tab.open())))
      expect(new Set([...texts, await phone.text()]).size, `seed ${seed}`).toBe(1)
      // Others may have been written into the middle of a word: none was deleted, so its letters are there in order.
      for (const word of kept) expect(isWithin(word, texts[0] ?? ''), `seed ${seed}: ${word}`).toBe(true)
      expect(falseClaims, `seed ${seed}`).toEqual([])
      for (const tab of tabs) await tab.tidemark.close()
      expect(await device.textInStore()).toBe(texts[0])
    }
  })
})

const SEEDS = 12

function chances(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

/** All that this very tab has written. */
function isStored(device: TabbedDevice, { doc }: TidemarkDocument): boolean {
  const stored = documentOnDisk(device.disk, NOVEL)
  return Y.getState(stored.store, doc.clientID) >= Y.getState(doc.store, doc.clientID)
}

function isWithin(word: string, text: string): boolean {
  let at = -1
  return [...word].every((letter) => {
    at = text.indexOf(letter, at + 1)
    return at >= 0
  })
}

describe('a store that cannot be shared', () => {
  it('is in use, as before', async () => {
    const disk = new MemoryDisk()
    const browser = new Browser()
    const [first, second] = [browser.tab(), browser.tab()].map(
      (tab) => new Tidemark({ store: disk, schedule: false, platform: { fetch: null, ...tab.platform } }),
    )
    await first?.open(NOVEL)
    await expect(second?.open(NOVEL)).rejects.toMatchObject({ code: 'STORE_IN_USE', action: 'close-other-app' })
  })
})
