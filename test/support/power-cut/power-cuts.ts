// A relay under load on a recorded disk, and what power cuts at random moments of it leave: on each image a relay starts
// and takes a push, and its store holds all that had been acknowledged by then, untorn, under the same epoch.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openLmdbStore } from '../../../relay/src/store/lmdb/open.ts'
import { burst, END, hello, only, open, payloadOf, push } from '../../relay/device.ts'
import { Random } from '../../simulation/random.ts'
import { type Acknowledged, GRANTS, PushingClients, VAULTS } from '../pushing-clients.ts'
import { RelayProcess } from '../relay-process.ts'
import { checkStore, hex } from '../store-check.ts'
import { CrashImages } from './crash-images.ts'
import { MountedImage, RecordedDisk } from './recorded-disk.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 64 * MIB
/** Payloads; what LMDB and the file system make of it must fit the disk. */
const LOAD_BYTES_MAX = 12 * MIB
const CLIENTS = 6
const NEVER_MS = 2 ** 31 - 1
/** The disk is smaller than what is to be free by default. */
const LIMITS = ['freeBytesMin=0']

export interface PowerCutOptions {
  readonly images: number
  readonly loadMs: number
  readonly seed: number
  /** Runs in place of the command that was built. */
  readonly program?: string
  /** Writes everything to the disk so often, as the kernel does by itself in its own time. Default: never. */
  readonly writeBackEveryMs?: number
}

export interface PowerCutReport {
  readonly images: number
  readonly acknowledged: number
  readonly flushes: number
  readonly logBytes: number
  /** Images that lack a sector which had been written before the cut. */
  readonly imagesLackingSectors: number
  readonly sectorsUnflushed: number
  readonly sectorsLost: number
  /** Acknowledged entries that should have been found, over all images, and of these the ones that were not. */
  readonly entriesExpected: number
  readonly entriesLost: number
  /** What else was wrong, a sentence for each image. */
  readonly broken: readonly string[]
}

interface Noted extends Acknowledged {
  /** How long the log was when it arrived. */
  readonly logBytes: number
}

interface Recording {
  readonly images: CrashImages
  readonly acknowledged: readonly Noted[]
  readonly token: string
  readonly epoch: string
  /** The log when the relay was ready, and when it was killed. */
  readonly readyBytes: number
  readonly endBytes: number
}

export async function cutPower(options: PowerCutOptions): Promise<PowerCutReport> {
  const recording = await record(options)
  const { images, acknowledged, readyBytes, endBytes } = recording
  const random = new Random(options.seed)
  const report = { imagesLackingSectors: 0, sectorsUnflushed: 0, sectorsLost: 0, entriesExpected: 0, entriesLost: 0 }
  const broken: string[] = []
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-images-'))
  for (const logBytes of cutsOf(recording, options.images, random)) {
    const path = join(directory, 'image')
    const lost = random.pick([0.1, 0.5, 0.9, 1])
    const { sectorsUnflushed, sectorsLost } = images.write(path, logBytes, lost, () => random.next())
    report.sectorsUnflushed += sectorsUnflushed
    report.sectorsLost += sectorsLost
    if (sectorsLost > 0) report.imagesLackingSectors += 1
    const expected = acknowledged.filter((entry) => entry.logBytes <= logBytes)
    report.entriesExpected += expected.length
    const found = await examine(path, recording, expected)
    report.entriesLost += found.entriesLost
    if (found.broken !== null) broken.push(`cut at ${logBytes} of the log: ${found.broken}`)
  }
  rmSync(directory, { recursive: true })
  const flushes = images.flushesBetween(readyBytes, endBytes)
  const { length } = acknowledged
  return { images: options.images, acknowledged: length, flushes, logBytes: endBytes, ...report, broken }
}

async function record({ loadMs, seed, program, writeBackEveryMs }: PowerCutOptions): Promise<Recording> {
  const disk = await RecordedDisk.start(DISK_BYTES)
  const data = join(disk.mountPoint, 'data')
  const relay = new RelayProcess([], { data, limits: LIMITS, ...(program === undefined ? {} : { program }) })
  try {
    await relay.start()
    const token = await relay.token(GRANTS)
    const epoch = await epochOf(relay.url, token)
    const readyBytes = disk.logBytes
    const acknowledged: Noted[] = []
    const clients = await PushingClients.start({
      url: relay.url,
      token,
      clients: CLIENTS,
      seed,
      acknowledged: (entry) => acknowledged.push({ ...entry, logBytes: disk.logBytes }),
    })
    const writeBack = setInterval(() => disk.writeBack(), writeBackEveryMs ?? NEVER_MS)
    const endAtMs = performance.now() + loadMs
    while (performance.now() < endAtMs && clients.bytesPushed < LOAD_BYTES_MAX) await sleep(20)
    clearInterval(writeBack)
    await clients.stop()
    const endBytes = disk.logBytes
    await relay.kill()
    return { images: new CrashImages(disk.baseImage, disk.log), acknowledged, token, epoch, readyBytes, endBytes }
  } finally {
    await relay.kill()
    await disk.stop()
  }
}

/** Half of them anywhere in the log, half where an acknowledgement has just arrived; in the order of the log. */
function cutsOf({ acknowledged, readyBytes, endBytes }: Recording, count: number, random: Random): readonly number[] {
  const cuts = Array.from({ length: count }, (_, number) => {
    if (number % 2 === 0) return random.between(readyBytes, endBytes)
    return random.pick(acknowledged).logBytes
  })
  return cuts.sort((a, b) => a - b)
}

interface Findings {
  readonly entriesLost: number
  readonly broken: string | null
}

/** On the image as the cut left it a relay starts and stores one more entry; then all of it is looked at. */
async function examine(image: string, recording: Recording, expected: readonly Noted[]): Promise<Findings> {
  const mounted = new MountedImage(image)
  const data = join(mounted.directory, 'data')
  try {
    const added = await addEntry(data, recording)
    const store = await openLmdbStore({ directory: data, freeBytesMin: 0 })
    try {
      const logs = await checkStore(store, VAULTS)
      const isThere = ({ documentId, pushId }: Omit<Acknowledged, 'receipt'>): boolean =>
        logs.get(documentId)?.pushIds.includes(pushId) ?? false
      const entriesLost = expected.filter((entry) => !isThere(entry)).length
      if (!isThere(added)) return { entriesLost, broken: 'the entry that was stored after the cut is not there' }
      if (hex(store.epoch) !== recording.epoch) return { entriesLost, broken: 'the epoch is another one' }
      return { entriesLost, broken: null }
    } finally {
      await store.close()
    }
  } catch (error) {
    return { entriesLost: expected.length, broken: error instanceof Error ? error.message : String(error) }
  } finally {
    await mounted.unmount()
  }
}

async function addEntry(data: string, { token }: Recording): Promise<Omit<Acknowledged, 'receipt'>> {
  const relay = new RelayProcess([], { data, limits: LIMITS })
  try {
    await relay.start()
    const documentId = 'alice/after the cut'
    const frames = [hello(token), open(1, documentId), push(1, payloadOf('It is light again.')), END]
    const { pushId } = only(await burst(relay.url, frames), 'ACK')
    return { documentId, pushId: hex(pushId) }
  } finally {
    await relay.kill()
  }
}

async function epochOf(url: string, token: string): Promise<string> {
  return hex(only(await burst(url, [hello(token), END]), 'WELCOME').epoch)
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
