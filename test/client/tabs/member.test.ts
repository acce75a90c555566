// A tab that works through another one: what wakes that one's schedule, and what is said when nothing can work.
import { sharedByTabs, Tidemark } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { DeviceStoreError } from '../../../client/src/store/contract.ts'
import { TabbedDevice, textOf } from '../../support/tabbed-device.ts'
import { Browser } from '../../support/tabs.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { NOVEL } from '../../support/world.ts'

/** Two tabs with a schedule, in virtual time, after the burst at the start. */
async function scheduled() {
  const device = new TabbedDevice()
  const time = new VirtualTime()
  const { world } = device
  const wakes: (() => void)[] = []
  const tab = () => {
    const onWake = (wake: () => void): (() => void) => {
      wakes.push(wake)
      return () => wakes.splice(wakes.indexOf(wake), 1)
    }
    return device.tab({
      schedule: { everyMs: 3_600_000 },
      platform: { ...time.platform, random: () => 0.5, onWake },
    })
  }
  const [first, second] = [tab(), tab()]
  const right = await second.open()
  await time.pass(1_000)
  return { device, time, world, wakes, first, second, right }
}

async function settled(time: VirtualTime): Promise<void> {
  for (let i = 0; i < 10; i++) await time.pass(0)
}

describe('a tab that works through another one', () => {
  it('has its edits synced by that one’s schedule', async () => {
    const { time, world, right } = await scheduled()
    const before = world.relay.connectionsMade
    right.doc.getText('t').insert(0, 'x')
    await settled(time)
    await time.pass(1_900)
    expect(world.relay.connectionsMade).toBe(before)
    await time.pass(100)
    await settled(time)
    expect(right.status.safety).toBe('on-relay')
    expect(world.relay.connectionsMade).toBe(before + 1)
  })

  it('wakes that one, when it becomes visible itself', async () => {
    const { time, world, wakes, first, second } = await scheduled()
    const before = world.relay.connectionsMade
    wakes.at(-1)?.()
    await settled(time)
    expect(world.relay.connectionsMade).toBe(before + 1)
    await second.tidemark.close()
    await first.tidemark.close()
    expect(wakes).toEqual([])
  })

  it('goes on through that one, when it cannot be closed for want of room', async () => {
    let isFull = false
    const full = (): Promise<void> => Promise.reject(new DeviceStoreError('FULL', 'quota'))
    const device = new TabbedDevice({ disk: { gate: () => (isFull ? full() : Promise.resolve()) } })
    const [first, second] = [device.tab(), device.tab()]
    await first.type('from the first ')
    const right = await second.open()
    isFull = true
    await first.type('too much ')
    await expect(first.tidemark.close()).rejects.toMatchObject({ code: 'STORE_FULL' })
    isFull = false
    right.doc.getText('t').insert(0, 'from the second ')
    await second.tidemark.flush()
    expect(textOf(await first.open())).toContain('from the second ')
    await first.tidemark.close()
    await second.tidemark.close()
    expect([...(await device.textInStore())].sort()).toEqual([...'from the second too much from the first '].sort())
  })

  it('says so when that one is suspended, and goes on when it wakes', async () => {
    const { device, time } = await scheduled()
    const [working, other] = [device.tabs[0], device.tabs[1]]
    const right = await other!.open()
    right.doc.getText('t').insert(0, 'stored ')
    await settled(time)
    await time.pass(60_000)
    expect(right.status).toMatchObject({ safety: 'on-relay', problem: null })
    working!.suspend()
    right.doc.getText('t').insert(0, 'and waiting ')
    await time.pass(4_999)
    expect(right.status).toMatchObject({ safety: 'unsaved', problem: null })
    await time.pass(1)
    const said = { safety: 'unsaved', activity: 'stuck', problem: { code: 'STORE_IN_USE', action: 'close-other-app' } }
    expect(right.status).toMatchObject(said)
    expect(other!.tidemark.status).toMatchObject(said)
    expect(right.status).toBe(right.status)
    working!.resume()
    await settled(time)
    expect(right.status).toMatchObject({ safety: 'on-device', problem: null })
    expect(other!.tidemark.status.problem).toBeNull()
  })

  it('is told why the store cannot be opened', async () => {
    const browser = new Browser()
    const store = {
      sharing: sharedByTabs('indexeddb/broken'),
      open: () => Promise.reject(new DeviceStoreError('FAILED', 'written by a newer version')),
    }
    const tabs = [browser.tab(), browser.tab()].map(
      (tab) => new Tidemark({ store, schedule: false, platform: { fetch: null, ...tab.platform } }),
    )
    for (const tab of tabs) {
      await expect(tab.open(NOVEL)).rejects.toMatchObject({
        code: 'STORE_FAILED',
        action: 'restart-app',
        message: expect.stringContaining('newer version'),
      })
    }
    for (const tab of tabs) await tab.close()
  })

  it('says so when the browser does not let tabs share anything', async () => {
    const store = { sharing: sharedByTabs('indexeddb/novels'), open: () => Promise.reject(new Error('never called')) }
    const locks = { take: () => Promise.reject(new Error('access is denied')) }
    const platform = { fetch: null, locks, openChannel: new Browser().tab().platform.openChannel }
    const tidemark = new Tidemark({ store, schedule: false, platform })
    await expect(tidemark.open(NOVEL)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('access is denied'),
    })
  })
})
