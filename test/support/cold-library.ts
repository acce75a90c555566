// A new device takes up a whole library over a line that is cut all the time, and its process is killed now and then. What its
// progress says is held against its disk; in the end it must have everything.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileStore, memoryStore, type SyncProgress, Tidemark } from '@tidemark/client/node'
import { build } from 'esbuild'
import { expect } from 'vitest'
import { decodeRow, isUpdatesRow } from '../../client/src/document/rows.ts'
import type { ColdDeviceSaid } from './programs/cold-device.ts'
import { RelayProcess } from './relay-process.ts'
import { type LineOptions, SlowLine } from './slow-line.ts'
import { documentOf } from './stored-document.ts'
import { type LibraryText, textLibrary } from './text-library.ts'

const VAULT = 'alice'
const DOCUMENTS_AT_ONCE = 50

export interface ColdLibrary {
  readonly documents: number
  readonly bytes: number
  readonly line: LineOptions
  /** The device is killed when it says that so many documents are left, once each; descending. */
  readonly killsAtLeft: readonly number[]
}

export interface ColdLibraryReport {
  readonly documents: number
  readonly megabytes: number
  /** Of the device's process, all its lives together. */
  readonly seconds: number
  /** What the payloads alone take on this line. */
  readonly secondsOfPayload: number
  readonly bursts: number
  readonly cuts: number
  readonly kills: number
  /** Messages in which the device asked for something. */
  readonly rounds: number
  /** Of the bytes of all payloads: what was on the line a second time, and all else that was on it. */
  readonly sentTwice: number
  readonly overhead: number
  readonly upKilobytes: number
}

export async function takeUpLibrary(options: ColdLibrary): Promise<ColdLibraryReport> {
  const { documents, bytes, killsAtLeft } = options
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-library-'))
  const program = await buildDevice()
  const relay = new RelayProcess()
  await relay.start()
  try {
    const token = await relay.token()
    const texts = textLibrary(VAULT, documents, bytes)
    await write(texts, relay.url, token)
    const line = await SlowLine.start(relay.url, options.line)
    const witness = new Witness(documents)
    let seconds = 0
    for (const killAtLeft of [...killsAtLeft, null]) {
      const startedAt = performance.now()
      await runDevice([program, directory, line.url, token, VAULT], witness, killAtLeft)
      seconds += (performance.now() - startedAt) / 1000
      const stored = await storedTexts(directory, texts)
      // What is done is on the disk; the rest may be, too.
      expect(stored).toBeGreaterThanOrEqual(documents - witness.left)
    }
    expect(await storedTexts(directory, texts)).toBe(documents)
    await line.close()
    const { down } = line.payloads
    return {
      documents,
      megabytes: bytes / 1e6,
      seconds: Math.round(seconds * 10) / 10,
      secondsOfPayload: Math.round((down.distinct / options.line.bytesPerSecond) * 10) / 10,
      bursts: witness.bursts,
      cuts: line.cuts,
      kills: killsAtLeft.length,
      rounds: witness.rounds,
      sentTwice: toFourDigits(down.passed / down.distinct - 1),
      overhead: toFourDigits(line.bytes.down / down.distinct - 1),
      upKilobytes: Math.round(line.bytes.up / 1000),
    }
  } finally {
    await relay.stop()
    rmSync(directory, { recursive: true, force: true })
    rmSync(program)
  }
}

/** Holds what a device says of its progress to what docs/statuses.md promises of it. */
class Witness {
  bursts = 0
  /** Documents that are not done, by the newest progress of which the relay had listed them. */
  left: number
  readonly #documents: number
  #burst: SyncProgress = NOTHING
  #roundsBefore = 0
  #rounds = 0
  #hasSaidAll = false

  constructor(documents: number) {
    this.#documents = documents
    this.left = documents
  }

  get rounds(): number {
    return this.#roundsBefore + this.#rounds
  }

  heard(said: ColdDeviceSaid): void {
    this.#progressed(said.progress)
    if (said.what === 'progress') return
    const { bytesDone, bytesTotal, documentsDone, documentsTotal } = said.progress
    if (said.complete) expect([bytesDone, documentsDone]).toEqual([bytesTotal, documentsTotal])
    // With nothing left there is nothing that could have been cut but the last word.
    else if (documentsTotal > documentsDone) expect(said.problem).not.toBeNull()
    this.bursts++
    this.#rounds = said.rounds
    this.#burst = NOTHING
  }

  killed(): void {
    this.bursts++
    this.#roundsBefore += this.#rounds
    this.#rounds = 0
    this.#burst = NOTHING
  }

  #progressed(progress: SyncProgress): void {
    for (const [name, before] of Object.entries(this.#burst)) {
      expect(progress[name as keyof SyncProgress]).toBeGreaterThanOrEqual(before)
    }
    this.#burst = progress
    const { bytesDone, bytesTotal, documentsDone, documentsTotal } = progress
    expect(bytesDone).toBeLessThanOrEqual(bytesTotal)
    expect(documentsDone).toBeLessThanOrEqual(documentsTotal)
    expect(documentsTotal).toBeLessThanOrEqual(this.#documents)
    if (documentsTotal === 0) return
    const left = documentsTotal - documentsDone
    // From burst to burst, and over a death, too: what was done once is not to be done again.
    expect(left).toBeLessThanOrEqual(this.left)
    if (this.#hasSaidAll) expect(left).toBe(0)
    this.#hasSaidAll = left === 0
    this.left = left
  }
}

const NOTHING: SyncProgress = { bytesDone: 0, bytesTotal: 0, documentsDone: 0, documentsTotal: 0 }

/** Until it has everything, or is killed. */
async function runDevice(args: readonly string[], witness: Witness, killAtLeft: number | null): Promise<void> {
  const child = spawn(process.execPath, [...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let failure: unknown = null
  let isKilled = false
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    try {
      // What it said before it died counts.
      witness.heard(JSON.parse(line) as ColdDeviceSaid)
    } catch (error) {
      failure ??= error
    }
    isKilled ||= failure !== null || (killAtLeft !== null && witness.left <= killAtLeft)
    if (isKilled) child.kill('SIGKILL')
  })
  const [[code]] = await Promise.all([once(child, 'exit'), once(lines, 'close')])
  if (failure !== null) throw failure
  if (isKilled) witness.killed()
  else if (code !== 0 || killAtLeft !== null) throw new Error(`The device ended by itself, with exit code ${code}`)
}

/** In two sittings, so that some documents are of several entries. */
async function write(texts: readonly LibraryText[], url: string, token: string): Promise<void> {
  const writer = new Tidemark({ store: memoryStore(), relays: [url], token, schedule: false })
  await writeSome(writer, texts, (text) => text.slice(0, text.length / 2))
  await writeSome(writer, texts, (text) => text.slice(text.length / 2))
  await writer.close()
}

async function writeSome(
  writer: Tidemark,
  texts: readonly LibraryText[],
  part: (text: string) => string,
): Promise<void> {
  for (let from = 0; from < texts.length; from += DOCUMENTS_AT_ONCE) {
    for (const { id, text } of texts.slice(from, from + DOCUMENTS_AT_ONCE)) {
      const document = await writer.open(id)
      const content = document.doc.getText('t')
      content.insert(content.length, part(text))
      await document.close()
    }
  }
  expect((await writer.sync()).complete).toBe(true)
}

/** How many are whole on the device's disk, read past all that it remembers. */
async function storedTexts(directory: string, texts: readonly LibraryText[]): Promise<number> {
  const store = await fileStore(directory).open()
  let whole = 0
  for (const { id, text } of texts) {
    const rows = (await store.rows(id)).map(({ bytes }) => decodeRow(bytes))
    const doc = documentOf(rows.flatMap((row) => (isUpdatesRow(row) ? row.updates : [])))
    if (doc.getText('t').toString() === text) whole++
    doc.destroy()
  }
  await store.close()
  return whole
}

async function buildDevice(): Promise<string> {
  const repository = join(import.meta.dirname, '../..')
  // Within the repository, so that the program finds its packages.
  const directory = join(repository, 'node_modules/.cache/tidemark-tests')
  mkdirSync(directory, { recursive: true })
  const outfile = join(directory, `cold-device-${process.pid}.mjs`)
  await build({
    entryPoints: [join(import.meta.dirname, 'programs/cold-device.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['ws', 'yjs'],
    alias: {
      '@tidemark/protocol': join(repository, 'protocol/src/index.ts'),
      '@tidemark/client/node': join(repository, 'client/src/node/index.ts'),
    },
  })
  return outfile
}

function toFourDigits(share: number): number {
  return Math.round(share * 1e4) / 1e4
}
