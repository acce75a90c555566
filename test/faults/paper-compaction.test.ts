// A paper of 259,778 edits typed in 15,000 bursts by three devices: how the log and the relay's file grow, with and without
// compaction. Prints a table; the bound is on what stays, not on time.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { memoryStore, Tidemark, type TidemarkOptions } from '@tidemark/client/node'
import { describe, expect } from 'vitest'
import * as Y from 'yjs'
import { type RelayServer, startRelayServer } from '../support/relay-server.ts'
import { itWithTrace, type Patch, patchesOf } from '../support/traces.ts'

const DOCUMENT = 'alice/paper'
const DEVICES = 3
const BURSTS = 15_000
const ROWS = 10
const KIB = 1024

interface Growth {
  readonly bursts: number
  /** Payload bytes of snapshot and tail. */
  readonly logBytes: number
  readonly fileBytes: number
  readonly stateBytes: number
}

/** Each turn is two bursts of one device: it is given what the others wrote, types on, and pushes. */
async function type(
  patches: readonly Patch[],
  compaction: NonNullable<TidemarkOptions['compaction']>,
): Promise<Growth[]> {
  const server = await startRelayServer({ retentionMs: 1_000, retentionMaxMs: 1_000 })
  const devices = Array.from({ length: DEVICES }, () => {
    return new Tidemark({
      store: memoryStore(),
      relays: [server.url],
      token: server.token,
      schedule: false,
      compaction,
    })
  })
  const turns = BURSTS / 2
  const perTurn = Math.ceil(patches.length / turns)
  const growth: Growth[] = []
  for (let turn = 0; turn < turns; turn++) {
    const device = devices[turn % DEVICES] as Tidemark
    expect((await device.sync({ documents: [DOCUMENT] })).complete).toBe(true)
    const { doc } = await device.open(DOCUMENT)
    for (const patch of patches.slice(turn * perTurn, (turn + 1) * perTurn)) typePatch(doc.getText('t'), patch)
    expect((await device.sync({ documents: [DOCUMENT] })).complete).toBe(true)
    if ((turn + 1) % (turns / ROWS) === 0) growth.push(await measure(server, 2 * (turn + 1), doc))
  }
  for (const device of devices) {
    await device.sync()
    expect((await device.open(DOCUMENT)).doc.getText('t').toString().length).toBe(104_852)
  }
  await Promise.all(devices.map((device) => device.close()))
  await server.close()
  return growth
}

function typePatch(text: Y.Text, [position, deleted, inserted]: Patch): void {
  text.doc?.transact(() => {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted !== '') text.insert(position, inserted)
  })
}

async function measure(server: RelayServer, bursts: number, doc: Y.Doc): Promise<Growth> {
  await new Promise((resolve) => setTimeout(resolve, 1_100)) // The retention, shortened.
  while ((await server.store.sweep()).more);
  const { bytes } = await server.store.usage('alice')
  const fileBytes = statSync(join(server.directory, 'data.mdb')).size
  return { bursts, logBytes: bytes, fileBytes, stateBytes: Y.encodeStateAsUpdate(doc).length }
}

function print(title: string, growth: readonly Growth[]): void {
  process.stdout.write(`${title}\n  bursts    log KiB   file KiB   encoded state KiB   file / state\n`)
  for (const { bursts, logBytes, fileBytes, stateBytes } of growth) {
    const columns = [logBytes, fileBytes, stateBytes].map((bytes) => String(Math.round(bytes / KIB)).padStart(9))
    process.stdout.write(
      `  ${String(bursts).padStart(6)} ${columns.join('  ')}   ${(fileBytes / stateBytes).toFixed(1)}\n`,
    )
  }
}

describe('automerge-paper in 15,000 bursts of three devices', () => {
  itWithTrace(
    'automerge-paper',
    'the relay’s file stays below four times the encoded state, and what is retained',
    async (trace) => {
      const patches = patchesOf(trace)
      const compacted = await type(patches, 'gladly')
      const grown = await type(patches, 'never')
      print('with compaction', compacted)
      print('without', grown)
      const last = compacted.at(-1) as Growth
      expect(last.fileBytes).toBeLessThan(4 * last.stateBytes)
      expect(last.logBytes).toBeLessThan((grown.at(-1) as Growth).logBytes)
    },
    1_800_000,
  )
})
