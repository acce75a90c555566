// One large payload over a line that is cut all the time: pushed by one device, compacted or not, and pulled by another.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, type SyncReport, Tidemark } from '@tidemark/client/node'
import { expect } from 'vitest'
import { RelayProcess } from './relay-process.ts'
import { type LineOptions, SlowLine } from './slow-line.ts'

const DOCUMENT = 'alice/archive'
const MIB = 1024 * 1024

export interface LargeTransfer {
  readonly carrier: 'websocket' | 'http'
  readonly bytes: number
  readonly line: LineOptions
  /**
   * Each device has met a cut of this line before. Until then it risks more at once, up to 1 MiB: half a percent of 200 MB,
   * and a sixth of 6.
   */
  readonly hasMetCut: boolean
  readonly timeLimitMs: number
}

export interface TransferReport {
  readonly carrier: string
  readonly megabytes: number
  readonly push: DirectionReport
  readonly pull: DirectionReport
  readonly relayPeakMiB: number
  readonly devicePeakMiB: number
}

interface DirectionReport {
  readonly seconds: number
  readonly cuts: number
  readonly bursts: number
  /** Bytes of the payload that were put on the line though they had been on it before, over its length. */
  readonly sentTwice: number
  /** All bytes on the line in the direction of the payload beyond it, over its length: what was sent twice, and frames. */
  readonly overhead: number
}

export async function transferLarge(options: LargeTransfer): Promise<TransferReport> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-large-'))
  const relay = new RelayProcess()
  await relay.start()
  const token = await relay.token()
  const payload = pseudoRandom(options.bytes)
  const peak = watchMemory(relay)
  try {
    const push = await overLine(relay, options, 'up', async (line) => {
      const device = await deviceAt(line, token, options, join(directory, 'writer'))
      const { doc } = await device.open(DOCUMENT)
      doc.getMap('m').set('archive', payload)
      const bursts = await syncUntilComplete(device, options.timeLimitMs)
      await device.close()
      return bursts
    })
    const pull = await overLine(relay, options, 'down', async (line) => {
      const device = await deviceAt(line, token, options, join(directory, 'reader'))
      const { doc } = await device.open(DOCUMENT)
      const bursts = await syncUntilComplete(device, options.timeLimitMs)
      const received = doc.getMap('m').get('archive')
      expect(received instanceof Uint8Array && Buffer.compare(received, payload) === 0).toBe(true)
      await device.close()
      return bursts
    })
    return { carrier: options.carrier, megabytes: options.bytes / 1e6, push, pull, ...peak.stop() }
  } finally {
    await relay.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function overLine(
  relay: RelayProcess,
  { line: lineOptions, bytes }: LargeTransfer,
  direction: 'up' | 'down',
  run: (line: SlowLine) => Promise<number>,
): Promise<DirectionReport> {
  const line = await SlowLine.start(relay.url, lineOptions)
  const startedAt = performance.now()
  try {
    const bursts = await run(line)
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10
    const { passed, distinct } = line.payloads[direction]
    // All of it was seen on the line, and nothing else: Yjs puts a few bytes around it.
    expect(distinct).toBeGreaterThanOrEqual(bytes)
    expect(distinct).toBeLessThan(bytes + 256)
    const share = (bytesOnLine: number): number => Math.round((bytesOnLine / bytes) * 1e4) / 1e4
    const sentTwice = share(passed - distinct)
    return { seconds, cuts: line.cuts, bursts, sentTwice, overhead: share(line.bytes[direction] - bytes) }
  } finally {
    await line.close()
  }
}

async function deviceAt(
  line: SlowLine,
  token: string,
  { carrier, hasMetCut }: LargeTransfer,
  directory: string,
): Promise<Tidemark> {
  const relays = [{ url: line.url, token, carrier }]
  const device = new Tidemark({ store: fileStore(directory), relays, schedule: false })
  if (hasMetCut) {
    line.cutNext()
    await expect(device.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
  }
  return device
}

async function syncUntilComplete(device: Tidemark, timeLimitMs: number): Promise<number> {
  const until = performance.now() + timeLimitMs
  for (let bursts = 1; ; bursts++) {
    const report: SyncReport | null = await device.sync().catch(() => null)
    if (report?.complete) return bursts
    if (performance.now() > until) throw new Error(`Not complete within ${timeLimitMs} ms: ${JSON.stringify(report)}`)
  }
}

/** Resident memory, in MiB, of the relay's process and of this one, which holds both devices and the line. */
function watchMemory(relay: RelayProcess): { stop(): { relayPeakMiB: number; devicePeakMiB: number } } {
  let relayPeak = 0
  let devicePeak = 0
  const look = (): void => {
    relayPeak = Math.max(relayPeak, residentBytes(relay.pid))
    devicePeak = Math.max(devicePeak, process.memoryUsage.rss())
  }
  const timer = setInterval(look, 100)
  return {
    stop: () => {
      clearInterval(timer)
      return { relayPeakMiB: Math.round(relayPeak / MIB), devicePeakMiB: Math.round(devicePeak / MIB) }
    },
  }
}

/** Private to the process: the pages of the data file that LMDB maps are the system's cache. */
function residentBytes(pid: number): number {
  const [, kib] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kib ?? 0) * 1024
}

/** Nothing that could be compressed on the way. */
function pseudoRandom(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let state = 0x9e3779b9
  for (let i = 0; i < length; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + i
    bytes[i] = state >>> 24
  }
  return bytes
}
