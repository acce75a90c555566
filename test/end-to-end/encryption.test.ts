// Three devices and a relay in a process of its own, on its disk: through a rotation under a full outbox, and what there is to
// be found of the text afterwards, on the disk and in all that went over the line.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore, type Keys, keyRing, newKey, type RelayTarget, Tidemark } from '@tidemark/client/node'
import { afterEach, expect, it } from 'vitest'
import { Capture } from '../support/capture.ts'
import { RelayProcess } from '../support/relay-process.ts'

const NOVEL = 'alice/novel'
const TEXT = `The harbour master counted nineteen lanterns before midnight, though only eighteen vessels answered
whenever anybody whistled. Somewhere beyond Breakwater Seven a drowned orchestra rehearsed. Margarethe believed none of
that; nevertheless she barricaded her window, extinguished every candle, and listened.`
const WORDS = TEXT.match(/[A-Za-z]{5,}/g) as readonly string[]
/** More than goes up in one message, and no piece of it without a word. */
const CHAPTER = Array.from({ length: 1_200 }, (_, i) => `${TEXT} (${i})`).join('\n')

const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

interface Scene {
  readonly relay: RelayProcess
  readonly capture: Capture
  device(keys: Keys | null, carrier?: RelayTarget['carrier']): Promise<Tidemark>
}

async function scene(): Promise<Scene> {
  const relay = new RelayProcess([], { limits: ['compactEntries=4'] })
  await relay.start()
  undo.push(() => relay.stop())
  const token = await relay.token()
  const capture = new Capture()
  const device = async (keys: Keys | null, carrier: RelayTarget['carrier'] = 'websocket'): Promise<Tidemark> => {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-device-'))
    const tidemark = new Tidemark({
      store: fileStore(directory),
      relays: [{ url: relay.url, token, carrier }],
      schedule: false,
      compaction: 'gladly',
      platform: { WebSocket: capture.WebSocket, fetch: capture.fetch },
      ...(keys === null ? {} : { encryption: { keys } }),
    })
    undo.push(async () => {
      await tidemark.close()
      rmSync(directory, { recursive: true })
    })
    await tidemark.open(NOVEL)
    return tidemark
  }
  return { relay, capture, device }
}

async function type(tidemark: Tidemark, text: string): Promise<void> {
  const { doc } = await tidemark.open(NOVEL)
  doc.getText('t').insert(doc.getText('t').length, text)
}

async function textOf(tidemark: Tidemark): Promise<string> {
  return (await tidemark.open(NOVEL)).doc.getText('t').toString()
}

async function complete(tidemark: Tidemark): Promise<void> {
  const report = await tidemark.sync()
  if (!report.complete) throw new Error(`An incomplete burst: ${JSON.stringify(report)}`)
}

/** Every file below, whatever it is. */
function filesIn(directory: string): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name)
    return statSync(path).isDirectory() ? filesIn(path) : [path]
  })
}

function wordsIn(bytes: Buffer): readonly string[] {
  return WORDS.filter((word) => bytes.includes(word))
}

/** Each device has a full outbox when the relay is gone; `rotate` comes before it is back. */
async function throughAnOutage(
  { relay }: Scene,
  [a, b, c]: readonly [Tidemark, Tidemark, Tidemark],
  rotate: () => void,
): Promise<void> {
  for (const one of [a, b, c, a, b, c]) {
    await type(one, `${TEXT}\n`)
    await complete(one)
  }
  await relay.kill()
  for (const one of [a, b, c]) {
    await type(one, one === b ? CHAPTER : `${TEXT} offline\n`)
    await expect(one.sync()).rejects.toMatchObject({ code: 'OFFLINE' })
  }
  rotate()
  for (const one of [a, b, c]) await type(one, 'Extinguished again.\n')
  await relay.start()
  for (const one of [a, b, c, a, b]) await complete(one)
}

it('keeps every word of an encrypted document from disk and line, through a rotation under a full outbox', async () => {
  const stage = await scene()
  const [first, second] = [newKey(), newKey()]
  const rings = [keyRing([first]), keyRing([first]), keyRing([first])] as const
  const [a, b, c] = [await stage.device(rings[0]), await stage.device(rings[1]), await stage.device(rings[2], 'http')]
  await throughAnOutage(stage, [a, b, c], () => {
    rings[0].rotate(second)
    rings[1].rotate(second)
  })
  expect(await textOf(a)).toBe(await textOf(b))
  expect(await textOf(a)).toContain(CHAPTER)
  // The third device has not been told of the new key yet: it has its own words, and says which key it lacks.
  expect((await c.open(NOVEL)).status.problem).toMatchObject({ code: 'UNKNOWN_KEY', keyId: second.id })
  rings[2].rotate(second)
  for (const one of [c, a, b, c]) await complete(one)
  expect(await textOf(c)).toBe(await textOf(a))
  expect(await textOf(b)).toBe(await textOf(a))
  for (const one of [a, b, c]) expect((await one.open(NOVEL)).status.problem).toBeNull()

  const fresh = await stage.device(rings[0])
  await complete(fresh)
  expect(await textOf(fresh)).toBe(await textOf(a))
  const disk = Buffer.concat(filesIn(stage.relay.data).map((path) => readFileSync(path)))
  expect([disk.length, stage.capture.bytes.length].every((length) => length > CHAPTER.length)).toBe(true)
  expect([wordsIn(disk), wordsIn(stage.capture.bytes)]).toEqual([[], []])
  for (const { key } of [first, second]) {
    for (const bytes of [disk, stage.capture.bytes]) expect(bytes.includes(Buffer.from(key))).toBe(false)
  }
}, 120_000)

it('finds every word on both where the document is not encrypted: so the search would have found them', async () => {
  const stage = await scene()
  const devices = [await stage.device(null), await stage.device(null), await stage.device(null, 'http')] as const
  await throughAnOutage(stage, devices, () => undefined)
  const disk = Buffer.concat(filesIn(stage.relay.data).map((path) => readFileSync(path)))
  expect(wordsIn(disk)).toEqual(WORDS)
  expect(wordsIn(stage.capture.bytes)).toEqual(WORDS)
}, 120_000)
