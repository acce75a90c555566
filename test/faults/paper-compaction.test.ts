// A paper of 259,778 edits typed in a hundred days and 15,000 bursts by three devices: how the log and the relay's file
// grow, with and without compaction, and where the bytes are. Prints a table; the bound is on what stays, not on time.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryStore, Tidemark, type TidemarkOptions } from '@tidemark/client/node'
import { createRelay } from '@tidemark/relay'
import { describe, expect } from 'vitest'
import * as Y from 'yjs'
import { sweepAll } from '../../relay/src/store/conformance/acts.ts'
import { DEFAULT_STORE_LIMITS, type RelayStore } from '../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { type FilePages, PAGE_BYTES, pagesOfStore } from '../support/lmdb-pages.ts'
import { itWithTrace, type Patch, patchesOf } from '../support/traces.ts'

const DOCUMENT = 'alice/paper'
const DEVICES = 3
const BURSTS = 15_000
const DAYS = 100
const DAYS_PER_ROW = 10
const DAY_MS: number = 24 * 60 * 60 * 1_000
const KIB = 1024
/** Yjs writes it in five bytes, like fifteen in sixteen of those that it draws: the same state in every run. */
const FIRST_CLIENT_ID: number = 2 ** 31

type Compaction = NonNullable<TidemarkOptions['compaction']>

/** What there is of it in the evening, when all of the devices have looked in. */
interface Evening extends FilePages {
  readonly day: number
  /** Payload bytes of snapshot and tail. */
  readonly logBytes: number
  readonly stateBytes: number
  /** Pages that were retained at once, at most, up to here: the file keeps what it once took. */
  readonly retention: number
}

/** A relay with the limits of every relay, whose store's clock goes on once a day. */
interface DailyRelay {
  readonly store: RelayStore
  readonly directory: string
  readonly url: string
  readonly token: string
  readonly nowMs: () => number
  readonly nextDay: () => void
  readonly close: () => Promise<void>
}

async function startDailyRelay(): Promise<DailyRelay> {
  const directory = mkdtempSync(join(tmpdir(), 'tidemark-relay-'))
  let nowMs = Date.now()
  const store = await openLmdbStore({ directory, now: () => nowMs })
  // The test sweeps, and so knows what there was before.
  const relay = await createRelay({ store, limits: { sweepEveryMs: 10 * DAY_MS } })
  return {
    store,
    directory,
    url: relay.url,
    token: await relay.mintToken(['alice/*:delete']),
    nowMs: () => nowMs,
    nextDay: () => {
      nowMs += DAY_MS
    },
    close: async () => {
      await relay.close()
      await store.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function type(patches: readonly Patch[], compaction: Compaction): Promise<readonly Evening[]> {
  const relay = await startDailyRelay()
  const devices = Array.from({ length: DEVICES }, () => {
    const { url, token } = relay
    return new Tidemark({ store: memoryStore(), relays: [url], token, schedule: false, compaction })
  })
  for (const [position, device] of devices.entries()) {
    const { doc } = await device.open(DOCUMENT)
    doc.clientID = FIRST_CLIENT_ID + position
  }
  const turnsPerDay = BURSTS / 2 / DAYS
  const perTurn = Math.ceil(patches.length / (turnsPerDay * DAYS))
  const evenings: Evening[] = []
  let retention = 0
  for (let day = 1; day <= DAYS; day++) {
    for (let turn = (day - 1) * turnsPerDay; turn < day * turnsPerDay; turn++) {
      await takeTurn(devices[turn % DEVICES] as Tidemark, patches.slice(turn * perTurn, (turn + 1) * perTurn))
      await sweepAll(relay.store)
    }
    for (const device of devices) await burst(device)
    // Waits for what is being committed as well.
    await sweepAll(relay.store)
    const pages = await pagesOfStore(relay.directory, relay.nowMs())
    retention = Math.max(retention, pages.retained)
    // What should have been dropped does not count as retained.
    expect(relay.nowMs() - (pages.oldestRetainedAtMs ?? relay.nowMs())).toBeLessThan(DEFAULT_STORE_LIMITS.retentionMs)
    evenings.push({ ...pages, day, retention, ...(await sizes(relay.store, devices[0] as Tidemark)) })
    relay.nextDay()
    await sweepAll(relay.store)
  }
  for (const device of devices) {
    expect((await device.open(DOCUMENT)).doc.getText('t').toString().length).toBe(104_852)
    await device.close()
  }
  await relay.close()
  return evenings
}

/** Two bursts: the device is given what the others wrote, types on, and pushes. */
async function takeTurn(device: Tidemark, patches: readonly Patch[]): Promise<void> {
  await burst(device)
  const { doc } = await device.open(DOCUMENT)
  for (const patch of patches) typePatch(doc.getText('t'), patch)
  await burst(device)
}

async function burst(device: Tidemark): Promise<void> {
  expect((await device.sync({ documents: [DOCUMENT] })).complete).toBe(true)
}

function typePatch(text: Y.Text, [position, deleted, inserted]: Patch): void {
  text.doc?.transact(() => {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  })
}

async function sizes(store: RelayStore, device: Tidemark): Promise<{ logBytes: number; stateBytes: number }> {
  const { bytes } = await store.usage('alice')
  return { logBytes: bytes, stateBytes: Y.encodeStateAsUpdate((await device.open(DOCUMENT)).doc).length }
}

/** Pages of a relay's file before anybody has pushed. */
async function pagesOfNothing(): Promise<number> {
  const relay = await startDailyRelay()
  const { file } = await pagesOfStore(relay.directory, relay.nowMs())
  await relay.close()
  return file
}

function boundOf({ stateBytes, retention }: Evening, pagesOfNothing: number): number {
  return 4 * stateBytes + (retention + pagesOfNothing) * PAGE_BYTES
}

function print(title: string, evenings: readonly Evening[], empty: number): void {
  const columns = ['bursts', 'log', 'state', 'file', 'live', 'retained', 'free', 'retention', 'bound', 'file/state']
  const rows = evenings.filter(isRow).map((evening) => {
    const { day, logBytes, stateBytes, file, live, retained, free, retention } = evening
    const pages = [file, live, retained, free, retention].map((count) => count * PAGE_BYTES)
    const kib = [logBytes, stateBytes, ...pages, boundOf(evening, empty)].map((bytes) => Math.round(bytes / KIB))
    return [(day * BURSTS) / DAYS, ...kib, ((file * PAGE_BYTES) / stateBytes).toFixed(1)]
  })
  const lines = [columns, ...rows].map((row) => row.map((cell) => String(cell).padStart(11)).join(''))
  process.stdout.write(`${title}, in KiB; an empty relay ${(empty * PAGE_BYTES) / KIB}\n${lines.join('\n')}\n`)
}

function isRow({ day }: Evening): boolean {
  return day % DAYS_PER_ROW === 0
}

describe('automerge-paper in 15,000 bursts of three devices', () => {
  itWithTrace(
    'automerge-paper',
    'the relay’s file stays below four times the encoded state, what is retained, and an empty relay’s',
    async (trace) => {
      const patches = patchesOf(trace)
      const empty = await pagesOfNothing()
      const compacted = await type(patches, 'gladly')
      print('with compaction', compacted, empty)
      const grown = await type(patches, 'never')
      print('without', grown, empty)
      for (const evening of compacted.slice(DAYS_PER_ROW - 1)) {
        expect(evening.file * PAGE_BYTES, `day ${evening.day}`).toBeLessThan(boundOf(evening, empty))
      }
      // Without compaction nothing is retained, and the bound is passed in the end.
      const last = grown.at(-1) as Evening
      expect(last.retention).toBe(0)
      expect(last.file * PAGE_BYTES).toBeGreaterThan(boundOf(last, empty))
      expect(compacted.at(-1)?.logBytes).toBeLessThan(last.logBytes)
    },
    3_600_000,
  )
})
