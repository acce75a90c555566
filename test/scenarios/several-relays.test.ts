// Several relays, between which devices carry everything: each relay stores it about once, however many devices carry it, what
// goes wrong at one is said of that one, and nothing is left behind at another for ever. In virtual time.
import { describe, expect, it } from 'vitest'
import { NOVEL, type TimedDevice, type TimedRelay, TimedWorld } from '../support/timed-relays.ts'

const MINUTE = 60_000
/** Longer than what another relay gave is ever put off, and an interval. */
const PUT_OFF_MS = 95_000
const SAFE: unknown = expect.stringMatching(/^(on-relay|confirmed)$/)
const ASKED = { schedule: false } as const

/** Two devices that sync only when the app asks, and have each other's first words everywhere. */
async function pair() {
  const world = new TimedWorld()
  const [near, far] = world.relays
  const [a, b] = [await world.device(ASKED), await world.device(ASKED)]
  a.type('Call me Ishmael.')
  await a.sync()
  await b.sync()
  return { world, near, far, a, b }
}

const DEVICES = 10
const EDITS = 'abcdefghijklmnopqrst'

/** Who is out of reach, while the edits are made; afterwards everybody reaches everything again. */
type Reach = (world: TimedWorld, device: TimedDevice, relay: TimedRelay) => boolean

const nth = ({ devices }: TimedWorld, device: TimedDevice): number => devices.indexOf(device)

const SITUATIONS: readonly (readonly [string, Reach])[] = [
  ['all is well', () => false],
  ['nobody reaches the second relay until the last edit is made', (world, _, relay) => relay === world.relays[1]],
  [
    'half of the devices do not reach the second relay',
    (world, device, relay) => relay === world.relays[1] && nth(world, device) % 2 === 0,
  ],
  [
    'every device reaches one relay at a time, now this one and now that',
    (world, device, relay) =>
      (Math.floor(world.time.now() / MINUTE) + nth(world, device)) % 2 === world.relays.indexOf(relay),
  ],
  ['four connections out of ten break', ({ random }) => random.chance(0.4)],
]

/** Every device types twice, at random, and syncs by itself. */
async function twentyEdits(world: TimedWorld, isOutOfReach: Reach): Promise<void> {
  for (const relay of world.relays) relay.isOutOfReachOf = (device) => isOutOfReach(world, device, relay)
  await world.pass(35_000)
  for (const [i, letter] of [...EDITS].entries()) {
    const device = world.devices[i % DEVICES] as TimedDevice
    device.type(letter, world.random.between(0, device.text.length))
    await world.pass(world.random.between(1_000, 15_000))
  }
  for (const relay of world.relays) relay.isOutOfReachOf = () => false
  await world.pass(6 * MINUTE) // Who failed again and again comes back after five.
}

/** What an app does that has a schedule of its own. */
function syncNowAndThen(world: TimedWorld, device: TimedDevice): void {
  const again = (): void => {
    const wait = world.random.between(20_000, 40_000)
    world.time.setTimeout(() => void device.tidemark.sync().then(again, again), wait)
  }
  again()
}

describe('case 34: two relays, ten devices, 20 edits: at most 25 entries on each', () => {
  describe.each(SITUATIONS)('%s', (_situation, isOutOfReach) => {
    it.each([
      ['by the schedule', {}],
      ['when the app asks', ASKED],
    ])('in bursts %s', async (_way, options) => {
      const world = new TimedWorld()
      for (let i = 0; i < DEVICES; i++) {
        const device = await world.device(options)
        if (options === ASKED) syncNowAndThen(world, device)
      }
      await twentyEdits(world, isOutOfReach)
      const [{ text }] = world.devices as [TimedDevice]
      expect([...text].sort().join('')).toBe(EDITS)
      for (const relay of world.relays) {
        expect(relay.entries.length).toBeLessThanOrEqual(25)
        expect(relay.copies).toBeLessThan(1.3)
        expect(relay.text).toBe(text)
        for (const device of world.devices) {
          expect(device.text).toBe(text)
          expect(device.safetyAt(relay)).toEqual(SAFE)
        }
      }
    })
  })
})

describe('case 45: own edits reach the second relay before what they depend on', () => {
  /** B has what A wrote from the near relay alone, and types into the middle of it; A is gone. */
  async function dependent() {
    const { world, near, far, a, b } = await pair()
    far.isOutOfReachOf = (device) => device === a
    a.type(' Some years ago')
    await a.sync()
    far.isOutOfReachOf = () => true
    await b.sync()
    far.isOutOfReachOf = (device) => device === a
    b.type(' – never mind how long –', b.text.length - 4)
    return { world, near, far, a, b }
  }

  it('they go first, and what they depend on follows in the same burst, so that who reads there alone reads all', async () => {
    const { far, b } = await dependent()
    const before = far.entries.length
    expect(await b.sync()).toMatchObject({ complete: true })
    expect(far.entries).toHaveLength(before + 2)
    expect(far.text).toBe(b.text)
  })

  it('also by the schedule, by which what nobody builds upon waits', async () => {
    const world = new TimedWorld()
    const [, far] = world.relays
    const [a, b] = [await world.device(ASKED), await world.device({ schedule: { everyMs: 10_000 } })]
    a.type('Call me Ishmael.')
    await a.sync()
    await world.pass(12_000)
    far.isOutOfReachOf = (device) => device === a
    a.type(' Some years ago')
    await a.sync()
    await world.pass(12_000)
    expect([b.text, far.text]).toEqual([a.text, 'Call me Ishmael.'])
    b.type(' – never mind how long –', b.text.length - 4)
    await world.pass(5_000)
    expect(far.text).toBe(b.text)
  })

  it('where the burst is cut between the two, the next one brings the rest, also after a restart', async () => {
    const { world, far, b } = await dependent()
    const before = far.entries.length
    // As soon as the edit is there, the line is gone.
    const ended = b.tidemark.sync().catch(() => null)
    for (let steps = 0; steps < 200 && far.entries.length === before; steps++) await world.pass(10)
    far.stop()
    await world.until(ended)
    expect(far.entries).toHaveLength(before + 1)
    expect(far.text).toBe('Call me Ishmael.')
    expect(b.safetyAt(far)).toBe('on-device')
    far.start()
    await b.restart()
    await b.sync()
    expect(far.text).toBe(b.text)
    expect(b.safetyAt(far)).not.toBe('on-device')
  })

  it('where that device never comes back, another one brings it, and their readers ask for no repair', async () => {
    const { world, far, a, b } = await dependent()
    const before = far.entries.length
    const ended = b.tidemark.sync().catch(() => null)
    for (let steps = 0; steps < 200 && far.entries.length === before; steps++) await world.pass(10)
    far.stop()
    await world.until(ended)
    b.disk.crash()
    far.start()
    const reader = await world.device({ ...ASKED, relays: [far.url] })
    await reader.sync()
    expect(reader.text).toBe('Call me Ishmael.')
    far.isOutOfReachOf = () => false
    await a.sync()
    await reader.sync()
    expect(reader.text).toBe(a.text)
    expect(reader.text).toContain('never mind how long')
  })
})

describe('what another relay gave', () => {
  it('waits for whoever made it, who is in the middle of bringing it', async () => {
    const world = new TimedWorld()
    const [near, far] = world.relays
    const writer = await world.device(ASKED)
    for (let i = 1; i < DEVICES; i++) await world.device({ schedule: { everyMs: 2_000 } })
    await world.pass(5_000)
    writer.holdUp(far)
    writer.type('A long chapter.')
    const ended = writer.tidemark.sync()
    await world.pass(15_000)
    // All have it, and have met the second relay several times since.
    for (const { text } of world.devices) expect(text).toBe('A long chapter.')
    expect([near.entries.length, far.entries.length]).toEqual([1, 0])
    writer.letGo(far)
    expect(await world.until(ended)).toMatchObject({ complete: true })
    await world.pass(PUT_OFF_MS)
    expect([near.entries.length, far.entries.length]).toEqual([1, 1])
  })

  it('is carried by one of many where whoever made it does not come', async () => {
    const world = new TimedWorld()
    const [, far] = world.relays
    for (let i = 0; i < DEVICES; i++) await world.device()
    const [writer] = world.devices as [TimedDevice]
    await world.pass(35_000)
    far.isOutOfReachOf = (device) => device === writer
    writer.type('Loomings.')
    await world.pass(PUT_OFF_MS)
    expect(far.entries).toHaveLength(1)
    expect(far.text).toBe('Loomings.')
    // Who made it asks before it pushes, and finds it there.
    far.isOutOfReachOf = () => false
    await world.pass(6 * MINUTE)
    expect(far.entries).toHaveLength(1)
    for (const device of world.devices) expect(device.safetyAt(far)).toEqual(SAFE)
  })

  it('is carried at once where the app asks for a burst after it came, and the status says so until then', async () => {
    const { near, far, a, b } = await pair()
    far.isOutOfReachOf = (device) => device === a
    a.type(' Loomings.')
    await a.sync()
    const before = far.entries.length
    // Learned in this very burst: whoever made it may be in the middle of bringing it.
    expect(await b.sync()).toMatchObject({ complete: true })
    expect(far.entries).toHaveLength(before)
    expect([b.safetyAt(near), b.safetyAt(far)]).toEqual([SAFE, 'on-device'])
    expect(b.novel.status).toMatchObject({ safety: SAFE, unsentBytes: 0, problem: null })
    expect(await b.sync()).toMatchObject({ complete: true })
    expect(far.entries).toHaveLength(before + 1)
    expect(b.safetyAt(far)).toBe('on-relay')
    expect(far.text).toBe(b.text)
  })

  it('is not left behind by devices whose processes run for one burst only', async () => {
    const { far, a, b } = await pair()
    far.isOutOfReachOf = (device) => device === a
    a.type(' Loomings.')
    await a.sync()
    for (let process = 0; process < 2; process++) {
      await b.restart()
      await b.sync()
    }
    expect(far.text).toBe(b.text)
  })
})

describe('a second relay', () => {
  it.each(['is added', 'was wiped'])(
    'that %s is filled once, by ten devices that all have everything',
    async (what) => {
      const world = new TimedWorld()
      const [near, far] = world.relays
      const before = what === 'is added' ? { relays: [near.url] } : {}
      for (let i = 0; i < DEVICES; i++) await world.device({ ...ASKED, ...before })
      for (const device of world.devices) {
        device.type(`From ${nth(world, device)}. `)
        await device.sync()
      }
      for (const device of world.devices) await device.sync()
      if (what === 'was wiped') far.wipe()
      else for (const device of world.devices) await device.restart({ relays: [near.url, far.url] })
      await world.until(Promise.all(world.devices.map(({ tidemark }) => tidemark.sync())))
      await world.pass(MINUTE)
      for (const device of world.devices) expect(await device.sync()).toMatchObject({ complete: true })
      expect(far.entries).toHaveLength(1)
      expect(far.text).toBe(near.text)
      expect(near.entries).toHaveLength(DEVICES)
    },
  )

  it('that is down is named, and nothing else fails', async () => {
    const { near, far, a, b } = await pair()
    far.stop()
    a.type(' Loomings.')
    const report = await a.sync()
    expect(report).toMatchObject({
      complete: false,
      relays: [
        { relay: near.url, complete: true, error: null },
        { relay: far.url, complete: false, error: { code: 'OFFLINE', action: 'wait', relay: far.url } },
      ],
    })
    expect(a.novel.status).toMatchObject({
      safety: 'on-relay',
      unsentBytes: 0,
      relays: { [near.url]: { safety: 'on-relay', problem: null }, [far.url]: { safety: 'on-device' } },
    })
    expect(a.tidemark.status.relays[far.url]?.problem).toMatchObject({ code: 'OFFLINE' })
    expect(a.tidemark.status).toMatchObject({ safety: 'on-relay', documentsUnsent: 0 })
    await b.sync()
    expect(b.text).toBe(a.text)
    far.start()
    expect(await a.sync()).toMatchObject({ complete: true })
    expect(a.novel.status).toMatchObject({ problem: null, relays: { [far.url]: { problem: null } } })
  })

  it('that was wiped is said to lack what it had, until it has been given it again', async () => {
    const { world, far, a, b } = await pair()
    await a.sync()
    const told: (string | undefined)[] = []
    a.novel.subscribe(({ relays }) => {
      const { safety } = relays[far.url] ?? {}
      if (told.at(-1) !== safety) told.push(safety)
    })
    far.wipe()
    expect(await a.sync()).toMatchObject({
      complete: true,
      relays: [{ complete: true }, { complete: true, documents: [{ id: NOVEL, reseeded: true }] }],
    })
    await world.pass(0)
    expect(told.slice(-2)).toEqual(['on-device', 'on-relay'])
    expect(far.text).toBe(a.text)
    await b.sync()
    expect(far.copies).toBe(1)
  })

  it('that is over its quota is named, and what was made with others stays safe at the first', async () => {
    const world = new TimedWorld({ limits: { vaultBytesMax: 200 } })
    const [near, far] = world.relays
    const [a, b] = [await world.device(ASKED), await world.device(ASKED)]
    a.type('x'.repeat(1_000))
    expect(await a.sync()).toMatchObject({ complete: false, relays: [{ complete: true }, { complete: false }] })
    // The other device would carry it over, and is told the same.
    for (let burst = 0; burst < 3; burst++) await b.sync()
    for (const device of [a, b]) {
      const problem = { code: 'QUOTA', action: 'free-relay-space', relay: far.url }
      expect(device.novel.status).toMatchObject({
        problem,
        relays: { [near.url]: { problem: null }, [far.url]: { safety: 'on-device', problem } },
      })
      expect(device.safetyAt(near)).toEqual(SAFE)
    }
    expect([near.entries.length, far.entries.length]).toEqual([1, 0])
  })

  it('has a token source of its own, and one that is refused is named with its relay', async () => {
    const world = new TimedWorld()
    const [near, far] = world.relays
    const asked: { readonly relay: string; readonly refused: boolean }[] = []
    let farToken = ''
    const device = await world.device({
      ...ASKED,
      relays: [
        near.url,
        {
          url: far.url,
          token: ({ relay, refused }) => {
            asked.push({ relay, refused })
            return farToken
          },
        },
      ],
    })
    device.type('Call me Ishmael.')
    expect(await device.sync()).toMatchObject({
      complete: false,
      relays: [{ error: null }, { error: { code: 'TOKEN' } }],
    })
    expect(asked).toEqual([
      { relay: far.url, refused: false },
      { relay: far.url, refused: true },
    ])
    expect(device.novel.status.safety).toBe('on-relay')
    expect(device.tidemark.status.relays[far.url]?.problem).toMatchObject({
      code: 'TOKEN',
      action: 'renew-token',
      relay: far.url,
    })
    farToken = 'alice/*:write'
    expect(await device.sync()).toMatchObject({ complete: true })
    expect(far.text).toBe(device.text)
  })
})
