// One of two relays accepts connections and never answers: whatever is done with the other goes on as if it were not there,
// for as long as it is silent. In virtual time.

import type { SyncProgress, SyncReport, TidemarkOptions } from '@tidemark/client'
import { describe, expect, it } from 'vitest'
import { NOVEL, type TimedDevice, TimedWorld } from '../support/timed-relays.ts'

const SILENCE_MS = 20_000
/** The wait after an edit, and a burst. */
const SOON_MS = 3_000
const ASKED = { schedule: false } as const

async function withSilent(options: Partial<TidemarkOptions>) {
  const world = new TimedWorld()
  const [good, silent] = world.relays
  const device = await world.device(options)
  device.holdUp(silent)
  return { world, good, silent, device }
}

/** What comes of a promise, as soon as it does. */
function watch<Result>(promise: Promise<Result>): { result: Result | null } {
  const watched: { result: Result | null } = { result: null }
  promise.then(
    (result) => {
      watched.result = result
    },
    () => undefined,
  )
  return watched
}

function at({ device }: { device: TimedDevice }, url: string): unknown {
  return device.tidemark.status.relays[url]
}

describe('a relay that never answers', () => {
  it('keeps no edit from the other one, each time', async () => {
    const { world, good, silent, device } = await withSilent({})
    for (let i = 0; i < 20; i++) {
      device.type(`${i} `)
      await world.pass(SOON_MS)
      expect(good.text).toBe(device.text)
      expect(device.safetyAt(good)).toBe('on-relay')
      await world.pass(1_000)
    }
    expect(at({ device }, silent.url)).toMatchObject({ safety: 'on-device', problem: { code: 'TIMEOUT' } })
    expect(device.tidemark.status.safety).toBe('on-relay')
    device.letGo(silent)
    await world.pass(6 * 60_000)
    expect(silent.text).toBe(device.text)
  })

  it('nor while the app waits for a sync() with both', async () => {
    const { world, good, device } = await withSilent({})
    await world.pass(1_000)
    const sync = watch(device.tidemark.sync())
    for (const word of ['one ', 'two ', 'three ']) {
      device.type(word)
      await world.pass(SOON_MS)
      expect(good.text).toBe(device.text)
    }
    expect(sync.result).toBeNull()
    await world.pass(2 * SILENCE_MS)
    expect(sync.result).toMatchObject({
      complete: false,
      stopped: null,
      relays: [{ complete: true }, { error: { code: 'TIMEOUT' } }],
    })
  })

  it('has one burst at a time, and the next when that has ended', async () => {
    const { world, good, silent, device } = await withSilent(ASKED)
    const before = silent.relay.connectionsMade
    const syncs = [1, 2, 3].map(() => watch(device.tidemark.sync()))
    await world.pass(SOON_MS)
    expect(good.relay.connectionsMade).toBe(3)
    expect(silent.relay.connectionsMade - before).toBe(1)
    await world.pass(SILENCE_MS)
    expect(silent.relay.connectionsMade - before).toBe(2)
    expect(syncs.map(({ result }) => result?.complete)).toEqual([false, undefined, undefined])
    device.letGo(silent)
    await world.pass(2 * SILENCE_MS)
    expect(syncs.map(({ result }) => result?.relays[0]?.complete)).toEqual([true, true, true])
  })
})

describe('a budget, while another call goes on', () => {
  it('stops its own bursts only, and says what it has not begun', async () => {
    const { world, good, silent, device } = await withSilent(ASKED)
    const seen: SyncProgress[] = []
    const long = watch(device.tidemark.sync({ onProgress: (progress) => seen.push(progress) }))
    await world.pass(SOON_MS)
    const ofLong = seen.length
    device.type('more')
    const short = watch<SyncReport>(device.tidemark.sync({ budgetMs: SOON_MS }))
    await world.pass(SOON_MS)
    expect(short.result).toMatchObject({
      stopped: 'budget',
      complete: false,
      relays: [
        { relay: good.url, complete: true },
        { relay: silent.url, complete: false, carrier: null, bytesSent: 0, documents: [] },
      ],
    })
    expect(good.text).toBe('more')
    expect(long.result).toBeNull()
    // What the other call did is not this one's.
    expect(seen).toHaveLength(ofLong)
    expect(device.tidemark.status.progress).not.toBeNull()
    device.letGo(silent)
    await world.pass(SOON_MS)
    expect(long.result).toMatchObject({ stopped: null, complete: true })
    expect(device.tidemark.status).toMatchObject({ progress: null, activity: 'idle' })
  })
})

describe('what is done between bursts', () => {
  it('waits for all that were asked for before, and has those wait that come after', async () => {
    const { world, good, silent, device } = await withSilent(ASKED)
    const first = watch(device.tidemark.sync())
    await world.pass(1_000)
    const forgotten = watch(device.tidemark.forget(NOVEL).then(() => true))
    const second = watch(device.tidemark.sync())
    const before = good.relay.connectionsMade
    await world.pass(SILENCE_MS / 2)
    expect([first.result, forgotten.result, second.result]).toEqual([null, null, null])
    expect(good.relay.connectionsMade).toBe(before)
    device.letGo(silent)
    await world.pass(SOON_MS)
    expect(first.result).toMatchObject({ complete: true })
    expect(forgotten.result).toBe(true)
    expect(second.result).toMatchObject({ complete: true })
  })

  it('close() stops every burst, and waits for it', async () => {
    const { world, silent, device } = await withSilent(ASKED)
    const sync = watch(device.tidemark.sync())
    await world.pass(1_000)
    const closed = watch(device.tidemark.close().then(() => true))
    await world.pass(1_000)
    expect(closed.result).toBe(true)
    expect(sync.result).toMatchObject({
      complete: false,
      relays: [{ complete: true }, { relay: silent.url, complete: false }],
    })
  })
})
