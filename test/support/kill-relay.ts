// Devices that burst without pause while their relay is killed under them, again and again.
import { type DeviceStore, memoryStore, Tidemark } from '@tidemark/client/node'
import fc from 'fast-check'
import { expect } from 'vitest'
import { RelayProcess } from './relay-process.ts'

const NOVEL = 'alice/novel'
const DEVICES = 4

export interface KillReport {
  readonly rounds: number
  readonly bursts: number
  readonly burstsCut: number
  readonly edits: number
}

/** `rounds` kills, each after at least `burstsPerRound` bursts began. */
export async function killRelayRounds(rounds: number, burstsPerRound: number, seed: number): Promise<KillReport> {
  const delaysMs = fc.sample(fc.nat(15), { seed, numRuns: rounds })
  const relay = new RelayProcess()
  await relay.start()
  const token = await relay.token()
  const writers = await Promise.all(Array.from({ length: DEVICES }, (_, i) => Writer.open(relay.url, token, i)))
  try {
    for (const delayMs of delaysMs) {
      const running = writers.map((writer) => writer.run())
      const before = burstsOf(writers)
      while (burstsOf(writers) - before < burstsPerRound) await new Promise((resolve) => setImmediate(resolve))
      await new Promise((resolve) => setTimeout(resolve, delayMs))
      await relay.kill()
      for (const writer of writers) writer.stop()
      await Promise.all(running)
      await relay.start()
      // Before any writer comes back: whatever was acknowledged must be there.
      const found = await readAll(relay.url, token)
      for (const writer of writers) for (const edit of writer.acknowledged) expect(found).toContain(edit)
    }
    // No device needs help: each just syncs again.
    for (const writer of [...writers, ...writers]) expect((await writer.tidemark.sync()).complete).toBe(true)
    const found = await readAll(relay.url, token)
    for (const writer of writers) for (const edit of writer.edits) expect(found).toContain(edit)
    const texts = await Promise.all(writers.map((writer) => writer.keys()))
    for (const keys of texts) expect(keys).toEqual([...found].sort())
  } finally {
    await Promise.all(writers.map((writer) => writer.tidemark.close()))
    await relay.stop()
  }
  return {
    rounds,
    bursts: burstsOf(writers),
    burstsCut: writers.reduce((sum, { cut }) => sum + cut, 0),
    edits: writers.reduce((sum, { edits }) => sum + edits.length, 0),
  }
}

class Writer {
  readonly tidemark: Tidemark
  /** All that was ever made. */
  readonly edits: string[] = []
  readonly acknowledged = new Set<string>()
  bursts = 0
  cut = 0
  readonly #name: string
  #isStopped = false

  static async open(url: string, token: string, number: number): Promise<Writer> {
    const writer = new Writer(device(url, token, memoryStore()), `device ${number}`)
    await writer.tidemark.open(NOVEL)
    return writer
  }

  private constructor(tidemark: Tidemark, name: string) {
    this.tidemark = tidemark
    this.#name = name
  }

  /** Edits and bursts without pause, until it is stopped. */
  async run(): Promise<void> {
    this.#isStopped = false
    const { doc } = await this.tidemark.open(NOVEL)
    while (!this.#isStopped) {
      const edit = `${this.#name}, edit ${this.edits.length}`
      doc.getMap('edits').set(edit, true)
      this.edits.push(edit)
      this.bursts++
      const isComplete = await this.tidemark.sync().then(
        (report) => report.complete,
        () => false,
      )
      if (isComplete) for (const known of this.edits) this.acknowledged.add(known)
      else this.cut++
    }
  }

  stop(): void {
    this.#isStopped = true
  }

  async keys(): Promise<readonly string[]> {
    return [...(await this.tidemark.open(NOVEL)).doc.getMap('edits').keys()].sort()
  }
}

function device(url: string, token: string, store: DeviceStore): Tidemark {
  return new Tidemark({ store, relays: [{ url, carrier: 'websocket' }], token, schedule: false })
}

/** What a new device finds. */
async function readAll(url: string, token: string): Promise<ReadonlySet<string>> {
  const reader = device(url, token, memoryStore())
  const { doc } = await reader.open(NOVEL)
  expect((await reader.sync()).complete).toBe(true)
  const keys = new Set(doc.getMap('edits').keys())
  await reader.close()
  return keys
}

function burstsOf(writers: readonly Writer[]): number {
  return writers.reduce((sum, { bursts }) => sum + bursts, 0)
}
