// sync({ budgetMs }) on a slow line, each time in a process that knows nothing of the line: every call gets further.
import { type SyncReport, Tidemark, type TidemarkOptions } from '@tidemark/client'
import { expect, it } from 'vitest'
import { MemoryDisk } from '../../../client/src/store/memory-disk.ts'
import { TimedLine } from '../../support/timed-line.ts'

const URL = 'ws://relay.test'
const FAST = 1e8

type Carrier = 'http' | 'websocket'

interface Library {
  readonly documents: number
  readonly bytes: number
}

class Device {
  readonly disk: MemoryDisk = new MemoryDisk()
  tidemark: Tidemark
  readonly #line: TimedLine
  readonly #options: Partial<TidemarkOptions>

  constructor(line: TimedLine, carrier: Carrier, options: Partial<TidemarkOptions> = {}) {
    this.#line = line
    this.#options = { relays: [{ url: URL, carrier }], ...options }
    this.tidemark = this.#start()
  }

  /** Another process, and its one burst. */
  async coldSync(budgetMs: number): Promise<SyncReport> {
    await this.#line.until(this.tidemark.close())
    this.tidemark = this.#start()
    return this.sync(budgetMs)
  }

  sync(budgetMs?: number): Promise<SyncReport> {
    return this.#line.until(this.tidemark.sync(budgetMs === undefined ? {} : { budgetMs }))
  }

  syncUntil(stopAfterMs: number): Promise<SyncReport> {
    const controller = new AbortController()
    this.#line.time.setTimeout(() => controller.abort(), stopAfterMs)
    return this.#line.until(this.tidemark.sync({ signal: controller.signal }))
  }

  async write({ documents, bytes }: Library): Promise<void> {
    for (let i = 0; i < documents; i++) {
      const document = await this.#line.until(this.tidemark.open(`alice/${i}`))
      document.doc.getText('t').insert(0, `${i}`.padEnd(bytes, '.'))
      await this.#line.until(document.close())
    }
  }

  #start(): Tidemark {
    const { time, fetch, WebSocket } = this.#line
    const platform = { ...time.platform, fetch, WebSocket }
    return new Tidemark({
      store: this.disk,
      token: 'alice/*:write',
      schedule: false,
      platform,
      ...this.#options,
    } as TidemarkOptions)
  }
}

async function lineTo(library: Library | null): Promise<TimedLine> {
  const line = new TimedLine({ bytesPerSecond: FAST, roundTripMs: 100 })
  if (library !== null) {
    const writer = new Device(line, 'websocket')
    await writer.write(library)
    expect(await writer.sync()).toMatchObject({ complete: true })
  }
  return line
}

/** Fails when it takes more. */
async function completeWithin(device: Device, budgetMs: number, runsMax: number): Promise<void> {
  const done: string[] = []
  for (let runs = 0; runs < runsMax; runs++) {
    const { complete, progress } = await device.coldSync(budgetMs)
    if (complete) return
    done.push(`${progress.documentsDone}/${progress.bytesDone}`)
  }
  throw new Error(`Not complete after ${runsMax} runs; documents and bytes done in each: ${done.join(', ')}`)
}

const MANY: Library = { documents: 30, bytes: 20_000 }
const LARGE: Library = { documents: 1, bytes: 1_200_000 }
const SOME: Library = { documents: 20, bytes: 15_000 }
/** As large as what goes whole. */
const WHOLE: Library = { documents: 10, bytes: 60_000 }

/** A run moves less than the line does in its budget, and more than half of that. */
function runsMaxOf({ documents, bytes }: Library, bytesPerSecond: number, budgetMs: number): number {
  return Math.ceil((documents * bytes) / ((bytesPerSecond * budgetMs) / 1000 / 2))
}

it.each([
  ['http', 'many documents', 50_000, 4_000, MANY],
  ['http', 'a large document', 50_000, 4_000, LARGE],
  ['http', 'a large document', 40_000, 20_000, LARGE],
  ['http', 'many documents', 20_000, 4_000, MANY],
  ['http', 'a large document', 20_000, 4_000, LARGE],
  ['http', 'documents of 60 kB', 20_000, 4_000, WHOLE],
  ['websocket', 'many documents', 20_000, 4_000, MANY],
  ['websocket', 'a large document', 20_000, 4_000, LARGE],
] as const)(
  'a pull over %s of %s at %i bytes/s comes to its end, %i ms at a time',
  async (carrier, _name, bytesPerSecond, budgetMs, library) => {
    const line = await lineTo(library)
    const reader = new Device(line, carrier, { mirror: ['alice'] })
    line.bytesPerSecond = bytesPerSecond
    await completeWithin(reader, budgetMs, runsMaxOf(library, bytesPerSecond, budgetMs))
  },
)

it.each([
  ['http', 'many documents', MANY],
  ['http', 'a large document', LARGE],
  ['http', 'documents of 60 kB', WHOLE],
  ['websocket', 'many documents', SOME],
  ['websocket', 'a large document', LARGE],
  ['websocket', 'documents of 60 kB', WHOLE],
] as const)('a push over %s of %s comes to its end', async (carrier, _name, library) => {
  const line = new TimedLine({ bytesPerSecond: 20_000, roundTripMs: 100 })
  const writer = new Device(line, carrier)
  await writer.write(library)
  await completeWithin(writer, 4_000, runsMaxOf(library, 20_000, 4_000))
})

it.each(['http', 'websocket'] as const)(
  'one that was stopped without a budget has the next one in its process risk little: over %s',
  async (carrier) => {
    const line = await lineTo(null)
    const writer = new Device(line, carrier)
    await writer.write(SOME)
    line.bytesPerSecond = 20_000
    const stopped: SyncReport[] = []
    for (let runs = 0; runs < 9; runs++) stopped.push(await writer.syncUntil(4_000))
    expect(stopped[0]).toMatchObject({ stopped: 'signal', progress: { documentsDone: 0 } })
    expect(stopped.at(-1)).toMatchObject({ complete: true })
  },
)

it.each([
  ['http', 4_000, 2],
  ['http', 20_000, 1],
  ['websocket', 4_000, 3],
  ['websocket', 20_000, 1],
] as const)(
  'a fast line is found to be one: over %s, %i ms cost no more than %i round trips',
  async (carrier, budgetMs, roundTripsMore) => {
    const line = await lineTo({ documents: 1, bytes: 5_000_000 })
    line.bytesPerSecond = 10_000_000
    const durations: number[] = []
    for (const budget of [undefined, budgetMs]) {
      const report = await new Device(line, carrier, { mirror: ['alice'] }).sync(budget)
      expect(report).toMatchObject({ complete: true })
      durations.push(report.durationMs)
    }
    const [unbounded = 0, budgeted = 0] = durations
    expect(budgeted - unbounded).toBeLessThan((roundTripsMore + 0.5) * line.roundTripMs)
  },
)
