// Devices that edit and burst without pause over lines that are reset again and again. In the end every edit must be on
// every device, and in the log exactly once: a push whose acknowledgement was lost is known when it comes again.
import { expect } from 'vitest'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { FaultProxy } from './fault-proxy.ts'
import { type CarrierName, NodeDevice } from './node-device.ts'
import { RelayProcess } from './relay-process.ts'
import { logOf } from './relay-server.ts'

const CARRIERS: readonly CarrierName[] = ['websocket', 'http', 'websocket', 'auto']

export interface UnsteadyLineReport {
  readonly resets: number
  readonly bursts: number
  readonly burstsCut: number
  readonly edits: number
  readonly connections: number
  readonly entries: number
  readonly editsLost: number
  readonly editsStoredTwice: number
}

export interface UnsteadyLineOptions {
  readonly resetEveryMs: number
  readonly durationMs: number
  readonly documents: number
}

export async function burstOverUnsteadyLine(options: UnsteadyLineOptions): Promise<UnsteadyLineReport> {
  const { resetEveryMs, durationMs } = options
  const documentIds = Array.from({ length: options.documents }, (_, number) => `alice/chapter ${number}`)
  const relay = new RelayProcess()
  await relay.start()
  const proxy = await FaultProxy.start(relay.url)
  const token = await relay.token()
  const writers = CARRIERS.map(
    (carrier, number) => new Writer(new NodeDevice({ url: proxy.url, token, carrier }), number, documentIds),
  )
  const fresh = new NodeDevice({ url: relay.url, token })
  const devices = [...writers.map(({ device }) => device), fresh]
  // All documents on all devices from the beginning: what is not open is nobody's to bring, and a writer may come no further than
  // its first. In Node 20 `fetch` never ends where the first connection of a process is reset in its first millisecond, until
  // the deadline of the burst, 20 s later.
  for (const device of devices) for (const documentId of documentIds) await device.tidemark.open(documentId)
  const count = { resets: 0, bursts: 0, burstsCut: 0 }
  const resetting = setInterval(() => {
    count.resets++
    proxy.reset()
  }, resetEveryMs)
  const endAtMs = performance.now() + durationMs
  await Promise.all(writers.map((writer) => writer.run(() => performance.now() < endAtMs)))
  clearInterval(resetting)
  // One to give what is left, one more to get what the others gave then.
  for (const { device } of [...writers, ...writers]) await device.burst()
  const edits = writers.flatMap((writer) => writer.edits)
  const lost = new Set<string>()
  await fresh.burst()
  for (const device of devices) {
    for (const edit of await missingOn(device, edits, documentIds)) lost.add(edit)
  }
  for (const { bursts, burstsCut } of writers) {
    count.bursts += bursts
    count.burstsCut += burstsCut
  }
  await Promise.all(devices.map((device) => device.leave()))
  const { connections } = proxy
  await proxy.close()
  await relay.kill()
  const stored = await countStored(relay.data, edits, documentIds)
  await relay.stop()
  return { ...count, edits: edits.length, connections, ...stored, editsLost: lost.size }
}

class Writer {
  readonly device: NodeDevice
  /** Each a text that is found nowhere else. */
  readonly edits: string[] = []
  bursts = 0
  burstsCut = 0
  readonly #number: number
  readonly #documentIds: readonly string[]

  constructor(device: NodeDevice, number: number, documentIds: readonly string[]) {
    this.device = device
    this.#number = number
    this.#documentIds = documentIds
  }

  async run(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const edit = `<${this.#number}.${this.edits.length}>`
      await this.device.insert(this.#documentIds[this.edits.length % this.#documentIds.length] ?? '', 0, edit)
      this.edits.push(edit)
      this.bursts++
      const isComplete = await this.device.tidemark.sync().then(
        ({ complete }) => complete,
        () => false,
      )
      if (!isComplete) this.burstsCut++
    }
  }
}

/** Edits that are not there, of texts that hold nothing else, and nothing twice. */
async function missingOn(
  device: NodeDevice,
  edits: readonly string[],
  documentIds: readonly string[],
): Promise<readonly string[]> {
  const texts = await Promise.all(documentIds.map((documentId) => device.text(documentId)))
  const all = texts.join('').match(/<\d+\.\d+>/g) ?? []
  expect(all.join('')).toBe(texts.join(''))
  const found = new Set(all)
  expect(found.size).toBe(all.length)
  return edits.filter((edit) => !found.has(edit))
}

async function countStored(
  data: string,
  edits: readonly string[],
  documentIds: readonly string[],
): Promise<{ readonly entries: number; readonly editsStoredTwice: number }> {
  const store = await openLmdbStore({ directory: data })
  const logs = await Promise.all(documentIds.map((documentId) => logOf(store, documentId)))
  await store.close()
  const entries = logs.flat()
  const all = entries.map(({ payload }) => Buffer.from(payload ?? []).toString('latin1')).join('\n')
  const editsStoredTwice = edits.filter((edit) => all.split(edit).length > 2).length
  return { entries: entries.length, editsStoredTwice }
}
