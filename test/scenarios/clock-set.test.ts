// The clock of a device, or of the relay, is set by a day in the middle of everything: devices that sync by their schedule
// go on doing so, bursts under way end, and the status tells the truth.
import { memoryStore, Tidemark, type TidemarkDocument } from '@tidemark/client'
import { afterEach, describe, expect, it } from 'vitest'
import { memoryRelayStore } from '../../relay/src/store/memory.ts'
import { MemoryRelay } from '../support/memory-network.ts'
import { VirtualTime } from '../support/virtual-time.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOVEL = 'alice/novel'
const SAFE: unknown = expect.stringMatching(/^(on-relay|confirmed)$/)
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

/** A relay and devices that sync by their schedule, all of whose timers pass together, each with a clock of its own. */
class Clocks {
  readonly time = new VirtualTime()
  relaySetByMs = 0
  readonly relay: MemoryRelay

  constructor() {
    // Far enough from 1970 to be set back.
    this.time.nowMs = 100 * DAY_MS
    this.relay = new MemoryRelay({
      store: memoryRelayStore(),
      now: () => Math.floor(this.time.nowMs) + this.relaySetByMs,
      steadyNow: () => this.time.nowMs,
    })
  }

  async device(): Promise<ScheduledDevice> {
    const device = new ScheduledDevice(this)
    undo.push(() => device.tidemark.close())
    await device.open()
    return device
  }

  /** In small steps: what a burst does takes turns of the event loop, not time. */
  async pass(milliseconds: number): Promise<void> {
    for (let passedMs = 0; passedMs < milliseconds; passedMs += 250) {
      for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
      await this.time.pass(250)
      this.relay.core.sweep()
    }
  }
}

class ScheduledDevice {
  readonly tidemark: Tidemark
  clockSetByMs = 0
  #novel: TidemarkDocument | null = null

  constructor({ time, relay }: Clocks) {
    this.tidemark = new Tidemark({
      relays: ['ws://relay.test'],
      token: 'alice/*:write',
      store: memoryStore(),
      schedule: { everyMs: 30_000, afterEditMs: 2_000, longestWaitMs: 10_000 },
      platform: {
        WebSocket: relay.WebSocket,
        fetch: null,
        now: () => time.nowMs + this.clockSetByMs,
        setTimeout: (ring, delayMs) => time.setTimeout(ring, delayMs),
        clearTimeout: (alarm) => time.clearTimeout(alarm),
      },
    })
  }

  get novel(): TidemarkDocument {
    if (this.#novel === null) throw new Error('The novel is not open yet')
    return this.#novel
  }

  get text(): string {
    return this.novel.doc.getText('t').toString()
  }

  async open(): Promise<void> {
    this.#novel = await this.tidemark.open(NOVEL)
  }

  type(text: string): void {
    this.novel.doc.getText('t').insert(this.text.length, text)
  }
}

describe.each([
  ['forward', DAY_MS],
  ['back', -DAY_MS],
])('a clock that is set %s by a day', (_way, byMs) => {
  it('on a device: its edits leave, the others’ arrive, as soon as ever', async () => {
    const clocks = new Clocks()
    const [writer, reader] = [await clocks.device(), await clocks.device()]
    await clocks.pass(5_000)
    for (let day = 1; day <= 3; day++) {
      writer.clockSetByMs += byMs
      reader.clockSetByMs -= byMs
      writer.type(`Day ${day}. `)
      expect(writer.novel.status).toMatchObject({ safety: 'unsaved' })
      await clocks.pass(2_500)
      expect(writer.novel.status).toMatchObject({
        safety: SAFE,
        unsentBytes: 0,
        unsentSince: null,
        problem: null,
      })
      await clocks.pass(33_500)
      expect(reader.text).toBe(writer.text)
      expect(reader.novel.status).toMatchObject({ safety: SAFE, activity: 'idle', problem: null })
    }
  })

  it('on the relay: nobody is refused, and half-open connections go by their deadline', async () => {
    const clocks = new Clocks()
    const [writer, reader] = [await clocks.device(), await clocks.device()]
    await clocks.pass(5_000)
    for (let day = 1; day <= 3; day++) {
      clocks.relaySetByMs += byMs
      writer.type(`Day ${day}. `)
      await clocks.pass(36_000)
      expect(reader.text).toBe(writer.text)
      for (const { novel } of [writer, reader]) {
        expect(novel.status).toMatchObject({ safety: SAFE, unsentBytes: 0, problem: null })
      }
    }
    const halfOpen = clocks.relay.core.connect({ bufferedBytes: 0, send: () => undefined, close: () => undefined })
    clocks.relaySetByMs += byMs
    await clocks.pass(6_000)
    expect(clocks.relay.core.connectionCount).toBe(0)
    halfOpen.closed()
  })

  it('on both in the middle of a burst: it ends, and what hangs gives up by the same deadline', async () => {
    const clocks = new Clocks()
    const { relay } = clocks
    const writer = await clocks.device()
    await clocks.pass(5_000)
    const held: (() => void)[] = []
    relay.deliver = (arrive) => void held.push(arrive)
    writer.type('Held up. ')
    await clocks.pass(3_000)
    expect(held.length).toBeGreaterThan(0)
    writer.clockSetByMs += byMs
    clocks.relaySetByMs += byMs
    await clocks.pass(2_000)
    relay.deliver = (arrive) => void Promise.resolve().then(arrive)
    for (const arrive of held.splice(0)) arrive()
    await clocks.pass(1_000)
    expect(writer.novel.status).toMatchObject({ safety: 'on-relay', problem: null })

    relay.deliver = (arrive) => void held.push(arrive)
    writer.type('Lost. ')
    await clocks.pass(3_000)
    writer.clockSetByMs -= byMs
    await clocks.pass(21_000)
    expect(writer.novel.status).toMatchObject({ safety: 'on-device', problem: { code: 'TIMEOUT' } })
    relay.deliver = (arrive) => void Promise.resolve().then(arrive)
    await clocks.pass(10_000)
    expect(writer.novel.status).toMatchObject({ safety: 'on-relay', problem: null })
  })
})
