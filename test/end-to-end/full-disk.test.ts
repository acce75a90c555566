// A relay whose disk is filled, and gets space again. Devices edit on, are told STORAGE, read on, and need no help.
import { memoryStore, Tidemark, type TidemarkDocument } from '@tidemark/client/node'
import { afterEach, describe, expect } from 'vitest'
import { bytesPush, readPage } from '../../relay/src/store/conformance/subject.ts'
import type { RelayStore } from '../../relay/src/store/contract.ts'
import { openLmdbStore } from '../../relay/src/store/lmdb/open.ts'
import { type Acknowledged, GRANTS, PushingClients } from '../support/pushing-clients.ts'
import { RelayProcess } from '../support/relay-process.ts'
import { itRequiring } from '../support/requirement.ts'
import { missingForSmallDisk, SmallDisk } from '../support/small-disk.ts'

const itOnASmallDisk = itRequiring(missingForSmallDisk())
const MIB = 1024 * 1024
const NOVEL = 'alice/novel'
const undo: (() => Promise<void> | void)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

describe('a full disk', () => {
  itOnASmallDisk(
    'has pushes refused and reading go on, over a restart too; with space again all devices sync unasked',
    async () => {
      const { disk, relay, token } = await startRelay(['freeBytesMin=0', 'retryAfterMs=100'])
      const [writer, reader] = [device(relay.url, token), device(relay.url, token)]
      const novel = await writer.open(NOVEL)
      novel.doc.getText('t').insert(0, 'Before. ')
      await until(() => isSafe(novel.status))
      disk.fillUpTo(3 * MIB)
      const acknowledged = await pushUntilRefused(relay, token)
      // Down to the last bytes, which others take.
      disk.fillUpTo(0.5 * MIB)
      novel.doc.getText('t').insert(0, 'While full. ')
      await until(() => novel.status.problem?.code === 'STORAGE')
      expect(novel.status).toMatchObject({ safety: 'on-device', problem: { code: 'STORAGE', retryable: true } })
      const copy = await reader.open(NOVEL)
      await until(() => copy.doc.getText('t').toString() === 'Before. ')
      await relay.stop()
      expect((await relay.ended()).code).toBe(0)
      await relay.start()
      expect((await reader.sync()).complete).toBe(true)
      expect(novel.status.safety).toBe('on-device')
      disk.empty()
      await until(() => isSafe(novel.status))
      await until(() => copy.doc.getText('t').toString() === 'While full. Before. ')
      process.stdout.write(`full: ${acknowledged} acknowledged before\n`)
    },
    60_000,
  )

  itOnASmallDisk(
    'is not waited for: pushes are refused while there are freeBytesMin left, and taken as soon as there are more',
    async () => {
      const { disk, relay, token } = await startRelay([`freeBytesMin=${6 * MIB}`, 'retryAfterMs=100'])
      disk.fillUpTo(9 * MIB)
      const acknowledged = await pushUntilRefused(relay, token)
      const freeBytes = disk.freeBytes
      process.stdout.write(`nearly full: ${acknowledged} acknowledged before, ${freeBytes} bytes left\n`)
      // What it wrote between two looks is known only by its payloads: rows and pages come on top of these.
      expect(freeBytes).toBeGreaterThan(2 * MIB)
      expect(relay.log.map(({ msg }) => msg)).toContain('the disk is nearly full: pushes are refused, reading goes on')
      const writer = device(relay.url, token)
      const novel = await writer.open(NOVEL)
      novel.doc.getText('t').insert(0, 'Patience. ')
      await until(() => novel.status.problem?.code === 'STORAGE')
      disk.empty()
      await until(() => isSafe(novel.status))
      expect(relay.log.map(({ msg }) => msg)).toContain('the disk has free space again: pushes are taken')
    },
    60_000,
  )
})

itOnASmallDisk(
  'a disk that the store itself has filled: what it drops makes room for what comes',
  async () => {
    const disk = new SmallDisk(24 * MIB)
    undo.push(() => disk.unmount())
    const store = await openLmdbStore({
      directory: `${disk.mountPoint}/data`,
      freeBytesMin: 8 * MIB,
      limits: { retentionMs: 0, retentionMaxMs: 0 },
    })
    undo.push(() => store.close())
    const documents = await appendUntilRefused(store)
    const freeBytes = disk.freeBytes
    for (const documentId of documents.slice(1)) {
      const { mark } = await readPage(store, documentId)
      expect(await store.delete({ documentId, mark })).toBe('OK')
    }
    while ((await store.sweep()).more);
    // The next look at the disk is at most two seconds away.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const again = await appendUntilRefused(store)
    process.stdout.write(`filled by itself: ${documents.length} documents, after their deletion ${again.length} more\n`)
    expect(again.length).toBeGreaterThan(documents.length / 2)
    // Nothing went back to the disk, and hardly anything more was taken from it.
    expect(Math.abs(disk.freeBytes - freeBytes)).toBeLessThan(2 * MIB)
  },
  60_000,
)

async function startRelay(limits: readonly string[]): Promise<{ disk: SmallDisk; relay: RelayProcess; token: string }> {
  const disk = new SmallDisk(16 * MIB)
  undo.push(() => disk.unmount())
  const relay = new RelayProcess([], { data: `${disk.mountPoint}/data`, limits })
  undo.push(() => relay.stop())
  await relay.start()
  return { disk, relay, token: await relay.token(GRANTS) }
}

/** One entry for each of the documents that it returns. */
async function appendUntilRefused(store: RelayStore): Promise<readonly string[]> {
  const documents: string[] = []
  for (;;) {
    const documentId = `alice/${crypto.randomUUID()}`
    const push = bytesPush(documentId, new Uint8Array(Buffer.alloc(20_000, documentId)))
    try {
      await store.append([push])
    } catch (error) {
      expect(error).toMatchObject({ code: 'STORAGE' })
      return documents
    }
    documents.push(documentId)
  }
}

/** How many were acknowledged before. Ends once there were a hundred refusals, all of them for want of space. */
async function pushUntilRefused(relay: RelayProcess, token: string): Promise<number> {
  const acknowledged: Acknowledged[] = []
  const clients = await PushingClients.start({
    url: relay.url,
    token,
    clients: 4,
    seed: 1,
    acknowledged: (entry) => acknowledged.push(entry),
  })
  await until(() => clients.refusals.length >= 100)
  await clients.stop()
  expect(new Set(clients.refusals)).toEqual(new Set(['STORAGE']))
  expect(acknowledged.length).toBeGreaterThan(20)
  return acknowledged.length
}

function isSafe({ safety, problem }: TidemarkDocument['status']): boolean {
  return (safety === 'on-relay' || safety === 'confirmed') && problem === null
}

/** Syncs by itself only. */
function device(url: string, token: string): Tidemark {
  const schedule = { everyMs: 300, afterEditMs: 50, longestWaitMs: 200 }
  const made = new Tidemark({ relays: [url], token, store: memoryStore(), schedule })
  undo.push(() => made.close())
  return made
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}
