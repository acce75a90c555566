// What wakes the schedule of an app: the events of a page, or what a platform without a DOM has for them.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { platformOf } from '../../../client/src/platform.ts'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { VirtualTime } from '../../support/virtual-time.ts'
import { World } from '../../support/world.ts'

afterEach(() => vi.unstubAllGlobals())

describe('the events of a page', () => {
  it('wake when the network comes back, or the page becomes visible, and until it is told to stop', () => {
    const [window, document] = [new EventTarget(), new EventTarget()]
    vi.stubGlobal('addEventListener', window.addEventListener.bind(window))
    vi.stubGlobal('removeEventListener', window.removeEventListener.bind(window))
    vi.stubGlobal('document', document)
    let wakes = 0
    const stop = platformOf().onWake?.(() => {
      wakes++
    })
    const show = (visibilityState: string): void => {
      Object.assign(document, { visibilityState })
      document.dispatchEvent(new Event('visibilitychange'))
    }
    window.dispatchEvent(new Event('online'))
    expect(wakes).toBe(1)
    show('hidden')
    expect(wakes).toBe(1)
    show('visible')
    expect(wakes).toBe(2)
    stop?.()
    window.dispatchEvent(new Event('online'))
    show('visible')
    expect(wakes).toBe(2)
  })

  it('are not assumed: where there are none, there is nothing to listen to', () => {
    expect(platformOf().onWake).toBeNull()
  })
})

/** Of one relay that is down, in virtual time, with a device that would sync every hour. */
async function scheduled() {
  const world = new World()
  const time = new VirtualTime()
  const wakes = new Set<() => void>()
  const device = world.device(new MemoryDisk(), {
    schedule: { everyMs: 3_600_000 },
    platform: {
      ...time.platform,
      WebSocket: world.WebSocket,
      fetch: null,
      random: () => 0.9,
      onWake: (wake) => {
        wakes.add(wake)
        return () => wakes.delete(wake)
      },
    },
  })
  world.relay.isUp = false
  await device.type('x')
  // After so many failures the next try is minutes away.
  await time.pass(20 * 60_000)
  return { world, time, wakes, device }
}

describe('an app', () => {
  it('syncs at once when it wakes, and says nothing is wrong any more', async () => {
    const { world, time, wakes, device } = await scheduled()
    expect(device.tidemark.status).toMatchObject({
      safety: 'on-device',
      activity: 'waiting',
      problem: { code: 'OFFLINE' },
    })
    world.relay.isUp = true
    await time.pass(1_000)
    expect(device.tidemark.status.safety).toBe('on-device')
    for (const wake of wakes) wake()
    await time.pass(0)
    expect(device.tidemark.status).toMatchObject({ safety: 'on-relay', activity: 'idle', problem: null })
    await device.tidemark.close()
    expect(wakes.size).toBe(0)
  })

  it('has its schedule begin anew when it syncs by hand and succeeds', async () => {
    const { world, time, device } = await scheduled()
    world.relay.isUp = true
    const connections = (): number => world.relay.connectionsMade
    expect(await device.sync()).toMatchObject({ complete: true })
    expect(connections()).toBe(1)
    await time.pass(600_000)
    expect(connections()).toBe(1)
    // The next edit goes after its two seconds, not when the backoff would have ended.
    await device.type('y')
    await time.pass(2_000)
    expect(connections()).toBe(2)
    expect(device.tidemark.status.safety).toBe('on-relay')
    await device.tidemark.close()
  })
})
