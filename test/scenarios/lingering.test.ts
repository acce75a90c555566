// Live editing over channels that linger, as bare as a client can be: what it pushes and what it is given must come in log
// order, and a mark must never run ahead of what came.
import { decodeMessage, encodeFrames, type Frame, LIMITS_AFTER_WELCOME, pushIdOf } from '@tidemark/protocol'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { FORMAT_YJS_1 } from '../../client/src/document/format.ts'
import type { Connection } from '../../relay/src/session/connection.ts'
import { bookmarkAt } from '../../relay/src/store/memory-log.ts'
import type { MemoryDocument } from '../../relay/src/store/memory-state.ts'
import { sha256 } from '../../relay/src/store/sha256.ts'
import { settled } from '../relay/core.ts'
import { END, hello, NOTHING, open, push } from '../relay/device.ts'
import { Random } from '../simulation/random.ts'
import { NOVEL, World } from '../support/world.ts'

const WRITE = 'alice/*:write'
const SEEDS = 40
const EDITS = 30
const STEPS_MAX = 5_000

/** Sends when it is told to, and takes what has come when it is told to, so that everything crosses everything. */
class LiveDevice {
  readonly doc = new Y.Doc()
  readonly #world: World
  readonly #connection: Connection
  readonly #up: Uint8Array[] = []
  readonly #down: Uint8Array[] = []
  /** Push ids of what was given, and of what was acknowledged, on the channel. */
  readonly #had = new Set<string>()
  #incarnation = NOTHING
  #mark = NOTHING
  #receipt = NOTHING
  /** Local updates that no ACK covers, by push id, as long as they are under way. */
  readonly #unsent = new Map<string, Uint8Array>()
  #isAnswered = false
  /** It lingers on this one; each OPEN has a number of its own, so that what was under way is not taken for the answer. */
  #channel = 0
  /** The log is another one than it knew. */
  #mustOpen = false
  withheld = 0
  live = 0

  constructor(world: World, number: number) {
    this.#world = world
    this.doc.clientID = number
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'relay') this.#unsent.set(hex(pushIdOf(sha256, FORMAT_YJS_1, update)), update)
    })
    this.#connection = world.relay.core.connect({
      bufferedBytes: 0,
      send: (bytes) => this.#down.push(bytes.slice()),
      close: (code) => expect(code).toBe('OK'),
    })
    this.#openWith([hello(WRITE, { deviceId: new Uint8Array(16).fill(number) })])
  }

  get isIdle(): boolean {
    return this.#up.length === 0 && this.#down.length === 0 && this.#unsent.size === 0 && !this.#mustOpen
  }

  type(text: string, random: Random): void {
    const words = this.doc.getText('t')
    words.insert(random.between(0, words.length), text)
  }

  /** All that is unsent, in a round that opens the document again. */
  push(): void {
    if (this.#isAnswered && (this.#unsent.size > 0 || this.#mustOpen)) this.#openWith([])
  }

  deliverUp(): void {
    const bytes = this.#up.shift()
    if (bytes !== undefined) this.#connection.receive(bytes)
  }

  deliverDown(): void {
    const bytes = this.#down.shift()
    if (bytes === undefined) return
    const decoded = decodeMessage(bytes, LIMITS_AFTER_WELCOME)
    if (!decoded.ok) throw new Error(decoded.message)
    for (const frame of decoded.frames) this.#take(frame)
  }

  #openWith(frames: readonly Frame[]): void {
    this.#channel += 1
    this.#isAnswered = false
    this.#mustOpen = false
    const known = { incarnation: this.#incarnation, mark: this.#mark, receipt: this.#receipt }
    const pushes = [...this.#unsent.values()].map((update) => push(this.#channel, update))
    this.#up.push(encodeFrames([...frames, open(this.#channel, NOVEL, { linger: true, ...known }), ...pushes, END]))
  }

  #take(frame: Frame): void {
    if ('channel' in frame && frame.channel !== this.#channel) return
    switch (frame.type) {
      case 'OPENED':
        this.#incarnation = frame.incarnation.slice()
        this.#mustOpen = this.#isAnswered
        break
      case 'ACK':
        this.#receipt = frame.receipt.slice()
        this.#had.add(hex(frame.pushId))
        if (this.#unsent.delete(hex(frame.pushId))) this.withheld += 1
        break
      case 'ENTRIES':
        for (const { pushId, bytes } of frame.entries) {
          this.#had.add(hex(pushId))
          Y.applyUpdate(this.doc, bytes, 'relay')
        }
        if (this.#isAnswered) this.live += 1
        break
      case 'MARK':
      case 'SYNCED':
        if (frame.mark.length === 0) break
        this.#checkMark(frame.mark)
        this.#mark = frame.mark.slice()
        break
      case 'DONE':
        this.#isAnswered = true
        break
      default:
        expect(frame.type).toBe('WELCOME')
    }
  }

  /** Everything up to a mark was given or acknowledged before. */
  #checkMark(mark: Uint8Array): void {
    const log = this.#world.document() as MemoryDocument
    const index = log.entries.findIndex((_, i) => hex(bookmarkAt(log, i + 1)) === hex(mark))
    expect(index, 'a mark of this log').toBeGreaterThanOrEqual(0)
    for (const { pushId } of log.entries.slice(0, index + 1)) expect(this.#had).toContain(hex(pushId))
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Whether it stays so when everything has had its effects. */
async function isStill(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 3; i++) await settled()
  return condition()
}

async function someTurns(random: Random): Promise<void> {
  if (random.chance(0.3)) await settled()
  for (let i = random.between(0, 6); i > 0; i--) await Promise.resolve()
}

describe('case 40: ACK and live entries interleaved while lingering', () => {
  it(`in ${SEEDS} orders, three devices that type at once: no mark runs ahead, nothing is lost or stored twice`, async () => {
    let [withheld, live] = [0, 0]
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed)
      const world = new World()
      const devices = [1, 2, 3].map((number) => new LiveDevice(world, number))
      let edits = 0
      let steps = 0
      const isOver = (): boolean => edits === EDITS && devices.every(({ isIdle }) => isIdle)
      while (!(isOver() && (await isStill(isOver)))) {
        if (++steps > STEPS_MAX) throw new Error(`Seed ${seed} comes to no end`)
        const device = random.pick(devices)
        const step = random.between(0, 3)
        if (step === 0 && edits < EDITS) {
          device.type(`${edits++} `, random)
        } else if (step === 1) device.push()
        else if (step === 2) device.deliverUp()
        else device.deliverDown()
        await someTurns(random)
      }
      const texts = devices.map(({ doc }) => doc.getText('t').toString())
      expect(new Set(texts).size, `seed ${seed}`).toBe(1)
      expect(texts[0]?.split(' ').length).toBeGreaterThan(1)
      expect(world.head()).toBe(EDITS)
      for (const device of devices) {
        withheld += device.withheld
        live += device.live
      }
    }
    expect(withheld).toBe(SEEDS * EDITS)
    expect(live).toBeGreaterThan(SEEDS)
  })
})
